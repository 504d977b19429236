/** Code that changes, by itself, by devices and by another hart: all backends, and one that changes between them, in step. */
import assert from 'node:assert/strict';
import { nativeProblem, remoteFences, Stop } from '../../src/cpu/index.ts';
import { type ProgramItem, shrink } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';
import { contenders, withChanging } from './contenders.ts';
import { BASE, Lockstep } from './lockstep-machine.ts';
import { seedsOf } from './seeds.ts';
import { mapTwice, selfModifying, selfModifyingSource, someInsn } from './self-modifying.ts';

/** Under NODEVISOR_TEST_FULL about five minutes in all, else ten seconds. */
const seeds = seedsOf(1000, 30);
const LIMIT = 30_000;

/** Who changes code besides the program. */
type Changer = 'nobody' | 'device' | 'hart';

interface Try {
  readonly seed: number;
  readonly items: readonly ProgramItem[];
  readonly changer: Changer;
}

/** Writes instructions into some places, of all sides' memory, as a device does, and fences code as whoever started it. */
function writePlaces(lockstep: Lockstep, places: readonly string[], random: SeededRandom): void {
  const changes = Array.from({ length: 1 + random.below(3) }, () => {
    const at = Number((lockstep.symbols.get(random.pick(places)) as bigint) - BASE);
    return { at, insn: someInsn(random) };
  });
  lockstep.each(({ ram, harts }) => {
    for (const { at, insn } of changes) for (let i = 0; i < 4; i++) ram[at + i] = (insn >>> (8 * i)) & 0xff;
    remoteFences(
      harts.map(({ state }) => state),
      { tlb: false, code: true },
    );
  });
}

/** Goes on until a hart is not between the halves of a place, where a change would make it run half an instruction. */
function leavePlaces(lockstep: Lockstep, places: readonly string[], id: number): string | undefined {
  const offset = (pc: bigint): number => Number(pc & 0xf_ffffn);
  const middles = new Set(places.map((label) => offset(lockstep.symbols.get(label) as bigint) + 2));
  let differs: string | undefined;
  while (differs === undefined && middles.has(offset(lockstep.pc(id)))) differs = lockstep.run(1, id);
  return differs;
}

function differenceOf({ seed, items, changer }: Try): string | undefined {
  const { victims, places, allPlaces } = selfModifying(seed);
  const most = changer === 'nobody' ? ([1, 30, 100_000][seed % 3] as number) : 60;
  const random = new SeededRandom(seed);
  const harts = changer === 'hart' ? 2 : 1;
  const setup = {
    source: selfModifyingSource(victims, items),
    privilege: 'machine',
    prepare: mapTwice,
    harts,
  } as const;
  const lockstep = new Lockstep(changer === 'hart' ? contenders : withChanging(seed, 25), setup);
  const finish = lockstep.symbols.get('finish');
  try {
    for (let ran = 0; ran < (most === 1 ? LIMIT / 5 : LIMIT) && lockstep.pc() !== finish; ) {
      const budget = 1 + random.below(most);
      ran += budget;
      let differs = lockstep.run(budget) ?? leavePlaces(lockstep, allPlaces, 0);
      if (differs === undefined && lockstep.stop !== Stop.Budget) differs = `stop ${lockstep.stop}`;
      if (differs === undefined && changer === 'device' && random.below(4) === 0) {
        writePlaces(lockstep, places, random);
      }
      if (differs === undefined && changer === 'hart') {
        // The other one changes code for itself; a remote fence tells the first before it runs on, and the other way round.
        const fence = (id: number) =>
          lockstep.each(({ harts }) => remoteFences([harts[id]!.state], { tlb: false, code: true }));
        fence(1);
        differs = lockstep.run(1 + random.below(most), 1) ?? leavePlaces(lockstep, allPlaces, 1);
        fence(0);
      }
      if (most > 1) differs ??= lockstep.memory();
      if (differs !== undefined) return `within ${ran} instructions: ${differs}`;
    }
    return lockstep.memory();
  } finally {
    lockstep.close();
  }
}

async function agree(changer: Changer): Promise<void> {
  for (const seed of seeds) {
    const { items } = selfModifying(seed);
    if (differenceOf({ seed, items, changer }) === undefined) continue;
    const short = await shrink(items, (some) => differenceOf({ seed, items: some, changer }) !== undefined);
    const problem = differenceOf({ seed, items: short, changer }) ?? 'only sometimes different';
    const { victims } = selfModifying(seed);
    const lines = [...short.flatMap((item) => item.lines), '--', ...victims];
    assert.fail(`LOCKSTEP_SEED=${seed}: ${problem}\n  ${lines.join('\n  ')}`);
  }
}

/**
 * A loop that rewrites an instruction of its own and one in another page, both at once, without a fence: the old or the
 * new may run, nothing else. Then it writes them once more, with a fence.
 */
const unfenced = `
start:
  la s2, inOther
  la s3, inLoop
  la s4, insns
  li s1, 5000
again:
  andi t1, s1, 3
  slli t1, t1, 2
  add t1, t1, s4
  lw t1, 0(t1)
  sw t1, 0(s2)
  lw t2, 12(s4)
  xor t1, t1, t2
  lw t2, 16(s4)
  xor t1, t1, t2
  sw t1, 0(s3)
  call other
inLoop: addi a1, a1, 1
  addi s1, s1, -1
  bgtz s1, again
  bnez s5, finish
  mv a2, a0
  mv a3, a1
  li a0, 0
  li a1, 0
  li s1, 100
  li s5, 1
  # All choices are one now.
  lw t1, 4(s4)
  sw t1, 0(s4)
  sw t1, 8(s4)
  sw t1, 12(s4)
  sw t1, 0(s2)
  lw t2, 20(s4)
  sw t2, 16(s4)
  fence.i
  # What the loop stores from here on is what is there.
  lw t1, 4(s4)
  lw t2, 20(s4)
  sw t2, 0(s3)
  sw t1, 16(s4)
  xor t1, t1, t2
  lw t2, 12(s4)
  xor t1, t1, t2
  sw t1, 16(s4)
  fence.i
  j again
  .balign 4
finish: j finish
handler: j handler
  .balign 4
insns:
  addi a0, a0, 1
  addi a0, a0, 2
  addi a0, a0, 4
  addi a0, a0, 2
  addi a1, a1, 2
  addi a1, a1, 2
  .balign 4096
other:
inOther: addi a0, a0, 1
  ret`;

describe('code that changes', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  it('by itself, shows after FENCE.I on every backend alike', () => agree('nobody'));
  it('by a device, shows after a remote fence on every backend alike', () => agree('device'));
  it('by another hart, shows after a remote fence on every backend alike', () => agree('hart'));

  for (const contender of contenders) {
    it(`without a fence, may stay as it was on ${contender.name}, and is nothing else; with one, it shows`, () => {
      const lockstep = new Lockstep([contender], { source: unfenced, privilege: 'machine' });
      const { state } = lockstep.sides[0]!.hart;
      const finish = lockstep.symbols.get('finish');
      for (let ran = 0; ran < 200_000 && lockstep.pc() !== finish; ran += 997)
        assert.equal(lockstep.run(997), undefined);
      assert.equal(lockstep.pc(), finish);
      const [a0, a1, a2, a3] = [10, 11, 12, 13].map((register) => Number(state.get('x', register)));
      for (const sum of [a2, a3] as number[]) {
        assert.ok(sum >= 5000 && sum <= 4 * 5000, `${sum} from 5000 additions of 1, 2 or 4`);
      }
      assert.deepEqual([a0, a1], [200, 200]);
      lockstep.close();
    });
  }
});
