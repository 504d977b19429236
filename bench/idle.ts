/** What a guest costs that does nothing: host CPU of an idle Linux, and memory of machines that wait. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMachine, type MachineHandle } from '../src/index.ts';
import { debianImage } from './lib/linux.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';

const SECONDS = 10;
const MACHINES = 4;

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

/** Share of one core, in per cent, that an idle Debian guest takes of this whole process. */
async function idleCpu(backend: string): Promise<number> {
  const image = await debianImage();
  const machine = await createMachine({
    kernel: image.kernel,
    initrd: image.initrd,
    append: `${image.append} nodevisor.run="echo up; exec sleep 1000"`,
    cpuBackend: backend as 'auto',
  });
  await machine.start();
  await prompt(machine, 'up\r\n');
  await sleep(3000);
  const before = process.cpuUsage();
  await sleep(SECONDS * 1000);
  const used = process.cpuUsage(before);
  await machine.destroy();
  return (100 * (used.user + used.system)) / 1e6 / SECONDS;
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
      found.push(measurement('idle', 'CPU of an idle Debian guest', backend, '% of a core', [await idleCpu(backend)]));
      found.push(measurement('idle', 'memory of one more machine', backend, 'MiB', [await memory(backend)]));
    }
    return found;
  },
};
