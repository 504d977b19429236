import { strict as assert } from 'node:assert';
import { createEngine } from '../../src/cpu/index.ts';
import {
  type ProgramItem,
  programSource,
  type RandomProgram,
  type RandomProgramOptions,
  randomProgram,
  shrink,
  type Weights,
} from '../../src/isa/index.ts';
import type { MakeEngine } from '../cpu/support/rig.ts';
import { forEachBackend } from '../support/backends.ts';
import { explain, imageOf, RECORD_BYTES, type Selection } from './random-programs.ts';
import { needQemu, runOnEngine, runOnQemu } from './user-program.ts';

const FIRST_SEED = Number(process.env['NODEVISOR_TEST_SEED'] ?? 1);
/** Whole they take about two minutes on the native backend, and longer on the interpreter. */
const PROGRAMS = process.env['NODEVISOR_TEST_FULL'] ? 3_000 : 60;
/** Programs in one image. */
const BATCH = 60;
const ITEMS = 120;

type Classes = Partial<Weights['classes']>;
type ExtensionName = keyof Weights['extensions'];

/** What QEMU 7.2 has of what the generator makes, but cache-block operations. */
const all: ExtensionName[] = ['i', 'm', 'a', 'f', 'd', 'c', 'zicsr', 'zifencei', 'zba', 'zbb', 'zbc', 'zbs'];
const none: Record<string, number> = { zicond: 0, zfa: 0, zicbom: 0, zicboz: 0, zawrs: 0, svinval: 0, priv: 0 };

/** Weights with these classes and extensions alone; `favoured` extensions more often than the others. */
function mix(classes: Classes, extensions: ExtensionName[], favoured: ExtensionName[] = []) {
  const off = { integer: 0, load: 0, store: 0, atomic: 0, reserve: 0, branch: 0, jump: 0, float: 0 };
  return {
    classes: { ...off, csr: 0, fence: 0, block: 0, compressed: 0, trap: 0, ...classes },
    extensions: Object.fromEntries([
      ...Object.entries(none),
      ...all.map((name) => [name, extensions.includes(name) ? (favoured.includes(name) ? 5 : 1) : 0]),
    ]),
  };
}

/** QEMU before 8.0 counts ctzw's trailing zeros in all 64 bits instead of 32 (Unprivileged spec 28). */
const wrongInQemu = /^ctzw /;

/** The items of a program that QEMU gets right. */
function comparable(program: RandomProgram): readonly ProgramItem[] {
  return program.items.filter((item) => !item.lines.some((line) => wrongInQemu.test(line)));
}

const memory = { load: 2, store: 2 };
const mixes: Readonly<Record<string, Omit<RandomProgramOptions, 'seed' | 'length'>>> = {
  I: mix({ integer: 10, branch: 2, jump: 1, ...memory, fence: 1 }, ['i', 'zifencei']),
  M: mix({ integer: 10, ...memory }, ['i', 'm'], ['m']),
  A: mix({ integer: 4, atomic: 6, reserve: 3, ...memory }, ['i', 'a'], ['a']),
  C: mix({ compressed: 10, integer: 3, branch: 1 }, ['i', 'c', 'f', 'd']),
  Zba: mix({ integer: 10, ...memory }, ['i', 'zba'], ['zba']),
  Zbb: mix({ integer: 10, ...memory }, ['i', 'zbb'], ['zbb']),
  Zbc: mix({ integer: 10, ...memory }, ['i', 'zbc'], ['zbc']),
  Zbs: mix({ integer: 10, ...memory }, ['i', 'zbs'], ['zbs']),
  F: mix({ float: 20, integer: 1, csr: 2, ...memory }, ['i', 'f', 'zicsr']),
  D: mix({ float: 20, integer: 1, csr: 2, ...memory }, ['i', 'f', 'd', 'zicsr'], ['d']),
  everything: { classes: { trap: 0, block: 0 }, extensions: none },
};

/** Runs both sides. A side that fails to end properly counts as an error of its own. */
class Duel {
  readonly #makeEngine: MakeEngine;

  constructor(makeEngine: MakeEngine) {
    this.#makeEngine = makeEngine;
  }

  /** What a side wrote, or why it did not get there. */
  #attempt(run: () => Buffer): Buffer | Error {
    try {
      return run();
    } catch (error) {
      return error as Error;
    }
  }

  /** undefined if both sides agree, else what is different. */
  difference(selection: Selection): string | undefined {
    const image = imageOf([selection]);
    const ours = this.#attempt(() => runOnEngine(this.#makeEngine, image));
    const theirs = this.#attempt(() => runOnQemu(image));
    // What ends both ways is no difference, but no comparison either: the caller's batch has shown it works.
    if (ours instanceof Error || theirs instanceof Error) return `${ours instanceof Error ? ours : theirs}`;
    return ours.equals(theirs) ? undefined : explain(ours, theirs);
  }

  /** The first of some programs that the sides disagree on. */
  firstOf(programs: readonly RandomProgram[]): RandomProgram | undefined {
    const image = imageOf(programs.map((program) => ({ program, items: comparable(program) })));
    const ours = this.#attempt(() => runOnEngine(this.#makeEngine, image));
    const theirs = this.#attempt(() => runOnQemu(image));
    if (ours instanceof Error || theirs instanceof Error) {
      const alone = programs.find((program) => this.difference({ program, items: comparable(program) }) !== undefined);
      if (alone === undefined) throw ours instanceof Error ? ours : theirs;
      return alone;
    }
    if (ours.equals(theirs)) return undefined;
    const at = programs.findIndex((_, i) => {
      const [from, to] = [i * RECORD_BYTES, (i + 1) * RECORD_BYTES];
      return !ours.subarray(from, to).equals(theirs.subarray(from, to));
    });
    return programs[at];
  }

  /** Fails with the shortest form of a program that still makes a difference. */
  async report(program: RandomProgram, name: string): Promise<never> {
    const differs = (items: readonly ProgramItem[]) => this.difference({ program, items }) !== undefined;
    const all = comparable(program);
    const items = differs(all) ? await shrink(all, differs) : all;
    const lines = items.flatMap((item) => item.lines).join('\n  ');
    const values = this.difference({ program, items }) ?? 'differs only behind other programs';
    assert.fail(
      `${name}, seed ${program.seed}:\n  ${lines}\n${values}\n` +
        `start values:\n${programSource(program, { items }).split('.data')[1]?.split('.balign 64')[0]}`,
    );
  }
}

describe('random programs against QEMU', () => {
  before(function () {
    needQemu(this);
  });

  forEachBackend((kind) => {
    describe(`the ${kind} backend`, () => {
      const duel = new Duel((config) => createEngine(kind, config));
      for (const [name, weights] of Object.entries(mixes)) {
        it(`${name}: ends with the same registers and memory`, async function () {
          this.timeout(1_800_000);
          for (let seed = FIRST_SEED; seed < FIRST_SEED + PROGRAMS; seed += BATCH) {
            const programs = Array.from({ length: BATCH }, (_, i) =>
              randomProgram({ ...weights, seed: seed + i, length: ITEMS }),
            );
            const different = duel.firstOf(programs);
            if (different !== undefined) await duel.report(different, name);
          }
        });
      }
    });
  });
});
