/** Loads and stores: widths, misalignment, MMIO exits, slots. */
import { strict as assert } from 'node:assert';
import { hartWord, Stop } from '../../../src/cpu/index.ts';
import { decode, Exception, sharedMap } from '../../../src/isa/index.ts';
import { makeMemory, RAM_BYTES, RAM_GPA, type Rig, type RigOptions, setSlot } from '../support/rig.ts';

const BASE = BigInt(RAM_GPA);
const DATA = BASE + 0x10000n;
const PATTERN = [0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x09, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f, 0x70];

const loads: Readonly<Record<string, readonly [bytes: number, signed: boolean]>> = {
  lb: [1, true],
  lbu: [1, false],
  lh: [2, true],
  lhu: [2, false],
  lw: [4, true],
  lwu: [4, false],
  ld: [8, true],
};
const stores: Readonly<Record<string, number>> = { sb: 1, sh: 2, sw: 4, sd: 8 };

function expectedLoad(at: number, bytes: number, signed: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < bytes; i++) value |= BigInt(PATTERN[at + i]) << BigInt(8 * i);
  return BigInt.asUintN(64, signed ? BigInt.asIntN(8 * bytes, value) : value);
}

export function memoryContract(makeRig: (options?: RigOptions) => Rig): void {
  describe('memory access', () => {
    let rig: Rig;
    beforeEach(() => {
      rig = makeRig();
      rig.bytes.set(PATTERN, 0x10000);
      rig.bytes.set(PATTERN, 0x11ff8);
    });

    function step(source: string): Stop {
      rig.load(source);
      rig.hart.invalidate();
      rig.state.set('pc', BASE);
      return rig.hart.run(1);
    }

    for (const [name, [bytes, signed]] of Object.entries(loads)) {
      it(`${name} reads ${bytes} bytes at any alignment, also over a page's end`, () => {
        for (let at = 0; at <= 8; at++) {
          for (const base of [DATA, DATA + 0x1ff8n]) {
            // Twice: the second time the translation is cached.
            for (let time = 0; time < 2; time++) {
              rig.setX('a1', base + BigInt(at) + 5n);
              step(`${name} a0, -5(a1)`);
              assert.equal(rig.x('a0'), expectedLoad(at, bytes, signed), `offset ${at} of ${base.toString(16)}`);
              if (time === 0) step('ld a2, 0(a1)');
            }
          }
        }
        rig.setX('a1', DATA);
        step(`${name} a1, 0(a1)`);
        assert.equal(rig.x('a1'), expectedLoad(0, bytes, signed), 'into its own base');
      });
    }

    for (const [name, bytes] of Object.entries(stores)) {
      it(`${name} writes ${bytes} bytes at any alignment and nothing else`, () => {
        for (let at = 0; at <= 8; at++) {
          for (const base of [0x10000, 0x11ff8]) {
            for (let time = 0; time < 2; time++) {
              rig.bytes.set(PATTERN, base);
              rig.setX('a1', BASE + BigInt(base + at)).setX('a2', 0x1122_3344_5566_7788n);
              step(`${name} a2, 0(a1)`);
              const expected = [...PATTERN];
              for (let i = 0; i < bytes; i++) expected[at + i] = 0x88 - 0x11 * i;
              assert.deepEqual([...rig.bytes.slice(base, base + 16)], expected, `offset ${at} of ${base.toString(16)}`);
            }
          }
        }
      });
    }

    it('boxes single-precision loads and moves floating-point values bit by bit', () => {
      rig.view.setBigUint64(0x10000, 0x7ff0_0000_0000_0001n, true);
      rig.program(`
        li t0, 1 << 13
        csrs mstatus, t0
        li a1, ${DATA}
        flw fa0, 0(a1)
        fld fa1, 0(a1)
        fsd fa1, 16(a1)
        fsw fa1, 24(a1)
        fsd fa0, 32(a1)
        fld fa2, 3(a1)
        flw fa3, 1(a1)
        fsd fa1, 41(a1)
        ebreak`);
      assert.equal(rig.get('f', 10), 0xffff_ffff_0000_0001n);
      assert.equal(rig.get('f', 11), 0x7ff0_0000_0000_0001n);
      assert.equal(rig.view.getBigUint64(0x10010, true), 0x7ff0_0000_0000_0001n);
      assert.equal(rig.view.getUint32(0x10018, true), 1);
      assert.equal(rig.view.getBigUint64(0x10020, true), 0xffff_ffff_0000_0001n);
      assert.equal(rig.get('f', 12), 0x2b1a_097f_f000_0000n);
      assert.equal(rig.get('f', 13), 0xffff_ffff_0000_0000n);
      assert.equal(rig.view.getBigUint64(0x10029, true), 0x7ff0_0000_0000_0001n);
      assert.equal((rig.get('mstatus') >> 13n) & 3n, 3n, 'FS is dirty');
    });

    it('leaves the guest for loads outside RAM and finishes them with the given value', () => {
      for (const [name, [bytes, signed]] of Object.entries(loads)) {
        rig.setX('a1', 0x1000_0000n);
        assert.equal(step(`${name} a0, 8(a1)`), Stop.Mmio);
        assert.equal(rig.get('pc'), BASE);
        assert.equal(rig.get('exitGpa'), 0x1000_0008n);
        assert.equal(rig.get('exitGva'), 0x1000_0008n);
        assert.equal(rig.state.get32('exitSize'), bytes);
        assert.equal(rig.state.get32('exitWrite'), 0);
        assert.equal(rig.state.get32('exitLength'), 4);
        assert.equal(decode(rig.state.get32('exitInsn'))?.name, name);
        const retired = rig.get('retired');
        rig.hart.completeMmio(
          0x8182_8384 & (bytes < 4 ? (1 << (8 * bytes)) - 1 : -1),
          bytes === 8 ? 0x9192_9394 | 0 : 0,
        );
        const value = 0x9192_9394_8182_8384n;
        const expected = signed ? BigInt.asIntN(8 * bytes, value) : BigInt.asUintN(8 * bytes, value);
        assert.equal(rig.x('a0'), BigInt.asUintN(64, expected), name);
        assert.equal(rig.get('pc'), BASE + 4n);
        assert.equal(rig.get('retired'), retired + 1n);
      }
    });

    it('leaves the guest for stores outside RAM with the value cut to size', () => {
      for (const [name, bytes] of Object.entries(stores)) {
        rig.setX('a1', 0x1000_0000n).setX('a2', 0x8877_6655_4433_2211n);
        assert.equal(step(`${name} a2, 0(a1)`), Stop.Mmio);
        assert.equal(rig.state.get32('exitWrite'), 1);
        assert.equal(rig.state.get32('exitSize'), bytes);
        assert.equal(rig.get('exitValue'), BigInt.asUintN(8 * bytes, 0x8877_6655_4433_2211n));
        rig.hart.completeMmio(0, 0);
        assert.equal(rig.get('pc'), BASE + 4n);
      }
    });

    it('finishes floating-point and compressed MMIO loads', () => {
      rig.state.set('mstatus', rig.get('mstatus') | (1n << 13n));
      rig.setX('a1', 0x1000_0000n);
      step('flw fa0, 0(a1)');
      rig.hart.completeMmio(0x3f80_0000, 0);
      assert.equal(rig.get('f', 10), 0xffff_ffff_3f80_0000n);
      step('fld fa0, 0(a1)');
      rig.hart.completeMmio(1, -1);
      assert.equal(rig.get('f', 10), 0xffff_ffff_0000_0001n);
      assert.equal((rig.get('mstatus') >> 13n) & 3n, 3n);
      // c.lw a0, 4(a1)
      rig.view.setUint16(0, 0x41c8, true);
      rig.hart.invalidate();
      rig.state.set('pc', BASE);
      assert.equal(rig.hart.run(1), Stop.Mmio);
      assert.equal(rig.state.get32('exitLength'), 2);
      const expanded = decode(rig.state.get32('exitInsn'));
      assert.deepEqual([expanded?.name, expanded?.length, expanded?.imm], ['lw', 4, 4]);
      rig.hart.completeMmio(-5, 0);
      assert.equal(rig.x('a0'), BigInt.asUintN(64, -5n));
      assert.equal(rig.get('pc'), BASE + 2n);
    });

    it('gives an access fault when MMIO is refused, misaligned, or an AMO', () => {
      rig.state.set('mtvec', BASE + 0x800n);
      rig.setX('a1', 0x1000_0000n);
      assert.equal(step('sw a2, 4(a1)'), Stop.Mmio);
      rig.hart.refuseMmio();
      assert.deepEqual([rig.get('mcause'), rig.get('mtval'), rig.get('mepc')], [7n, 0x1000_0004n, BASE]);
      assert.equal(rig.get('pc'), BASE + 0x800n);
      for (const [source, cause, tval] of [
        ['lw a0, 1(a1)', Exception.LOAD_ACCESS_FAULT, 0x1000_0001n],
        ['sh a0, 1(a1)', Exception.STORE_ACCESS_FAULT, 0x1000_0001n],
        ['amoadd.w a0, a2, (a1)', Exception.STORE_ACCESS_FAULT, 0x1000_0000n],
        ['lr.w a0, (a1)', Exception.LOAD_ACCESS_FAULT, 0x1000_0000n],
        ['sc.w a0, a2, (a1)', Exception.STORE_ACCESS_FAULT, 0x1000_0000n],
        ['cbo.zero (a1)', Exception.STORE_ACCESS_FAULT, 0x1000_0000n],
      ] as const) {
        assert.equal(step(source), Stop.Budget, source);
        assert.deepEqual([rig.get('mcause'), rig.get('mtval')], [BigInt(cause), tval], source);
      }
    });

    it('faults where a misaligned access leaves RAM, having written nothing', () => {
      rig.state.set('mtvec', BASE + 0x800n);
      const end = BASE + BigInt(RAM_BYTES);
      rig.setX('a1', end).setX('a2', 0xffff_ffff_ffff_ffffn);
      assert.equal(step('sd a2, -3(a1)'), Stop.Budget);
      assert.deepEqual([rig.get('mcause'), rig.get('mtval')], [7n, end]);
      assert.equal(rig.view.getUint32(RAM_BYTES - 4, true), 0);
      assert.equal(step('ld a0, -3(a1)'), Stop.Budget);
      assert.deepEqual([rig.get('mcause'), rig.get('mtval')], [5n, end]);
    });

    it('sends stores to a read-only slot out of the guest, and loads from it inside', () => {
      const buffer = makeMemory();
      setSlot(buffer, 1, { gpa: 0x2000_0000, bytes: 4096, offset: sharedMap.ram + 0x10000, flags: 1 });
      rig = makeRig({ buffer });
      rig.state.set('pc', BASE);
      rig.state.set32('priv', 3);
      rig.bytes.set(PATTERN, 0x10000);
      rig.setX('a1', 0x2000_0000n);
      assert.equal(step('lbu a0, 0(a1)'), Stop.Budget);
      assert.equal(rig.x('a0'), 0x81n);
      assert.equal(step('sb a0, 0(a1)'), Stop.Mmio);
      assert.equal(rig.get('exitGpa'), 0x2000_0000n);
    });

    it('logs written pages, again after the log was taken', () => {
      const buffer = makeMemory();
      setSlot(buffer, 0, { gpa: RAM_GPA, bytes: RAM_BYTES, offset: sharedMap.ram, flags: 2, dirty: sharedMap.dirty });
      const log = new Int32Array(buffer, sharedMap.dirty, RAM_BYTES / 4096 / 32);
      rig = makeRig({ buffer });
      rig.state.set32('priv', 3);
      rig.load(`
        li a1, ${BASE + 0x5000n}
        sd a1, 0(a1)
        li a2, ${BASE + 0x21ffen}
        sw a1, 0(a2)
        lr.w a3, (a1)
        li a4, ${BASE + 0x7000n}
        amoadd.w zero, a1, (a4)
        ld a5, 0x100(a4)
        ebreak
        sd a1, 8(a1)
        ebreak`);
      rig.state.set('pc', BASE);
      rig.untilEbreak();
      assert.deepEqual([...log.slice(0, 2)], [(1 << 5) | (1 << 7), (1 << 1) | (1 << 2)]);
      log.fill(0);
      Atomics.or(rig.state.words, hartWord.attention, 4);
      rig.state.set('pc', rig.get('pc') + 4n);
      rig.untilEbreak();
      assert.deepEqual([...log.slice(0, 2)], [1 << 5, 0]);
    });

    it('sees memory slots come and go', () => {
      rig.setX('a1', 0x4000_0000n);
      assert.equal(step('lw a0, 0(a1)'), Stop.Mmio);
      setSlot(rig.buffer, 3, { gpa: 0x4000_0000, bytes: 8192, offset: sharedMap.ram + 0x10000 });
      rig.state.set('pc', BASE);
      assert.equal(rig.hart.run(1), Stop.Budget);
      assert.equal(rig.x('a0'), expectedLoad(0, 4, true));
      setSlot(rig.buffer, 3, { gpa: 0x4000_0000, bytes: 0, offset: 0 });
      rig.state.set('pc', BASE);
      assert.equal(rig.hart.run(1), Stop.Mmio);
    });

    it('zeroes exactly one cache block', () => {
      rig.bytes.fill(0xff, 0x10000, 0x10100);
      rig.setX('a1', DATA + 0x7fn);
      for (let time = 0; time < 2; time++) {
        rig.bytes.fill(0xff, 0x10040, 0x10080);
        assert.equal(step('cbo.zero (a1)'), Stop.Budget);
        assert.ok(rig.bytes.slice(0x10000, 0x10040).every((b) => b === 0xff));
        assert.ok(rig.bytes.slice(0x10040, 0x10080).every((b) => b === 0));
        assert.ok(rig.bytes.slice(0x10080, 0x10100).every((b) => b === 0xff));
      }
    });

    it('wraps addresses around the 64-bit space', () => {
      rig.setX('a1', 0xffff_ffff_ffff_f800n);
      // 0xfffffffffffff800 + 0x7ff is no physical address: an access fault, not an MMIO exit.
      rig.state.set('mtvec', BASE + 0x800n);
      assert.equal(step('lb a0, 0x7ff(a1)'), Stop.Budget);
      assert.deepEqual([rig.get('mcause'), rig.get('mtval')], [5n, 0xffff_ffff_ffff_ffffn]);
      rig.setX('a1', 0xffff_ffff_ffff_ffffn);
      assert.equal(step('lb a0, 0x11(a1)'), Stop.Mmio);
      assert.equal(rig.get('exitGpa'), 0x10n);
    });
  });
}
