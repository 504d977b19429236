/** What every driver must do with a guest: one suite, run over each. */
import { strict as assert } from 'node:assert';
import type { EngineKind } from '../../src/cpu/index.ts';
import type { Driver, Guest, GuestSpec } from '../../src/drivers/index.ts';
import type { MachineConfig } from '../../src/machine/index.ts';
import { VirtError } from '../../src/util/index.ts';
import { bareConfig, Output, supervisorConfig } from '../support/guest.ts';

const HELLO = `la a0, text
 call print
 j power_off
 .data
text: .asciz "hello\\n"
`;

/** Counts in RAM that resets leave alone, and restarts until it has come to three. */
const REBOOTER = `li s0, SCRATCH
 lw s1, (s0)
 addi s1, s1, 1
 sw s1, (s0)
 la a0, text
 call print
 li t0, 3
 bge s1, t0, power_off
 j reset
 .data
text: .asciz "boot\\n"
`;

/** Sends back every byte one higher, until it gets a Q. */
const ECHO = `li s0, UART
 la a0, ready
 call print
1: lbu t0, 5(s0)
 andi t0, t0, 1
 beqz t0, 1b
 lbu t1, (s0)
 li t2, 'Q'
 beq t1, t2, power_off
 addi t1, t1, 1
 sb t1, (s0)
 j 1b
 .data
ready: .asciz "ready\\n"
`;

const SPIN = `la a0, text
 call print
1: addi s1, s1, 1
 j 1b
 .data
text: .asciz "spinning\\n"
`;

function isError(code: string, message: RegExp) {
  return (error: unknown) => error instanceof VirtError && error.code === code && message.test(error.message);
}

/** Runs the whole contract over a driver, on one CPU backend. */
export function describeDriver(driver: Driver, clock: MachineConfig['clock'], backend: EngineKind): void {
  describe(`driver ${driver.scheme} on ${backend}`, () => {
    const guests: Guest[] = [];
    const make = (config: MachineConfig, more: Partial<GuestSpec> = {}): Guest => {
      const guest = driver.create({ config: { ...config, clock }, backend, virtio: [], ...more });
      guests.push(guest);
      return guest;
    };
    afterEach(async () => {
      for (const guest of guests.splice(0)) await guest.destroy();
    });
    describeEnds(make);
    describeLife(make, backend);
    describeConsole(make);
    describeFirmware(make);
    describeHtif(make);
  });
}

type Make = (config: MachineConfig, more?: Partial<GuestSpec>) => Guest;

function describeEnds(make: Make): void {
  it('runs a program to its power-off and hands over all its output', async () => {
    const guest = make(bareConfig(HELLO));
    const output = new Output(guest);
    await guest.start();
    assert.deepEqual(await guest.wait(), { reason: 'poweroff', code: 0, detail: 'the guest powered off' });
    assert.equal(guest.state, 'ended');
    await output.until(guest, 'hello\n');
    assert.equal(output.text, 'hello\n');
  });

  it('tells the failure code that the guest powered off with', async () => {
    const guest = make(bareConfig('li a0, 42\n j fail'));
    await guest.start();
    const status = await guest.wait();
    assert.equal(status.reason, 'fail');
    assert.equal(status.code, 42);
  });

  it('restarts a guest that asks for it, with its images loaded anew', async () => {
    const guest = make(bareConfig(REBOOTER));
    const output = new Output(guest);
    let resets = 0;
    guest.events.on('reset', () => resets++);
    await guest.start();
    assert.equal((await guest.wait()).reason, 'poweroff');
    assert.equal(resets, 2);
    assert.equal(output.text, 'boot\nboot\nboot\n');
  });

  it('ends instead of restarting when told to', async () => {
    const guest = make(bareConfig(REBOOTER), { onReset: 'exit' });
    await guest.start();
    const status = await guest.wait();
    assert.equal(status.reason, 'reset');
    assert.equal(status.code, 0);
  });

  it('is destroyed in the middle of an endless loop, once and again', async () => {
    const guest = make(bareConfig(SPIN));
    const output = new Output(guest);
    await guest.start();
    await output.until(guest, 'spinning');
    await Promise.all([guest.destroy(), guest.destroy()]);
    assert.equal((await guest.wait()).reason, 'destroyed');
    await guest.destroy();
    await assert.rejects(guest.pause(), isError('OPERATION_INVALID', /is ended/));
  });

  it('has no time of its own after its end', async () => {
    const guest = make(bareConfig(HELLO));
    await guest.start();
    await guest.wait();
    const { mtime } = guest.stats();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(guest.stats().mtime, mtime);
  });

  it('is destroyed before it has started', async () => {
    const guest = make(bareConfig(SPIN));
    await guest.destroy();
    assert.equal((await guest.wait()).reason, 'destroyed');
    await assert.rejects(guest.start(), isError('OPERATION_INVALID', /is ended/));
  });

  it('contains a backend that does not work to its own machine', async () => {
    const other = make(bareConfig(ECHO));
    const output = new Output(other);
    await other.start();
    const guest = make(bareConfig(HELLO), { backend: 'imaginary' as EngineKind });
    await guest.start().catch(() => guest.destroy());
    const status = await guest.wait();
    assert.ok(status.reason === 'crashed' || status.reason === 'destroyed', status.reason);
    await output.until(other, 'ready');
    other.console.write('Q');
    assert.equal((await other.wait()).reason, 'poweroff');
  });
}

