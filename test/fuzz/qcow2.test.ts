import { strict as assert } from 'node:assert';
import { Qcow2Image } from '../../src/machine/backend/qcow2/image.ts';
import { checkQcow2 } from '../../src/machine/backend/qcow2/repair.ts';
import { SeededRandom, VirtError } from '../../src/util/index.ts';
import { MemFile } from '../support/crash-disk.ts';
import { randomData } from '../support/disk-model.ts';
import { openNew } from '../support/qcow2-image.ts';

const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const IMAGES = FULL ? 30_000 : 500;
/** Images of one test. */
const IMAGES_PER_TEST = FULL ? 3000 : IMAGES;
const SEED = 4000;

/** What the guest writes, in whole sectors, and what must never get into the image's header. */
const MARK = 0xe7;

/** So many of it in a row are no accident: the damage may have put one there. */
const marks = Buffer.alloc(32, MARK);

/** Numbers that are worth trying in place of others. */
const interesting = [
  0n,
  1n,
  0xffn,
  0x200n,
  0x10000n,
  0x20000n,
  1n << 31n,
  1n << 40n,
  1n << 62n,
  1n << 63n,
  2n ** 64n - 1n,
];

/** A small image with something of everything. */
async function sound(random: SeededRandom): Promise<Uint8Array> {
  const clusterBytes = random.pick([512, 4096, 16384]);
  const { file, disk } = await openNew({
    size: 2 ** 20,
    clusterBytes,
    version: random.below(6) === 0 ? 2 : 3,
    extendedL2: false,
  });
  await disk.write(0, randomData(random, 20 * clusterBytes));
  await disk.writeCompressed(30 * clusterBytes, new Uint8Array(clusterBytes).fill(1));
  await disk.createSnapshot({ name: 'one', seconds: 1 });
  await disk.write(clusterBytes, randomData(random, 4 * clusterBytes));
  await disk.writeZeroes(8 * clusterBytes, 4 * clusterBytes, random.below(2) === 0);
  await disk.close();
  return file.content;
}

/** Changes some numbers in the header or in any other part of the file. */
function spoil(random: SeededRandom, content: Uint8Array): void {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(2) === 0 ? random.below(14) * 8 : Math.floor(random.below(content.length - 8) / 8) * 8;
    const kind = random.below(4);
    if (kind === 0) content[at + random.below(8)] = random.below(256);
    else if (kind === 1) view.setBigUint64(at, view.getBigUint64(at) ^ (1n << BigInt(random.below(64))));
    else if (kind === 2) view.setBigUint64(at, random.pick(interesting));
    // An entry from somewhere else: a table that leads to another table, or to itself.
    else view.setBigUint64(at, view.getBigUint64(Math.floor(random.below(content.length - 8) / 8) * 8));
  }
}

/** Whether an error is one that we mean: it says what is wrong with the image, or is the host's. */
function expected(error: unknown): boolean {
  return error instanceof VirtError || error instanceof RangeError || /too large for the test/.test(String(error));
}

async function attempt(job: () => Promise<unknown>): Promise<void> {
  try {
    await job();
  } catch (error) {
    if (!expected(error)) throw error;
  }
}

/** What a guest and a user may do with a disk. */
async function use(random: SeededRandom, disk: Qcow2Image): Promise<void> {
  const bytes = Math.min(disk.sectors * 512, 2 ** 21);
  if (bytes < 512) return;
  for (let i = 0; i < 12; i++) {
    const offset = random.below(bytes / 512) * 512;
    const length = Math.min(bytes - offset, 512 * (1 + random.below(64)));
    await attempt(() => disk.read(offset, new Uint8Array(length)));
    await attempt(() => disk.write(offset, new Uint8Array(length).fill(MARK)));
    if (i % 4 === 1) await attempt(() => disk.writeZeroes(offset, length, true));
    if (i % 4 === 2) await attempt(() => disk.flush());
  }
  await attempt(() => disk.applySnapshot('one'));
  await attempt(() => disk.deleteSnapshot('one'));
  await attempt(() => disk.createSnapshot({ name: 'two', seconds: 2 }));
}

describe('qcow2 with random damage', function () {
  this.timeout(FULL ? 3_600_000 : 60_000);

  for (let image = 0; image < IMAGES; image += IMAGES_PER_TEST) {
    it(`is refused or used, never more (${IMAGES_PER_TEST} images, seeds from ${SEED + image})`, () =>
      tryImages(SEED + image));
  }

  async function tryImages(first: number): Promise<void> {
    let opened = 0;
    for (let seed = first; seed < first + IMAGES_PER_TEST; seed++) {
      const random = new SeededRandom(seed);
      try {
        const content = (await sound(random)).slice();
        spoil(random, content);
        const file = new MemFile(content);
        await attempt(() => checkQcow2(new MemFile(content.slice(), true)));
        await attempt(async () => {
          const disk = await Qcow2Image.open(file);
          opened++;
          await use(random, disk);
          const header = Buffer.from(file.content.subarray(0, 104));
          assert.ok(!header.includes(marks), 'the guest has written the header');
          await disk.close();
        });
        await attempt(() => checkQcow2(file, 'all'));
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error });
      }
    }
    // Else it would be the header that is tried, and nothing behind it.
    assert.ok(opened > IMAGES_PER_TEST / 10, `only ${opened} images could be opened`);
  }
});
