/**
 * A program that runs every floating-point instruction over a table of operands in every rounding mode, and writes
 * results and flags: what comes out is a table of 16 bytes a case, in the order of `cases`.
 */
import { assemble, type InsnName, insnByName } from '../../src/isa/index.ts';
import { exitCall, PROGRAM_BASE, type UserProgram, writeCall } from './user-program.ts';

/** One instruction, and what its operands are: registers' contents, 64 bits. */
export interface FloatTable {
  readonly name: InsnName;
  readonly tuples: readonly (readonly bigint[])[];
}

/** One line of the results. */
export interface FloatCase {
  readonly table: FloatTable;
  readonly tuple: readonly bigint[];
  /** Static rounding mode; undefined: the instruction has none. */
  readonly rm: number | undefined;
}

const rmNames = ['rne', 'rtz', 'rdn', 'rup', 'rmm'];

/** Bytes of one result: the register, and fcsr's flags. */
export const RESULT_BYTES = 16;

/** Rounding modes that a table is run in. */
function modesOf(table: FloatTable): readonly (number | undefined)[] {
  return insnByName[table.name].usesRm ? [0, 1, 2, 3, 4] : [undefined];
}

/** Every line of the results, in order. */
export function* cases(tables: readonly FloatTable[]): Generator<FloatCase> {
  for (const table of tables) {
    for (const tuple of table.tuples) for (const rm of modesOf(table)) yield { table, tuple, rm };
  }
}

/** Loads of a tuple at s0, the instruction in each mode, stores of the results at s1. */
function runTuple(table: FloatTable): string[] {
  const insn = insnByName[table.name];
  const lines: string[] = [];
  const operands = insn.reads.map((use, i) => {
    const register = use.file === 'f' ? `ft${i}` : `t${i}`;
    lines.push(`${use.file === 'f' ? 'fld' : 'ld'} ${register}, ${8 * i}(s0)`);
    return register;
  });
  const toInteger = insn.writes[0]?.file === 'x';
  const result = toInteger ? 't6' : 'ft11';
  modesOf(table).forEach((rm, i) => {
    // frm is another mode than the one in the instruction.
    lines.push(`li t5, ${rm === undefined ? 0 : ((rm + 1) % 5) << 5}`, 'fscsr t5');
    lines.push(`${table.name} ${[result, ...operands, ...(rm === undefined ? [] : [rmNames[rm]])].join(', ')}`);
    lines.push('frflags t5', `${toInteger ? 'sd' : 'fsd'} ${result}, ${RESULT_BYTES * i}(s1)`);
    lines.push(`sd t5, ${RESULT_BYTES * i + 8}(s1)`);
  });
  return lines;
}

/** The program for some tables. */
export function floatTableProgram(tables: readonly FloatTable[]): UserProgram {
  const lines: string[] = [];
  const data: bigint[] = [];
  let outputMax = 0;
  tables.forEach((table, i) => {
    const outputBytes = table.tuples.length * modesOf(table).length * RESULT_BYTES;
    outputMax = Math.max(outputMax, outputBytes);
    const arity = insnByName[table.name].reads.length;
    lines.push(
      `li s0, operands + ${8 * data.length}`,
      `li s2, operands + ${8 * (data.length + arity * table.tuples.length)}`,
    );
    lines.push('li s1, output', `table${i}:`, ...runTuple(table));
    lines.push(`addi s0, s0, ${8 * arity}`, `addi s1, s1, ${modesOf(table).length * RESULT_BYTES}`);
    lines.push(`bltu s0, s2, table${i}`, writeCall('output', String(outputBytes)));
    for (const tuple of table.tuples) data.push(...tuple);
  });
  // The operands are many: they are put behind the code as bytes, not as lines of assembly.
  const source = ['start:', ...lines, exitCall].join('\n');
  const measure = assemble(source, { base: PROGRAM_BASE, symbols: { operands: PROGRAM_BASE, output: PROGRAM_BASE } });
  // Constants are loaded in as many instructions as they need, so leave room.
  const operands = PROGRAM_BASE + Math.ceil((measure.bytes.length * 4) / 4096) * 4096;
  const output = operands + Math.ceil((data.length * 8) / 4096) * 4096;
  const code = assemble(source, { base: PROGRAM_BASE, symbols: { operands, output } }).bytes;
  if (code.length > operands - PROGRAM_BASE) throw new Error('code reaches into the operands');
  const image = new Uint8Array(output - PROGRAM_BASE);
  image.set(code);
  new BigUint64Array(image.buffer, operands - PROGRAM_BASE, data.length).set(data);
  return { image, entry: BigInt(PROGRAM_BASE), memoryBytes: output - PROGRAM_BASE + outputMax };
}
