/** Svinval: fine-grained address-translation cache invalidation (Privileged spec 14). */
import { Opcode } from '../formats.ts';
import { extension, system } from '../insn.ts';

const insn = extension('svinval');

export const svinval = [
  insn('sinval.vma', 'Vma', { opcode: Opcode.SYSTEM, funct3: 0, funct7: 0x0b }, system),
  insn('sfence.w.inval', 'None', { word: 0x1800_0073 }, system),
  insn('sfence.inval.ir', 'None', { word: 0x1810_0073 }, system),
] as const;
