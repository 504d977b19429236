import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import type { EngineKind } from '../../src/cpu/index.ts';
import { INSTRUCTIONS_PER_TICK, type SteppedSpec, steppedDriver } from '../../src/drivers/index.ts';
import type { Vcpu } from '../../src/hypervisor/index.ts';
import { StreamChar, VirtioConsole, VirtioRng } from '../../src/machine/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { bareConfig, Output, supervisorConfig } from '../support/guest.ts';
import { describeDriver } from './contract.ts';

forEachBackend((backend) => {
  describeDriver(steppedDriver, 'virtual', backend);
  describeFairness(backend);
});

/** Harts that race for a lock, take timer interrupts and print who had it: different in every run on real threads. */
const RACE = `csrr s0, mhartid
 la t0, handler
 csrw mtvec, t0
 li s1, CLINT + 0x4000
 slli t0, s0, 3
 add s1, s1, t0
 li s3, CLINT + 0xbff8
 ld t0, (s3)
 addi t0, t0, 100
 sd t0, (s1)
 li t0, 0x80
 csrw mie, t0
 csrsi mstatus, 8
 la s2, lock
 li s4, 5000
1: li t0, 1
 amoswap.w.aq t0, t0, (s2)
 bnez t0, 1b
 li t1, UART
 addi t2, s0, '0'
 sb t2, (t1)
 amoswap.w.rl zero, zero, (s2)
 addi s4, s4, -1
 bnez s4, 1b
 li t0, 1
 addi t1, s2, 4
 amoadd.w t0, t0, (t1)
 li t1, 3
 beq t0, t1, power_off
2: wfi
 j 2b
 .balign 4
handler: csrw mscratch, t0
 ld t0, (s3)
 addi t0, t0, 77
 sd t0, (s1)
 csrr t0, mscratch
 mret
 .data
 .balign 8
lock: .word 0, 0
`;

async function trace(
  spec: Partial<SteppedSpec> & Pick<SteppedSpec, 'config'>,
): Promise<{ hash: string; slices: number; text: string }> {
  const hash = createHash('sha256');
  let slices = 0;
  const guest = steppedDriver.create({
    backend: 'interpreter',
    virtio: [],
    ...spec,
    onSlice: ({ id, state }: Vcpu) => {
      slices++;
      hash.update(`${id} ${state.get('pc')} ${state.get('retired')} ${state.get('mcause')};`);
    },
  });
  const output = new Output(guest);
  await guest.start();
  const status = await guest.wait();
  assert.equal(status.reason, 'poweroff', status.detail);
  await new Promise((resolve) => setImmediate(resolve));
  return { hash: hash.digest('hex'), slices, text: output.text };
}

/**
 * All harts but the last take a lock and leave it, for ever, in a loop of `length` instructions that holds it for all but
 * two of them; the last wants it once. `shift` instructions before the loop move the places where slices end.
 */
function greedy(harts: number, length: number, shift: number): string {
  return `csrr s0, mhartid
   la s2, lock
   li s3, ${harts - 1}
   beq s0, s3, 2f
   ${'nop\n'.repeat(shift)}
  1: li t0, 1
   amoswap.w.aq t0, t0, (s2)
   bnez t0, 1b
   ${'nop\n'.repeat(length - 5)}
   amoswap.w.rl zero, zero, (s2)
   j 1b
  2: li t0, 1
   amoswap.w.aq t0, t0, (s2)
   bnez t0, 2b
   j power_off
   .data
   .balign 8
  lock: .word 0`;
}

/** Slices after which a hart that has not come by the lock never will. */
const STARVED_SLICES = 1000;

