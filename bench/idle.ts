/** What a guest costs that does nothing: host CPU of an idle Linux, and memory of machines that wait. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMachine, type MachineHandle } from '../src/index.ts';
import { debianImage } from './lib/linux.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';

const SECONDS = 20;
const MACHINES = 4;
/** A guest's kernel has work in the background after its shell is there. It is over when a window takes less than this. */
const SETTLED = { seconds: 5, percent: 5, atMostSeconds: 120 } as const;

async function prompt(machine: MachineHandle, text: string): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    machine.console.on('data', (bytes: Buffer) => {
      output += bytes.toString('latin1');
      if (output.includes(text)) resolve();
    });
    machine.events.once('ended', (status) => reject(new Error(status.detail)));
  });
}

/** Share of one core, in per cent, that this whole process takes. */
async function cpuPercent(seconds: number): Promise<number> {
  const before = process.cpuUsage();
  const begin = performance.now();
  await sleep(seconds * 1000);
  const used = process.cpuUsage(before);
  return (100 * (used.user + used.system)) / 1e3 / (performance.now() - begin);
}

/** Waits until the guest has come to rest, for as long as that may take; gives the seconds it took. */
async function settle(): Promise<number> {
  let seconds = 0;
  while (seconds < SETTLED.atMostSeconds) {
    const percent = await cpuPercent(SETTLED.seconds);
    seconds += SETTLED.seconds;
    if (percent < SETTLED.percent) break;
  }
  // What this process itself puts in order behind that.
  await sleep(SETTLED.seconds * 1000);
  return seconds;
}

/** What an idle Debian guest takes of a core, in per cent, and after how many seconds it is idle. */
async function idleCpu(backend: string, vcpus: number): Promise<{ percent: number; settled: number }> {
  const image = await debianImage();
  const machine = await createMachine({
    kernel: image.kernel,
    initrd: image.initrd,
    append: `${image.append} nodevisor.run="echo up; exec sleep 1000"`,
    cpuBackend: backend as 'auto',
    vcpus,
  });
  await machine.start();
  await prompt(machine, 'up\r\n');
  const settled = await settle();
  const percent = await cpuPercent(SECONDS);
  await machine.destroy();
  return { percent, settled };
}

/** Resident memory in MiB that one more machine of 64 MiB costs, at the bundled guest's prompt. */
async function memory(backend: string): Promise<number> {
  const kernel = readFileSync(new URL('../src/guest/guest.elf', import.meta.url));
  const start = async (): Promise<MachineHandle> => {
    const machine = await createMachine({ kernel, append: 'shell', memory: '64M', cpuBackend: backend as 'auto' });
    await machine.start();
    await prompt(machine, '>');
    return machine;
  };
  const first = await start();
  const before = process.memoryUsage.rss();
  const more: MachineHandle[] = [];
  for (let i = 0; i < MACHINES; i++) more.push(await start());
  const grown = process.memoryUsage.rss() - before;
  for (const machine of [first, ...more]) await machine.destroy();
  return grown / MACHINES / 2 ** 20;
}

export const idle: Benchmark = {
  name: 'idle',
  help: 'host CPU of an idle Linux guest, memory of one more machine',
  async measure(context) {
    const found: Measurement[] = [];
    for (const backend of context.backends) {
      context.progress(`idle on ${backend}`);
      for (const vcpus of [1, 4]) {
        const { percent, settled } = await idleCpu(backend, vcpus);
        const name = `idle Debian guest, ${vcpus} vCPU${vcpus > 1 ? 's' : ''}`;
        found.push(measurement('idle', name, backend, '% of a core', [percent]));
        found.push(measurement('idle', `${name}: at rest after its shell`, backend, 's', [settled]));
      }
      found.push(measurement('idle', 'memory of one more machine', backend, 'MiB', [await memory(backend)]));
    }
    return found;
  },
};
