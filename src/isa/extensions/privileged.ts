/** Environment calls (Unprivileged spec 2.8) and the privileged instructions (Privileged spec 3.3, 12.2). */
import { Opcode } from '../formats.ts';
import { extension, system } from '../insn.ts';

const base = extension('i');
const insn = extension('priv');

export const privileged = [
  base('ecall', 'None', { word: 0x0000_0073 }, system),
  base('ebreak', 'None', { word: 0x0010_0073 }, system),
  insn('sret', 'None', { word: 0x1020_0073 }, system),
  insn('mret', 'None', { word: 0x3020_0073 }, system),
  insn('wfi', 'None', { word: 0x1050_0073 }, system),
  insn('sfence.vma', 'Vma', { opcode: Opcode.SYSTEM, funct3: 0, funct7: 0x09 }, system),
] as const;
