/** RV64I register and immediate arithmetic. All values are halves: x[2r] low, x[2r + 1] high. */
import { type Factory, type HandlerTable, type Op, type Registers, rri, rrr } from './handler.ts';

export type AluName =
  | 'lui'
  | 'addi'
  | 'slti'
  | 'sltiu'
  | 'xori'
  | 'ori'
  | 'andi'
  | 'slli'
  | 'srli'
  | 'srai'
  | 'add'
  | 'sub'
  | 'sll'
  | 'slt'
  | 'sltu'
  | 'xor'
  | 'srl'
  | 'sra'
  | 'or'
  | 'and'
  | 'addiw'
  | 'slliw'
  | 'srliw'
  | 'sraiw'
  | 'addw'
  | 'subw'
  | 'sllw'
  | 'srlw'
  | 'sraw';

/** Handlers for AluName. */
export function aluHandlers(registers: Registers): HandlerTable<AluName> {
  return {
    ...immediate(registers),
    ...shiftsByConstant(registers),
    ...shiftsByRegister(registers),
    ...registerRegister(registers),
    ...words(registers),
  };
}

/**
 * Copies a register, by halves: a 64-bit load of what two 32-bit stores have just written would wait for them to reach
 * the cache.
 */
function move(x: Int32Array, rd: number, rs: number): Op {
  const d = rd * 2;
  const s = rs * 2;
  return () => {
    x[d] = x[s];
    x[d + 1] = x[s + 1];
    return 0;
  };
}

type Names<N extends AluName> = Record<N, Factory>;

function immediate({ x }: Registers): Names<'lui' | 'addi' | 'slti' | 'sltiu' | 'xori' | 'ori' | 'andi'> {
  const constant = (rd: number, lo: number): Op => {
    const d = rd * 2;
    const hi = lo >> 31;
    return () => {
      x[d] = lo;
      x[d + 1] = hi;
      return 0;
    };
  };
  return {
    lui: ({ rd, imm }) => constant(rd, imm),
    addi: ({ rd, rs1, imm }) => {
      if (rs1 === 0) return constant(rd, imm);
      if (imm === 0) return move(x, rd, rs1);
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        x[d + 1] = x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0);
        x[d] = lo;
        return 0;
      };
    },
    slti: rri((d, s, imm) => {
      const ext = imm >> 31;
      return () => {
        const hi = x[s + 1];
        x[d] = hi < ext || (hi === ext && x[s] >>> 0 < imm >>> 0) ? 1 : 0;
        x[d + 1] = 0;
        return 0;
      };
    }),
    sltiu: rri((d, s, imm) => {
      const ext = imm >> 31;
      return () => {
        const hi = x[s + 1];
        x[d] = hi >>> 0 < ext >>> 0 || (hi === ext && x[s] >>> 0 < imm >>> 0) ? 1 : 0;
        x[d + 1] = 0;
        return 0;
      };
    }),
    xori: rri((d, s, imm) => {
      const ext = imm >> 31;
      return () => {
        x[d] = x[s] ^ imm;
        x[d + 1] = x[s + 1] ^ ext;
        return 0;
      };
    }),
    ori: rri((d, s, imm) => {
      const ext = imm >> 31;
      return () => {
        x[d] = x[s] | imm;
        x[d + 1] = x[s + 1] | ext;
        return 0;
      };
    }),
    andi: rri((d, s, imm) => {
      const ext = imm >> 31;
      return () => {
        x[d] = x[s] & imm;
        x[d + 1] = x[s + 1] & ext;
        return 0;
      };
    }),
  };
}

// In the shifts `lo >>> 1 >>> (31 - n)` is lo >>> (32 - n) for every n in 0 … 31: JavaScript takes amounts modulo 32.

function shiftsByConstant({ x }: Registers): Names<'slli' | 'srli' | 'srai'> {
  return {
    slli: rri((d, s, n) => {
      if (n >= 32) {
        return () => {
          x[d + 1] = x[s] << n;
          x[d] = 0;
          return 0;
        };
      }
      return () => {
        const lo = x[s];
        x[d + 1] = (x[s + 1] << n) | ((lo >>> 1) >>> (31 - n));
        x[d] = lo << n;
        return 0;
      };
    }),
    srli: rri((d, s, n) => {
      if (n >= 32) {
        return () => {
          x[d] = x[s + 1] >>> n;
          x[d + 1] = 0;
          return 0;
        };
      }
      return () => {
        const hi = x[s + 1];
        x[d] = (x[s] >>> n) | ((hi << 1) << (31 - n));
        x[d + 1] = hi >>> n;
        return 0;
      };
    }),
    srai: rri((d, s, n) => {
      if (n >= 32) {
        return () => {
          const hi = x[s + 1];
          x[d] = hi >> n;
          x[d + 1] = hi >> 31;
          return 0;
        };
      }
      return () => {
        const hi = x[s + 1];
        x[d] = (x[s] >>> n) | ((hi << 1) << (31 - n));
        x[d + 1] = hi >> n;
        return 0;
      };
    }),
  };
}

