/** The whole instruction table and the names in it. */

import { privileged } from './extensions/privileged.ts';
import { rv64a } from './extensions/rv64a.ts';
import { rv64d } from './extensions/rv64d.ts';
import { rv64f } from './extensions/rv64f.ts';
import { rv64i } from './extensions/rv64i.ts';
import { rv64m } from './extensions/rv64m.ts';
import { svinval } from './extensions/svinval.ts';
import { zawrs } from './extensions/zawrs.ts';
import { zb } from './extensions/zb.ts';
import { zfa } from './extensions/zfa.ts';
import { zicbo } from './extensions/zicbo.ts';
import { zicond } from './extensions/zicond.ts';
import { zicsr } from './extensions/zicsr.ts';
import { zifencei } from './extensions/zifencei.ts';
import type { Insn } from './insn.ts';

const all = [
  ...rv64i,
  ...rv64m,
  ...rv64a,
  ...rv64f,
  ...rv64d,
  ...zicsr,
  ...zifencei,
  ...zb,
  ...zicond,
  ...zicbo,
  ...zawrs,
  ...zfa,
  ...privileged,
  ...svinval,
] as const;

/** Name of a 32-bit instruction, as GNU assembly writes it without aq/rl suffixes. */
export type InsnName = (typeof all)[number]['name'];

/** All 32-bit instructions. */
export const insns: readonly Insn<InsnName>[] = all;

/** The same by name. */
export const insnByName = Object.fromEntries(all.map((insn) => [insn.name, insn])) as Readonly<
  Record<InsnName, Insn<InsnName>>
>;
