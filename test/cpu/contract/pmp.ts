/** Physical memory protection. */
import { strict as assert } from 'node:assert';
import { Stop } from '../../../src/cpu/index.ts';
import { Priv } from '../../../src/isa/index.ts';
import { PageTables, Pte } from '../support/page-tables.ts';
import { RAM_GPA, type Rig } from '../support/rig.ts';

const BASE = BigInt(RAM_GPA);
const HANDLER = BASE + 0x800n;
const DATA = BASE + 0x40000n;
const MPRV = 1n << 17n;

const OFF = 0n;
const TOR = 8n;
const NA4 = 0x10n;
const NAPOT = 0x18n;
const R = 1n;
const W = 2n;
const X = 4n;
const LOCKED = 0x80n;

type Access = 'load' | 'store' | 'fetch';
const causes = { load: 5n, store: 7n, fetch: 1n } as const;

/** pmpaddr of a naturally aligned region of 2^n bytes. */
function napot(start: bigint, bytes: bigint): bigint {
  return (start >> 2n) | (bytes / 8n - 1n);
}

export function pmpContract(makeRig: () => Rig): void {
  describe('physical memory protection', () => {
    let rig: Rig;
    beforeEach(() => {
      rig = makeRig();
      rig.state.set('mtvec', HANDLER);
      for (let at = 0x40000; at < 0x42000; at += 4) rig.view.setUint32(at, 0x13, true);
    });

    function entries(...list: readonly (readonly [address: bigint, config: bigint])[]): void {
      rig.state.set('pmpcfg', 0n, 0);
      list.forEach(([address, config], i) => {
        rig.state.set('pmpaddr', address, i);
        rig.state.set('pmpcfg', rig.get('pmpcfg') | (config << BigInt(8 * i)));
      });
      rig.hart.invalidate();
    }

    /** Makes one access; true if PMP let it. */
    function allowed(kind: Access, at: bigint, priv: number = Priv.S, insn?: string): boolean {
      rig.state.set('mcause', 99n);
      if (kind === 'fetch') {
        rig.state.set('mstatus', 0n);
        rig.state.set32('priv', priv);
        rig.state.set('pc', at);
      } else {
        rig.load(insn ?? (kind === 'load' ? 'lw a0, 0(a1)' : 'sw a2, 0(a1)'));
        rig.state.set('mstatus', MPRV | (BigInt(priv) << 11n));
        rig.state.set32('priv', Priv.M);
        rig.state.set('pc', BASE);
        rig.setX('a1', at).setX('a2', 0x13n);
        rig.hart.invalidate();
      }
      assert.equal(rig.hart.run(1), Stop.Budget);
      if (rig.get('mcause') === 99n) return true;
      assert.deepEqual([rig.get('mcause'), rig.get('pc')], [causes[kind], HANDLER]);
      return false;
    }

    function assertAccess(at: bigint, rwx: string, priv: number = Priv.S): void {
      const got = (['load', 'store', 'fetch'] as const).map((kind, i) => (allowed(kind, at, priv) ? 'rwx'[i] : '-'));
      assert.equal(got.join(''), rwx, `at ${at.toString(16)} in mode ${priv}`);
    }

    it('denies S and U everything, and M nothing, where no entry matches', () => {
      entries();
      assertAccess(DATA, '---', Priv.S);
      assertAccess(DATA, '---', Priv.U);
      assertAccess(DATA, 'rwx', Priv.M);
    });

    it('grants what the lowest matching entry grants', () => {
      const all = napot(0n, 1n << 56n);
      for (const [config, rwx] of [
        [R, 'r--'],
        [R | W, 'rw-'],
        [X, '--x'],
        [R | X, 'r-x'],
        [R | W | X, 'rwx'],
        [0n, '---'],
      ] as const) {
        entries([napot(DATA, 0x1000n), NAPOT | config], [all, NAPOT | R | W | X]);
        assertAccess(DATA, rwx);
        assertAccess(DATA + 0xffcn, rwx);
        assertAccess(DATA + 0x1000n, 'rwx');
        assertAccess(DATA, 'rwx', Priv.M);
        entries([napot(DATA, 0x1000n), NAPOT | config | LOCKED], [all, NAPOT | R | W | X]);
        assertAccess(DATA, rwx, Priv.M);
      }
    });

    it('matches TOR from the entry below, NA4, and regions smaller than a page', () => {
      entries([DATA >> 2n, OFF], [(DATA + 0x100n) >> 2n, TOR | R | X], [(DATA + 0x104n) >> 2n, NA4 | R]);
      assertAccess(DATA - 4n, '---');
      assertAccess(DATA, 'r-x');
      assertAccess(DATA + 0xfcn, 'r-x');
      assertAccess(DATA + 0x100n, '---');
      assertAccess(DATA + 0x104n, 'r--');
      assertAccess(DATA + 0x108n, '---');
      assertAccess(DATA + 0x104n, 'rwx', Priv.M);
      // The first entry's region starts at 0; an empty or backward one matches nothing.
      entries([DATA >> 2n, TOR | R], [DATA >> 2n, TOR | W], [(DATA - 8n) >> 2n, TOR | X]);
      assertAccess(DATA - 4n, 'r--');
      assertAccess(DATA, '---');
    });

    it('faults an access that a region covers only in part, in M-mode too', () => {
      entries([napot(DATA, 8n), NAPOT | R | W | X], [napot(0n, 1n << 56n), NAPOT | R | W | X]);
      for (const priv of [Priv.S, Priv.M]) {
        assert.equal(allowed('load', DATA, priv, 'ld a0, 0(a1)'), true);
        assert.equal(allowed('load', DATA + 8n, priv, 'ld a0, 0(a1)'), true);
        assert.equal(allowed('load', DATA + 4n, priv, 'ld a0, 0(a1)'), false);
      }
    });

    it('runs code in a page that entries split, up to where it may', () => {
      entries([DATA >> 2n, OFF], [(DATA + 0x20n) >> 2n, TOR | R | X]);
      rig.state.set32('priv', Priv.S);
      rig.state.set('mstatus', 0n);
      rig.state.set('pc', DATA);
      assert.equal(rig.hart.run(9), Stop.Budget);
      assert.deepEqual([rig.get('mcause'), rig.get('mepc'), rig.get('mtval')], [1n, DATA + 0x20n, DATA + 0x20n]);
      assert.equal(rig.get('retired'), 8n);
    });

    it('checks page walks as loads of S-mode, and A and D updates as stores', () => {
      const root = BASE + 0x100000n;
      const tables = new PageTables(rig.view, root, 3);
      rig.state.set('satp', tables.satp);
      rig.state.set('menvcfg', 1n << 61n);
      tables.map(0x10000n, DATA, Pte.V | Pte.R | Pte.W | Pte.X);
      const rest = [napot(0n, 1n << 56n), NAPOT | R | W | X] as const;
      for (const kind of ['load', 'store', 'fetch'] as const) {
        entries([napot(root, 0x40000n), NAPOT | W], rest);
        assert.equal(allowed(kind, 0x10000n), false, kind);
        entries([napot(root, 0x40000n), NAPOT | R], rest);
        assert.equal(allowed(kind, 0x10000n), false, kind);
      }
      assert.equal(tables.leaf(0x10000n) & (Pte.A | Pte.D), 0n);
      entries([napot(root, 0x40000n), NAPOT | R | W], rest);
      assert.equal(allowed('store', 0x10000n), true);
      entries([napot(root, 0x40000n), NAPOT | R], rest);
      assert.equal(allowed('store', 0x10000n), true, 'nothing left to set');
    });

    it('judges stores by W behind page tables too, after loads of the same page have been let through', () => {
      const tables = new PageTables(rig.view, BASE + 0x100000n, 3);
      rig.state.set('satp', tables.satp);
      tables.map(0x10000n, DATA, Pte.V | Pte.R | Pte.W | Pte.A | Pte.D);
      entries([napot(DATA, 0x1000n), NAPOT | R], [napot(0n, 1n << 56n), NAPOT | R | W | X]);
      rig.load('lw a0, 0(a1)\n sw a2, 0(a1)');
      rig.state.set('mstatus', MPRV | (1n << 11n));
      rig.state.set('pc', BASE);
      rig.setX('a1', 0x10000n);
      rig.hart.invalidate();
      assert.equal(rig.hart.run(2), Stop.Budget);
      assert.deepEqual([rig.get('pc'), rig.get('mcause'), rig.get('mepc')], [HANDLER, causes.store, BASE + 4n]);
      // And loads by R after stores: W without R is reserved, but nothing keeps software from writing it first.
      entries([napot(DATA, 0x1000n), NAPOT | W], [napot(0n, 1n << 56n), NAPOT | R | W | X]);
      rig.load('sw a2, 0(a1)\n lw a0, 0(a1)');
      rig.state.set('mstatus', MPRV | (1n << 11n));
      rig.state.set('pc', BASE);
      rig.hart.invalidate();
      assert.equal(rig.hart.run(2), Stop.Budget);
      assert.deepEqual([rig.get('pc'), rig.get('mcause'), rig.get('mepc')], [HANDLER, causes.load, BASE + 4n]);
    });

    it('takes effect with the CSR write', () => {
      entries([napot(0n, 1n << 56n), NAPOT | R | W | X]);
      rig.load(`
        lw a0, 0(a1)
        csrw pmpcfg0, zero
        lw a0, 0(a1)`);
      rig.state.set('mstatus', MPRV | (1n << 11n));
      rig.state.set('pc', BASE);
      rig.setX('a1', DATA);
      rig.hart.run(3);
      assert.deepEqual([rig.get('mcause'), rig.get('mepc')], [5n, BASE + 8n]);
    });
  });
}
