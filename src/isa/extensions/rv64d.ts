/** D: double-precision floating point (Unprivileged spec 22). */
import { Opcode } from '../formats.ts';
import { extension, load, store, type Traits } from '../insn.ts';

const { LOAD_FP, MADD, MSUB, NMADD, NMSUB, OP_FP, STORE_FP } = Opcode;
const insn = extension('d');

const fff = 'frd,frs1,frs2';
const arithmetic: Traits = { fflags: true };
const compare: Traits = { syntax: 'rd,frs1,frs2', fflags: true };
const fromFloat: Traits = { syntax: 'rd,frs1' };
const toFloat: Traits = { syntax: 'frd,rs1' };
const toInteger: Traits = { syntax: 'rd,frs1,rm', fflags: true };
const fromInteger: Traits = { syntax: 'frd,rs1,rm', fflags: true };
/** Every 32-bit integer is a double: no flag, but a reserved rounding mode is still illegal. */
const fromWord: Traits = { syntax: 'frd,rs1,rm', defaultRm: 0 };

export const rv64d = [
  insn('fld', 'L', { opcode: LOAD_FP, funct3: 3 }, { ...load(8), syntax: 'frd,mem' }),
  insn('fsd', 'S', { opcode: STORE_FP, funct3: 3 }, { ...store(8), syntax: 'frs2,mem' }),
  insn('fmadd.d', 'R4', { opcode: MADD, fmt: 1 }, arithmetic),
  insn('fmsub.d', 'R4', { opcode: MSUB, fmt: 1 }, arithmetic),
  insn('fnmsub.d', 'R4', { opcode: NMSUB, fmt: 1 }, arithmetic),
  insn('fnmadd.d', 'R4', { opcode: NMADD, fmt: 1 }, arithmetic),
  insn('fadd.d', 'Rrm', { opcode: OP_FP, funct7: 0x01 }, arithmetic),
  insn('fsub.d', 'Rrm', { opcode: OP_FP, funct7: 0x05 }, arithmetic),
  insn('fmul.d', 'Rrm', { opcode: OP_FP, funct7: 0x09 }, arithmetic),
  insn('fdiv.d', 'Rrm', { opcode: OP_FP, funct7: 0x0d }, arithmetic),
  insn('fsqrt.d', 'R1rm', { opcode: OP_FP, funct12: 0x5a0 }, arithmetic),
  insn('fsgnj.d', 'R', { opcode: OP_FP, funct3: 0, funct7: 0x11 }, { syntax: fff }),
  insn('fsgnjn.d', 'R', { opcode: OP_FP, funct3: 1, funct7: 0x11 }, { syntax: fff }),
  insn('fsgnjx.d', 'R', { opcode: OP_FP, funct3: 2, funct7: 0x11 }, { syntax: fff }),
  insn('fmin.d', 'R', { opcode: OP_FP, funct3: 0, funct7: 0x15 }, { ...arithmetic, syntax: fff }),
  insn('fmax.d', 'R', { opcode: OP_FP, funct3: 1, funct7: 0x15 }, { ...arithmetic, syntax: fff }),
  insn('feq.d', 'R', { opcode: OP_FP, funct3: 2, funct7: 0x51 }, compare),
  insn('flt.d', 'R', { opcode: OP_FP, funct3: 1, funct7: 0x51 }, compare),
  insn('fle.d', 'R', { opcode: OP_FP, funct3: 0, funct7: 0x51 }, compare),
  insn('fclass.d', 'R1', { opcode: OP_FP, funct3: 1, funct12: 0xe20 }, fromFloat),
  insn('fmv.x.d', 'R1', { opcode: OP_FP, funct3: 0, funct12: 0xe20 }, fromFloat),
  insn('fmv.d.x', 'R1', { opcode: OP_FP, funct3: 0, funct12: 0xf20 }, toFloat),
  insn('fcvt.w.d', 'R1rm', { opcode: OP_FP, funct12: 0xc20 }, toInteger),
  insn('fcvt.wu.d', 'R1rm', { opcode: OP_FP, funct12: 0xc21 }, toInteger),
  insn('fcvt.l.d', 'R1rm', { opcode: OP_FP, funct12: 0xc22 }, toInteger),
  insn('fcvt.lu.d', 'R1rm', { opcode: OP_FP, funct12: 0xc23 }, toInteger),
  insn('fcvt.d.w', 'R1rm', { opcode: OP_FP, funct12: 0xd20 }, fromWord),
  insn('fcvt.d.wu', 'R1rm', { opcode: OP_FP, funct12: 0xd21 }, fromWord),
  insn('fcvt.d.l', 'R1rm', { opcode: OP_FP, funct12: 0xd22 }, fromInteger),
  insn('fcvt.d.lu', 'R1rm', { opcode: OP_FP, funct12: 0xd23 }, fromInteger),
  insn('fcvt.s.d', 'R1rm', { opcode: OP_FP, funct12: 0x401 }, arithmetic),
  insn('fcvt.d.s', 'R1rm', { opcode: OP_FP, funct12: 0x420 }, { ...arithmetic, defaultRm: 0 }),
] as const;
