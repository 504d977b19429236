import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { firstDifference } from '../../../src/tools/image-tool/compare.ts';
import { inPieces, PIECE_BYTES } from '../../../src/tools/image-tool/pieces.ts';
import { MemDisk } from '../../support/mem-disk.ts';

describe('work in pieces', () => {
  it('is done once for every byte, several at a time, and tells how far it is', async () => {
    const end = 9 * PIECE_BYTES + 512;
    const seen: number[] = [];
    const told: number[] = [];
    let now = 0;
    let most = 0;
    const makeJob = () => async (offset: number, bytes: number) => {
      most = Math.max(most, ++now);
      await turn();
      for (let at = offset; at < offset + bytes; at += 512) seen[at / 512] = (seen[at / 512] ?? 0) + 1;
      now--;
      return true;
    };
    await inPieces(end, makeJob, (done) => told.push(done));
    assert.equal(seen.length, end / 512);
    assert.ok(seen.every((times) => times === 1));
    assert.ok(most > 1);
    assert.deepEqual(
      told,
      [...told].sort((a, b) => a - b),
    );
    assert.equal(told.at(-1), end);
  });

  it('ends with the first error, once nothing is under way', async () => {
    let now = 0;
    let begun = 0;
    const makeJob = () => async (offset: number) => {
      now++;
      begun++;
      await turn();
      now--;
      if (offset === PIECE_BYTES) throw new Error('no such byte');
      await turn();
      return true;
    };
    await assert.rejects(
      inPieces(100 * PIECE_BYTES, makeJob, () => {}),
      /no such byte/,
    );
    assert.equal(now, 0);
    assert.ok(begun < 20, `${begun} begun`);
  });

  it('finds the first of several differences of two disks, however long they are', async () => {
    const one = new Uint8Array(5 * PIECE_BYTES);
    for (const first of [0, 700, PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES + 5, 5 * PIECE_BYTES - 1]) {
      const other = one.slice();
      for (let at = first; at < other.length; at += PIECE_BYTES) other[at] = 1;
      assert.equal(await firstDifference(new MemDisk(one), new MemDisk(other), () => {}), first);
      assert.equal(await firstDifference(new MemDisk(other), new MemDisk(one.slice(0, 512)), () => {}), first);
    }
    assert.equal(await firstDifference(new MemDisk(one), new MemDisk(one.slice(0, PIECE_BYTES + 512)), () => {}), -1);
  });
});
