/** Address translation: schemes, permissions, A and D, superpages, caches and their fences. */
import { strict as assert } from 'node:assert';
import { Stop } from '../../../src/cpu/index.ts';
import { Priv } from '../../../src/isa/index.ts';
import { PageTables, Pte } from '../support/page-tables.ts';
import { RAM_GPA, type Rig } from '../support/rig.ts';
import { openPmp } from './traps.ts';

const BASE = BigInt(RAM_GPA);
const HANDLER = BASE + 0x800n;
const ROOT = BASE + 0x100000n;
/** A page of data, and code in the page behind it. */
const DATA = BASE + 0x40000n;
const CODE = BASE + 0x41000n;

const EBREAK = 0x0010_0073;
const EBREAK_EXIT = 2;
const ADUE = 1n << 61n;
const PBMTE = 1n << 62n;
const { V, R, W, X, U, G, A, D } = Pte;
const RW = V | R | W | A | D;
const RWX = RW | X;

const SUM = 1n << 18n;
const MXR = 1n << 19n;
const MPRV = 1n << 17n;

type Access = 'load' | 'store' | 'fetch';
const causes = { load: 13n, store: 15n, fetch: 12n } as const;
const accessCauses = { load: 5n, store: 7n, fetch: 1n } as const;

export function mmuContract(makeRig: () => Rig): void {
  describe('address translation', () => {
    let rig: Rig;
    let tables: PageTables;

    function useScheme(levels: 3 | 4 | 5): void {
      tables = new PageTables(rig.view, ROOT, levels);
      rig.state.set('satp', tables.satp);
    }

    beforeEach(() => {
      rig = makeRig();
      openPmp(rig);
      rig.state.set('mtvec', HANDLER);
      rig.view.setBigUint64(0x40000, 0x1122_3344_5566_7788n, true);
      // At the start of CODE and at its offset 0x100: nop; nop.
      for (const at of [0x41000, 0x41100]) {
        rig.view.setUint32(at, 0x13, true);
        rig.view.setUint32(at + 4, 0x13, true);
      }
      useScheme(3);
    });

    /**
     * Makes one access in the given mode; the accessing instruction is fetched from M-mode code with MPRV for loads and
     * stores, and is the target itself for a fetch. Returns the cause of the exception, or undefined.
     */
    function access(kind: Access, va: bigint, priv: number = Priv.S, status = 0n): bigint | undefined {
      rig.state.set('mcause', 99n);
      rig.hart.invalidate();
      if (kind === 'fetch') {
        rig.state.set('mstatus', status);
        rig.state.set32('priv', priv);
        rig.state.set('pc', va);
      } else {
        rig.load(kind === 'load' ? 'ld a0, 0(a1)' : 'sd a2, 0(a1)');
        rig.state.set('mstatus', status | MPRV | (BigInt(priv) << 11n));
        rig.state.set32('priv', Priv.M);
        rig.state.set('pc', BASE);
        // What a store writes are no-ops: the page may be run afterwards.
        rig.setX('a1', va).setX('a2', 0x13_0000_0013n);
      }
      assert.equal(rig.hart.run(1), Stop.Budget);
      const cause = rig.get('mcause');
      if (cause === 99n) return undefined;
      assert.equal(rig.get('pc'), HANDLER);
      assert.equal(rig.get('mtval'), va, 'tval');
      assert.equal(rig.get('mepc'), kind === 'fetch' ? va : BASE, 'epc');
      return cause;
    }

    function assertAccess(va: bigint, expected: Readonly<Record<Access, boolean>>, priv: number, status = 0n): void {
      for (const kind of ['load', 'store', 'fetch'] as const) {
        assert.equal(
          access(kind, va, priv, status),
          expected[kind] ? undefined : causes[kind],
          `${kind} in mode ${priv}`,
        );
      }
    }

    for (const levels of [3, 4, 5] as const) {
      it(`translates through ${levels} levels of tables at every size, and only canonical addresses`, () => {
        useScheme(levels);
        const top = 12n + 9n * BigInt(levels) - 1n;
        const highest = 1n << top;
        const negative = 0xffff_ffff_ffff_ffffn << top;
        for (const va of [
          0x1000n,
          0x1234_5000n,
          highest - 0x1000n,
          BigInt.asUintN(64, negative),
          BigInt.asUintN(64, -0x1000n),
        ]) {
          tables.map(va, DATA, RW);
          assert.equal(access('load', va), undefined, va.toString(16));
          assert.equal(rig.x('a0'), 0x1122_3344_5566_7788n);
          assert.equal(access('load', va + 8n), undefined);
        }
        for (const va of [highest, highest - 1n + (1n << 63n), BigInt.asUintN(64, negative - 0x1000n)]) {
          for (const kind of ['load', 'store', 'fetch'] as const) {
            assert.equal(access(kind, va & ~1n), causes[kind], va.toString(16));
          }
        }
        // Leaves higher up, aligned and not. Only pages of up to 2 MiB fit this RAM: larger ones lie below it.
        for (let level = 1; level < levels; level++) {
          const bytes = 4096n << (9n * BigInt(level));
          const va = BigInt.asUintN(64, negative) + bytes;
          const start = BASE - (BASE % bytes);
          tables.map(va, start, RWX, level);
          const inside = va + (DATA - start);
          if (DATA - start < bytes) {
            assert.equal(access('load', inside), undefined, `level ${level}`);
            assert.equal(rig.x('a0'), 0x1122_3344_5566_7788n);
            assert.equal(access('fetch', inside + 0x1000n), undefined);
          }
          tables.map(va, start + 4096n, RWX, level);
          assert.equal(access('load', inside), 13n, 'a misaligned superpage');
        }
      });
    }

    it('checks R, W, X and U against the mode', () => {
      const user = 0x10000n;
      const none = { load: false, store: false, fetch: false };
      for (const [flags, allowed] of [
        [R, { load: true, store: false, fetch: false }],
        [R | W, { load: true, store: true, fetch: false }],
        [X, { load: false, store: false, fetch: true }],
        [R | X, { load: true, store: false, fetch: true }],
        [R | W | X, { load: true, store: true, fetch: true }],
        [W, none],
        [W | X, none],
      ] as const) {
        tables.map(user, CODE, V | A | D | flags);
        assertAccess(user, allowed, Priv.S);
        assertAccess(user, none, Priv.U);
        tables.map(user, CODE, V | A | D | U | flags);
        assertAccess(user, allowed, Priv.U);
        assertAccess(user, none, Priv.S);
        assertAccess(user, { ...allowed, fetch: false }, Priv.S, SUM);
      }
      tables.map(user, CODE, V | A | D | X);
      assertAccess(user, { load: true, store: false, fetch: true }, Priv.S, MXR);
      tables.map(user, CODE, A | D | R | W | X);
      assertAccess(user, none, Priv.S);
    });

    it('faults on reserved bits and on pointers with leaf bits', () => {
      const va = 0x10000n;
      for (const bit of [54n, 57n, 60n, 61n, 62n, 63n]) {
        tables.map(va, DATA, RW | (1n << bit));
        assert.equal(access('load', va), 13n, `bit ${bit}`);
      }
      tables.map(va, DATA, RW | (3n << 8n));
      assert.equal(access('load', va), undefined, 'RSW is for software');
      for (const bits of [A, D, U, 1n << 61n, 1n << 63n, 1n << 54n]) {
        tables.map(va, DATA, RW);
        tables.changePointer(va, (pte) => pte | bits);
        assert.equal(access('load', va), 13n, `pointer with ${bits.toString(16)}`);
        tables.changePointer(va, (pte) => pte & ~bits);
      }
      tables.changePointer(va, (pte) => pte | G);
      assert.equal(access('load', va), undefined, 'a global pointer');
      tables.map(va, DATA, V);
      assert.equal(access('load', va), 13n, 'a pointer at the last level');
    });

    it('Svpbmt: takes memory types when menvcfg.PBMTE allows, never the reserved one', () => {
      rig.state.set('menvcfg', PBMTE);
      for (const type of [0n, 1n, 2n]) {
        tables.map(0x10000n, DATA, RW | (type << 61n));
        assert.equal(access('load', 0x10000n), undefined);
      }
      tables.map(0x10000n, DATA, RW | (3n << 61n));
      assert.equal(access('load', 0x10000n), 13n);
    });

    it('Svnapot: one entry form maps 64 KiB, the others fault', () => {
      const N = 1n << 63n;
      for (let page = 0n; page < 16n; page++) tables.map(0x10000n + page * 4096n, BASE + 0x48000n, RW | N);
      rig.view.setBigUint64(0x45008, 77n, true);
      assert.equal(access('load', 0x15008n), undefined);
      assert.equal(rig.x('a0'), 77n);
      tables.map(0x10000n, BASE + 0x44000n, RW | N);
      assert.equal(access('load', 0x10000n), 13n, 'ppn[3:0] must be 1000');
      tables.map(0x20_0000n, BASE + 0x8000n, RW | N, 1);
      assert.equal(access('load', 0x20_0000n), 13n, 'no NAPOT above the last level');
    });

    it('faults on clear A or D, unless menvcfg.ADUE lets it set them', () => {
      const va = 0x10000n;
      tables.map(va, CODE, V | R | W | X);
      for (const kind of ['load', 'store', 'fetch'] as const) assert.equal(access(kind, va), causes[kind]);
      tables.map(va, CODE, V | R | W | X | A);
      assert.equal(access('load', va), undefined);
      assert.equal(access('fetch', va), undefined);
      assert.equal(access('store', va), 15n);
      rig.state.set('menvcfg', ADUE);
      for (const [kind, bits] of [
        ['load', A],
        ['fetch', A],
        ['store', A | D],
      ] as const) {
        tables.map(va, CODE, V | R | W | X);
        assert.equal(access(kind, va), undefined);
        assert.equal(tables.leaf(va) & (A | D), bits, kind);
      }
      // A load has cached the translation: the store must still set D.
      tables.map(va, CODE, V | R | W | X);
      rig.load('ld a0, 0(a1)\n sd a0, 0(a1)');
      rig.state.set('mstatus', MPRV | (1n << 11n));
      rig.state.set32('priv', Priv.M);
      rig.state.set('pc', BASE);
      rig.setX('a1', va);
      rig.hart.invalidate();
      rig.hart.run(1);
      assert.equal(tables.leaf(va) & (A | D), A);
      rig.hart.run(1);
      assert.equal(tables.leaf(va) & (A | D), A | D);
      // No permission, no update.
      tables.map(va, CODE, V | R);
      assert.equal(access('store', va), 15n);
      assert.equal(tables.leaf(va) & (A | D), 0n);
    });

    it('reports the walk of an absent table as an access fault of the original kind', () => {
      rig.state.set('satp', (8n << 60n) | 0x1000n);
      for (const kind of ['load', 'store', 'fetch'] as const) assert.equal(access(kind, 0x10000n), accessCauses[kind]);
      useScheme(3);
      tables.map(0x10000n, 0x1000_0000n, RWX);
      assert.equal(access('fetch', 0x10000n), 1n, 'no code outside RAM');
      rig.load('ld a0, 0(a1)');
      rig.state.set('mstatus', MPRV | (1n << 11n));
      rig.state.set32('priv', Priv.M);
      rig.state.set('pc', BASE);
      rig.setX('a1', 0x10008n);
      assert.equal(rig.hart.run(1), Stop.Mmio);
      assert.deepEqual([rig.get('exitGpa'), rig.get('exitGva')], [0x1000_0008n, 0x10008n]);
      rig.hart.refuseMmio();
      assert.deepEqual([rig.get('mcause'), rig.get('mtval')], [5n, 0x10008n]);
    });

    it('lets M-mode and bare mode use physical addresses', () => {
      rig.state.set('satp', tables.satp);
      assert.equal(access('load', DATA, Priv.M), undefined);
      assert.equal(access('fetch', CODE, Priv.M), undefined);
      rig.state.set('satp', 0n);
      assert.equal(access('load', DATA, Priv.U), undefined);
      assert.equal(access('load', 1n << 56n, Priv.S), 5n);
    });

    it('splits a misaligned access between two mappings and faults in the right one', () => {
      tables.map(0x10000n, DATA, RW);
      tables.map(0x11000n, DATA + 0x5000n, RW);
      rig.view.setBigUint64(0x40ff8, 0xaabb_ccdd_0000_0000n, true);
      rig.view.setBigUint64(0x45000, 0x1122_3344n, true);
      assert.equal(access('load', 0x10ffcn), undefined);
      assert.equal(rig.x('a0'), 0x1122_3344_aabb_ccddn);
      tables.map(0x11000n, DATA + 0x5000n, V | R | A);
      rig.load('sd a2, 0(a1)');
      rig.state.set('mstatus', MPRV | (1n << 11n));
      rig.state.set32('priv', Priv.M);
      rig.state.set('pc', BASE);
      rig.setX('a1', 0x10ffcn).setX('a2', 0n);
      rig.hart.invalidate();
      rig.hart.run(1);
      assert.deepEqual([rig.get('mcause'), rig.get('mtval')], [15n, 0x11000n]);
      assert.equal(rig.view.getUint32(0x40ffc, true), 0xaabb_ccdd, 'nothing was written');
    });

    it('fetches an instruction across two mappings and faults at the second', () => {
      rig.view.setUint32(0x40ffe, 0x0070_0513, true);
      rig.view.setUint16(0x45000, 0x0070, true);
      tables.map(0x10000n, DATA, RWX);
      tables.map(0x11000n, DATA + 0x5000n, RWX);
      assert.equal(access('fetch', 0x10ffen), undefined);
      assert.equal(rig.x('a0'), 7n);
      assert.equal(rig.get('pc'), 0x11002n);
      tables.map(0x11000n, DATA + 0x5000n, RW);
      rig.state.set('pc', 0x10ffen);
      rig.hart.invalidate();
      rig.hart.run(1);
      assert.deepEqual([rig.get('mcause'), rig.get('mtval'), rig.get('mepc')], [12n, 0x11000n, 0x10ffen]);
    });

    it('describes an access to a device by the instruction that made it, or faults, when its page went unfenced', () => {
      const [va, far] = [0x10000n, 0x10000n + 0x40_0000n];
      const device = 0x1000_0000n;
      tables.map(BASE, BASE, RWX, 2);
      tables.map(va, BASE, RWX);
      tables.map(far, BASE + 0x1000n, RWX);
      tables.map(device, device, RW);
      rig.load('nop\n access: ld s0, 0(a1)\n jr a2');
      const at = va + rig.label('access') - BASE;
      rig.view.setUint32(0x800, EBREAK, true);
      // The last round takes the other page away and reads the device.
      rig.load('addi s1, s1, -1\n bnez s1, on\n mv a1, a5\n sd zero, 0(a4)\n on: jr a3', BASE + 0x1100n);
      rig
        .setX('s1', 100n)
        .setX('a1', DATA)
        .setX('a2', far + 0x100n)
        .setX('a3', va);
      rig.setX('a4', tables.leafGpa(va)).setX('a5', device);
      rig.state.set('mstatus', 0n);
      rig.state.set32('priv', Priv.S);
      rig.state.set32('hartConfig', EBREAK_EXIT);
      rig.state.set('pc', va);
      rig.hart.invalidate();
      const stop = rig.hart.run(10_000);
      if (stop === Stop.Mmio) {
        rig.hart.completeMmio(5, 0);
        assert.deepEqual([rig.x('s0'), rig.get('pc')], [5n, at + 4n]);
      } else {
        assert.equal(stop, Stop.Debug);
        assert.equal(rig.get('mcause'), causes.fetch);
        assert.equal(rig.get('mtval'), rig.get('mepc'));
        assert.ok([va, at].includes(rig.get('mepc')));
      }
    });

    fenceTests(
      () => rig,
      () => tables,
    );
  });
}

