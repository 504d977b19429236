/** Zifencei: instruction-fetch fence (Unprivileged spec 6). */
import { Opcode } from '../formats.ts';
import { extension } from '../insn.ts';

const insn = extension('zifencei');

export const zifencei = [
  insn('fence.i', 'FenceI', { opcode: Opcode.MISC_MEM, funct3: 1 }, { endsBlock: true }),
] as const;
