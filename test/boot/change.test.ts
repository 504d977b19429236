/** Machines that go on with another CPU backend, in either direction. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine, type EngineConfig, NativeEngine, nativeProblem } from '../../src/cpu/index.ts';
import { type MachineConfig, VirtioRng } from '../../src/machine/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { switchingEngine } from '../differential/switching-engine.ts';
import { Output } from '../support/guest.ts';
import { missing } from '../support/need-tool.ts';
import { ChangingGuest } from './changing-guest.ts';
import { type DebianImage, debianImage } from './support.ts';
import { type Trace, tourConfig, trace } from './trace.ts';

const SEEDS = process.env['NODEVISOR_TEST_FULL'] ? 20 : 2;

/** On threads: changes of backend, and rounds of the work that goes on meanwhile. */
const CHANGES = 12;
const ROUNDS = 150;

const makers = [
  (config: EngineConfig) => new NativeEngine(config),
  (config: EngineConfig) => createEngine('interpreter', config),
  (config: EngineConfig) => new NativeEngine(config, { tier: 0 }),
];

/** Linux to the work of a few programs, and off. */
function debianConfig(image: DebianImage, vcpus: number, command: string): MachineConfig {
  return {
    ramBytes: 256 * 2 ** 20,
    vcpus,
    firmware: { kind: 'builtin' },
    kernel: { name: 'kernel', bytes: readFileSync(image.kernel) },
    initrd: { name: 'initrd', bytes: readFileSync(image.initrd) },
    append: `${image.append} quiet nodevisor.run="${command}"`,
    virtio: [{ type: 'blk' }, { type: 'rng' }],
    clock: 'virtual',
    seed: 7,
  };
}

describe('boot: a machine that changes its CPU backend', function () {
  this.timeout(1_800_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
  });

  /** A run that changes at random instructions of each hart. */
  async function changing(config: MachineConfig, seed: number, longest: readonly number[]): Promise<[Trace, number]> {
    let changes = 0;
    const options = { seed, longest, onSwitch: () => changes++ };
    const makeEngine = (engine: EngineConfig) => switchingEngine(makers, engine, options);
    return [await trace(config, { backend: 'native', makeEngine }), changes];
  }

  it('plays the bundled tour on virtual time to the instruction as one that does not', async () => {
    const steady = await trace(tourConfig, { backend: 'interpreter' });
    for (let seed = 0; seed < SEEDS; seed++) {
      const [changed, changes] = await changing(tourConfig, seed, [3000, 3000, 3000]);
      assert.deepEqual(changed, steady, `seed ${seed}`);
      assert.ok(changes > 1000, `${changes} changes`);
    }
  });

  it('boots Debian on virtual time to the instruction as one that does not', async function () {
    const command = 'seq 1 200 | sort -r | md5sum; find /sys/devices | wc -l; tar -c /etc | md5sum';
    const config = debianConfig(await debianImage(this), 2, command);
    const steady = await trace(config, { backend: 'native' });
    assert.match(steady.output, /[0-9a-f]{32} {2}-/);
    for (let seed = 0; seed < SEEDS; seed++) {
      // Mostly on the fastest.
      const [changed, changes] = await changing(config, seed, [2_000_000, 60_000, 400_000]);
      assert.deepEqual(changed, steady, `seed ${seed}`);
      assert.ok(changes > 500, `${changes} changes`);
    }
  });

  it('boots Debian on threads natively, goes on interpreted while it works, and goes back', async function () {
    const work = `i=0; while [ $i -lt ${ROUNDS} ]; do seq 1 300 | sort -r | md5sum; i=$((i+1)); echo @$i; done`;
    const config = {
      ...debianConfig(await debianImage(this), 2, work),
      clock: 'host' as const,
      virtio: [{ type: 'rng' as const }],
    };
    const guest = new ChangingGuest({ config, backend: 'native', virtio: [new VirtioRng(new SeededRandom(1))] });
    const output = new Output(guest);
    try {
      await guest.start();
      const random = new SeededRandom(1);
      // From the kernel's start on; the interpreter has it for short times only.
      for (let i = 0; i < CHANGES; i++) {
        await sleep(i % 2 === 0 ? random.below(300) : random.below(100));
        await guest.pause();
        await guest.changeBackend(i % 2 === 0 ? 'interpreter' : 'native');
        await guest.resume();
      }
      assert.ok(!output.text.includes(`@${ROUNDS}\r`), 'it was through before the last change');
      const status = await guest.wait();
      assert.equal(status.reason, 'poweroff', `${status.detail}\n${output.text.slice(-1000)}`);
      const sums = [...output.text.matchAll(/([0-9a-f]{32}) {2}-/g)].map((match) => match[1]);
      assert.equal(sums.length, ROUNDS);
      assert.equal(new Set(sums).size, 1);
    } finally {
      await guest.destroy();
    }
  });
});
