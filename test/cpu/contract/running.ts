/** run(): budgets, stops, interrupts and time, attention, code that changes, state that moves. */
import { strict as assert } from 'node:assert';
import { hartWord, kick, Stop, setInterruptLine, setPending, timerDeadline } from '../../../src/cpu/index.ts';
import { Interrupt, Priv } from '../../../src/isa/index.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { type MakeEngine, RAM_GPA, Rig, type RigOptions } from '../support/rig.ts';
import { openPmp } from './traps.ts';

const BASE = BigInt(RAM_GPA);
const HANDLER = BASE + 0x800n;
const MIE = 1n << 3n;
const STCE = 1n << 63n;

/** A loop that touches memory, calls, traps and comes back, for ever. */
const busy = `
    la t0, handler
    csrw mtvec, t0
    la a0, data
    li a1, 0
  loop:
    addi a1, a1, 1
    ld a2, 0(a0)
    add a2, a2, a1
    sd a2, 0(a0)
    andi a3, a1, 7
    bnez a3, 1f
    ecall
  1:
    andi a3, a1, 15
    bnez a3, 2f
    call far
  2:
    csrr a4, minstret
    xor a5, a5, a4
    lw a6, 1(a0)
    j loop
  .balign 4
  handler:
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    addi s0, s0, 1
    mret
  .balign 4096
  far:
    addi s1, s1, 1
    mul a5, a5, s1
    ret
  .data
  data: .dword 0, 0`;

