/** Loops over the ends of memory: misaligned accesses half in RAM, devices, memory that cannot be written. All backends in step. */
import assert from 'node:assert/strict';
import { nativeProblem, Stop } from '../../src/cpu/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';
import { withChanging } from './contenders.ts';
import { BASE, Lockstep, RAM_BYTES, skippingHandler } from './lockstep-machine.ts';
import { seedsOf } from './seeds.ts';

/** Under NODEVISOR_TEST_FULL about two minutes, else five seconds. */
const seeds = seedsOf(1500, 40);

const READ_ONLY = 0x1_0000;
/** Where memory begins and ends; behind the program come zeros, which may be stored to. */
const edges = [BASE - BigInt(READ_ONLY), BASE - 0x1000n, BASE + 0x4_0000n, BASE + BigInt(RAM_BYTES), 0x1000_1000n];
const loads = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld', 'flw', 'fld'];
const stores = ['sb', 'sh', 'sw', 'sd', 'fsw', 'fsd'];
const atomics = ['amoadd.w', 'amoswap.d', 'amomaxu.d', 'amoand.w'];

function program(seed: number): string {
  const random = new SeededRandom(seed ^ 0xed6e);
  const register = (insn: string): string => `${insn.startsWith('f') ? 'fa' : 'a'}${random.below(8)}`;
  const access = (): string => {
    const insn = random.pick(random.below(3) ? loads : stores);
    if (random.below(8) === 0) return `${random.pick(atomics)} ${register('')}, ${register('')}, (s0)`;
    return `${insn} ${register(insn)}, ${random.below(3) ? random.below(16) : random.below(64) - 32}(s${random.below(2)})`;
  };
  const loop = (n: number): string => {
    const stride = random.pick([1, 2, 3, 4, 7, 8, 8, 16, 24, -1, -4, -8]);
    const trips = 4 + random.below(40);
    // The border is met somewhere in the middle.
    const start = (stride: number) =>
      random.pick(edges) - BigInt(Math.trunc((stride * trips) / 2) + random.below(16) - 8);
    const second = random.below(2) ? stride : 0;
    return [
      `li s0, ${start(stride)}\nli s1, ${start(second)}\nli s8, ${trips}`,
      `loop${n}:`,
      ...Array.from({ length: 1 + random.below(4) }, access),
      `addi s0, s0, ${stride}`,
      ...(second ? [`addi s1, s1, ${second}`] : []),
      `addi s8, s8, -1\nbgtz s8, loop${n}`,
    ].join('\n');
  };
  return [
    'start:',
    ...Array.from({ length: 5 }, (_, n) => loop(n)),
    'j finish\n.balign 4\nfinish: j finish',
    skippingHandler,
  ].join('\n');
}

describe('accesses at the ends of memory', function () {
  this.timeout(3_600_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  it('go to memory, to devices, or fault alike on every backend', () => {
    let exits = 0;
    for (const seed of seeds) {
      const most = [1, 30, 5000][seed % 3] as number;
      const random = new SeededRandom(seed);
      const setup = { source: program(seed), privilege: 'machine', readOnlyBelow: READ_ONLY } as const;
      const lockstep = new Lockstep(withChanging(seed, 20), setup);
      const finish = lockstep.symbols.get('finish');
      try {
        for (let step = 0; step < 3000 && lockstep.pc() !== finish; step++) {
          const differs = lockstep.run(1 + random.below(most));
          assert.equal(differs, undefined, `LOCKSTEP_SEED=${seed}, step ${step}`);
          if (lockstep.stop !== Stop.Mmio) continue;
          exits++;
          const [answer, lo, hi] = [random.below(4), random.u32(), random.u32()];
          const { state } = lockstep.sides[0]!.hart;
          // A load gets what fits; read-modify-write accesses are refused, as the contract says.
          const size = state.get32('exitSize');
          const refuse = answer === 0 || state.get32('exitWrite') === 2;
          lockstep.each(({ hart }) => {
            if (refuse) hart.refuseMmio();
            else hart.completeMmio(size < 4 ? lo & (2 ** (8 * size) - 1) : lo, size === 8 ? hi : 0);
          });
        }
        assert.equal(lockstep.memory(), undefined, `LOCKSTEP_SEED=${seed}`);
      } finally {
        lockstep.close();
      }
    }
    assert.ok(exits > seeds.length, `${exits} exits`);
  });
});
