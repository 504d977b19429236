import { strict as assert } from 'node:assert';
import { type HartState, hartWord } from '../../../src/cpu/index.ts';
import { Attention, Interrupt } from '../../../src/isa/index.ts';
import { ControllerLine } from '../../../src/machine/irq/irq-line.ts';
import { PLIC_REGION_BYTES, Plic } from '../../../src/machine/irq/plic.ts';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { cells, createTestBoard, describeTree, strings } from '../device-contract.ts';

const M0 = 0;
const S0 = 1;
const S1 = 3;
const claimOffset = (context: number) => 0x20_0004 + 0x1000 * context;

describe('PLIC', () => {
  let plic: Plic;
  let harts: readonly HartState[];

  beforeEach(() => {
    const board = createTestBoard(PLIC_REGION_BYTES, 2);
    harts = board.harts;
    plic = new Plic(memoryMap.plic, board.region, harts);
    plic.reset();
  });

  const setPriority = (source: number, priority: number) => plic.write(4 * source, 4, priority);
  const setThreshold = (context: number, value: number) => plic.write(0x20_0000 + 0x1000 * context, 4, value);
  const claim = (context: number) => plic.read(claimOffset(context), 4);
  const complete = (context: number, source: number) => plic.write(claimOffset(context), 4, source);
  const setAll = (sources: readonly number[], level: boolean) => {
    for (const source of sources) plic.setLevel(source, level);
  };
  const raise = (...sources: number[]) => setAll(sources, true);
  const lower = (...sources: number[]) => setAll(sources, false);

  function enable(context: number, ...sources: number[]): void {
    for (const source of sources) {
      const off = 0x2000 + 0x80 * context + 4 * (source >>> 5);
      plic.write(off, 4, (plic.read(off, 4) | (1 << (source & 31))) >>> 0);
    }
  }

  /** Levels of MEIP and SEIP of both harts, as contexts. */
  function outputs(): number[] {
    return harts.flatMap((hart) => {
      const lines = hart.get32('irqLines');
      return [(lines >>> Interrupt.MEI) & 1, (lines >>> Interrupt.SEI) & 1];
    });
  }

  it('raises the external interrupt of every context where an enabled source beats the threshold', () => {
    setPriority(10, 3);
    enable(M0, 10);
    enable(S1, 10);
    setThreshold(S1, 3);
    raise(10);
    assert.deepEqual(outputs(), [1, 0, 0, 0]);
    setThreshold(S1, 2);
    assert.deepEqual(outputs(), [1, 0, 0, 1]);
    setPriority(10, 2);
    assert.deepEqual(outputs(), [1, 0, 0, 0]);
    lower(10);
    assert.deepEqual(outputs(), [0, 0, 0, 0]);
  });

  it('wakes the hart whose line moves, and only that one', () => {
    for (const hart of harts) hart.set32('attention', 0);
    setPriority(1, 1);
    enable(S1, 1);
    raise(1);
    assert.equal(harts[0]?.get32('attention'), 0);
    assert.equal(harts[1]?.get32('attention'), Attention.INTERRUPT);
  });

  it('claims by priority, and the lowest id among equals', () => {
    for (const [source, priority] of [
      [40, 5],
      [7, 5],
      [33, 5],
      [95, 6],
      [1, 1],
    ] as const) {
      setPriority(source, priority);
      enable(S0, source);
      raise(source);
    }
    assert.deepEqual(
      [0, 0, 0, 0, 0, 0].map(() => claim(S0)),
      [95, 7, 33, 40, 1, 0],
    );
    assert.deepEqual(outputs(), [0, 0, 0, 0]);
  });

  it('never delivers priority 0', () => {
    enable(S0, 5);
    raise(5);
    assert.equal(claim(S0), 0);
    assert.deepEqual(outputs(), [0, 0, 0, 0]);
    assert.equal(plic.read(0x1000, 4), 1 << 5, 'pending all the same');
  });

  it('keeps a claimed source from every context until it is completed, then delivers it again if still high', () => {
    setPriority(10, 1);
    enable(S0, 10);
    enable(S1, 10);
    raise(10);
    assert.deepEqual(outputs(), [0, 1, 0, 1]);
    assert.equal(claim(S1), 10);
    assert.deepEqual(outputs(), [0, 0, 0, 0]);
    assert.equal(claim(S0), 0);
    assert.equal(plic.read(0x1000, 4), 0);
    complete(S1, 10);
    assert.deepEqual(outputs(), [0, 1, 0, 1]);
    assert.equal(claim(S0), 10);
    lower(10);
    complete(S0, 10);
    assert.deepEqual(outputs(), [0, 0, 0, 0]);
  });

  it('does not lose a source that falls and rises while in service', () => {
    setPriority(10, 1);
    enable(S0, 10);
    raise(10);
    claim(S0);
    lower(10);
    raise(10);
    assert.equal(claim(S0), 0);
    complete(S0, 10);
    assert.equal(claim(S0), 10);
  });

  it('takes the request back when the line falls before the claim', () => {
    setPriority(10, 1);
    enable(S0, 10);
    raise(10);
    lower(10);
    assert.equal(claim(S0), 0);
  });

  it('lets a claim pass the threshold, which only masks the notification', () => {
    setPriority(10, 1);
    enable(S0, 10);
    setThreshold(S0, 7);
    raise(10);
    assert.deepEqual(outputs(), [0, 0, 0, 0]);
    assert.equal(claim(S0), 10);
  });

  it('completes from a context where the source is not enabled, and ignores ids that do not exist', () => {
    setPriority(10, 1);
    enable(S0, 10);
    raise(10);
    assert.equal(claim(S0), 10);
    for (const id of [0, 96, 1000, 0xffff_ffff]) complete(S0, id);
    assert.equal(claim(S0), 0);
    complete(S1, 10);
    assert.equal(claim(S0), 10);
  });

  it('has three-bit priorities and thresholds, no source 0, and ignores writes to pending', () => {
    setPriority(0, 7);
    setPriority(3, 0xffff_fffd);
    setThreshold(S0, 0xff);
    plic.write(0x2080, 4, 0xffff_ffff);
    plic.write(0x1000, 4, 0xffff_ffff);
    assert.deepEqual([plic.read(0, 4), plic.read(12, 4), plic.read(0x20_1000, 4)], [0, 5, 7]);
    assert.equal(plic.read(0x2080, 4), 0xffff_fffe);
    assert.equal(plic.read(0x1000, 4), 0);
  });

  it('has no registers for harts that do not exist, nor narrow ones', () => {
    plic.write(0x2000 + 0x80 * 4, 4, 2);
    plic.write(0x20_4000, 4, 2);
    assert.equal(plic.read(0x2000 + 0x80 * 4, 4), 0);
    assert.equal(plic.read(0x20_4000, 4), 0);
    plic.write(4, 1, 3);
    plic.write(4, 2, 3);
    assert.equal(plic.read(4, 4), 0);
  });

  it('ignores lines that do not exist', () => {
    for (const source of [0, 96, -1, 1000]) new ControllerLine(plic, source).set(true);
    assert.deepEqual(plic.save()['level'], [0, 0, 0]);
  });

  it('keeps the levels of its lines over a reset, and drives the harts anew on restore', () => {
    setPriority(10, 1);
    enable(S0, 10);
    raise(10);
    const saved = plic.save();
    plic.reset();
    assert.deepEqual(outputs(), [0, 0, 0, 0]);
    setPriority(10, 1);
    enable(S0, 10);
    assert.deepEqual(outputs(), [0, 1, 0, 0]);
    for (const hart of harts) hart.set32('irqLines', 0);
    plic.restore(saved);
    assert.deepEqual(outputs(), [0, 1, 0, 0]);
  });

  it('agrees with a plain model of the specification over random operations', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = new SeededRandom(seed);
      plic.restore({ ...plic.save(), level: [0, 0, 0] });
      plic.reset();
      const priority = new Map<number, number>();
      const high = new Set<number>();
      const served = new Set<number>();
      const threshold = [0, 0, 0, 0];
      const enabled = threshold.map(() => new Set<number>());
      const candidates = (context: number) =>
        [...high]
          .filter((s) => !served.has(s) && enabled[context]?.has(s) && (priority.get(s) ?? 0) > 0)
          .sort((a, b) => (priority.get(b) ?? 0) - (priority.get(a) ?? 0) || a - b);
      for (let i = 0; i < 1000; i++) {
        const source = 1 + random.below(95);
        const context = random.below(4);
        switch (random.below(6)) {
          case 0:
            priority.set(source, random.below(8));
            setPriority(source, priority.get(source) ?? 0);
            break;
          case 1:
            threshold[context] = random.below(8);
            setThreshold(context, threshold[context] ?? 0);
            break;
          case 2:
            enabled[context]?.add(source);
            enable(context, source);
            break;
          case 3:
            if (random.below(2) === 0) {
              high.add(source);
              raise(source);
            } else {
              high.delete(source);
              lower(source);
            }
            break;
          case 4: {
            const expected = candidates(context)[0] ?? 0;
            assert.equal(claim(context), expected, `seed ${seed}, step ${i}`);
            if (expected !== 0) served.add(expected);
            break;
          }
          default: {
            const done = served.size > 0 ? random.pick([...served]) : source;
            served.delete(done);
            complete(context, done);
          }
        }
        const expected = threshold.map((t, c) => ((priority.get(candidates(c)[0] ?? 0) ?? 0) > t ? 1 : 0));
        assert.deepEqual(outputs(), expected, `seed ${seed}, step ${i}`);
      }
    }
  });

  it('describes itself as QEMU’s board does', () => {
    const node = describeTree(plic).soc.get('plic@c000000');
    assert.deepEqual(strings(node, 'compatible'), ['sifive,plic-1.0.0', 'riscv,plic0']);
    assert.deepEqual(cells(node, 'interrupts-extended'), [200, 11, 200, 9, 201, 11, 201, 9]);
    assert.deepEqual(cells(node, 'riscv,ndev'), [95]);
    assert.equal(node?.phandle, 100);
  });

  it('leaves the other interrupt lines of a hart alone', () => {
    const lines = harts[0]?.words as Int32Array;
    Atomics.store(lines, hartWord.irqLines, 1 << Interrupt.MSI);
    setPriority(10, 1);
    enable(M0, 10);
    raise(10);
    assert.equal(harts[0]?.get32('irqLines'), (1 << Interrupt.MSI) | (1 << Interrupt.MEI));
  });
});