export function runningContract(make: MakeEngine): void {
  describe('running', () => {
    let rig: Rig;
    beforeEach(() => {
      rig = new Rig(make);
      rig.state.set('mtvec', HANDLER);
    });

    function start(source: string, options: RigOptions = {}): void {
      rig = options.buffer === undefined ? rig : new Rig(make, options);
      rig.load(source);
      rig.state.set('pc', BASE);
      rig.hart.invalidate();
    }

    function snapshot(of: Rig): string {
      const { x, words } = of.state;
      const csrs = ['mstatus', 'mepc', 'mcause', 'retired', 'cycles', 'instret', 'priv', 'pc'] as const;
      const registers = csrs.map((name) => `${words[hartWord[name]]}:${words[hartWord[name] + 1]}`);
      return [...x, ...registers].join(' ');
    }

    it('keeps budgets exactly: many small runs equal one large one', () => {
      start(busy);
      rig.hart.run(20_000);
      const whole = snapshot(rig);
      const random = new SeededRandom(1);
      for (const next of [() => 1, () => 2, () => 1 + random.below(100), () => 1 + random.below(5000)]) {
        rig = new Rig(make);
        start(busy);
        for (let left = 20_000; left > 0; ) {
          const budget = Math.min(left, next());
          assert.equal(rig.hart.run(budget), Stop.Budget);
          left -= budget;
        }
        assert.equal(snapshot(rig), whole);
      }
    });

    it('counts a trap as one step: run(1) ends at the handler', () => {
      start('ecall');
      assert.equal(rig.hart.run(1), Stop.Budget);
      assert.equal(rig.get('pc'), HANDLER);
      assert.equal(rig.get('retired'), 0n);
      start('nop');
      rig.state.set('mie', 1n << 11n);
      rig.state.set('mstatus', MIE);
      rig.state.set32('irqLines', 1 << 11);
      assert.equal(rig.hart.run(1), Stop.Budget);
      assert.deepEqual([rig.get('pc'), rig.get('mepc'), rig.get('retired')], [HANDLER, BASE, 0n]);
    });

    it('goes on from any point on another engine over the same memory', () => {
      start(busy);
      rig.hart.run(20_000);
      const whole = snapshot(rig);
      rig = new Rig(make);
      start(busy);
      const random = new SeededRandom(7);
      for (let left = 20_000; left > 0; ) {
        const budget = Math.min(left, 1 + random.below(3000));
        rig.hart.run(budget);
        left -= budget;
        rig = new Rig(make, { buffer: rig.buffer });
      }
      assert.equal(snapshot(rig), whole);
    });

    it('another engine can answer an MMIO exit', () => {
      start('li a1, 0x10000000\n lhu a0, 6(a1)\n addi a0, a0, 1\n ebreak');
      assert.equal(rig.hart.run(100), Stop.Mmio);
      rig = new Rig(make, { buffer: rig.buffer });
      rig.hart.completeMmio(0xfffe, 0);
      rig.untilEbreak();
      assert.equal(rig.x('a0'), 0xffffn);
    });

    it('runs nothing on an empty budget', () => {
      start('nop');
      assert.equal(rig.hart.run(0), Stop.Budget);
      assert.equal(rig.get('pc'), BASE);
    });

    it('a kick ends the run, also one that came before it, once', () => {
      start('1: j 1b');
      kick(rig.state);
      assert.equal(rig.hart.run(1000), Stop.Kicked);
      assert.equal(rig.state.get32('attention'), 0);
      assert.equal(rig.hart.run(1000), Stop.Budget);
      assert.equal(rig.state.get32('inGuest'), 0);
    });

    it('wfi stops with pc behind it unless an enabled interrupt is pending', () => {
      start('wfi\n li a0, 1\n ebreak');
      rig.state.set32('irqLines', 1 << 11);
      assert.equal(rig.hart.run(10), Stop.Wfi, 'pending but not enabled');
      assert.equal(rig.get('pc'), BASE + 4n);
      assert.equal(rig.get('retired'), 1n);
      rig.state.set('mie', 1n << 11n);
      rig.state.set('pc', BASE);
      rig.untilEbreak();
      assert.equal(rig.x('a0'), 1n, 'MIE is off: wfi falls through');
    });

    it('raised lines and IPIs interrupt at once', () => {
      start('1: addi a0, a0, 1\n j 1b');
      rig.state.set('mie', (1n << 11n) | 2n);
      rig.state.set('mstatus', MIE);
      rig.hart.run(100);
      assert.notEqual(rig.get('pc'), HANDLER);
      setInterruptLine(rig.state, Interrupt.MEI, true);
      rig.hart.run(1);
      assert.deepEqual([rig.get('pc'), rig.get('mcause')], [HANDLER, (1n << 63n) | 11n]);
      setInterruptLine(rig.state, Interrupt.MEI, false);
      rig.state.set('mstatus', MIE);
      setPending(rig.state, Interrupt.SSI);
      rig.hart.run(1);
      assert.equal(rig.get('mcause'), (1n << 63n) | 1n);
    });

    it('an interrupt that a CSR write enables is taken before the next instruction', () => {
      start('csrsi mstatus, 8\n addi a0, a0, 1');
      rig.state.set('mie', 1n << 3n);
      rig.state.set32('irqLines', 1 << 3);
      rig.hart.run(2);
      assert.deepEqual([rig.get('pc'), rig.get('mepc'), rig.x('a0')], [HANDLER, BASE + 4n, 0n]);
    });

    it('timers fire when mtime reaches their compare values', () => {
      start('1: j 1b');
      rig.state.set('mie', 1n << 7n);
      rig.state.set('mstatus', MIE);
      rig.state.set('mtimecmp', 100n);
      assert.equal(timerDeadline(rig.state), 100n);
      rig.mtime.advance(99n);
      rig.hart.run(10);
      assert.equal(rig.get('pc'), BASE);
      rig.mtime.advance(1n);
      rig.hart.run(1);
      assert.deepEqual([rig.get('pc'), rig.get('mcause')], [HANDLER, (1n << 63n) | 7n]);
    });

    it('Sstc: stimecmp drives STIP under menvcfg.STCE, and software cannot', () => {
      openPmp(rig);
      rig.load(`
        li a0, 200
        csrw stimecmp, a0
        csrw sip, zero
        li a1, 32
        csrs mip, a1
        csrr s0, mip
        csrw stimecmp, zero
        csrr s1, mip
        csrs mie, a1
        ebreak`);
      rig.state.set('menvcfg', STCE);
      rig.mtime.advance(100n);
      rig.untilEbreak();
      assert.deepEqual([rig.x('s0'), rig.x('s1')], [0n, 32n]);
      assert.equal(timerDeadline(rig.state), 0n);
      rig.state.set('menvcfg', 0n);
      assert.equal(timerDeadline(rig.state), undefined);
      rig.state.set('menvcfg', STCE);
      rig.state.set('stimecmp', 1000n);
      rig.state.set('mideleg', 32n);
      rig.state.set('stvec', HANDLER);
      rig.state.set32('priv', Priv.U);
      rig.load('1: j 1b');
      rig.state.set('pc', BASE);
      rig.hart.invalidate();
      rig.hart.run(50);
      assert.equal(rig.get('pc'), BASE);
      rig.mtime.advance(900n);
      rig.hart.run(1);
      assert.deepEqual([rig.get('pc'), rig.get('scause')], [HANDLER, (1n << 63n) | 5n]);
    });

    it('follows the host clock while it runs', () => {
      rig.mtime.init(10_000_000, 'host');
      rig.clock.advance(1e6);
      assert.equal(rig.mtime.read(), 0n);
      rig.mtime.resume();
      rig.clock.advance(1e6);
      rig.program('csrr a0, time\n ebreak');
      assert.equal(rig.x('a0'), 10_000n);
      assert.equal(rig.mtime.nsUntil(20_000n), 1e6);
      rig.mtime.pause();
      rig.clock.advance(1e6);
      assert.equal(rig.mtime.read(), 10_000n);
      assert.equal(rig.mtime.nsUntil(20_000n), Number.POSITIVE_INFINITY);
      rig.mtime.set(0xffff_ffff_ffff_fff0n);
      rig.mtime.resume();
      rig.clock.advance(3200);
      assert.equal(rig.mtime.read(), 16n, 'wraps around');
    });

    it('runs changed code after fence.i, on the same page and others', () => {
      start(`
        li s2, 3
        la a0, patch
        la a1, far
        lw a2, new
      again:
        call patch
        add s0, s0, a5
        call far
        add s1, s1, a5
        sw a2, 0(a0)
        sw a2, 0(a1)
        fence.i
        addi s2, s2, -1
        bnez s2, again
        ebreak
      patch:
        addi a5, zero, 1
        ret
      .balign 4096
      far:
        addi a5, zero, 1
        ret
      .data
      new: addi a5, zero, 100`);
      rig.untilEbreak();
      assert.deepEqual([rig.x('s0'), rig.x('s1')], [201n, 201n]);
    });

    it('runs code changed from outside once codeEpoch says so', () => {
      start('1: addi a0, a0, 1\n j 1b');
      rig.hart.run(10);
      rig.load('1: addi a0, a0, -1\n j 1b');
      Atomics.add(rig.state.words, hartWord.codeEpoch, 1);
      rig.setX('a0', 0n);
      rig.hart.run(10);
      assert.ok(BigInt.asIntN(64, rig.x('a0')) < 0n);
    });

    it('survives more code than it keeps', () => {
      // Jumps through 900 pages, several times over, each with its own instructions.
      const big = new Rig(make, {});
      const pages = 900;
      for (let page = 0; page < pages; page++) {
        const next = page + 1 === pages ? 0 : page + 1;
        const at = BASE + BigInt(page * 4096);
        big.load(`addi a0, a0, ${page % 2000}\n la t0, target\n jr t0`, at, { target: BASE + BigInt(next * 4096) });
      }
      big.state.set('pc', BASE);
      big.hart.invalidate();
      big.hart.run(pages * 4 * 5);
      let sum = 0;
      for (let page = 0; page < pages; page++) sum += page % 2000;
      assert.equal(big.x('a0'), BigInt(sum * 5));
      assert.equal(big.get('pc'), BASE);
    });
  });
}