function describeFairness(backend: EngineKind): void {
  describe(`driver stepped on ${backend}: fairness`, () => {
    for (const harts of [2, 4]) {
      for (const length of [8, 10]) {
        it(`lets one of ${harts} harts come by a lock that others hold most of a loop of ${length} instructions`, async () => {
          for (let shift = 0; shift < length; shift++) {
            let slices = 0;
            const guest = steppedDriver.create({
              config: bareConfig(greedy(harts, length, shift), { vcpus: harts, clock: 'virtual' }),
              backend,
              virtio: [],
              onSlice: () => {
                if (++slices === STARVED_SLICES) void guest.destroy();
              },
            });
            await guest.start();
            assert.equal((await guest.wait()).reason, 'poweroff', `${shift} instructions before the loop`);
          }
        });
      }
    }
  });
}

describe('driver stepped: virtual time', () => {
  it('executes the same instructions each time, interrupts and races included', async () => {
    const config = bareConfig(RACE, { vcpus: 4, clock: 'virtual' });
    const first = await trace({ config });
    const second = await trace({ config });
    assert.deepEqual(second, first);
    assert.equal(first.text.length, 20_000);
    assert.ok(first.slices > 16, `${first.slices} slices`);
  });

  it('makes mtime of instructions', async () => {
    const guest = steppedDriver.create({
      config: bareConfig('li s0, 1000000\n1: addi s0, s0, -1\n bnez s0, 1b\n j power_off', { clock: 'virtual' }),
      backend: 'interpreter',
      virtio: [],
    });
    await guest.start();
    await guest.wait();
    const { mtime, vcpus } = guest.stats();
    const expected = vcpus[0].instructions / BigInt(INSTRUCTIONS_PER_TICK);
    assert.ok(mtime <= expected && mtime > expected - 2000n, `${mtime} for ${vcpus[0].instructions}`);
  });

  it('jumps over time in which nothing happens', async () => {
    // A day of sleep.
    const guest = steppedDriver.create({
      config: supervisorConfig(
        `rdtime a0
         li t0, 864000000000
         add a0, a0, t0
         mv s0, a0
         li a7, 0x54494d45
         li a6, 0
         ecall
         li t0, 0x20
         csrw sie, t0
        1: wfi
         rdtime t0
         bltu t0, s0, 1b
         j power_off`,
        { clock: 'virtual' },
      ),
      backend: 'interpreter',
      virtio: [],
    });
    await guest.start();
    assert.equal((await guest.wait()).reason, 'poweroff');
    assert.ok(guest.stats().mtime >= 864_000_000_000n);
    assert.ok(guest.stats().vcpus[0].instructions < 1000n);
  });

  it('begins every run at the same date', async () => {
    const source = `li s0, 0x101000
     lw t0, (s0)
     lw a0, 4(s0)
     srli a0, a0, 16
     j fail`;
    const codes = [];
    for (let i = 0; i < 2; i++) {
      const guest = steppedDriver.create({
        config: bareConfig(source, { clock: 'virtual' }),
        backend: 'interpreter',
        virtio: [],
      });
      await guest.start();
      codes.push((await guest.wait()).code);
    }
    // 2024-01-01 is 1704067200 s: 0x17a6204b0ce58000 ns.
    assert.deepEqual(codes, [0x17a6, 0x17a6]);
  });

  it('sleeps until input comes when there is nothing else to do', async () => {
    const guest = steppedDriver.create({
      config: bareConfig(
        `la t0, handler
         csrw mtvec, t0
         li s0, UART
         li t0, 1
         sb t0, 1(s0)
         li s1, 0x0c000000
         li t0, 1
         sw t0, 40(s1)
         li t1, 0x0c002000
         li t0, 0x400
         sw t0, (t1)
         li t0, 0x800
         csrw mie, t0
         csrsi mstatus, 8
         la a0, text
         call print
        1: wfi
         j 1b
         .balign 4
        handler: lbu a0, (s0)
         j fail
         .data
        text: .asciz "waiting\\n"`,
        { clock: 'virtual' },
      ),
      backend: 'interpreter',
      virtio: [],
    });
    const output = new Output(guest);
    await guest.start();
    await output.until(guest, 'waiting');
    await new Promise((resolve) => setTimeout(resolve, 30));
    guest.console.write('*');
    assert.equal((await guest.wait()).code, '*'.charCodeAt(0));
  });

  it('is paused and destroyed while the host does not read its console, and goes on when it does', async () => {
    for (const end of ['read', 'destroy'] as const) {
      const line = new StreamChar();
      const guest = steppedDriver.create({
        config: bareConfig(CONSOLE_FLOOD, { clock: 'virtual', virtio: [{ type: 'console' }] }),
        backend: 'interpreter',
        virtio: [new VirtioConsole(line)],
      });
      const output = new Output(guest);
      await guest.start();
      // 64 KiB are kept for a reader, then the device holds back.
      await output.until(guest, /(again\n){16}/);
      await guest.pause();
      await guest.resume();
      if (end === 'read') {
        line.stream.resume();
        await output.until(guest, /(again\n){40}/);
      }
      await guest.destroy();
    }
  });

  it('runs a device that asks the host for something the same way each time', async () => {
    // The simplest driver for the entropy device: one buffer, polled; its first bytes go out by the serial port.
    const config = bareConfig(RNG_DRIVER, { clock: 'virtual', virtio: [{ type: 'rng' }] });
    const run = () => trace({ config, virtio: [new VirtioRng(new SeededRandom(5))] });
    const first = await run();
    assert.deepEqual(await run(), first);
    assert.equal(first.text.length, 4);
  });
});

