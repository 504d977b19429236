/** Zicond: integer conditional operations (Unprivileged spec 12). */
import { Opcode } from '../formats.ts';
import { extension } from '../insn.ts';

const opcode = Opcode.OP;
const insn = extension('zicond');

export const zicond = [
  insn('czero.eqz', 'R', { opcode, funct3: 5, funct7: 0x07 }),
  insn('czero.nez', 'R', { opcode, funct3: 7, funct7: 0x07 }),
] as const;
