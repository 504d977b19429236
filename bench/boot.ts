/** From power-on: the bundled guest's whole tour, and Debian's kernel to its shell. */
import { readFileSync } from 'node:fs';
import { createMachine } from '../src/index.ts';
import { debianImage, runOurs, runQemu } from './lib/linux.ts';
import { type BenchContext, type Benchmark, type Measurement, measurement } from './lib/result.ts';

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

async function repeat(context: BenchContext, run: () => Promise<number>): Promise<number[]> {
  const runs: number[] = [];
  for (let i = 0; i < context.runs; i++) runs.push(await run());
  return runs;
}

export const boot: Benchmark = {
  name: 'boot',
  help: 'seconds to run the bundled tour and to reach the shell of a Debian kernel',
  async measure(context) {
    const image = await debianImage();
    const found: Measurement[] = [];
    for (const backend of context.backends) {
      context.progress(`boot on ${backend}`);
      found.push(measurement('boot', 'bundled tour', backend, 's', await repeat(context, () => tour(backend))));
      const toShell = async (): Promise<number> => (await runOurs(image, backend, { command })).output.at(MARK);
      found.push(measurement('boot', 'Debian to its shell', backend, 's', await repeat(context, toShell)));
    }
    if (context.peers) {
      context.progress('boot on QEMU');
      const toShell = async (): Promise<number> => (await runQemu(image, { command })).output.at(MARK);
      found.push(measurement('boot', 'Debian to its shell', 'qemu-tcg', 's', await repeat(context, toShell)));
    }
    return found;
  },
};