function shiftsByRegister({ x }: Registers): Names<'sll' | 'srl' | 'sra'> {
  return {
    sll: rrr((d, s, t) => () => {
      const n = x[t];
      const lo = x[s];
      if ((n & 32) !== 0) {
        x[d + 1] = lo << n;
        x[d] = 0;
      } else {
        x[d + 1] = (x[s + 1] << n) | ((lo >>> 1) >>> (31 - n));
        x[d] = lo << n;
      }
      return 0;
    }),
    srl: rrr((d, s, t) => () => {
      const n = x[t];
      const hi = x[s + 1];
      if ((n & 32) !== 0) {
        x[d] = hi >>> n;
        x[d + 1] = 0;
      } else {
        x[d] = (x[s] >>> n) | ((hi << 1) << (31 - n));
        x[d + 1] = hi >>> n;
      }
      return 0;
    }),
    sra: rrr((d, s, t) => () => {
      const n = x[t];
      const hi = x[s + 1];
      if ((n & 32) !== 0) {
        x[d] = hi >> n;
        x[d + 1] = hi >> 31;
      } else {
        x[d] = (x[s] >>> n) | ((hi << 1) << (31 - n));
        x[d + 1] = hi >> n;
      }
      return 0;
    }),
  };
}

function registerRegister({ x }: Registers): Names<'add' | 'sub' | 'slt' | 'sltu' | 'xor' | 'or' | 'and'> {
  return {
    add: ({ rd, rs1, rs2 }) => {
      // c.mv is an addition to x0.
      if (rs1 === 0) return move(x, rd, rs2);
      const d = rd * 2;
      const s = rs1 * 2;
      const t = rs2 * 2;
      return () => {
        const a = x[s];
        const lo = (a + x[t]) | 0;
        x[d + 1] = x[s + 1] + x[t + 1] + (lo >>> 0 < a >>> 0 ? 1 : 0);
        x[d] = lo;
        return 0;
      };
    },
    sub: rrr((d, s, t) => () => {
      const a = x[s];
      const b = x[t];
      x[d + 1] = x[s + 1] - x[t + 1] - (a >>> 0 < b >>> 0 ? 1 : 0);
      x[d] = a - b;
      return 0;
    }),
    slt: rrr((d, s, t) => () => {
      const a = x[s + 1];
      const b = x[t + 1];
      x[d] = a < b || (a === b && x[s] >>> 0 < x[t] >>> 0) ? 1 : 0;
      x[d + 1] = 0;
      return 0;
    }),
    sltu: rrr((d, s, t) => () => {
      const a = x[s + 1];
      const b = x[t + 1];
      x[d] = a >>> 0 < b >>> 0 || (a === b && x[s] >>> 0 < x[t] >>> 0) ? 1 : 0;
      x[d + 1] = 0;
      return 0;
    }),
    xor: rrr((d, s, t) => () => {
      x[d] = x[s] ^ x[t];
      x[d + 1] = x[s + 1] ^ x[t + 1];
      return 0;
    }),
    or: rrr((d, s, t) => () => {
      x[d] = x[s] | x[t];
      x[d + 1] = x[s + 1] | x[t + 1];
      return 0;
    }),
    and: rrr((d, s, t) => () => {
      x[d] = x[s] & x[t];
      x[d + 1] = x[s + 1] & x[t + 1];
      return 0;
    }),
  };
}

type WordName = 'addiw' | 'slliw' | 'srliw' | 'sraiw' | 'addw' | 'subw' | 'sllw' | 'srlw' | 'sraw';

/** The W forms: 32-bit results, sign-extended. */
function words({ x }: Registers): Names<WordName> {
  return {
    addiw: rri((d, s, imm) => () => {
      const r = (x[s] + imm) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    slliw: rri((d, s, imm) => () => {
      const r = x[s] << imm;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    srliw: rri((d, s, imm) => () => {
      const r = (x[s] >>> imm) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    sraiw: rri((d, s, imm) => () => {
      const r = x[s] >> imm;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    addw: rrr((d, s, t) => () => {
      const r = (x[s] + x[t]) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    subw: rrr((d, s, t) => () => {
      const r = (x[s] - x[t]) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    sllw: rrr((d, s, t) => () => {
      const r = x[s] << x[t];
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    srlw: rrr((d, s, t) => () => {
      const r = (x[s] >>> x[t]) | 0;
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
    sraw: rrr((d, s, t) => () => {
      const r = x[s] >> x[t];
      x[d] = r;
      x[d + 1] = r >> 31;
      return 0;
    }),
  };
}
