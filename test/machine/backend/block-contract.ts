import { strict as assert } from 'node:assert';
import type { BlockBackend } from '../../../src/machine/backend/block.ts';
import { SeededRandom } from '../../../src/util/index.ts';

/** A backend under the contract that can be told to change its size. */
export type ResizableBackend = BlockBackend & { resize(bytes: number): void | Promise<void> };

const SECTORS = 4096;
const BYTES = 512 * SECTORS;

/** What every disk's backend must hold to. `make` gives one of that many bytes of zeroes. */
export function describeBlockBackend(name: string, make: (bytes: number) => Promise<ResizableBackend>): void {
  describe(`${name}: block backend contract`, () => {
    let disk: ResizableBackend;

    beforeEach(async () => {
      disk = await make(BYTES);
    });
    afterEach(() => disk.close());

    const read = async (offset: number, bytes: number): Promise<Uint8Array> => {
      const into = new Uint8Array(bytes).fill(0xaa);
      await disk.read(offset, into);
      return into;
    };

    it('begins with what it was made of', async () => {
      assert.equal(disk.sectors, SECTORS);
      assert.equal(disk.readOnly, false);
      assert.deepEqual(await read(0, 4096), new Uint8Array(4096));
    });

    it('reads what was written, zeroed or cut last', async () => {
      const seed = 99;
      const random = new SeededRandom(seed);
      const expected = new Uint8Array(BYTES);
      for (let i = 0; i < 60; i++) {
        const offset = 512 * random.below(SECTORS);
        const bytes = Math.min(512 * random.below(i % 20 === 0 ? 3000 : 40), BYTES - offset);
        if (random.below(3) > 0) {
          const data = new Uint8Array(bytes);
          random.fill(data);
          expected.set(data, offset);
          await disk.write(offset, data);
        } else {
          expected.fill(0, offset, offset + bytes);
          await disk.writeZeroes(offset, bytes, random.below(2) === 0);
        }
      }
      assert.ok(Buffer.from(expected).equals(await read(0, BYTES)), `seed ${seed}`);
    });

    it('leaves everything else alone when a range is discarded', async () => {
      await disk.write(0, new Uint8Array(3 * 512).fill(7));
      await disk.discard(512, 512);
      assert.deepEqual(await read(0, 512), new Uint8Array(512).fill(7));
      assert.deepEqual(await read(1024, 512), new Uint8Array(512).fill(7));
    });

    it('takes many requests at a time', async () => {
      const writes = Array.from({ length: 64 }, (_, i) => disk.write(512 * i, new Uint8Array(512).fill(i)));
      await Promise.all(writes);
      await disk.flush();
      const reads = await Promise.all(Array.from({ length: 64 }, (_, i) => read(512 * i, 512)));
      reads.forEach((bytes, i) => {
        assert.ok(bytes.every((b) => b === i));
      });
    });

    it('grows with zeroes and shrinks, and says so', async () => {
      let calls = 0;
      disk.onResize(() => calls++);
      await disk.write(BYTES - 512, new Uint8Array(512).fill(3));
      await disk.resize(BYTES + 4096);
      assert.equal(disk.sectors, SECTORS + 8);
      assert.deepEqual(await read(BYTES - 512, 4608), new Uint8Array(4608).fill(3, 0, 512));
      await disk.resize(512);
      assert.equal(disk.sectors, 1);
      assert.equal(calls, 2);
      await assert.rejects(async () => disk.read(512, new Uint8Array(512)));
    });

    it('refuses sizes that are no disk’s', async () => {
      for (const bytes of [0, -512, 511, 1.5, Number.NaN, 2 ** 60]) {
        await assert.rejects(async () => disk.resize(bytes), { name: 'VirtError', code: 'INVALID_ARG' });
      }
      assert.equal(disk.sectors, SECTORS);
    });
  });
}
