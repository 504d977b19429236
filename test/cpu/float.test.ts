import { strict as assert } from 'node:assert';
import { Outcome } from '../../src/cpu/interp/handler.ts';
import type { InsnName } from '../../src/isa/index.ts';
import { fliConstants, insnByName } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { boxed, FloatBench, floatNames, unboxed } from './float-support.ts';
import { type Operation, operations } from './softfloat/operations.ts';
import { modes } from './softfloat/reference.ts';
import { edgeTuples, randomTuple } from './softfloat/support.ts';

const SEED = 0xf10a7;
/** Whole it takes some minutes. */
const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const RANDOM_TUPLES = FULL ? 200_000 : 1_500;
const STEPS = FULL ? [1, 1, 1, 5] : [1, 1, 5, 17];

const DYNAMIC = 7;
const NX = 1;

/** Runs instructions of one operation, with every rounding mode static and dynamic, against softfloat. */
class Comparison {
  readonly #bench = new FloatBench();
  readonly #operation: Operation;
  readonly #ops: readonly (() => number)[];

  constructor(operation: Operation) {
    this.#operation = operation;
    const usesRm = insnByName[operation.name as InsnName].usesRm;
    this.#ops = [0, 1, 2, 3, 4, DYNAMIC].map((rm) =>
      this.#bench.op(operation.name as InsnName, { rd: 4, rs1: 1, rs2: 2, rs3: 3, rm: usesRm ? rm : 0 }),
    );
  }

  /** One tuple in every mode, with the flags that stand before in `flags`. */
  check(tuple: readonly bigint[], flags: number, context: string): void {
    for (const rm of modes.keys()) {
      this.#run(tuple, rm, rm, (((rm + 1) % 5) << 5) | flags, context);
      this.#run(tuple, rm, DYNAMIC, (rm << 5) | flags, context);
    }
  }

  #run(tuple: readonly bigint[], rm: number, field: number, fcsr: number, context: string): void {
    const bench = this.#bench;
    const { name, operands, result, rounds } = this.#operation;
    operands.forEach((type, i) => {
      const value = tuple[i] as bigint;
      if (type === 'x') bench.setX(i + 1, value);
      else bench.setF(i + 1, type === 's' ? boxed(value) : value);
    });
    bench.fcsr = fcsr;
    const outcome = (this.#ops[field === DYNAMIC ? 5 : field] as () => number)();
    const want = this.#operation.soft(rounds ? rm : 0, ...tuple);
    const wantBits = result === 's' ? boxed(want.bits) : want.bits;
    const bits = result === 'x' ? bench.getX(4) : bench.getF(4);
    if (outcome === Outcome.NEXT && bits === wantBits && bench.fcsr === (fcsr | want.flags)) return;
    const hex = (v: bigint) => `0x${v.toString(16)}`;
    assert.fail(
      `${name} (${tuple.map(hex).join(', ')}) ${modes[rm]}, rm field ${field}, fcsr ${fcsr} before: got ${hex(bits)}, ` +
        `fcsr ${bench.fcsr}, outcome ${outcome}; want ${hex(wantBits)}, flags ${want.flags} ${context}`,
    );
  }
}

describe('floating-point instructions', () => {
  it('there is a handler for every instruction of F, D and Zfa but loads and stores', () => {
    const bench = new FloatBench();
    for (const name of floatNames) assert.equal(typeof bench.op(name, {}), 'function', name);
    assert.equal(floatNames.length, 73);
  });

  for (const operation of operations) {
    it(`${operation.name} gives softfloat's bits and flags in every mode, whether or not NX is set`, function () {
      this.timeout(600_000);
      const comparison = new Comparison(operation);
      const random = new SeededRandom(SEED);
      for (const tuple of edgeTuples(operation, STEPS[operation.operands.length] as number)) {
        comparison.check(tuple, 0, '');
        comparison.check(tuple, NX, '');
      }
      for (let i = 0; i < RANDOM_TUPLES; i++) {
        const flags = random.pick([0, NX, random.below(32)]);
        comparison.check(randomTuple(operation, random), flags, `(seed ${SEED}, tuple ${i})`);
      }
    });
  }

  it('a rounding mode that is reserved in frm makes instructions with a dynamic mode illegal, and changes nothing', () => {
    const bench = new FloatBench();
    for (const name of floatNames.filter((n) => insnByName[n].usesRm)) {
      for (const frm of [5, 6, 7]) {
        for (const value of [boxed(0x3f80_0000n), 0x3ff0_0000_0000_0000n]) {
          for (const r of [1, 2, 3]) bench.setF(r, value);
          bench.setF(4, 0x1234n);
          bench.setX(1, 3n);
          bench.setX(4, 0x1234n);
          bench.fcsr = frm << 5;
          assert.equal(bench.op(name, { rd: 4, rs1: 1, rs2: 2, rs3: 3, rm: DYNAMIC })(), Outcome.ILLEGAL, name);
          assert.equal(bench.getF(4), 0x1234n, name);
          assert.equal(bench.getX(4), 0x1234n, name);
          assert.equal(bench.fcsr, frm << 5, name);
          // A static mode does not look at frm.
          assert.equal(bench.op(name, { rd: 4, rs1: 1, rs2: 2, rs3: 3, rm: 1 })(), Outcome.NEXT, name);
        }
      }
    }
  });

  it('a single that is not NaN-boxed reads as the canonical NaN', () => {
    const bench = new FloatBench();
    const bad = [0x3f80_0000n, 0xffff_fffe_3f80_0000n, 0x7fff_ffff_3f80_0000n, 0xffff_0000_7f80_0001n];
    const one = boxed(0x3f80_0000n);
    for (const operation of operations.filter((o) => o.operands.includes('s'))) {
      const run = bench.op(operation.name as InsnName, { rd: 4, rs1: 1, rs2: 2, rs3: 3, rm: 0 });
      for (const value of bad) {
        for (const place of operation.operands.keys()) {
          const registers = operation.operands.map((_, i) => (i === place ? value : one));
          for (const [i, register] of registers.entries()) bench.setF(i + 1, register);
          bench.fcsr = 0;
          run();
          const want = operation.soft(0, ...registers.map(unboxed));
          const got = operation.result === 'x' ? bench.getX(4) : bench.getF(4);
          assert.equal(got, operation.result === 's' ? boxed(want.bits) : want.bits, operation.name);
          assert.equal(bench.fcsr, want.flags, operation.name);
        }
      }
    }
  });
});

