/** From power-on: the bundled guest's whole tour, and Debian's kernel to its shell; that also from the process's start. */
import { readFileSync } from 'node:fs';
import { createMachine } from '../src/index.ts';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, runOurs, runQemu } from './lib/linux.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';
import { buildPackage, shellProcesses } from './lib/shell-process.ts';

const MARK = 'the shell is here';
/** In two halves, so that the kernel's echo of its command line is not taken for the shell's output. */
const command = "printf 'the shell'; echo ' is here'";

async function tour(backend: string): Promise<number> {
  const machine = await createMachine({
    kernel: readFileSync(new URL('../src/guest/guest.elf', import.meta.url)),
    append: 'tour',
    vcpus: 2,
    memory: '64M',
    cpuBackend: backend as 'auto',
  });
  machine.console.resume();
  const start = performance.now();
  await machine.start();
  await machine.wait();
  return (performance.now() - start) / 1e3;
}

export const boot: Benchmark = {
  name: 'boot',
  help: 'seconds to run the bundled tour and to reach the shell of a Debian kernel; with --peers also in QEMU',
  async measure(context) {
    const image = await debianImage();
    const tours = new Map<string, () => Promise<number>>();
    const debians = new Map<string, () => Promise<number>>();
    for (const backend of context.backends) {
      tours.set(backend, () => tour(backend));
      debians.set(backend, async () => (await runOurs(image, backend, { command })).output.at(MARK));
    }
    if (context.peers) debians.set('qemu-tcg', async () => (await runQemu(image, { command })).output.at(MARK));
    buildPackage();
    const { subjects: processes, close } = shellProcesses(image, context, ({ seconds }) => seconds);
    const work = { 'bundled tour': tours, 'Debian to its shell': debians, 'the same, a process of its own': processes };
    const measurements: Measurement[] = [];
    try {
      for (const [what, subjects] of Object.entries(work)) {
        for (const [subject, seconds] of await inTurn(context, what, subjects)) {
          measurements.push(measurement('boot', what, subject, 's', seconds));
        }
      }
    } finally {
      close();
    }
    return measurements;
  },
};