/**
 * virtio 1.2, 3.1.1, for the device in slot 0: reset, acknowledge, features, one queue, DRIVER_OK. Leaves the registers'
 * address in s0, and in s1 to s3 the queue's parts, which lie at `table`, `avail` and `used`.
 */
function virtioQueue(queue: number): string {
  return `li s0, 0x10001000
 sw zero, 0x70(s0)
 li t0, 3
 sw t0, 0x70(s0)
 li t0, 1
 sw t0, 0x24(s0)
 sw t0, 0x20(s0)
 li t0, 11
 sw t0, 0x70(s0)
 li t0, ${queue}
 sw t0, 0x30(s0)
 li t0, 4
 sw t0, 0x38(s0)
 la s1, table
 sw s1, 0x80(s0)
 sw zero, 0x84(s0)
 la s2, avail
 sw s2, 0x90(s0)
 sw zero, 0x94(s0)
 la s3, used
 sw s3, 0xa0(s0)
 sw zero, 0xa4(s0)
 li t0, 1
 sw t0, 0x44(s0)
 li t0, 15
 sw t0, 0x70(s0)
`;
}

/** A virtio console in slot 0 that is given the same 4096 bytes over and over, and another line on the serial port. */
const CONSOLE_FLOOD = `${virtioQueue(1)} li t0, 0x80200000
 sd t0, (s1)
 li t0, 4096
 sw t0, 8(s1)
 li s4, 1
1: fence
 sh s4, 2(s2)
 fence
 li t0, 1
 sw t0, 0x50(s0)
2: lhu t0, 2(s3)
 bne t0, s4, 2b
 addi s4, s4, 1
 li t0, 0x10000
 addiw t0, t0, -1
 and s4, s4, t0
 la a0, text
 call print
 j 1b
 .data
 .balign 16
table: .zero 64
avail: .zero 64
used: .zero 64
text: .asciz "again\\n"
`;

/** A virtio RNG in slot 0 that is asked for four bytes once, which go out over the serial port. */
const RNG_DRIVER = `${virtioQueue(0)} la s4, bytes
 sd s4, (s1)
 li t0, 4
 sw t0, 8(s1)
 li t0, 2
 sh t0, 12(s1)
 li t0, 1
 fence
 sh t0, 2(s2)
 fence
 sw zero, 0x50(s0)
1: lhu t0, 2(s3)
 beqz t0, 1b
 li s5, UART
 li s6, 4
2: lbu t0, (s4)
 sb t0, (s5)
 addi s4, s4, 1
 addi s6, s6, -1
 bnez s6, 2b
 j power_off
 .data
 .balign 16
table: .zero 64
avail: .zero 64
used: .zero 64
bytes: .zero 16
`;
