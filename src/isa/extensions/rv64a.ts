/** A: load-reserved, store-conditional and atomic memory operations (Unprivileged spec 14). */
import { Opcode } from '../formats.ts';
import { extension, type MemoryAccess, type Traits } from '../insn.ts';

const opcode = Opcode.AMO;
const insn = extension('a');

function atomic(kind: MemoryAccess['kind'], bytes: 4 | 8): Traits {
  return { mayTrap: true, memory: { kind, bytes, signed: true } };
}
const lrW = atomic('lr', 4);
const lrD = atomic('lr', 8);
const scW = atomic('sc', 4);
const scD = atomic('sc', 8);
const amoW = atomic('amo', 4);
const amoD = atomic('amo', 8);

export const rv64a = [
  insn('lr.w', 'Lr', { opcode, funct3: 2, funct5: 0x02 }, lrW),
  insn('sc.w', 'Amo', { opcode, funct3: 2, funct5: 0x03 }, scW),
  insn('amoswap.w', 'Amo', { opcode, funct3: 2, funct5: 0x01 }, amoW),
  insn('amoadd.w', 'Amo', { opcode, funct3: 2, funct5: 0x00 }, amoW),
  insn('amoxor.w', 'Amo', { opcode, funct3: 2, funct5: 0x04 }, amoW),
  insn('amoand.w', 'Amo', { opcode, funct3: 2, funct5: 0x0c }, amoW),
  insn('amoor.w', 'Amo', { opcode, funct3: 2, funct5: 0x08 }, amoW),
  insn('amomin.w', 'Amo', { opcode, funct3: 2, funct5: 0x10 }, amoW),
  insn('amomax.w', 'Amo', { opcode, funct3: 2, funct5: 0x14 }, amoW),
  insn('amominu.w', 'Amo', { opcode, funct3: 2, funct5: 0x18 }, amoW),
  insn('amomaxu.w', 'Amo', { opcode, funct3: 2, funct5: 0x1c }, amoW),
  insn('lr.d', 'Lr', { opcode, funct3: 3, funct5: 0x02 }, lrD),
  insn('sc.d', 'Amo', { opcode, funct3: 3, funct5: 0x03 }, scD),
  insn('amoswap.d', 'Amo', { opcode, funct3: 3, funct5: 0x01 }, amoD),
  insn('amoadd.d', 'Amo', { opcode, funct3: 3, funct5: 0x00 }, amoD),
  insn('amoxor.d', 'Amo', { opcode, funct3: 3, funct5: 0x04 }, amoD),
  insn('amoand.d', 'Amo', { opcode, funct3: 3, funct5: 0x0c }, amoD),
  insn('amoor.d', 'Amo', { opcode, funct3: 3, funct5: 0x08 }, amoD),
  insn('amomin.d', 'Amo', { opcode, funct3: 3, funct5: 0x10 }, amoD),
  insn('amomax.d', 'Amo', { opcode, funct3: 3, funct5: 0x14 }, amoD),
  insn('amominu.d', 'Amo', { opcode, funct3: 3, funct5: 0x18 }, amoD),
  insn('amomaxu.d', 'Amo', { opcode, funct3: 3, funct5: 0x1c }, amoD),
] as const;
