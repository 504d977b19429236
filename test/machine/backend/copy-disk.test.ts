import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { copyDisk } from '../../../src/machine/backend/copy-disk.ts';
import { createQcow2, DiskFile, openDiskImage } from '../../../src/machine/index.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { randomRange } from '../../support/disk-model.ts';
import { openNew } from '../../support/qcow2-image.ts';
import { tempDir } from './temp-dir.ts';

const MIB = 2 ** 20;
const CLUSTER = 65_536;

const ROUNDS = process.env['NODEVISOR_TEST_FULL'] === undefined ? 10 : 500;
const SEED = 900;

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

  describe('from files', () => {
    const path = tempDir();

    for (let i = 0; i < ROUNDS; i++) {
      const seed = SEED + i;
      it(`makes the same of it whatever it is stored as and however it is copied (seed ${seed})`, async () => {
        const random = new SeededRandom(seed);
        const size = (1 + random.below(24)) * 512 * 1024 - random.below(3) * 512;
        const below = new Uint8Array(size);
        // A base that is all holes, or has something here and there.
        for (let n = random.below(20); n > 0; n--) {
          const { offset, bytes } = randomRange(random, size);
          below.fill(random.below(4), offset, offset + bytes);
        }
        writeFileSync(path('base'), below);
        const file = await DiskFile.open(path('top'), { create: true });
        const clusterBytes = 2 ** (12 + random.below(6));
        const extendedL2 = clusterBytes >= 16_384 && random.below(3) === 0;
        await createQcow2(file, { size, clusterBytes, extendedL2, backingFile: path('base'), backingFormat: 'raw' });
        await file.close();
        const top = await openDiskImage(path('top'), { format: 'qcow2' });
        const content = below.slice();
        for (let n = random.below(40); n > 0; n--) {
          const { offset, bytes } = randomRange(random, size);
          if (random.below(3) > 0) {
            const data = new Uint8Array(bytes).fill(random.below(3));
            await top.write(offset, data);
            content.set(data, offset);
          } else {
            await top.writeZeroes(offset, bytes, random.below(2) === 0);
            content.fill(0, offset, offset + bytes);
          }
        }
        for (const unitBytes of [undefined, 2 ** (9 + random.below(10))]) {
          for (const sparseBytes of [0, 512 << random.below(5)]) {
            const made = new Uint8Array(size).fill(random.below(2) * 7);
            const blank = made[0] === 0;
            let end = 0;
            await copyDisk(
              top,
              {
                write: async (offset, from) => {
                  if (unitBytes !== undefined) assert.equal(offset % unitBytes, 0);
                  made.set(from, offset);
                },
                ...(blank ? {} : { zero: async (offset, bytes) => void made.fill(0, offset, offset + bytes) }),
              },
              {
                parallel: 1 + random.below(5),
                sparseBytes,
                ...(unitBytes === undefined ? {} : { unitBytes }),
                progress: (done) => {
                  assert.ok(done > end);
                  end = done;
                },
              },
            );
            assert.ok(Buffer.from(made.buffer).equals(content), `units ${unitBytes}, sparse ${sparseBytes}`);
            assert.equal(end, size);
          }
        }
        await top.close();
      });
    }
  });
});
