/**
 * Whole machines with guests that do their worst: random code, wild jumps, trap loops, rubbish in every device
 * register. Whatever happens happens to the guest: the host sees a machine that runs, or one that has ended in order.
 */
import { strict as assert } from 'node:assert';
import type { EngineKind } from '../../src/cpu/index.ts';
import { type Guest, steppedDriver } from '../../src/drivers/index.ts';
import { MemBlock, memoryMap, StreamChar, VirtioBlk, VirtioConsole, VirtioRng } from '../../src/machine/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { bareConfig, supervisorConfig } from '../support/guest.ts';

const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const RUNS = FULL ? 200 : 8;
const SLICES = 60;
const BASE_SEED = Number(process.env['NODEVISOR_TEST_SEED'] ?? 20240101);

/** Runs a guest for some slices. Fails, naming the seed, if the host's side of it has crashed. */
async function survive(backend: EngineKind, seed: number, source: string, supervisor = false): Promise<void> {
  const random = new SeededRandom(seed);
  const make = supervisor ? supervisorConfig : bareConfig;
  const line = new StreamChar();
  line.stream.resume();
  let slices = 0;
  let enough: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const guest: Guest = steppedDriver.create({
    config: make(source, {
      clock: 'virtual',
      vcpus: 2,
      virtio: [{ type: 'blk' }, { type: 'rng' }, { type: 'console' }],
    }),
    backend,
    virtio: [new VirtioBlk(new MemBlock(2 ** 20)), new VirtioRng(random), new VirtioConsole(line)],
    onSlice: () => {
      if (++slices === SLICES) enough();
    },
  });
  guest.console.resume();
  await guest.start();
  await Promise.race([done, guest.wait()]);
  await guest.destroy();
  const status = await guest.wait();
  assert.notEqual(status.reason, 'crashed', `seed ${seed}: ${status.detail}`);
}

/** A trap handler that goes on behind the instruction, by the random register that t6 happens to make of it. */
const SKIPPING_HANDLER = `
 .balign 4
handler: csrr t5, mepc
 addi t5, t5, 4
 csrw mepc, t5
 li t5, 0x1800
 csrs mstatus, t5
 mret
`;

const START = `la t0, handler
 csrw mtvec, t0
`;

/** Instructions as random words. One in four is of an opcode that exists. */
function randomCode(random: SeededRandom): string {
  const opcodes = [
    0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b, 0x43, 0x53, 0x63, 0x67, 0x6f, 0x73,
  ];
  const words = Array.from({ length: 4000 }, () => {
    const word = random.u32();
    return random.below(4) === 0 ? word : ((word & ~0x7f) | random.pick(opcodes)) >>> 0;
  });
  return `${START} j code\n${SKIPPING_HANDLER}\n.balign 4\ncode: .word ${words.join(', ')}\n1: j 1b`;
}

/** Jumps to random places with random registers, each time from the handler again. */
function wildJumps(random: SeededRandom): string {
  const targets = Array.from(
    { length: 64 },
    () => (BigInt(random.u32()) << BigInt(random.below(33))) | BigInt(random.u32()),
  );
  return `${START} j again
 .balign 4
handler: la t0, next
 ld t1, (t0)
 addi t1, t1, 8
 andi t1, t1, 0x1f8
 sd t1, (t0)
again: la t0, table
 la t1, next
 ld t1, (t1)
 add t0, t0, t1
 ld t0, (t0)
 jr t0
 .data
 .balign 8
next: .dword 0
table: .dword ${targets.join(', ')}`;
}

/** Loads and stores of all widths at random offsets of all devices, with values that may be addresses in RAM. */
function deviceRubbish(random: SeededRandom): string {
  const windows = [
    [memoryMap.test.gpa, 0x1000],
    [memoryMap.rtc.gpa, 0x40],
    [memoryMap.aclint.gpa, 0x1_0000],
    [memoryMap.plic.gpa, 0x21_0000],
    [memoryMap.uart.gpa, 0x100],
    [memoryMap.fwCfg.gpa, 0x20],
    ...Array.from({ length: 8 }, () => [memoryMap.virtio.gpa + random.below(9) * 0x1000, 0x110] as const),
  ] as const;
  const lines: string[] = [];
  for (let i = 0; i < 1500; i++) {
    const [gpa, size] = random.pick(windows);
    const address = gpa + (random.below(8) === 0 ? random.below(size) : random.below(size / 4) * 4);
    // Power-offs and resets would only end the run early.
    const power = gpa === memoryMap.test.gpa;
    const value = random.pick([
      random.u32(),
      random.below(16),
      0x8000_0000 + random.below(0x2000) * 16,
      0xffff_ffff,
      15,
    ]);
    const width = random.pick(['b', 'h', 'w', 'w', 'w', 'd']);
    lines.push(`li a0, ${address}`);
    if (random.below(3) === 0) lines.push(`l${width} a1, (a0)`);
    else lines.push(`li a1, ${power ? value & ~0xffff : value}`, `s${width} a1, (a0)`);
  }
  return `${START} j code\n${SKIPPING_HANDLER}\n.balign 4\ncode: ${lines.join('\n')}\n j code`;
}

/** Supervisor calls with random numbers and arguments, known extensions among them. */
function sbiRubbish(random: SeededRandom): string {
  const extensions = [0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x54494d45, 0x735049, 0x52464e43, 0x48534d, 0x504d55, 0x4442434e];
  const lines: string[] = [];
  const value = () => random.pick([random.below(8), random.u32(), 0x8020_0000 + random.below(0x1000), -1, 2 ** 40]);
  for (let i = 0; i < 800; i++) {
    // Not HSM's stop and suspend, which would end the run.
    const ext = random.below(10) === 0 ? random.u32() : random.pick(extensions);
    const fid = ext === 0x48534d ? random.pick([0, 2]) : random.below(10);
    lines.push(`li a7, ${ext}`, `li a6, ${fid}`);
    for (let a = 0; a < 6; a++) lines.push(`li a${a}, ${value()}`);
    lines.push('ecall');
  }
  return `la t0, handler\n csrw stvec, t0\ncode: ${lines.join('\n')}\n j code\n .balign 4
handler: csrr t0, sepc\n addi t0, t0, 4\n csrw sepc, t0\n li t0, 0x100\n csrs sstatus, t0\n sret`;
}

forEachBackend((backend) => {
  describe(`fuzz: machine on ${backend}`, function () {
    this.timeout(FULL ? 3_600_000 : 120_000);
    const kinds = { randomCode, wildJumps, deviceRubbish };
    for (const [name, generate] of Object.entries(kinds)) {
      it(`survives ${name} in M-mode`, async () => {
        for (let seed = BASE_SEED; seed < BASE_SEED + RUNS; seed++) {
          await survive(backend, seed, generate(new SeededRandom(seed)));
        }
      });
    }

    it('survives rubbish to the built-in firmware', async () => {
      for (let seed = BASE_SEED; seed < BASE_SEED + RUNS; seed++) {
        await survive(backend, seed, sbiRubbish(new SeededRandom(seed)), true);
      }
    });

    it('survives a trap handler that traps, for ever', async () => {
      await survive(backend, 1, 'csrw mtvec, zero\n ecall');
      await survive(backend, 1, `${START} handler: ecall`.replace('handler:', '\n .balign 4\nhandler:'));
    });
  });
});
