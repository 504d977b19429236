/** Random programs from the instruction table, many in one image: each writes its scratch area and its registers. */
import { assemble, type ProgramItem, programSource, type RandomProgram, SCRATCH_BYTES } from '../../src/isa/index.ts';
import { exitCall, PROGRAM_BASE, type UserProgram, writeCall } from './user-program.ts';

const registers = Array.from({ length: 32 }, (_, i) => i);

/** The register that points at the dump when the others are saved; its own value is not recorded. */
const DUMP_POINTER = 9;

/** What a program writes: scratch area, x0 … x31, f0 … f31, fcsr. */
export const RECORD_BYTES = SCRATCH_BYTES + 8 * 65;

/** Assembly at a program's end: registers to memory, memory to the outside, on to the next program. */
const record = [
  `la x${DUMP_POINTER}, dump`,
  ...registers.filter((r) => r !== DUMP_POINTER).map((r) => `sd x${r}, ${8 * r}(x${DUMP_POINTER})`),
  ...registers.map((r) => `fsd f${r}, ${8 * (32 + r)}(x${DUMP_POINTER})`),
  'frcsr t0',
  `sd t0, ${8 * 64}(x${DUMP_POINTER})`,
  writeCall('scratch', String(RECORD_BYTES)),
  'la t0, following',
  'jr t0',
].join('\n');

/** A program, or what is left of it. */
export interface Selection {
  readonly program: RandomProgram;
  readonly items?: readonly ProgramItem[];
}

/** An image of some programs, run one after another. */
export function imageOf(selections: readonly Selection[]): UserProgram {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (const { program, items = program.items } of selections) {
    const source = `${programSource(program, { items, after: record })}
      dump: .space ${8 * 65}
      .balign 64
      following:`;
    const part = assemble(source, { base: PROGRAM_BASE + bytes }).bytes;
    parts.push(part);
    bytes += part.length;
  }
  parts.push(assemble(exitCall, { base: PROGRAM_BASE + bytes }).bytes);
  const image = Buffer.concat(parts);
  return { image, entry: BigInt(PROGRAM_BASE), memoryBytes: image.length };
}

const integerNames = registers.map((r) => `x${r}`);
const floatNames = registers.map((r) => `f${r}`);

/** What two records have different, for people. */
export function explain(ours: Buffer, theirs: Buffer): string {
  const out: string[] = [];
  const names = [...integerNames, ...floatNames, 'fcsr'];
  const hex = (record: Buffer, at: number) => `0x${record.readBigUInt64LE(at).toString(16).padStart(16, '0')}`;
  for (let at = 0; at < RECORD_BYTES; at += 8) {
    const [a, b] = [hex(ours, at), hex(theirs, at)];
    const name = at < SCRATCH_BYTES ? `scratch + ${at}` : names[(at - SCRATCH_BYTES) / 8];
    if (a !== b) out.push(`${name}: ${a}, QEMU ${b}`);
  }
  return out.join('\n');
}
