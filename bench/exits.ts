/** What it costs to leave the guest: a device register read, and an SBI call, out and back. */
import { createMachine } from '../src/index.ts';
import { assemble } from '../src/isa/index.ts';
import { elfOf } from './lib/elf.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';

const ROUNDS = 300_000;
const BASE = 0x8020_0000;

function program(rounds: number, body: string): Uint8Array {
  return elfOf(
    assemble(
      `
        li s0, ${rounds}
        li s1, 0x10000000
      1: ${body}
        addi s0, s0, -1
        bnez s0, 1b
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)
      2: j 2b`,
      { base: BASE },
    ).bytes,
    BASE,
  );
}

async function seconds(backend: string, rounds: number, body: string): Promise<number> {
  const machine = await createMachine({
    kernel: program(rounds, body),
    memory: '64M',
    cpuBackend: backend as 'auto',
    rng: false,
  });
  machine.console.resume();
  await machine.start();
  await machine.wait();
  return machine.stats().vcpus[0].cpuSeconds;
}

const kinds = {
  'UART register read': 'lbu a0, 5(s1)',
  'SBI call': 'li a7, 0x10\nli a6, 0\necall',
} as const;

export const exits: Benchmark = {
  name: 'exits',
  help: 'nanoseconds for one exit to a device and back, and for one SBI call',
  async measure(context) {
    const found: Measurement[] = [];
    for (const backend of context.backends) {
      for (const [what, body] of Object.entries(kinds)) {
        context.progress(`${what} on ${backend}`);
        const runs: number[] = [];
        for (let i = 0; i < context.runs; i++) {
          const empty = await seconds(backend, 1, body);
          runs.push((((await seconds(backend, ROUNDS, body)) - empty) / ROUNDS) * 1e9);
        }
        found.push(measurement('exits', what, backend, 'ns', runs));
      }
    }
    return found;
  },
};
