/** Pseudo-instructions that stand for several instructions, expanded as text. */
import { insns } from '../table.ts';
import { complain } from './errors.ts';
import { fNumber, xNumber } from './registers.ts';

/** Computes a constant that must be known where it is used. */
export type Constant = (text: string) => bigint;

/** One instruction of an expansion: mnemonic and operands. */
export type Line = readonly [name: string, ...operands: string[]];

type Expand = (operands: readonly string[], constant: Constant) => Line[] | undefined;

/** Bits 11:0 of a pc-relative address whose upper part the auipc just before computes. */
const LOW = '%pcrel_lo(.-4)';

/** Instructions with a memory operand whose address may be a label instead. */
const addressed = new Map(
  insns
    .filter((insn) => insn.syntax[1] === 'mem' && insn.memory !== undefined)
    .map((insn) => [insn.name as string, insn]),
);

const expansions: Readonly<Record<string, Expand>> = {
  li: ([rd, value], constant) =>
    isRegister(rd) && value !== undefined ? loadConstant(rd, constant(value)) : undefined,
  la: ([rd, target]) =>
    isRegister(rd) && target !== undefined ? address(rd, target, ['addi', rd, rd, LOW]) : undefined,
  lla: (operands, constant) => expansions.la(operands, constant),
  call: (operands) => {
    const [link, target] = operands.length === 2 ? operands : ['ra', operands[0]];
    return isRegister(link) && target !== undefined
      ? address(link, target, ['jalr', link, `${LOW}(${link})`])
      : undefined;
  },
  tail: ([target]) => (target === undefined ? undefined : address('t1', target, ['jalr', 'zero', `${LOW}(t1)`])),
  jump: ([target, temporary]) =>
    isRegister(temporary) ? address(temporary, target, ['jalr', 'zero', `${LOW}(${temporary})`]) : undefined,
};

/**
 * The instructions that a pseudo-instruction stands for, or undefined if it is not one with such operands. `li` of a
 * constant of up to 12 bits is one instruction, and of any 64-bit constant at most eight.
 */
export function expandPseudo(name: string, operands: readonly string[], constant: Constant): Line[] | undefined {
  const expand = expansions[name];
  if (expand !== undefined) {
    return expand(operands, constant) ?? complain(`cannot read the operands of ${name}: '${operands.join(',')}'`);
  }
  return accessByLabel(name, operands);
}

function isRegister(name: string | undefined): name is string {
  return name !== undefined && xNumber(name) !== undefined;
}

function address(upper: string, target: string, use: Line): Line[] {
  return [['auipc', upper, `%pcrel_hi(${target})`], use];
}

/** `lw a0, label`, `flw fa0, label, t0`, `sw a0, label, t0`: all but integer loads need a register for the address. */
function accessByLabel(name: string, operands: readonly string[]): Line[] | undefined {
  const insn = addressed.get(name);
  const [value, target, temporary] = operands;
  if (insn === undefined || target === undefined || isMemoryOperand(target) || isRegister(target)) return undefined;
  const base = insn.memory?.kind === 'load' && fNumber(value) === undefined ? value : temporary;
  if (!isRegister(base) || operands.length > 3) return undefined;
  return address(base, target, [name, value, `${LOW}(${base})`]);
}

function isMemoryOperand(text: string): boolean {
  return xNumber(/\(\s*(\w+)\s*\)$/.exec(text)?.[1] ?? '') !== undefined;
}

/** The shortest of the usual sequences: lui and addiw for 32 bits, above that twelve bits at a time. */
function loadConstant(rd: string, wanted: bigint): Line[] {
  if (wanted < -(1n << 63n) || wanted >= 1n << 64n) complain(`${wanted} has more than 64 bits`);
  const value = BigInt.asIntN(64, wanted);
  const low = BigInt.asIntN(12, value);
  if (low === value) return [['addi', rd, 'zero', `${low}`]];
  if (BigInt.asIntN(32, value) === value) {
    const upper = BigInt.asUintN(20, (value - low) >> 12n);
    const lui: Line = ['lui', rd, `${upper}`];
    // addiw, since value - low may be 2^31, which lui makes negative.
    return low === 0n ? [lui] : [lui, ['addiw', rd, rd, `${low}`]];
  }
  let upper = BigInt.asIntN(64, value - low) >> 12n;
  let shift = 12n;
  while ((upper & 1n) === 0n) {
    upper >>= 1n;
    shift++;
  }
  const lines: Line[] = [...loadConstant(rd, upper), ['slli', rd, rd, `${shift}`]];
  return low === 0n ? lines : [...lines, ['addi', rd, rd, `${low}`]];
}
