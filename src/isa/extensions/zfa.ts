/** Zfa: additional floating-point instructions for single and double precision (Unprivileged spec 27). */
import { Opcode } from '../formats.ts';
import { extension, type Traits } from '../insn.ts';

const opcode = Opcode.OP_FP;
const insn = extension('zfa');

const minMax: Traits = { syntax: 'frd,frs1,frs2', fflags: true };
const round: Traits = { fflags: true };
const quietCompare: Traits = { syntax: 'rd,frs1,frs2', fflags: true };

export const zfa = [
  insn('fli.s', 'Fli', { opcode, funct3: 0, funct12: 0xf01 }),
  insn('fli.d', 'Fli', { opcode, funct3: 0, funct12: 0xf21 }),
  insn('fminm.s', 'R', { opcode, funct3: 2, funct7: 0x14 }, minMax),
  insn('fmaxm.s', 'R', { opcode, funct3: 3, funct7: 0x14 }, minMax),
  insn('fminm.d', 'R', { opcode, funct3: 2, funct7: 0x15 }, minMax),
  insn('fmaxm.d', 'R', { opcode, funct3: 3, funct7: 0x15 }, minMax),
  insn('fround.s', 'R1rm', { opcode, funct12: 0x404 }, round),
  insn('froundnx.s', 'R1rm', { opcode, funct12: 0x405 }, round),
  insn('fround.d', 'R1rm', { opcode, funct12: 0x424 }, round),
  insn('froundnx.d', 'R1rm', { opcode, funct12: 0x425 }, round),
  insn('fcvtmod.w.d', 'R1', { opcode, funct3: 1, funct12: 0xc28 }, { syntax: 'rd,frs1,rtz', fflags: true }),
  insn('fleq.s', 'R', { opcode, funct3: 4, funct7: 0x50 }, quietCompare),
  insn('fltq.s', 'R', { opcode, funct3: 5, funct7: 0x50 }, quietCompare),
  insn('fleq.d', 'R', { opcode, funct3: 4, funct7: 0x51 }, quietCompare),
  insn('fltq.d', 'R', { opcode, funct3: 5, funct7: 0x51 }, quietCompare),
] as const;

/**
 * The 32 constants of fli by index (table 35). Index 1 is the smallest positive normal number of the format, given
 * here as undefined; index 31 the canonical NaN.
 */
export const fliConstants: readonly (number | undefined)[] = [
  -1.0,
  undefined,
  2 ** -16,
  2 ** -15,
  2 ** -8,
  2 ** -7,
  0.0625,
  0.125,
  0.25,
  0.3125,
  0.375,
  0.4375,
  0.5,
  0.625,
  0.75,
  0.875,
  1.0,
  1.25,
  1.5,
  1.75,
  2.0,
  2.5,
  3,
  4,
  8,
  16,
  128,
  256,
  2 ** 15,
  2 ** 16,
  Number.POSITIVE_INFINITY,
  Number.NaN,
];