describe('floating-point moves', () => {
  const signaling = 0x7ff0_0000_dead_beefn;
  const negativeSignaling = signaling | (1n << 63n);

  /** Runs `name` with f1, f2 and x1 set and returns the destination. */
  function run(name: InsnName, f1: bigint, f2 = 0n, x1 = 0n): { f: bigint; x: bigint } {
    const bench = new FloatBench();
    bench.setF(1, f1);
    bench.setF(2, f2);
    bench.setX(1, x1);
    assert.equal(bench.op(name, { rd: 4, rs1: 1, rs2: 2 })(), Outcome.NEXT);
    assert.equal(bench.fcsr, 0);
    return { f: bench.getF(4), x: bench.getX(4) };
  }

  it('keep every bit of a double, signaling NaNs included', () => {
    assert.equal(run('fsgnj.d', signaling, signaling).f, signaling);
    assert.equal(run('fmv.x.d', signaling).x, signaling);
    assert.equal(run('fmv.d.x', 0n, 0n, negativeSignaling).f, negativeSignaling);
    const bench = new FloatBench();
    bench.setF(1, signaling);
    bench.op('fsgnj.d', { rd: 4, rs1: 1, rs2: 1 })();
    assert.equal(bench.getF(4), signaling);
  });

  it('inject signs into doubles', () => {
    assert.equal(run('fsgnj.d', signaling, 1n << 63n).f, negativeSignaling);
    assert.equal(run('fsgnjn.d', signaling, 1n << 63n).f, signaling);
    assert.equal(run('fsgnjn.d', signaling, 0n).f, negativeSignaling);
    assert.equal(run('fsgnjx.d', negativeSignaling, 1n << 63n).f, signaling);
    assert.equal(run('fsgnjx.d', negativeSignaling, 0n).f, negativeSignaling);
  });

  it('inject signs into singles, taking what is not boxed for the canonical NaN', () => {
    const [plus, minus, bad] = [boxed(0x7f80_0001n), boxed(0xff80_0001n), 0x8000_0000n];
    assert.equal(run('fsgnj.s', plus, minus).f, minus);
    assert.equal(run('fsgnjn.s', plus, minus).f, plus);
    assert.equal(run('fsgnjx.s', minus, minus).f, plus);
    assert.equal(run('fsgnj.s', bad, minus).f, boxed(0xffc0_0000n));
    assert.equal(run('fsgnj.s', minus, bad).f, plus);
    assert.equal(run('fsgnjn.s', plus, bad).f, minus);
  });

  it('move words without regard to boxes, sign-extended to integers and boxed to singles', () => {
    assert.equal(run('fmv.x.w', 0x1234_5678_8765_4321n).x, 0xffff_ffff_8765_4321n);
    assert.equal(run('fmv.x.w', boxed(0x7f80_0001n)).x, 0x7f80_0001n);
    assert.equal(run('fmv.w.x', 0n, 0n, 0x1234_5678_7f80_0001n).f, boxed(0x7f80_0001n));
  });

  it('operate when source and destination are the same register', () => {
    const bench = new FloatBench();
    bench.setF(1, signaling);
    bench.op('fsgnjn.d', { rd: 1, rs1: 1, rs2: 1 })();
    assert.equal(bench.getF(1), negativeSignaling);
    bench.op('fsgnjx.d', { rd: 1, rs1: 1, rs2: 1 })();
    assert.equal(bench.getF(1), signaling);
  });
});

describe('floating-point constants', () => {
  it('fli loads each of the 32 constants in both formats', () => {
    const bench = new FloatBench();
    const view = new DataView(new ArrayBuffer(8));
    fliConstants.forEach((constant, imm) => {
      bench.op('fli.s', { rd: 1, imm })();
      bench.op('fli.d', { rd: 2, imm })();
      view.setFloat32(0, constant ?? 2 ** -126);
      assert.equal(bench.getF(1), boxed(BigInt(view.getUint32(0))), `fli.s ${imm}`);
      view.setFloat64(0, constant ?? 2 ** -1022);
      assert.equal(bench.getF(2), view.getBigUint64(0), `fli.d ${imm}`);
    });
  });
});