function describeLife(make: Make, backend: EngineKind): void {
  it('stands still while paused and goes on from there', async () => {
    const guest = make(bareConfig(SPIN));
    const output = new Output(guest);
    const seen: string[] = [];
    for (const event of ['started', 'paused', 'resumed'] as const) guest.events.on(event, () => seen.push(event));
    assert.equal(guest.state, 'created');
    await guest.start();
    assert.equal(guest.state, 'running');
    await output.until(guest, 'spinning');
    await guest.pause();
    assert.equal(guest.state, 'paused');
    const before = guest.stats();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const after = guest.stats();
    assert.equal(after.vcpus[0].instructions, before.vcpus[0].instructions);
    assert.equal(after.mtime, before.mtime);
    await guest.pause();
    await guest.resume();
    await guest.resume();
    while (guest.stats().vcpus[0].instructions <= after.vcpus[0].instructions) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.deepEqual(seen, ['started', 'paused', 'resumed']);
  });

  it('starts only once', async () => {
    const guest = make(bareConfig(SPIN));
    await guest.start();
    await assert.rejects(guest.start(), isError('OPERATION_INVALID', /is running/));
    await assert.rejects(make(bareConfig(SPIN)).resume(), isError('OPERATION_INVALID', /is created/));
  });

  it('begins anew after a reset from outside, running or paused', async () => {
    const guest = make(bareConfig(SPIN));
    const output = new Output(guest);
    await guest.start();
    await output.until(guest, 'spinning\n');
    await guest.reset();
    await output.until(guest, 'spinning\nspinning\n');
    await guest.pause();
    await guest.reset();
    assert.equal(guest.state, 'paused');
    await guest.resume();
    await output.until(guest, 'spinning\nspinning\nspinning\n');
  });

  it('counts what its vCPUs did', async () => {
    const guest = make(bareConfig(HELLO, { vcpus: 1 }));
    await guest.start();
    await guest.wait();
    const stats = guest.stats();
    assert.equal(stats.backend, backend);
    assert.equal(stats.timebaseHz, 10_000_000);
    assert.equal(stats.vcpus.length, 1);
    const [{ instructions, exits }] = stats.vcpus;
    assert.ok(instructions > 30n && instructions < 1000n, `${instructions}`);
    // Six characters, each with a look at the line status, and the power-off.
    assert.equal(exits.mmio, 13n);
    assert.equal(exits.fault, 0n);
  });
}

function describeConsole(make: Make): void {
  it('carries bytes both ways', async () => {
    const guest = make(bareConfig(ECHO));
    const output = new Output(guest);
    await guest.start();
    await output.until(guest, 'ready\n');
    guest.console.write('HAL');
    await output.until(guest, 'IBM');
    guest.console.write('Q');
    assert.equal((await guest.wait()).reason, 'poweroff');
    assert.equal(output.text, 'ready\nIBM');
  });

  it('loses nothing of input that comes before there is anyone to read it', async () => {
    const guest = make(bareConfig(ECHO));
    const output = new Output(guest);
    guest.console.write('1234');
    await guest.start();
    await output.until(guest, '2345');
    guest.console.write('Q');
    await guest.wait();
  });

  it('carries more output than any buffer holds, complete and in order', async () => {
    const lines = 8_000;
    const guest = make(
      bareConfig(`li s0, ${lines}
       1: la a0, text
       call print
       addi s0, s0, -1
       bnez s0, 1b
       j power_off
       .data
      text: .asciz "0123456789\\n"`),
    );
    const output = new Output(guest);
    await guest.start();
    await guest.wait();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(output.text.length, lines * 11);
    assert.ok(output.text === '0123456789\n'.repeat(lines));
  });
}

