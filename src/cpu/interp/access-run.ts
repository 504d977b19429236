/**
 * Runs of doubleword loads or stores off one base register, as functions save and restore registers: one look into the
 * TLB for all of them, if they lie in one page. Otherwise each goes its own way.
 */
import { type DecodedInsn, decode } from '../../isa/index.ts';
import type { Mmu } from '../mmu.ts';
import { type Op, Outcome, type Registers } from './handler.ts';

/** Shortest and longest run that becomes one op: two accesses by themselves are as fast. */
export const RUN_MIN = 3;
export const RUN_MAX = 32;

/**
 * What instructions of one run have in common: a number for the kind of access and the base register; 0 for what cannot
 * be in a run.
 */
export function runKey(insn: DecodedInsn): number {
  if (insn.imm % 8 !== 0) return 0;
  if (insn.name === 'sd') return 64 + insn.rs1;
  return insn.name === 'ld' && insn.rd !== 0 && insn.rd !== insn.rs1 ? 32 + insn.rs1 : 0;
}

/** Makes runs for one hart. */
export class AccessRuns {
  #done = 0;
  readonly #known = new Map<string, Op>();
  readonly #registers: Registers;
  readonly #mmu: Mmu;

  constructor(registers: Registers, mmu: Mmu) {
    this.#registers = registers;
    this.#mmu = mmu;
  }

  /** How many accesses had been done of the run that an outcome has just ended; 0 if it was no run. */
  takeProgress(): number {
    const done = this.#done;
    this.#done = 0;
    return done;
  }

  /** One op for a whole run; `raws` are its members' bits, `ops` their ops. Equal runs share one op. */
  make(raws: readonly number[], ops: readonly Op[]): Op {
    const key = raws.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const op = this.#make(raws.map(decode) as DecodedInsn[], ops);
    this.#known.set(key, op);
    return op;
  }

  /** Forgets all runs. */
  clear(): void {
    this.#known.clear();
  }

  /** Number of distinct runs since the last `clear`. */
  get size(): number {
    return this.#known.size;
  }

  #make(members: readonly DecodedInsn[], ops: readonly Op[]): Op {
    const lowest = Math.min(...members.map((insn) => insn.imm));
    const isLoad = members[0].name === 'ld';
    const access: RunAccess = {
      base: members[0].rs1 * 2,
      lowest,
      room: 4096 - 8 - (Math.max(...members.map((insn) => insn.imm)) - lowest),
      steps: members.flatMap((insn) => [isLoad ? insn.rd : insn.rs2, (insn.imm - lowest) / 8]),
    };
    const singly = this.#singly(ops);
    return isLoad ? this.#loads(access, singly) : this.#stores(access, singly);
  }

  #loads({ base, lowest, room, steps }: RunAccess, singly: Op): Op {
    const { x, x64 } = this.#registers;
    const mmu = this.#mmu;
    const tlb = mmu.loads.entries;
    const m64 = mmu.ram.m64;
    return () => {
      const a = x[base];
      const lo = (a + lowest) | 0;
      const hi = (x[base + 1] + (lowest >> 31) + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
      const e = (((lo >>> 12) & 511) << 2) + mmu.base;
      if (tlb[e] !== (lo & ~0xff8) || tlb[e + 1] !== hi || (lo & 0xfff) > room) return singly();
      const at = (tlb[e + 2] << 9) | ((lo & 0xfff) >> 3);
      for (let i = 0; i < steps.length; i += 2) x64[steps[i]] = m64[at + steps[i + 1]];
      return 0;
    };
  }

  #stores({ base, lowest, room, steps }: RunAccess, singly: Op): Op {
    const { x, x64 } = this.#registers;
    const mmu = this.#mmu;
    const tlb = mmu.stores.entries;
    const m64 = mmu.ram.m64;
    return () => {
      const a = x[base];
      const lo = (a + lowest) | 0;
      const hi = (x[base + 1] + (lowest >> 31) + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
      const e = (((lo >>> 12) & 511) << 2) + mmu.base;
      if (tlb[e] !== (lo & ~0xff8) || tlb[e + 1] !== hi || (lo & 0xfff) > room) return singly();
      const at = (tlb[e + 2] << 9) | ((lo & 0xfff) >> 3);
      for (let i = 0; i < steps.length; i += 2) m64[at + steps[i + 1]] = x64[steps[i]];
      return 0;
    };
  }

  #singly(ops: readonly Op[]): Op {
    return () => {
      for (let i = 0; i < ops.length; i++) {
        const outcome = ops[i]();
        if (outcome !== Outcome.NEXT) {
          this.#done = i;
          return outcome;
        }
      }
      return Outcome.NEXT;
    };
  }
}

interface RunAccess {
  /** Index of the base register's low half. */
  readonly base: number;
  /** Lowest offset from the base. */
  readonly lowest: number;
  /** Highest offset in a page at which the lowest access may lie for the highest to be inside. */
  readonly room: number;
  /** Register and distance from the lowest access in doublewords, in turn. */
  readonly steps: readonly number[];
}
