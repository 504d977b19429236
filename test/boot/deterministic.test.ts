import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EngineKind } from '../../src/cpu/index.ts';
import { steppedDriver } from '../../src/drivers/index.ts';
import type { Vcpu } from '../../src/hypervisor/index.ts';
import { type MachineConfig, MemBlock, VirtioBlk, VirtioRng } from '../../src/machine/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { Output } from '../support/guest.ts';

/** A run of the bundled guest's tour as what can be compared: a hash over every hart's state after each slice. */
interface Trace {
  readonly hash: string;
  readonly instructions: readonly bigint[];
  readonly mtime: bigint;
  readonly output: string;
}

const config: MachineConfig = {
  ramBytes: 64 * 2 ** 20,
  vcpus: 3,
  firmware: { kind: 'builtin' },
  kernel: { name: 'guest.elf', bytes: readFileSync(new URL('../../src/guest/guest.elf', import.meta.url)) },
  append: 'tour',
  virtio: [{ type: 'blk' }, { type: 'rng' }],
  clock: 'virtual',
  seed: 7,
};

async function trace(backend: EngineKind, machine = config): Promise<Trace> {
  const hash = createHash('sha256');
  const guest = steppedDriver.create({
    config: machine,
    backend,
    virtio: [new VirtioBlk(new MemBlock(64 * 1024)), new VirtioRng(new SeededRandom(1))],
    onSlice: ({ id, state }: Vcpu) => {
      const x = Array.from({ length: 32 }, (_, i) => state.get('x', i)).join();
      hash.update(
        `${id} ${state.get('pc')} ${state.get('retired')} ${x} ${state.get('mstatus')} ${state.get('satp')};`,
      );
    },
  });
  const output = new Output(guest);
  await guest.start();
  const status = await guest.wait();
  assert.equal(status.reason, 'poweroff', status.detail);
  await new Promise((resolve) => setImmediate(resolve));
  const { mtime, vcpus } = guest.stats();
  return { hash: hash.digest('hex'), instructions: vcpus.map((v) => v.instructions), mtime, output: output.text };
}

describe('boot: the bundled guest on virtual time', function () {
  this.timeout(120_000);

  let first: Trace;
  before(async () => {
    first = await trace('interpreter');
    assert.ok(first.output.length > 1000 && first.instructions.every((n) => n > 1000n));
  });

  forEachBackend((backend) => {
    it(`executes the same instructions in every run, those of the interpreter, on ${backend}`, async () => {
      for (let run = 0; run < 2; run++) assert.deepEqual(await trace(backend), first);
    });
  });

  it('goes another way with another seed', async () => {
    const other = await trace('interpreter', { ...config, seed: 8 });
    assert.notEqual(other.hash, first.hash);
    assert.equal(other.output.length > 1000, true);
  });
});
