import { strict as assert } from 'node:assert';
import { copyDisk } from '../../../src/machine/backend/copy-disk.ts';
import { openNew } from '../../support/qcow2-image.ts';

const MIB = 2 ** 20;
const CLUSTER = 65_536;

/** A disk whose every other KiB has something, from 1 MiB to 5 MiB of 8 MiB. */
async function source() {
  const { disk } = await openNew({ size: 8 * MIB });
  const stripes = new Uint8Array(4 * MIB).map((_, i) => ((i >> 10) & 1 ? 0 : (i >> 11) + 1));
  await disk.write(MIB, stripes);
  const content = new Uint8Array(8 * MIB);
  content.set(stripes, MIB);
  return { disk, content };
}

/** Where a copy goes, in memory, and what it was told. */
class Target {
  readonly content = new Uint8Array(8 * MIB);
  readonly writes: { offset: number; bytes: number }[] = [];
  most = 0;
  #now = 0;

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.most = Math.max(this.most, ++this.#now);
    this.writes.push({ offset, bytes: from.length });
    this.content.set(from, offset);
    await new Promise((resolve) => setImmediate(resolve));
    this.#now--;
  }
}

describe('copying a disk', () => {
  it('writes what is there and leaves zeroes out', async () => {
    const { disk, content } = await source();
    const target = new Target();
    await copyDisk(disk, target, { parallel: 4, sparseBytes: 512 });
    assert.deepEqual(target.content, content);
    const written = target.writes.reduce((sum, { bytes }) => sum + bytes, 0);
    // What counts up to 256 there is 0 once in each 256 KiB.
    assert.ok(written <= 2 * MIB, `${written} bytes written`);
  });

  it('writes whole units where it has to, several at a time', async () => {
    const { disk, content } = await source();
    const target = new Target();
    await copyDisk(disk, target, { parallel: 4, sparseBytes: 512, unitBytes: CLUSTER });
    assert.deepEqual(target.content, content);
    for (const { offset, bytes } of target.writes) {
      assert.equal(offset % CLUSTER, 0);
      assert.equal(bytes % CLUSTER, 0);
    }
    assert.equal(
      target.writes.reduce((sum, { bytes }) => sum + bytes, 0),
      4 * MIB,
    );
    assert.ok(target.most > 1, 'what is compressed first goes together');
  });

  it('begins nothing more once something failed, and throws that', async () => {
    const { disk } = await source();
    let writes = 0;
    const write = async () => {
      writes++;
      throw new Error('no more room');
    };
    await assert.rejects(copyDisk(disk, { write }, { parallel: 2, sparseBytes: 4096 }), /no more room/);
    assert.ok(writes <= 2, `${writes} writes`);
  });
});
