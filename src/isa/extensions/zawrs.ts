/** Zawrs: wait on a reservation set (Unprivileged spec 15). */
import { extension, system } from '../insn.ts';

const insn = extension('zawrs');

export const zawrs = [
  insn('wrs.nto', 'None', { word: 0x00d0_0073 }, system),
  insn('wrs.sto', 'None', { word: 0x01d0_0073 }, { endsBlock: true }),
] as const;
