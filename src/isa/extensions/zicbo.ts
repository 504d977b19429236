/** Zicbom and Zicboz: cache-block management and zeroing (Unprivileged spec 19). */
import { Opcode } from '../formats.ts';
import { extension, type Traits } from '../insn.ts';

const opcode = Opcode.MISC_MEM;
const zicbom = extension('zicbom');
const zicboz = extension('zicboz');

const block: Traits = { mayTrap: true, memory: { kind: 'block', bytes: 0, signed: false } };

export const zicbo = [
  zicbom('cbo.inval', 'Cbo', { opcode, funct3: 2, funct12: 0 }, block),
  zicbom('cbo.clean', 'Cbo', { opcode, funct3: 2, funct12: 1 }, block),
  zicbom('cbo.flush', 'Cbo', { opcode, funct3: 2, funct12: 2 }, block),
  zicboz('cbo.zero', 'Cbo', { opcode, funct3: 2, funct12: 4 }, block),
] as const;
