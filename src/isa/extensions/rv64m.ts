/** M: integer multiplication and division (Unprivileged spec 13). */
import { Opcode } from '../formats.ts';
import { extension } from '../insn.ts';

const { OP, OP_32 } = Opcode;
const insn = extension('m');

export const rv64m = [
  insn('mul', 'R', { opcode: OP, funct3: 0, funct7: 0x01 }),
  insn('mulh', 'R', { opcode: OP, funct3: 1, funct7: 0x01 }),
  insn('mulhsu', 'R', { opcode: OP, funct3: 2, funct7: 0x01 }),
  insn('mulhu', 'R', { opcode: OP, funct3: 3, funct7: 0x01 }),
  insn('div', 'R', { opcode: OP, funct3: 4, funct7: 0x01 }),
  insn('divu', 'R', { opcode: OP, funct3: 5, funct7: 0x01 }),
  insn('rem', 'R', { opcode: OP, funct3: 6, funct7: 0x01 }),
  insn('remu', 'R', { opcode: OP, funct3: 7, funct7: 0x01 }),
  insn('mulw', 'R', { opcode: OP_32, funct3: 0, funct7: 0x01 }),
  insn('divw', 'R', { opcode: OP_32, funct3: 4, funct7: 0x01 }),
  insn('divuw', 'R', { opcode: OP_32, funct3: 5, funct7: 0x01 }),
  insn('remw', 'R', { opcode: OP_32, funct3: 6, funct7: 0x01 }),
  insn('remuw', 'R', { opcode: OP_32, funct3: 7, funct7: 0x01 }),
] as const;
