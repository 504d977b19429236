/** Jumps, branches and auipc: the instructions that depend on where they stand. */
import type { DecodedInsn } from '../../isa/index.ts';
import { JUMP_BIAS, type Op, Outcome, type Registers } from './handler.ts';

export type BranchName = 'auipc' | 'jal' | 'jalr' | 'beq' | 'bne' | 'blt' | 'bge' | 'bltu' | 'bgeu';

/** Where the hart executes: kept by the run loop, read by jumps. */
export interface Cursor {
  /** Virtual address of the current page, as halves. */
  pageLo: number;
  pageHi: number;
  /** Target of Outcome.INDIRECT. */
  targetLo: number;
  targetHi: number;
}

/** Specialises an instruction that stands `offset` bytes into its page. */
export type PlacedFactory = (insn: DecodedInsn, offset: number) => Op;

/** Handlers for BranchName. `jal` and `jalr` with rd = x0 write no link; auipc never comes with rd = x0. */
export function branchHandlers(registers: Registers, cursor: Cursor): Readonly<Record<BranchName, PlacedFactory>> {
  return { ...unconditional(registers, cursor), ...equality(registers), ...order(registers) };
}

function unconditional({ x }: Registers, cursor: Cursor): Record<'auipc' | 'jal' | 'jalr', PlacedFactory> {
  return {
    auipc: ({ rd, imm }, offset) => {
      const d = rd * 2;
      const ext = imm >> 31;
      return () => {
        const pc = cursor.pageLo + offset;
        const lo = (pc + imm) | 0;
        x[d] = lo;
        x[d + 1] = cursor.pageHi + ext + (lo >>> 0 < pc >>> 0 ? 1 : 0);
        return 0;
      };
    },
    jal: ({ rd, imm, length }, offset) => {
      const d = rd * 2;
      const target = JUMP_BIAS + offset + imm;
      if (rd === 0) return () => target;
      const after = offset + length;
      return () => {
        const lo = (cursor.pageLo + after) | 0;
        x[d] = lo;
        // Only a page's end reached exactly carries into the high half: the page's own address has 12 zero bits.
        x[d + 1] = cursor.pageHi + (lo >>> 0 < after ? 1 : 0);
        return target;
      };
    },
    jalr: ({ rd, rs1, imm, length }, offset) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      const after = offset + length;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        if (d !== 0) {
          const link = (cursor.pageLo + after) | 0;
          x[d] = link;
          x[d + 1] = cursor.pageHi + (link >>> 0 < after ? 1 : 0);
        }
        if (hi === cursor.pageHi && (lo & ~0xfff) === cursor.pageLo) return JUMP_BIAS + (lo & 0xffe);
        cursor.targetLo = lo & ~1;
        cursor.targetHi = hi;
        return Outcome.INDIRECT;
      };
    },
  };
}

function equality({ x }: Registers): Record<'beq' | 'bne', PlacedFactory> {
  /** Goes to `same` if both registers are equal, else to `differ`. Comparisons with x0 are the most frequent. */
  const choose = (rs1: number, rs2: number, same: number, differ: number): Op => {
    const s = rs1 * 2;
    const t = rs2 * 2;
    if (rs2 === 0) return () => ((x[s] | x[s + 1]) === 0 ? same : differ);
    return () => (x[s] === x[t] && x[s + 1] === x[t + 1] ? same : differ);
  };
  return {
    beq: ({ rs1, rs2, imm, length }, offset) => choose(rs1, rs2, JUMP_BIAS + offset + imm, JUMP_BIAS + offset + length),
    bne: ({ rs1, rs2, imm, length }, offset) => choose(rs1, rs2, JUMP_BIAS + offset + length, JUMP_BIAS + offset + imm),
  };
}

function order({ x }: Registers): Record<'blt' | 'bge' | 'bltu' | 'bgeu', PlacedFactory> {
  const signed = (rs1: number, rs2: number, less: number, notLess: number): Op => {
    const s = rs1 * 2;
    const t = rs2 * 2;
    if (rs2 === 0) return () => (x[s + 1] < 0 ? less : notLess);
    return () => {
      const a = x[s + 1];
      const b = x[t + 1];
      return a < b || (a === b && x[s] >>> 0 < x[t] >>> 0) ? less : notLess;
    };
  };
  const unsigned = (rs1: number, rs2: number, less: number, notLess: number): Op => {
    const s = rs1 * 2;
    const t = rs2 * 2;
    return () => {
      const a = x[s + 1];
      const b = x[t + 1];
      return a >>> 0 < b >>> 0 || (a === b && x[s] >>> 0 < x[t] >>> 0) ? less : notLess;
    };
  };
  return {
    blt: ({ rs1, rs2, imm, length }, offset) => signed(rs1, rs2, JUMP_BIAS + offset + imm, JUMP_BIAS + offset + length),
    bge: ({ rs1, rs2, imm, length }, offset) => signed(rs1, rs2, JUMP_BIAS + offset + length, JUMP_BIAS + offset + imm),
    bltu: ({ rs1, rs2, imm, length }, offset) =>
      unsigned(rs1, rs2, JUMP_BIAS + offset + imm, JUMP_BIAS + offset + length),
    bgeu: ({ rs1, rs2, imm, length }, offset) =>
      unsigned(rs1, rs2, JUMP_BIAS + offset + length, JUMP_BIAS + offset + imm),
  };
}
