/** Which instructions random programs use, and how often. */
import { type CompressedName, compressedInsns } from '../extensions/rv64c.ts';
import type { Extension, Insn } from '../insn.ts';
import { type InsnName, insns } from '../table.ts';

/** What an item of a random program does. */
export type ItemClass =
  | 'integer'
  | 'load'
  | 'store'
  | 'atomic'
  | 'reserve'
  | 'branch'
  | 'jump'
  | 'float'
  | 'csr'
  | 'fence'
  | 'block'
  | 'compressed'
  | 'trap';

/** Relative frequencies: of classes, and within them of extensions. 0 leaves one out. */
export interface Weights {
  readonly classes: Readonly<Record<ItemClass, number>>;
  readonly extensions: Readonly<Partial<Record<Extension, number>>>;
}

/** A mixture that visits everything; nothing in it traps. */
export const defaultWeights: Weights = {
  classes: {
    integer: 30,
    load: 8,
    store: 8,
    atomic: 5,
    reserve: 2,
    branch: 6,
    jump: 2,
    float: 20,
    csr: 2,
    fence: 1,
    block: 1,
    compressed: 10,
    trap: 0,
  },
  extensions: {},
};

const systemNames: readonly InsnName[] = ['wfi', 'mret', 'sret', 'ecall', 'ebreak', 'wrs.nto', 'wrs.sto'];

/** The class of items that an instruction turns up in; undefined: in none, or only among the traps. */
function classOf(insn: Insn<InsnName>): ItemClass | undefined {
  if (systemNames.includes(insn.name) || insn.extension === 'priv' || insn.extension === 'svinval') return undefined;
  switch (insn.memory?.kind) {
    case 'load':
      return 'load';
    case 'store':
      return 'store';
    case 'amo':
      return 'atomic';
    case 'lr':
    case 'sc':
      return 'reserve';
    case 'block':
      return 'block';
    default:
  }
  if (insn.extension === 'zicsr') return 'csr';
  if (insn.name === 'fence' || insn.name === 'fence.i') return 'fence';
  if (insn.syntax.includes('target')) return insn.format === 'B' ? 'branch' : 'jump';
  if (insn.name === 'jalr') return 'jump';
  return insn.needsFs ? 'float' : 'integer';
}

/** Instructions by class. */
export const insnsByClass: ReadonlyMap<ItemClass, readonly Insn<InsnName>[]> = groupByClass();

function groupByClass(): Map<ItemClass, Insn<InsnName>[]> {
  const groups = new Map<ItemClass, Insn<InsnName>[]>();
  for (const insn of insns) {
    const itemClass = classOf(insn);
    if (itemClass !== undefined) groups.set(itemClass, [...(groups.get(itemClass) ?? []), insn]);
  }
  return groups;
}

/** They leave the program or move the stack pointer, which is one of the reserved registers. */
const unusable: readonly CompressedName[] = ['c.jr', 'c.jalr', 'c.ebreak', 'c.addi16sp'];

/** Compressed instructions that random programs use. */
export const usableCompressed = compressedInsns.filter((insn) => !unusable.includes(insn.name));
