import { strict as assert } from 'node:assert';
import { KeptBlock } from '../../../src/machine/backend/kept-block.ts';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { describeBlockBackend } from './block-contract.ts';

describeBlockBackend('KeptBlock', async (bytes) => {
  const disk = new MemBlock(bytes);
  return Object.assign(new KeptBlock(disk), { resize: (to: number) => disk.resize(to) });
});

describe('KeptBlock', () => {
  it('keeps what is discarded, and writes zeroes that are no holes', async () => {
    const calls: unknown[] = [];
    const disk = new MemBlock(8192);
    const kept = new KeptBlock(
      Object.assign(Object.create(disk), {
        read: (offset: number, into: Uint8Array) => disk.read(offset, into),
        write: (offset: number, from: Uint8Array) => disk.write(offset, from),
        discard: async () => calls.push('discard'),
        writeZeroes: async (...args: unknown[]) => calls.push(args),
      }),
    );
    const data = new Uint8Array(4096).fill(7);
    await kept.write(0, data);
    await kept.discard();
    await kept.writeZeroes(4096, 4096);
    const into = new Uint8Array(4096);
    await kept.read(0, into);
    assert.deepEqual(into, data);
    assert.deepEqual(calls, [[4096, 4096, false]]);
  });
});
