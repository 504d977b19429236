import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { DiskFile } from '../../../src/machine/backend/host-file.ts';
import { openDiskImage } from '../../../src/machine/backend/open-disk.ts';
import { createQcow2 } from '../../../src/machine/backend/qcow2/create.ts';
import type { Qcow2Image } from '../../../src/machine/backend/qcow2/image.ts';
import { checkQcow2 } from '../../../src/machine/backend/qcow2/repair.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { tempDir } from '../../machine/backend/temp-dir.ts';
import { DiskModel, randomData, randomRange } from '../../support/disk-model.ts';
import { needTool } from '../../support/need-tool.ts';
import { qemuImg, qemuIo, run } from '../../support/qemu-img.ts';
import { type Combination, describeCombination, qemuOptions, randomCombination } from './options.ts';

const full = process.env['NODEVISOR_TEST_FULL'] !== undefined;

/** Combinations tried, and the seed of the first. */
const COMBINATIONS = full ? 240 : 20;
const SEED = 7000;

/** Requests of one round that are under way at a time. */
const PARALLEL = 8;

/** One image that ours and QEMU's programs write in turn. */
class Duel {
  readonly #random: SeededRandom;
  readonly #path: (name: string) => string;
  readonly #combination: Combination;
  readonly #model: DiskModel;

  constructor(seed: number, path: (name: string) => string) {
    this.#random = new SeededRandom(seed);
    this.#path = path;
    this.#combination = randomCombination(this.#random);
    this.#model = new DiskModel(this.#combination.options.size);
  }

