/** C: compressed instructions of RV64 with F and D (Unprivileged spec 26). All stand for a 32-bit instruction. */
import { type CompressedInsn, compressed as insn } from '../compressed.ts';

const RA = 1;
const SP = 2;

const all = [
  // Quadrant 0.
  insn('c.addi4spn', 'CIW', { op: 0, funct3: 0 }, { to: 'addi', rs1: SP }, { imm: [0] }),
  insn('c.fld', 'CLd', { op: 0, funct3: 1 }, { to: 'fld' }, {}, 'frd,mem'),
  insn('c.lw', 'CLw', { op: 0, funct3: 2 }, { to: 'lw' }),
  insn('c.ld', 'CLd', { op: 0, funct3: 3 }, { to: 'ld' }),
  insn('c.fsd', 'CSd', { op: 0, funct3: 5 }, { to: 'fsd' }, {}, 'frs2,mem'),
  insn('c.sw', 'CSw', { op: 0, funct3: 6 }, { to: 'sw' }),
  insn('c.sd', 'CSd', { op: 0, funct3: 7 }, { to: 'sd' }),
  // Quadrant 1.
  insn('c.nop', 'CInop', { op: 1, funct3: 0, rd: 0 }, { to: 'addi' }),
  insn('c.addi', 'CI', { op: 1, funct3: 0 }, { to: 'addi', rs1: 'rd' }, { rd: [0] }),
  insn('c.addiw', 'CI', { op: 1, funct3: 1 }, { to: 'addiw', rs1: 'rd' }, { rd: [0] }),
  insn('c.li', 'CI', { op: 1, funct3: 2 }, { to: 'addi', rs1: 0 }),
  insn('c.addi16sp', 'CI16sp', { op: 1, funct3: 3, rd: SP }, { to: 'addi', rd: SP, rs1: SP }, { imm: [0] }),
  insn('c.lui', 'CIlui', { op: 1, funct3: 3 }, { to: 'lui' }, { rd: [SP], imm: [0] }),
  insn('c.srli', 'CBshift', { op: 1, funct3: 4, funct2: 0 }, { to: 'srli', rs1: 'rd' }),
  insn('c.srai', 'CBshift', { op: 1, funct3: 4, funct2: 1 }, { to: 'srai', rs1: 'rd' }),
  insn('c.andi', 'CBimm', { op: 1, funct3: 4, funct2: 2 }, { to: 'andi', rs1: 'rd' }),
  insn('c.sub', 'CA', { op: 1, funct6: 0x23, funct2: 0 }, { to: 'sub', rs1: 'rd' }),
  insn('c.xor', 'CA', { op: 1, funct6: 0x23, funct2: 1 }, { to: 'xor', rs1: 'rd' }),
  insn('c.or', 'CA', { op: 1, funct6: 0x23, funct2: 2 }, { to: 'or', rs1: 'rd' }),
  insn('c.and', 'CA', { op: 1, funct6: 0x23, funct2: 3 }, { to: 'and', rs1: 'rd' }),
  insn('c.subw', 'CA', { op: 1, funct6: 0x27, funct2: 0 }, { to: 'subw', rs1: 'rd' }),
  insn('c.addw', 'CA', { op: 1, funct6: 0x27, funct2: 1 }, { to: 'addw', rs1: 'rd' }),
  insn('c.j', 'CJ', { op: 1, funct3: 5 }, { to: 'jal', rd: 0 }),
  insn('c.beqz', 'CB', { op: 1, funct3: 6 }, { to: 'beq' }),
  insn('c.bnez', 'CB', { op: 1, funct3: 7 }, { to: 'bne' }),
  // Quadrant 2.
  insn('c.slli', 'CIshift', { op: 2, funct3: 0 }, { to: 'slli', rs1: 'rd' }),
  insn('c.fldsp', 'CIldsp', { op: 2, funct3: 1 }, { to: 'fld', rs1: SP }, {}, 'frd,memsp'),
  insn('c.lwsp', 'CIlwsp', { op: 2, funct3: 2 }, { to: 'lw', rs1: SP }, { rd: [0] }),
  insn('c.ldsp', 'CIldsp', { op: 2, funct3: 3 }, { to: 'ld', rs1: SP }, { rd: [0] }),
  insn('c.jr', 'CRjump', { op: 2, funct4: 8, rs2: 0 }, { to: 'jalr', rd: 0 }, { rs1: [0] }),
  insn('c.mv', 'CR', { op: 2, funct4: 8 }, { to: 'add', rs1: 0 }, { rs2: [0] }),
  insn('c.ebreak', 'CRnone', { op: 2, funct4: 9, rs1: 0, rs2: 0 }, { to: 'ebreak' }),
  insn('c.jalr', 'CRjump', { op: 2, funct4: 9, rs2: 0 }, { to: 'jalr', rd: RA }, { rs1: [0] }),
  insn('c.add', 'CR', { op: 2, funct4: 9 }, { to: 'add', rs1: 'rd' }, { rs2: [0] }),
  insn('c.fsdsp', 'CSSd', { op: 2, funct3: 5 }, { to: 'fsd', rs1: SP }, {}, 'frs2,memsp'),
  insn('c.swsp', 'CSSw', { op: 2, funct3: 6 }, { to: 'sw', rs1: SP }),
  insn('c.sdsp', 'CSSd', { op: 2, funct3: 7 }, { to: 'sd', rs1: SP }),
] as const;

/** Name of a compressed instruction, as GNU assembly writes it. */
export type CompressedName = (typeof all)[number]['name'];

/** All compressed instructions. */
export const compressedInsns: readonly CompressedInsn<CompressedName>[] = all;

/** The same by name. */
export const compressedByName = Object.fromEntries(all.map((insn) => [insn.name, insn])) as Readonly<
  Record<CompressedName, CompressedInsn<CompressedName>>
>;
