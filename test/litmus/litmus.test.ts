/** The memory model between harts on true threads, many times over: RVWMO (Unprivileged 18), FENCE.I, remote fences. */
import { strict as assert } from 'node:assert';
import { nativeProblem, nativeTranslates } from '../../src/cpu/index.ts';
import { PageTables, Pte } from '../cpu/support/page-tables.ts';
import { RAM_GPA } from '../cpu/support/rig.ts';
import { missing } from '../support/need-tool.ts';
import { grows, independentReads, loadBuffering, permutes, shares, storeBuffering } from './checks.ts';
import { at, HartPool, type Outcome, place, type RunOptions, type Subject } from './hart-pool.ts';
import * as programs from './programs.ts';

/** Whole it takes about five minutes. */
const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const ROUNDS = FULL ? 100_000 : 30_000;
/** Rounds in which harts wait for each other, or code is translated anew: dearer. */
const SLOW_ROUNDS = FULL ? 3_000 : 600;
const REPEATS = FULL ? 30 : 3;

const subjects: readonly (readonly [name: string, subject: Subject, problem: string])[] = [
  ['the interpreter', { kind: 'interpreter' }, ''],
  ['native tier 0', { kind: 'native', tier: 0 }, nativeProblem()],
  [
    'native tier 1',
    { kind: 'native', tier: 1 },
    nativeProblem() || (nativeTranslates() ? '' : 'no translator on this host'),
  ],
];

function litmus(subject: Subject): void {
  let pool: HartPool;
  before(() => {
    pool = new HartPool(subject);
  });
  after(() => pool.close());

  /** Runs a program again and again; the harts' own checks must find nothing, and `check` must return undefined. */
  async function holds(source: string, options: RunOptions, check?: (outcome: Outcome) => string | undefined) {
    for (let i = 0; i < REPEATS; i++) {
      const outcome = await pool.run(source, options);
      assert.equal(check?.(outcome), undefined, `run ${i}`);
    }
  }

  /** First lines of a list of violations. */
  const none = (found: readonly number[]): string | undefined =>
    found.length === 0 ? undefined : `${found.length} times, first at ${found[0]}`;
  const two = { harts: 2 };

  describe('message passing', () => {
    for (const [how, passing] of Object.entries(programs.passings)) {
      it(`keeps order by ${how}`, () => holds(programs.messagePassing(ROUNDS, passing), two));
    }
    it('keeps order over a third hart', () => holds(programs.writeToRead(ROUNDS), { harts: 3 }));
  });

  describe('store buffering', () => {
    const stores = (variable: number) => `sd s3, ${variable}(s0)`;
    const amos = (variable: number) => `addi t1, s0, ${variable}\n amoswap.d.aqrl zero, s3, (t1)`;
    const ordered = (outcome: Outcome) => none(storeBuffering(outcome.records(0, ROUNDS), outcome.records(1, ROUNDS)));

    it('does not show through FENCE RW,RW', () =>
      holds(programs.storeThenLoad(ROUNDS, stores, 'fence rw, rw'), two, ordered));

    it('does not show through FENCE W,R', () =>
      holds(programs.storeThenLoad(ROUNDS, stores, 'fence w, r'), two, ordered));

    it('does not show when the stores are AMOs with both orderings', () =>
      holds(programs.storeThenLoad(ROUNDS, amos, ''), two, ordered));

    it('may show without a fence, but no read goes back', () =>
      holds(
        programs.storeThenLoad(ROUNDS, stores, ''),
        two,
        (outcome) => grows(outcome.records(0, ROUNDS), 'y') ?? grows(outcome.records(1, ROUNDS), 'x'),
      ));
  });

  describe('load buffering', () => {
    const ordered = (outcome: Outcome) => none(loadBuffering(outcome.records(0, ROUNDS), outcome.records(1, ROUNDS)));

    it('does not show through FENCE R,W', () => holds(programs.loadThenStore(ROUNDS, 'fence r, w'), two, ordered));

    it('does not show where data depends', () =>
      holds(programs.loadThenStore(ROUNDS, 'xor t0, a1, a1\n add t0, t0, s3', 't0'), two, ordered));
  });

  describe('one order for all', () => {
    it('reads of one variable never go back', () => holds(programs.coherence(ROUNDS), { harts: 3 }));

    it('readers of two variables agree which came first', () =>
      holds(programs.independentReaders(ROUNDS), { harts: 4 }, (outcome) =>
        independentReads(outcome.records(2, 2 * ROUNDS), outcome.records(3, 2 * ROUNDS)),
      ));
  });

  describe('atomics under contention', () => {
    const tickets = (harts: number) => (outcome: Outcome) =>
      shares(Array.from({ length: harts }, (_, hart) => outcome.records(hart, ROUNDS)));

    for (const width of ['w', 'd'] as const) {
      it(`AMOADD.${width} gives every number once`, () =>
        holds(programs.amoTickets(ROUNDS, 4, width), { harts: 4 }, tickets(4)));
      it(`LR/SC.${width} gives every number once`, () =>
        holds(programs.reservedTickets(ROUNDS, 3, width), { harts: 3 }, tickets(3)));
    }

    it('LR/SC and AMOs draw from the same counter', () => holds(programs.mixedTickets(ROUNDS), two, tickets(2)));

    it('AMOSWAP loses nothing and makes nothing up', () =>
      holds(programs.swaps(ROUNDS, 3), { harts: 3 }, (outcome) => {
        const out = [0, 1, 2].flatMap((hart) => [...outcome.records(hart, ROUNDS)]);
        const into = Array.from({ length: 3 * ROUNDS }, (_, i) => i + 1);
        return permutes([0, ...into], [...out, Number(outcome.data(at.x))]);
      }));

    it('AMOXOR of own bits and AMOMAXU keep what they must', () =>
      holds(programs.bitsAndMaxima(ROUNDS, 4), { harts: 4 }));

    it('LR/SC of neighbouring words do not disturb each other', () => holds(programs.neighbours(ROUNDS), two));
  });

  describe('code and mappings changed by another hart', () => {
    it('FENCE.I shows code that was published', () => holds(programs.patching(SLOW_ROUNDS, 'fence.i', false), two));

    it('a remote fence shows code without a fence of its own', () =>
      holds(programs.patching(SLOW_ROUNDS, '', true), two));

    it('a remote fence shows a new mapping', () => {
      const mapped = (view: DataView): PageTables => {
        const tables = new PageTables(view, BigInt(place.tables), 3);
        const bits = Pte.V | Pte.R | Pte.W | Pte.X | Pte.A | Pte.D;
        for (let offset = 0n; offset < programs.ramBytes; offset += 0x20_0000n) {
          tables.map(BigInt(RAM_GPA) + offset, BigInt(RAM_GPA) + offset, bits, 1);
        }
        tables.map(programs.frames.va, BigInt(RAM_GPA + programs.frames.offset), bits & ~Pte.X);
        return tables;
      };
      const planned = mapped(new DataView(new ArrayBuffer(Number(programs.ramBytes))));
      const frame = BigInt(RAM_GPA + programs.frames.offset);
      return holds(programs.remapping(SLOW_ROUNDS, planned.leafGpa(programs.frames.va), frame), {
        harts: 2,
        paged: { harts: [1], satp: planned.satp, map: (ram) => void mapped(ram) },
      });
    });
  });
}

for (const [name, subject, problem] of subjects) {
  describe(`litmus tests on ${name}`, function () {
    this.timeout(3_600_000);
    if (problem === '') litmus(subject);
    else {
      it('works on this host', function () {
        missing(this, `${name}: ${problem}`);
      });
    }
  });
}