  get title(): string {
    return describeCombination(this.#combination);
  }

  /** Makes the image, by one program or the other, with its backing and data files. */
  async create(): Promise<void> {
    const { options, backing, backingBytes, dataFile } = this.#combination;
    if (backing !== 'none') {
      const content = randomData(this.#random, backingBytes);
      writeFileSync(this.#path('base.raw'), content);
      if (backing === 'qcow2') {
        const args = ['convert', '-f', 'raw', '-O', 'qcow2', ...(this.#random.below(2) === 0 ? ['-c'] : [])];
        qemuImg(...args, this.#path('base.raw'), this.#path('base.qcow2'));
      }
      this.#model.write(0, content.subarray(0, options.size));
    }
    const named = backing === 'none' ? undefined : `base.${backing}`;
    if (this.#random.below(2) === 0) {
      const below = named === undefined ? [] : ['-b', named, '-F', backing];
      const data = dataFile ? this.#path('data') : undefined;
      const made = qemuOptions(this.#combination, data);
      qemuImg('create', '-q', '-f', 'qcow2', '-o', made, ...below, this.#path('disk'), String(options.size));
      return;
    }
    if (dataFile) await (await DiskFile.open(this.#path('data'), { create: true })).close();
    const file = await DiskFile.open(this.#path('disk'), { create: true });
    await createQcow2(file, {
      ...options,
      backingFile: named,
      backingFormat: named === undefined ? undefined : backing,
      // QEMU takes a relative one from where it was started, not from where the image is.
      dataFile: dataFile ? this.#path('data') : undefined,
    });
    await file.close();
  }

  /** Our turn: requests of all kinds, several at a time that do not touch each other. */
  async ours(): Promise<void> {
    const disk = (await openDiskImage(this.#path('disk'), { format: 'qcow2' })) as Qcow2Image;
    try {
      await this.#play(disk);
    } finally {
      await disk.close();
    }
    await this.check();
    const file = await DiskFile.open(this.#path('disk'), { readOnly: true });
    const { corruptions, leaks, messages } = await checkQcow2(file);
    await file.close();
    assert.deepEqual({ corruptions, leaks, messages }, { corruptions: 0, leaks: 0, messages: [] });
  }

  async #play(disk: Qcow2Image): Promise<void> {
    const random = this.#random;
    await this.#compare(disk, 'as QEMU left it');
    for (let i = 0; i < 12; i++) {
      const ranges: { offset: number; bytes: number }[] = [];
      for (let j = 0; j < PARALLEL; j++) {
        const range = randomRange(random, this.#model.bytes.length);
        const apart = ranges.every((r) => r.offset + r.bytes <= range.offset || range.offset + range.bytes <= r.offset);
        if (apart) ranges.push(range);
      }
      await Promise.all(ranges.map((range) => this.#request(disk, range)));
      if (random.below(4) === 0) await disk.flush();
      if (random.below(3) === 0 && !this.#combination.dataFile) await this.#writeCompressed(disk);
    }
    if (random.below(4) === 0) await this.#resize(disk);
    await this.#compare(disk, 'as we wrote it');
  }

  /** QEMU's turn. */
  theirs(): void {
    const random = this.#random;
    const commands: string[] = [];
    for (let i = 0; i < 40; i++) {
      const { offset, bytes } = randomRange(random, this.#model.bytes.length);
      const kind = random.below(10);
      if (kind < 6) {
        const pattern = 1 + random.below(255);
        commands.push(`write -q -P ${pattern} ${offset} ${bytes}`);
        this.#model.write(offset, new Uint8Array(bytes).fill(pattern));
      } else {
        commands.push(`write -q -z ${random.below(2) === 0 ? '-u' : ''} ${offset} ${bytes}`);
        this.#model.zero(offset, bytes);
      }
    }
    qemuIo(['-f', 'qcow2', '-d', 'unmap', this.#path('disk')], commands);
    if (!this.#combination.dataFile && (this.#combination.options.refcountBits ?? 16) >= 8) {
      qemuImg('snapshot', '-c', `s${random.u32()}`, this.#path('disk'));
    }
  }

  /** qemu-img finds nothing wrong with it, and reads what it must. */
  async check(): Promise<void> {
    const { status, stdout, stderr } = run('qemu-img', 'check', '-f', 'qcow2', this.#path('disk'));
    assert.equal(status, 0, stdout + stderr);
    writeFileSync(this.#path('model'), this.#model.bytes);
    const said = run('qemu-img', 'compare', '-f', 'qcow2', '-F', 'raw', this.#path('disk'), this.#path('model'));
    assert.equal(said.status, 0, said.stdout + said.stderr);
  }

  async #compare(disk: Qcow2Image, what: string): Promise<void> {
    assert.equal(disk.sectors * 512, this.#model.bytes.length);
    const chunk = new Uint8Array(this.#random.pick([512 * 1000, 512 * 4001]));
    for (let at = 0; at < this.#model.bytes.length; at += chunk.length) {
      const into = chunk.subarray(0, Math.min(chunk.length, this.#model.bytes.length - at)).fill(0xaa);
      await disk.read(at, into);
      this.#model.expect(at, into, what);
    }
  }

  async #request(disk: Qcow2Image, { offset, bytes }: { offset: number; bytes: number }): Promise<void> {
    const random = this.#random;
    const kind = random.below(12);
    if (kind < 7) {
      const data = randomData(random, bytes);
      this.#model.write(offset, data);
      await disk.write(offset, data);
    } else if (kind < 9) {
      this.#model.zero(offset, bytes);
      await disk.writeZeroes(offset, bytes, random.below(2) === 0);
    } else if (kind === 9) {
      await disk.discard(offset, bytes);
      // It may read as it did or as zeroes; from then on, as it does.
      const into = new Uint8Array(bytes);
      await disk.read(offset, into);
      this.#model.write(offset, into);
    } else {
      const into = new Uint8Array(bytes).fill(0xaa);
      await disk.read(offset, into);
      this.#model.expect(offset, into, 'while others write');
    }
  }

  /** On their own: what is compressed is whole clusters, which may be in the way of others. */
  async #writeCompressed(disk: Qcow2Image): Promise<void> {
    const { clusterBytes } = disk;
    const clusters = new Set(
      Array.from({ length: 6 }, () => this.#random.below(this.#model.bytes.length / clusterBytes)),
    );
    const writes = [...clusters].map(async (cluster) => {
      const bytes = Math.min(clusterBytes, this.#model.bytes.length - cluster * clusterBytes);
      const data = compressible(this.#random, bytes);
      this.#model.write(cluster * clusterBytes, data);
      await disk.writeCompressed(cluster * clusterBytes, data);
    });
    await Promise.all(writes);
  }

  async #resize(disk: Qcow2Image): Promise<void> {
    if (disk.snapshots.length > 0 && this.#combination.options.version === 2) return;
    if (this.#combination.options.rawDataFile) return;
    const bytes = Math.max(1, Math.floor((this.#model.bytes.length / 512) * this.#random.pick([0.7, 1.1, 1.6]))) * 512;
    await disk.resize(bytes);
    this.#model.resize(bytes);
  }

  /** Compressed clusters, which QEMU only writes where there was nothing before. */
  theirsCompressed(): void {
    if (this.#combination.dataFile) return;
    const clusterBytes = this.#combination.options.clusterBytes ?? 65536;
    const commands: string[] = [];
    for (let cluster = 0; (cluster + 1) * clusterBytes <= this.#model.bytes.length && cluster < 40; cluster++) {
      if (this.#random.below(3) !== 0) continue;
      const pattern = 1 + this.#random.below(255);
      commands.push(`write -q -c -P ${pattern} ${cluster * clusterBytes} ${clusterBytes}`);
      this.#model.write(cluster * clusterBytes, new Uint8Array(clusterBytes).fill(pattern));
    }
    if (commands.length > 0) qemuIo(['-f', 'qcow2', this.#path('disk')], commands);
  }
}

/** Bytes of which a part repeats itself, so that they compress, some more, some less. */
function compressible(random: SeededRandom, bytes: number): Uint8Array {
  const data = randomData(random, bytes);
  data.fill(random.below(256), 0, Math.floor((bytes * random.below(5)) / 4));
  return data;
}

describe('qcow2 and QEMU', function () {
  this.timeout(full ? 3_600_000 : 120_000);
  const path = tempDir();
  before(function () {
    needTool(this, 'qemu-img', 'qemu-utils');
  });

  for (let i = 0; i < COMBINATIONS; i++) {
    const seed = SEED + i;
    it(`write one image in turn and agree on it (seed ${seed})`, async () => {
      const duel = new Duel(seed, path);
      try {
        await duel.create();
        duel.theirsCompressed();
        for (let round = 0; round < 3; round++) {
          await duel.ours();
          duel.theirs();
          await duel.check();
        }
        await duel.ours();
      } catch (error) {
        throw new Error(`seed ${seed}, ${duel.title}: ${(error as Error).message}`, { cause: error });
      }
    });
  }
});
