/** Runs of a guest on virtual time, as what can be compared. */
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type SteppedSpec, steppedDriver } from '../../src/drivers/index.ts';
import type { Vcpu } from '../../src/hypervisor/index.ts';
import { type MachineConfig, MemBlock, VirtioBlk, VirtioRng } from '../../src/machine/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { Output } from '../support/guest.ts';

/** A run until its power-off: a hash over every hart's state after each slice, and what is left at the end. */
export interface Trace {
  readonly hash: string;
  readonly instructions: readonly bigint[];
  readonly mtime: bigint;
  readonly output: string;
}

/** The bundled guest's tour on three harts. */
export const tourConfig: MachineConfig = {
  ramBytes: 64 * 2 ** 20,
  vcpus: 3,
  firmware: { kind: 'builtin' },
  kernel: { name: 'guest.elf', bytes: readFileSync(new URL('../../src/guest/guest.elf', import.meta.url)) },
  append: 'tour',
  virtio: [{ type: 'blk' }, { type: 'rng' }],
  clock: 'virtual',
  seed: 7,
};

/** Runs a guest with a disk and a source of entropy. */
export async function trace(config: MachineConfig, how: Pick<SteppedSpec, 'backend' | 'makeEngine'>): Promise<Trace> {
  const hash = createHash('sha256');
  const guest = steppedDriver.create({
    config,
    ...how,
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
  assert.equal(status.reason, 'poweroff', `${status.detail}\n${output.text.slice(-1000)}`);
  await new Promise((resolve) => setImmediate(resolve));
  const { mtime, vcpus } = guest.stats();
  return { hash: hash.digest('hex'), instructions: vcpus.map((v) => v.instructions), mtime, output: output.text };
}
