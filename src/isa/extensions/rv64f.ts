/** F: single-precision floating point (Unprivileged spec 21). */
import { Opcode } from '../formats.ts';
import { extension, load, store, type Traits } from '../insn.ts';

const { LOAD_FP, MADD, MSUB, NMADD, NMSUB, OP_FP, STORE_FP } = Opcode;
const insn = extension('f');

const fff = 'frd,frs1,frs2';
const arithmetic: Traits = { fflags: true };
const compare: Traits = { syntax: 'rd,frs1,frs2', fflags: true };
const fromFloat: Traits = { syntax: 'rd,frs1' };
const toFloat: Traits = { syntax: 'frd,rs1' };
const toInteger: Traits = { syntax: 'rd,frs1,rm', fflags: true };
const fromInteger: Traits = { syntax: 'frd,rs1,rm', fflags: true };

export const rv64f = [
  insn('flw', 'L', { opcode: LOAD_FP, funct3: 2 }, { ...load(4), syntax: 'frd,mem' }),
  insn('fsw', 'S', { opcode: STORE_FP, funct3: 2 }, { ...store(4), syntax: 'frs2,mem' }),
  insn('fmadd.s', 'R4', { opcode: MADD, fmt: 0 }, arithmetic),
  insn('fmsub.s', 'R4', { opcode: MSUB, fmt: 0 }, arithmetic),
  insn('fnmsub.s', 'R4', { opcode: NMSUB, fmt: 0 }, arithmetic),
  insn('fnmadd.s', 'R4', { opcode: NMADD, fmt: 0 }, arithmetic),
  insn('fadd.s', 'Rrm', { opcode: OP_FP, funct7: 0x00 }, arithmetic),
  insn('fsub.s', 'Rrm', { opcode: OP_FP, funct7: 0x04 }, arithmetic),
  insn('fmul.s', 'Rrm', { opcode: OP_FP, funct7: 0x08 }, arithmetic),
  insn('fdiv.s', 'Rrm', { opcode: OP_FP, funct7: 0x0c }, arithmetic),
  insn('fsqrt.s', 'R1rm', { opcode: OP_FP, funct12: 0x580 }, arithmetic),
  insn('fsgnj.s', 'R', { opcode: OP_FP, funct3: 0, funct7: 0x10 }, { syntax: fff }),
  insn('fsgnjn.s', 'R', { opcode: OP_FP, funct3: 1, funct7: 0x10 }, { syntax: fff }),
  insn('fsgnjx.s', 'R', { opcode: OP_FP, funct3: 2, funct7: 0x10 }, { syntax: fff }),
  insn('fmin.s', 'R', { opcode: OP_FP, funct3: 0, funct7: 0x14 }, { ...arithmetic, syntax: fff }),
  insn('fmax.s', 'R', { opcode: OP_FP, funct3: 1, funct7: 0x14 }, { ...arithmetic, syntax: fff }),
  insn('feq.s', 'R', { opcode: OP_FP, funct3: 2, funct7: 0x50 }, compare),
  insn('flt.s', 'R', { opcode: OP_FP, funct3: 1, funct7: 0x50 }, compare),
  insn('fle.s', 'R', { opcode: OP_FP, funct3: 0, funct7: 0x50 }, compare),
  insn('fclass.s', 'R1', { opcode: OP_FP, funct3: 1, funct12: 0xe00 }, fromFloat),
  insn('fmv.x.w', 'R1', { opcode: OP_FP, funct3: 0, funct12: 0xe00 }, fromFloat),
  insn('fmv.w.x', 'R1', { opcode: OP_FP, funct3: 0, funct12: 0xf00 }, toFloat),
  insn('fcvt.w.s', 'R1rm', { opcode: OP_FP, funct12: 0xc00 }, toInteger),
  insn('fcvt.wu.s', 'R1rm', { opcode: OP_FP, funct12: 0xc01 }, toInteger),
  insn('fcvt.l.s', 'R1rm', { opcode: OP_FP, funct12: 0xc02 }, toInteger),
  insn('fcvt.lu.s', 'R1rm', { opcode: OP_FP, funct12: 0xc03 }, toInteger),
  insn('fcvt.s.w', 'R1rm', { opcode: OP_FP, funct12: 0xd00 }, fromInteger),
  insn('fcvt.s.wu', 'R1rm', { opcode: OP_FP, funct12: 0xd01 }, fromInteger),
  insn('fcvt.s.l', 'R1rm', { opcode: OP_FP, funct12: 0xd02 }, fromInteger),
  insn('fcvt.s.lu', 'R1rm', { opcode: OP_FP, funct12: 0xd03 }, fromInteger),
] as const;