/** Changed page tables take effect after SFENCE.VMA or a write of satp, by address, superpage or all. */
function fenceTests(getRig: () => Rig, getTables: () => PageTables): void {
  const fences: Readonly<Record<string, string>> = {
    'sfence.vma of everything': 'sfence.vma',
    'sfence.vma of the address': 'sfence.vma a1',
    'sfence.vma of another address in the superpage': 'sfence.vma a3',
    'sfence.vma by ASID': 'sfence.vma zero, a6',
    'sinval.vma': 'sfence.w.inval\n sinval.vma a1, zero\n sfence.inval.ir',
  };
  for (const [name, fence] of Object.entries(fences)) {
    for (const level of [0, 1]) {
      if (level === 0 && name.includes('superpage')) continue;
      it(`${name} drops a ${level === 0 ? 'page' : 'superpage'}`, () => {
        const rig = getRig();
        const tables = getTables();
        const va = level === 0 ? 0x10000n : 0x40_0000n;
        const target = level === 0 ? DATA : BASE;
        tables.map(BASE, BASE, RWX, 2);
        tables.map(va, target, RW, level);
        // The guest itself maps the page elsewhere and reads again.
        rig.load(`
          ld s0, 8(a1)
          sd s0, 16(a1)
          ${level === 1 ? 'ld zero, 8(a3)' : 'nop'}
          sd a5, 0(a4)
          ${fence}
          ld s1, 8(a1)
          sd s1, 16(a1)
          ebreak`);
        rig.state.set('mstatus', 0n);
        rig.state.set32('priv', Priv.S);
        const moved = level === 0 ? DATA + 0x3000n : BASE + 0x20_0000n;
        rig.view.setBigUint64(Number(target - BASE) + 0x48, 1n, true);
        rig.view.setBigUint64(Number(moved - BASE) + 0x48, 2n, true);
        rig.setX('a1', va + 0x40n).setX('a3', level === 0 ? 5n : va + 0x5000n);
        // The address space that is in use has ASID 0.
        rig.setX('a6', 0n);
        rig.setX('a4', tables.leafGpa(va)).setX('a5', ((moved >> 12n) << 10n) | RW);
        rig.state.set('pc', BASE);
        rig.hart.invalidate();
        rig.untilEbreak();
        assert.deepEqual([rig.x('s0'), rig.x('s1')], [1n, 2n]);
        assert.equal(rig.view.getBigUint64(Number(target - BASE) + 0x50, true), 1n);
        assert.equal(rig.view.getBigUint64(Number(moved - BASE) + 0x50, true), 2n);
      });
    }
  }

  for (const fence of ['sfence.vma', 'sfence.vma zero, a6']) {
    it(`${fence} drops a page each of ten thousand times`, () => {
      const rig = getRig();
      const tables = getTables();
      const pages = [DATA, DATA + 0x3000n];
      tables.map(BASE, BASE, RWX, 2);
      tables.map(0x10000n, pages[0], RW);
      pages.forEach((page, index) => {
        rig.view.setBigUint64(Number(page - BASE) + 0x48, BigInt(index), true);
      });
      // s0: rounds to go; s1: what the page must hold; a5: both entries' difference.
      rig.load(`
        again:
          ld t0, 0(a4)
          xor t0, t0, a5
          sd t0, 0(a4)
          ${fence}
          xori s1, s1, 1
          ld t1, 8(a1)
          bne t1, s1, end
          addi s0, s0, -1
          bnez s0, again
        end:
          ebreak`);
      rig.state.set('mstatus', 0n);
      rig.state.set32('priv', Priv.S);
      rig.setX('s0', 10_000n).setX('a1', 0x10040n).setX('a6', 0n);
      rig.setX('a4', tables.leafGpa(0x10000n)).setX('a5', ((pages[0] ^ pages[1]) >> 12n) << 10n);
      rig.state.set('pc', BASE);
      rig.hart.invalidate();
      rig.untilEbreak(200_000);
      assert.equal(rig.x('s0'), 0n, 'rounds left');
    });
  }

  it('a write of satp changes the address space for what is not global', () => {
    const rig = getRig();
    const tables = getTables();
    const other = new PageTables(rig.view, ROOT + 0x40000n, 3);
    for (const space of [tables, other]) {
      space.map(BASE, BASE, RWX | G, 2);
    }
    tables.map(0x10000n, DATA, RW);
    other.map(0x10000n, DATA + 0x2000n, RW);
    rig.view.setBigUint64(0x40000, 1n, true);
    rig.view.setBigUint64(0x42000, 2n, true);
    rig.load(`
      ld s0, 0(a1)
      csrw satp, a3
      ld s1, 0(a1)
      csrw satp, a2
      ld s2, 0(a1)
      csrw satp, zero
      ld s3, 0(a4)
      csrw satp, a3
      ld s4, 0(a1)
      ebreak`);
    rig.state.set32('priv', Priv.S);
    rig.state.set('mstatus', 0n);
    rig.setX('a1', 0x10000n).setX('a2', tables.satp).setX('a3', other.satp).setX('a4', DATA);
    rig.state.set('pc', BASE);
    rig.hart.invalidate();
    rig.untilEbreak();
    assert.deepEqual(
      ['s0', 's1', 's2', 's3', 's4'].map((r) => rig.x(r)),
      [1n, 2n, 1n, 1n, 2n],
    );
  });

  it('keeps user and supervisor translations apart when SUM changes', () => {
    const rig = getRig();
    const tables = getTables();
    tables.map(BASE, BASE, RWX, 2);
    tables.map(0x10000n, DATA, RW | U);
    rig.load(`
      csrs sstatus, a2
      ld s0, 0(a1)
      csrc sstatus, a2
      ld s1, 0(a1)
      ebreak`);
    rig.state.set32('priv', Priv.S);
    rig.state.set('mstatus', 0n);
    rig.setX('a1', 0x10000n).setX('a2', SUM).setX('s1', 5n);
    rig.state.set('pc', BASE);
    rig.hart.invalidate();
    assert.equal(rig.hart.run(4), Stop.Budget);
    assert.equal(rig.x('s0'), 0x1122_3344_5566_7788n);
    assert.deepEqual([rig.x('s1'), rig.get('mcause'), rig.get('mepc')], [5n, 13n, BASE + 12n]);
  });
}
