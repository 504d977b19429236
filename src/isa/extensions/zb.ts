/** Zba, Zbb, Zbc, Zbs: bit manipulation (Unprivileged spec 28). */
import { Opcode } from '../formats.ts';
import { extension } from '../insn.ts';

const { OP, OP_32, OP_IMM, OP_IMM_32 } = Opcode;
const zba = extension('zba');
const zbb = extension('zbb');
const zbc = extension('zbc');
const zbs = extension('zbs');

export const zb = [
  zba('sh1add', 'R', { opcode: OP, funct3: 2, funct7: 0x10 }),
  zba('sh2add', 'R', { opcode: OP, funct3: 4, funct7: 0x10 }),
  zba('sh3add', 'R', { opcode: OP, funct3: 6, funct7: 0x10 }),
  zba('add.uw', 'R', { opcode: OP_32, funct3: 0, funct7: 0x04 }),
  zba('sh1add.uw', 'R', { opcode: OP_32, funct3: 2, funct7: 0x10 }),
  zba('sh2add.uw', 'R', { opcode: OP_32, funct3: 4, funct7: 0x10 }),
  zba('sh3add.uw', 'R', { opcode: OP_32, funct3: 6, funct7: 0x10 }),
  zba('slli.uw', 'Shift6', { opcode: OP_IMM_32, funct3: 1, funct6: 0x02 }),

  zbb('andn', 'R', { opcode: OP, funct3: 7, funct7: 0x20 }),
  zbb('orn', 'R', { opcode: OP, funct3: 6, funct7: 0x20 }),
  zbb('xnor', 'R', { opcode: OP, funct3: 4, funct7: 0x20 }),
  zbb('clz', 'R1', { opcode: OP_IMM, funct3: 1, funct12: 0x600 }),
  zbb('ctz', 'R1', { opcode: OP_IMM, funct3: 1, funct12: 0x601 }),
  zbb('cpop', 'R1', { opcode: OP_IMM, funct3: 1, funct12: 0x602 }),
  zbb('clzw', 'R1', { opcode: OP_IMM_32, funct3: 1, funct12: 0x600 }),
  zbb('ctzw', 'R1', { opcode: OP_IMM_32, funct3: 1, funct12: 0x601 }),
  zbb('cpopw', 'R1', { opcode: OP_IMM_32, funct3: 1, funct12: 0x602 }),
  zbb('max', 'R', { opcode: OP, funct3: 6, funct7: 0x05 }),
  zbb('maxu', 'R', { opcode: OP, funct3: 7, funct7: 0x05 }),
  zbb('min', 'R', { opcode: OP, funct3: 4, funct7: 0x05 }),
  zbb('minu', 'R', { opcode: OP, funct3: 5, funct7: 0x05 }),
  zbb('sext.b', 'R1', { opcode: OP_IMM, funct3: 1, funct12: 0x604 }),
  zbb('sext.h', 'R1', { opcode: OP_IMM, funct3: 1, funct12: 0x605 }),
  zbb('zext.h', 'R1', { opcode: OP_32, funct3: 4, funct12: 0x080 }),
  zbb('rol', 'R', { opcode: OP, funct3: 1, funct7: 0x30 }),
  zbb('ror', 'R', { opcode: OP, funct3: 5, funct7: 0x30 }),
  zbb('rori', 'Shift6', { opcode: OP_IMM, funct3: 5, funct6: 0x18 }),
  zbb('rolw', 'R', { opcode: OP_32, funct3: 1, funct7: 0x30 }),
  zbb('rorw', 'R', { opcode: OP_32, funct3: 5, funct7: 0x30 }),
  zbb('roriw', 'Shift5', { opcode: OP_IMM_32, funct3: 5, funct7: 0x30 }),
  zbb('orc.b', 'R1', { opcode: OP_IMM, funct3: 5, funct12: 0x287 }),
  zbb('rev8', 'R1', { opcode: OP_IMM, funct3: 5, funct12: 0x6b8 }),

  zbc('clmul', 'R', { opcode: OP, funct3: 1, funct7: 0x05 }),
  zbc('clmulr', 'R', { opcode: OP, funct3: 2, funct7: 0x05 }),
  zbc('clmulh', 'R', { opcode: OP, funct3: 3, funct7: 0x05 }),

  zbs('bclr', 'R', { opcode: OP, funct3: 1, funct7: 0x24 }),
  zbs('bclri', 'Shift6', { opcode: OP_IMM, funct3: 1, funct6: 0x12 }),
  zbs('bext', 'R', { opcode: OP, funct3: 5, funct7: 0x24 }),
  zbs('bexti', 'Shift6', { opcode: OP_IMM, funct3: 5, funct6: 0x12 }),
  zbs('binv', 'R', { opcode: OP, funct3: 1, funct7: 0x34 }),
  zbs('binvi', 'Shift6', { opcode: OP_IMM, funct3: 1, funct6: 0x1a }),
  zbs('bset', 'R', { opcode: OP, funct3: 1, funct7: 0x14 }),
  zbs('bseti', 'Shift6', { opcode: OP_IMM, funct3: 1, funct6: 0x0a }),
] as const;
