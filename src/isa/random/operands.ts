/** Random operands as assembly text. */
import type { SeededRandom } from '../../util/index.ts';
import { fliText } from '../asm/fli-constant.ts';
import { fenceSetName, fNames, rmNames, xNames } from '../asm/registers.ts';
import type { Syntax } from '../insn.ts';

/** Registers that point at the scratch area: compressed loads and stores need one in x8 … x15 and the stack pointer. */
export const baseRegisters = { stack: 'sp', short: 's1', wide: 's11' } as const;
/** Holds the address of an atomic access or a computed jump. */
export const ADDRESS_REGISTER = 's10';

/** Bytes of the scratch area; the base registers point at its middle. */
export const SCRATCH_BYTES = 4096;

const reserved: readonly string[] = [...Object.values(baseRegisters), ADDRESS_REGISTER];
/** Integer registers that instructions may write. */
export const freeRegisters: readonly string[] = xNames.filter((name) => !reserved.includes(name));
const shortRegisters = freeRegisters.filter((name) => xNames.indexOf(name) >= 8 && xNames.indexOf(name) < 16);
const shortFloats = fNames.slice(8, 16);

const ROUNDING_MODES = [0, 1, 2, 3, 4, 7];

/** What operands may be. */
export interface OperandScope {
  readonly random: SeededRandom;
  /** A label further on. */
  readonly target: () => string;
  /** Compressed: three-bit register fields reach x8 … x15 only. */
  readonly short: boolean;
}

/** Register sources: all but x0 are equally likely, x0 twice as much. */
function sourceRegister({ random, short }: OperandScope): string {
  if (short) return random.pick(shortRegisters);
  return random.below(32) === 0 ? 'zero' : random.pick(xNames);
}

function destination({ random, short }: OperandScope): string {
  return short ? random.pick(shortRegisters) : random.pick(freeRegisters);
}

function float({ random, short }: OperandScope): string {
  return short ? random.pick(shortFloats) : random.pick(fNames);
}

/** Twelve signed bits: the extremes, zero and small numbers more often than their share. */
function immediate(random: SeededRandom): number {
  switch (random.below(4)) {
    case 0:
      return random.pick([0, 1, -1, 2047, -2048, 255]);
    case 1:
      return random.below(64) - 32;
    default:
      return random.below(4096) - 2048;
  }
}

/** An offset from a base register that stays in the scratch area whatever the width; aligned three times out of four. */
function scratchOffset(random: SeededRandom): number {
  const offset = random.below(SCRATCH_BYTES - 8) - SCRATCH_BYTES / 2;
  return random.below(4) === 0 ? offset : offset & ~7;
}

/** The text of one operand, or undefined when this kind needs more than a random choice. */
export function randomOperand(operand: Syntax, scope: OperandScope, shiftBits: number): string | undefined {
  const { random } = scope;
  switch (operand) {
    case 'rd':
      return destination(scope);
    case 'rs1':
    case 'rs2':
      return sourceRegister(scope);
    case 'frd':
    case 'frs1':
    case 'frs2':
    case 'frs3':
      return float(scope);
    case 'imm':
      return String(immediate(random));
    case 'shamt':
      return String(random.below(1 << shiftBits));
    case 'upper':
      return String(random.below(1 << 20));
    case 'mem':
      return `${scratchOffset(random)}(${baseRegisters.wide})`;
    case 'addr':
      return `(${ADDRESS_REGISTER})`;
    case 'target':
      return scope.target();
    case 'pred':
    case 'succ':
      return fenceSetName(1 + random.below(15));
    case 'rm':
      return rmNames[random.pick(ROUNDING_MODES)];
    case 'rtz':
      return 'rtz';
    case 'fconst':
      return fliText(random.below(32));
    default:
      return undefined;
  }
}

/** Operands of a compressed instruction, by its name: immediates and register fields are narrower. */
export function compressedOperand(operand: Syntax, name: string, scope: OperandScope): string {
  const { random } = scope;
  const bytes = name.includes('lw') || name.includes('sw') ? 4 : 8;
  switch (operand) {
    case 'imm':
      if (name === 'c.addi4spn') return String(4 * (1 + random.below(255)));
      return String(random.below(64) - 32);
    case 'upper': {
      const value = random.below(64) - 32;
      return String(value === 0 ? 1 : value & 0xf_ffff);
    }
    case 'mem':
      return `${bytes * random.below(32)}(${baseRegisters.short})`;
    case 'memsp':
      return `${bytes * random.below(64)}(${baseRegisters.stack})`;
    case 'sp':
      return baseRegisters.stack;
    default:
      return randomOperand(operand, scope, 6) ?? '';
  }
}

/** Bit patterns that arithmetic treats specially, as 64-bit numbers. */
const notableIntegers: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n,
  0x7fn,
  0x80n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  -0x8000_0000n,
  0x7fff_ffff_ffff_ffffn,
  -0x8000_0000_0000_0000n,
  0x5555_5555_5555_5555n,
];

/** Doubles: zeros, subnormals, the smallest and largest normals, infinities, NaNs, ones, halves and integers' limits. */
const notableDoubles: readonly bigint[] = [
  0n,
  1n,
  0x000f_ffff_ffff_ffffn,
  0x0010_0000_0000_0000n,
  0x3fe0_0000_0000_0000n,
  0x3ff0_0000_0000_0000n,
  0x3ff0_0000_0000_0001n,
  0x4000_0000_0000_0000n,
  0x41df_ffff_ffc0_0000n,
  0x43e0_0000_0000_0000n,
  0x7fef_ffff_ffff_ffffn,
  0x7ff0_0000_0000_0000n,
  0x7ff0_0000_0000_0001n,
  0x7ff8_0000_0000_0000n,
];

const notableSingles: readonly bigint[] = [
  0n,
  1n,
  0x007f_ffffn,
  0x0080_0000n,
  0x3f00_0000n,
  0x3f80_0000n,
  0x3f80_0001n,
  0x4eff_ffffn,
  0x5f00_0000n,
  0x7f7f_ffffn,
  0x7f80_0000n,
  0x7f80_0001n,
  0x7fc0_0000n,
];

function random64(random: SeededRandom): bigint {
  return (BigInt(random.u32()) << 32n) | BigInt(random.u32());
}

/** A start value for an integer register. */
export function randomInteger(random: SeededRandom): bigint {
  if (random.below(2) === 0) return BigInt.asUintN(64, random.pick(notableIntegers));
  return random64(random) >> BigInt(random.below(64));
}

/** A start value for a floating-point register: doubles, NaN-boxed singles, and bits that are neither. */
export function randomFloat(random: SeededRandom): bigint {
  const sign = BigInt(random.below(2));
  const boxed = 0xffff_ffff_0000_0000n;
  switch (random.below(5)) {
    case 0:
      return random.pick(notableDoubles) | (sign << 63n);
    case 1:
      return boxed | random.pick(notableSingles) | (sign << 31n);
    case 2:
      return boxed | BigInt(random.u32());
    case 3:
      // Exponents near 0 make results that are not all infinite or zero.
      return (BigInt(0x3f0 + random.below(0x20)) << 52n) | (random64(random) >> 12n) | (sign << 63n);
    default:
      return random64(random);
  }
}
