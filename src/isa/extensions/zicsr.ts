/** Zicsr: control and status register instructions (Unprivileged spec 7). */
import { Opcode } from '../formats.ts';
import { extension, system } from '../insn.ts';

const opcode = Opcode.SYSTEM;
const insn = extension('zicsr');

export const zicsr = [
  insn('csrrw', 'Csr', { opcode, funct3: 1 }, system),
  insn('csrrs', 'Csr', { opcode, funct3: 2 }, system),
  insn('csrrc', 'Csr', { opcode, funct3: 3 }, system),
  insn('csrrwi', 'CsrI', { opcode, funct3: 5 }, system),
  insn('csrrsi', 'CsrI', { opcode, funct3: 6 }, system),
  insn('csrrci', 'CsrI', { opcode, funct3: 7 }, system),
] as const;
