import { strict as assert } from 'node:assert';
import { createEngine } from '../../src/cpu/index.ts';
import { type InsnName, insnByName } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { boxed, floatNames, unboxed } from '../cpu/float-support.ts';
import { type Operation, operations, type Type, zfaOnly } from '../cpu/softfloat/operations.ts';
import { modes } from '../cpu/softfloat/reference.ts';
import { edgesOf, operandOf, randomTuple } from '../cpu/softfloat/support.ts';
import { forEachBackend } from '../support/backends.ts';
import { cases, type FloatTable, floatTableProgram, RESULT_BYTES } from './float-table.ts';
import { needQemu, runOnEngine, runOnQemu } from './user-program.ts';

const SEED = 0xf64;
/** Whole it takes some minutes, together with test/cpu/float.test.ts five. */
const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;

/** By number of operands: take every so many-th edge operand; random tuples. */
const STEPS = FULL ? [1, 1, 1, 2] : [1, 1, 1, 7];
const RANDOM_TUPLES = FULL ? 100_000 : 3_000;

/** Registers that hold no boxed single. */
const badBoxes = [0n, 0x3f80_0000n, 0xffff_fffe_3f80_0000n, 0x7fff_ffff_7f80_0001n, 0xffff_0000_ff80_0000n];

/** What the operands of an instruction are. */
function typesOf(name: InsnName): Type[] {
  const known = operations.find((operation) => operation.name === name);
  if (known !== undefined) return [...known.operands];
  // Moves and sign injection.
  const single = name.endsWith('.s') || name.endsWith('.w');
  return insnByName[name].reads.map((use) => (use.file === 'x' ? 'x' : single ? 's' : 'd'));
}

/** Operands of a type as registers hold them. */
function registersOf(type: Type, step: number): bigint[] {
  const values = edgesOf(type).filter((_, i) => i % step === 0);
  return type === 's' ? [...values.map(boxed), ...badBoxes.filter((_, i) => i % step === 0)] : values;
}

function combine(lists: readonly bigint[][]): bigint[][] {
  return lists.reduce<bigint[][]>((tuples, list) => tuples.flatMap((t) => list.map((v) => [...t, v])), [[]]);
}

function tableOf(name: InsnName, random: SeededRandom): FloatTable {
  const types = typesOf(name);
  const tuples = combine(types.map((type) => registersOf(type, STEPS[types.length] as number)));
  const operation = operations.find((o) => o.name === name);
  for (let i = 0; i < RANDOM_TUPLES; i++) {
    const values = operation ? randomTuple(operation, random) : types.map((type) => operandOf(type, random));
    tuples.push(values.map((v, at) => (types[at] === 's' ? boxed(v) : v)));
  }
  return { name, tuples };
}

/** The result that softfloat gives, as a register and fflags. */
function softResult(operation: Operation, rm: number, tuple: readonly bigint[]): { bits: bigint; flags: number } {
  const operands = tuple.map((v, i) => (operation.operands[i] === 's' ? unboxed(v) : v));
  const { bits, flags } = operation.soft(rm, ...operands);
  return { bits: operation.result === 's' ? boxed(bits) : bits, flags };
}

/** Instructions in groups that make programs of a moderate size. */
function groups(): { title: string; names: InsnName[] }[] {
  const known = floatNames.filter((name) => !zfaOnly.test(name) && !name.startsWith('fli.'));
  const group = (title: string, pattern: RegExp) => ({ title, names: known.filter((name) => pattern.test(name)) });
  return [
    group('sums and products', /^f(add|sub|mul)\./),
    group('quotients and roots', /^f(div|sqrt)\./),
    group('fused multiply-add of singles', /^fn?m(add|sub)\.s/),
    group('fused multiply-add of doubles', /^fn?m(add|sub)\.d/),
    group('comparisons, minimum and maximum', /^f(eq|lt|le|min|max|class)\./),
    group('conversions', /^fcvt\./),
    group('moves and sign injection', /^f(mv|sgnj)/),
  ];
}

describe('tables of floating-point operands', () => {
  it('cover every instruction that QEMU knows', () => {
    const covered = groups().flatMap((group) => group.names);
    const expected = floatNames.filter((name) => insnByName[name].extension !== 'zfa');
    assert.deepEqual([...covered].sort(), [...expected].sort());
  });
});

describe('floating point against QEMU', () => {
  before(function () {
    needQemu(this);
  });

  for (const { title, names } of groups()) {
    describe(title, () => {
      let tables: FloatTable[];
      let expected: Buffer;

      before(function () {
        this.timeout(600_000);
        const random = new SeededRandom(SEED);
        tables = names.map((name) => tableOf(name, random));
        expected = runOnQemu(floatTableProgram(tables));
      });

      /** Compares line by line; `actual` gives a line's register and flags. */
      function compare(actual: (index: number) => { bits: bigint; flags: bigint } | undefined): void {
        let index = 0;
        for (const { table, tuple, rm } of cases(tables)) {
          const got = actual(index);
          const bits = expected.readBigUInt64LE(index * RESULT_BYTES);
          const flags = expected.readBigUInt64LE(index * RESULT_BYTES + 8);
          if (got !== undefined && (got.bits !== bits || got.flags !== flags)) {
            const hex = (v: bigint) => `0x${v.toString(16)}`;
            assert.fail(
              `${table.name} (${tuple.map(hex).join(', ')}) ${rm === undefined ? '' : modes[rm]}: got ${hex(got.bits)} ` +
                `flags ${got.flags}, QEMU ${hex(bits)} flags ${flags} (seed ${SEED}, case ${index})`,
            );
          }
          index++;
        }
        assert.equal(expected.length, index * RESULT_BYTES);
      }

      it('softfloat gives the same results and flags', function () {
        this.timeout(600_000);
        const byName = new Map(operations.map((operation) => [operation.name, operation]));
        const lines = cases(tables);
        compare(() => {
          const { table, tuple, rm } = lines.next().value as NonNullable<ReturnType<typeof lines.next>['value']>;
          const operation = byName.get(table.name);
          if (operation === undefined) return undefined;
          const { bits, flags } = softResult(operation, rm ?? 0, tuple);
          return { bits, flags: BigInt(flags) };
        });
      });

      forEachBackend((kind) => {
        it(`the ${kind} backend gives the same results and flags`, function () {
          this.timeout(600_000);
          const written = runOnEngine((config) => createEngine(kind, config), floatTableProgram(tables));
          assert.equal(written.length, expected.length);
          if (written.equals(expected)) return;
          compare((index) => ({
            bits: written.readBigUInt64LE(index * RESULT_BYTES),
            flags: written.readBigUInt64LE(index * RESULT_BYTES + 8),
          }));
        });
      });
    });
  }
});