function describeFirmware(make: Make): void {
  it('starts all harts under the built-in firmware and switches off', async () => {
    // Hart 0 starts each other hart, which adds its id to a sum in memory and stops; then the sum is the exit code.
    const guest = make(
      supervisorConfig(
        `li s0, 1
        start: li a7, 0x48534d
         li a6, 0
         mv a0, s0
         la a1, second
         li a2, 100
         ecall
         bnez a0, wrong
         addi s0, s0, 1
         li t0, 4
         blt s0, t0, start
         la s1, done
        1: lw t0, (s1)
         li t1, 3
         blt t0, t1, 1b
         lw a0, 4(s1)
         j fail
        wrong: li a0, 1
         j fail
        second: la t0, done
         add t1, a0, a1
         addi t2, t0, 4
         amoadd.w zero, t1, (t2)
         fence
         li t1, 1
         amoadd.w zero, t1, (t0)
         li a7, 0x48534d
         li a6, 1
         ecall
        2: j 2b
         .data
         .balign 8
        done: .word 0, 0`,
        { vcpus: 4 },
      ),
    );
    await guest.start();
    const status = await guest.wait();
    assert.equal(status.reason, 'fail');
    assert.equal(status.code, 1 + 2 + 3 + 3 * 100);
  });

  it('wakes a sleeping hart by its timer and by another hart', async () => {
    // Hart 1 sleeps until an IPI; hart 0 sleeps 2 ms by SBI's timer first, then sends it.
    const guest = make(
      supervisorConfig(
        `li a7, 0x48534d
         li a6, 0
         li a0, 1
         la a1, second
         li a2, 0
         ecall
         rdtime a0
         li t0, 20000
         add a0, a0, t0
         mv s2, a0
         li a7, 0x54494d45
         li a6, 0
         ecall
         li t0, 0x20
         csrw sie, t0
        1: wfi
         rdtime t0
         bltu t0, s2, 1b
         csrw sie, zero
         li a7, 0x735049
         li a6, 0
         li a0, 2
         li a1, 0
         ecall
        2: wfi
         j 2b
        second: li t0, 2
         csrw sie, t0
        3: wfi
         csrr t0, sip
         andi t0, t0, 2
         beqz t0, 3b
         j power_off`,
        { vcpus: 2 },
      ),
    );
    await guest.start();
    assert.equal((await guest.wait()).reason, 'poweroff');
    assert.ok(guest.stats().mtime >= 20_000n);
  });

  it('gives a supervisor access faults where there is nothing', async () => {
    const guest = make(
      supervisorConfig(
        `la t0, handler
         csrw stvec, t0
         li t0, 0x30000000
         lw t1, (t0)
         li a0, 1
         j fail
         .balign 4
        handler: csrr a0, scause
         j fail`,
      ),
    );
    await guest.start();
    assert.equal((await guest.wait()).code, 5);
  });
}

function describeHtif(make: Make): void {
  const test = (code: number) => `la t0, tohost
   li t1, ${2 * code + 1}
   sd t1, (t0)
  1: j 1b
   .data
   .balign 64
  tohost: .dword 0
  fromhost: .dword 0
  begin_signature: .word 0x12345678, 0xcafe
  end_signature: .word 0`;

  it('ends with the exit code that a test program writes to tohost', async () => {
    const guest = make(bareConfig(test(7)));
    await guest.start();
    const status = await guest.wait();
    assert.equal(status.reason, 'exit');
    assert.equal(status.code, 7);
  });

  it('answers a program that prints through tohost soon after each character', async () => {
    const guest = make(
      bareConfig(`la s0, tohost
       li s1, 'a'
       li s2, 'a' + 16
       li s3, 0x0101000000000000
       li s4, 50000
      1: addi s4, s4, -1
       bnez s4, 1b
      2: or t1, s1, s3
       sd t1, (s0)
      3: ld t1, (s0)
       bnez t1, 3b
       addi s1, s1, 1
       bne s1, s2, 2b
       li t1, 1
       sd t1, (s0)
      4: j 4b
       .data
       .balign 64
      tohost: .dword 0
      fromhost: .dword 0`),
    );
    const output = new Output(guest);
    await guest.start();
    assert.equal((await guest.wait()).reason, 'exit');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(output.text, 'abcdefghijklmnop');
    const { instructions } = guest.stats().vcpus[0];
    // The loop at the start, in which nothing is printed, and a wait for the first character.
    assert.ok(instructions < 100_000n + 30_000n + 16n * 500n, `${instructions} instructions`);
  });

  it('reads a test program’s signature', async () => {
    const guest = make(bareConfig(test(0)));
    await guest.start();
    assert.equal((await guest.wait()).code, 0);
    assert.equal(guest.signature(), '12345678\n0000cafe\n');
    assert.throws(() => make(bareConfig(HELLO)).signature(), /no signature/);
  });
}
