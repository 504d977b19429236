/** What comes between instructions: interrupts, breakpoints, the end of a budget, wherever in a loop. All backends in step. */
import assert from 'node:assert/strict';
import { nativeProblem, remoteFences, Stop, setInterruptLine } from '../../src/cpu/index.ts';
import { HartConfig, Interrupt, randomProgram } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';
import { withChanging } from './contenders.ts';
import { BASE, countingHandler, Lockstep, type Privilege, type Side } from './lockstep-machine.ts';
import { comparableSource, withLoops } from './looping.ts';
import { DATA_OFFSET, memoryLoops, memoryLoopsSource } from './memory-loops.ts';
import { seedsOf } from './seeds.ts';

/** Under NODEVISOR_TEST_FULL about six minutes in all, else ten seconds. */
const seeds = seedsOf(600, 12);
/** Steps of one program, each ended by an event. */
const STEPS = 600;
const privileges = ['machine', 'supervisor', 'user'] as const satisfies readonly Privilege[];

/** Loops of all kinds, and of the kind over memory, in turn. */
function sourceOf(seed: number): string {
  if (seed % 2 === 0) return memoryLoopsSource(memoryLoops(seed).items, countingHandler);
  const program = withLoops(randomProgram({ seed, length: 80, classes: { trap: 2 } }), 8);
  return comparableSource(program, program.items, countingHandler);
}

/** Runs the program of a seed with an event after each few instructions, compared at each. */
function disturb(
  seed: number,
  privilege: Privilege,
  begin: (side: Side) => void,
  event: (lockstep: Lockstep, random: SeededRandom) => string | undefined,
): void {
  const random = new SeededRandom(seed);
  const setup = { source: sourceOf(seed), privilege, scatteredFrom: DATA_OFFSET };
  const lockstep = new Lockstep(withChanging(seed, 25), setup);
  const finish = lockstep.symbols.get('finish');
  try {
    lockstep.each(begin);
    for (let step = 0; step < STEPS && lockstep.pc() !== finish; step++) {
      // Mostly a few instructions, and sometimes so many that translated loops are well under way.
      const budget = 1 + random.below(random.below(4) ? 24 : 3000);
      const differs = lockstep.run(budget) ?? event(lockstep, random);
      assert.equal(differs, undefined, `LOCKSTEP_SEED=${seed}, step ${step}, in ${privilege} mode`);
      if (lockstep.stop !== Stop.Budget) break;
    }
    assert.equal(lockstep.memory(), undefined, `LOCKSTEP_SEED=${seed}, memory at the end, in ${privilege} mode`);
  } finally {
    lockstep.close();
  }
}

/** Tells whether there is memory for a compressed instruction at an address. */
function isInRam({ sides }: Lockstep, pc: bigint): boolean {
  return pc >= BASE && pc + 2n <= BASE + BigInt(sides[0]!.ram.length);
}

/** Writes a compressed EBREAK over an instruction, or what was there. */
function patch(lockstep: Lockstep, pc: bigint, bytes: readonly number[]): number[] {
  const at = Number(pc - BASE);
  let old: number[] = [];
  lockstep.each(({ ram, harts }) => {
    old = [...ram.subarray(at, at + 2)];
    ram.set(bytes, at);
    remoteFences(
      harts.map(({ state }) => state),
      { tlb: false, code: true },
    );
  });
  return old;
}

const C_EBREAK = [0x02, 0x90];

describe('events between instructions', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  for (const privilege of privileges) {
    it(`an interrupt is taken at the instruction it comes at, in ${privilege} mode`, () => {
      let taken = 0;
      for (const seed of seeds) {
        disturb(
          seed,
          privilege,
          ({ hart: { state } }) => {
            state.set('mie', 1n << 11n);
            if (privilege === 'machine') state.set('mstatus', state.get('mstatus') | 8n);
          },
          (lockstep) => {
            const where = lockstep.pc();
            lockstep.each(({ hart }) => setInterruptLine(hart.state, Interrupt.MEI, true));
            const differs = lockstep.run(1);
            lockstep.each(({ hart }) => setInterruptLine(hart.state, Interrupt.MEI, false));
            const { state } = lockstep.sides[0]!.hart;
            if (lockstep.pc() === lockstep.symbols.get('handler') && state.get('mepc') === where) taken++;
            return differs;
          },
        );
      }
      // One alone, run to see its failure again, may have few.
      if (seeds.length > 1) assert.ok(taken > 20 * seeds.length, `${taken} interrupts`);
    });

    it(`a breakpoint stops where it is, and the step behind it goes on, in ${privilege} mode`, () => {
      let met = 0;
      for (const seed of seeds) {
        disturb(
          seed,
          privilege,
          ({ hart: { state } }) => state.set32('hartConfig', HartConfig.EBREAK_EXIT),
          (lockstep) => {
            // The program may have EBREAKs of its own.
            const past = () =>
              lockstep.each(({ hart: { state } }) => {
                state.set('pc', state.get('pc') + BigInt(state.get32('exitLength')));
              });
            if (lockstep.stop === Stop.Debug) past();
            const where = lockstep.pc();
            // A jump went to where there is no instruction to replace: its fault is taken next.
            if (!isInRam(lockstep, where)) {
              lockstep.stop = Stop.Budget;
              return undefined;
            }
            const old = patch(lockstep, where, C_EBREAK);
            // From one instruction further back in time, as it were: a loop comes by again.
            let differs = lockstep.run(1);
            if (lockstep.stop === Stop.Debug) met++;
            patch(lockstep, where, old);
            differs ??= lockstep.run(1);
            patch(lockstep, where, C_EBREAK);
            differs ??= lockstep.run(500);
            if (lockstep.stop === Stop.Debug && lockstep.pc() === where) met++;
            patch(lockstep, where, old);
            if (lockstep.stop === Stop.Debug && lockstep.pc() !== where) past();
            // Stopped is not over.
            lockstep.stop = Stop.Budget;
            return differs;
          },
        );
      }
      if (seeds.length > 1) assert.ok(met > 20 * seeds.length, `${met} stops at breakpoints`);
    });
  }
});
