import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { FileBlock } from '../../src/machine/backend/file-block.ts';
import { createQcow2 } from '../../src/machine/backend/qcow2/create.ts';
import { Qcow2Image } from '../../src/machine/backend/qcow2/image.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { tempDir } from '../machine/backend/temp-dir.ts';
import { CrashFile, MemFile, SectorHistory } from '../support/crash-disk.ts';
import { randomData, randomRange } from '../support/disk-model.ts';
import { needTool } from '../support/need-tool.ts';
import { run } from '../support/qemu-img.ts';

const full = process.env['NODEVISOR_TEST_FULL'] !== undefined;

/** Power cuts in all. */
const CUTS = full ? 10_000 : 300;

/** Power cuts of one test. */
const CUTS_PER_TEST = full ? 500 : CUTS;

/** Power cuts of one guest's life. */
const CUTS_PER_LIFE = 10;

const SEED = 9000;

/** Zeroes, as a sector. */
const zeroSector = new Uint8Array(512);

/** A guest that writes, zeroes, discards and flushes its disk, many requests at a time, and loses power. */
class Life {
  readonly #random: SeededRandom;
  readonly #path: (name: string) => string;
  readonly #seed: number;
  readonly #size: number;
  readonly #clusterBytes: number;
  readonly #refcountBits: number;
  readonly #lazy: boolean;
  readonly #extended: boolean;
  readonly #backing: boolean;
  /** What the guest may find on its disk. */
  readonly #guest = new SectorHistory();
  #base: Uint8Array = new Uint8Array(0);
  /** Cuts the power, so to say: keeps what would be left. */
  #take: (() => void) | undefined;
  readonly #cuts: { image: Uint8Array; possible: (Uint8Array | undefined)[][] }[] = [];

  constructor(seed: number, path: (name: string) => string) {
    this.#seed = seed;
    this.#path = path;
    this.#random = new SeededRandom(seed);
    this.#clusterBytes = this.#random.pick([512, 512, 1024, 4096, 16384, 65536]);
    this.#size = (500 + this.#random.below(2000)) * 512;
    this.#refcountBits = this.#random.pick([1, 8, 16, 16, 64]);
    this.#lazy = this.#random.below(5) === 0;
    this.#extended = this.#clusterBytes >= 16384 && this.#random.below(2) === 0;
    this.#backing = this.#random.below(2) === 0;
  }

  async run(): Promise<void> {
    const file = new CrashFile('disk', this.#random, (bytes) => this.#step(bytes <= 512));
    const options = { size: this.#size, clusterBytes: this.#clusterBytes, refcountBits: this.#refcountBits };
    const below = this.#backing ? { backingFile: 'base', backingFormat: 'raw' } : {};
    await createQcow2(file, { ...options, ...below, lazyRefcounts: this.#lazy, extendedL2: this.#extended });
    if (this.#backing) this.#makeBase();
    const backing = this.#backing ? await FileBlock.open(this.#path('base'), { readOnly: true }) : undefined;
    const disk = await Qcow2Image.open(file, { backing });
    this.#take = () => this.#cuts.push({ image: file.cut(this.#random), possible: this.#possible() });
    while (this.#cuts.length < CUTS_PER_LIFE) await this.#burst(disk);
    this.#take = undefined;
    await disk.close();
    for (const cut of this.#cuts) await this.#verify(cut);
  }

  /** Something has happened on the host's side; a small write is likely to be metadata, which is where it hurts. */
  #step(small: boolean): void {
    if (this.#cuts.length < CUTS_PER_LIFE && this.#random.below(small ? 12 : 90) === 0) this.#take?.();
  }

  #makeBase(): void {
    this.#base = randomData(this.#random, Math.floor((this.#size / 512) * this.#random.pick([0.5, 1])) * 512);
    writeFileSync(this.#path('base'), this.#base);
    this.#guest.endFlush(new Set([this.#ended(0, this.#base)]));
  }

  #ended(offset: number, bytes: Uint8Array) {
    const write = this.#guest.begin(offset, bytes);
    this.#guest.end(write);
    return write;
  }

  #possible(): (Uint8Array | undefined)[][] {
    return Array.from({ length: this.#size / 512 }, (_, sector) => this.#guest.possible(sector));
  }

  /** A few requests at a time, as a guest's queue would have them: not two for the same sector. */
  async #burst(disk: Qcow2Image): Promise<void> {
    const ranges: { offset: number; bytes: number }[] = [];
    const count = 1 + this.#random.below(6);
    for (let i = 0; i < count; i++) {
      const range = randomRange(this.#random, this.#size);
      const bytes = Math.min(range.bytes, 65536);
      const apart = ranges.every((r) => r.offset + r.bytes <= range.offset || range.offset + bytes <= r.offset);
      if (apart) ranges.push({ offset: range.offset, bytes });
    }
    const requests = ranges.map((range) => this.#request(disk, range));
    if (this.#random.below(3) === 0) requests.push(this.#flush(disk));
    await Promise.all(requests);
  }

  async #flush(disk: Qcow2Image): Promise<void> {
    const covered = this.#guest.beginFlush();
    await disk.flush();
    this.#guest.endFlush(covered);
  }

  async #request(disk: Qcow2Image, { offset, bytes }: { offset: number; bytes: number }): Promise<void> {
    const kind = this.#random.below(10);
    if (kind < 6) {
      const data = randomData(this.#random, bytes);
      const write = this.#guest.begin(offset, data);
      await disk.write(offset, data);
      this.#guest.end(write);
    } else if (kind < 8) {
      const write = this.#guest.begin(offset, new Uint8Array(bytes));
      await disk.writeZeroes(offset, bytes, this.#random.below(2) === 0);
      this.#guest.end(write);
    } else if (kind === 8) {
      // Either way may be found as long as it is not known which.
      this.#guest.begin(offset, new Uint8Array(bytes));
      await disk.discard(offset, bytes);
      const into = new Uint8Array(bytes);
      await disk.read(offset, into);
      this.#ended(offset, into);
    } else {
      await disk.read(offset, new Uint8Array(bytes));
    }
  }

  async #verify({ image, possible }: { image: Uint8Array; possible: (Uint8Array | undefined)[][] }): Promise<void> {
    const path = this.#path('cut');
    if (!this.#lazy) this.#check(image, path);
    const file = new MemFile(image);
    const backing = this.#backing ? await FileBlock.open(this.#path('base'), { readOnly: true }) : undefined;
    const disk = await Qcow2Image.open(file, { backing });
    const into = new Uint8Array(this.#size);
    await disk.read(0, into);
    for (const [sector, versions] of possible.entries()) {
      const got = into.subarray(sector * 512, (sector + 1) * 512);
      if (versions.some((version) => Buffer.compare(version ?? zeroSector, got) === 0)) continue;
      assert.fail(`${this.title}: sector ${sector} is none of the ${versions.length} that it may be`);
    }
    // It is as good as any other image: it can be written, and is in order afterwards.
    await disk.write(0, randomData(this.#random, 4096));
    await disk.close();
    this.#check(file.content, path);
  }

  #check(image: Uint8Array, path: string): void {
    writeFileSync(path, image);
    const { status, stdout, stderr } = run('qemu-img', 'check', '-f', 'qcow2', path);
    // 3: leaks and nothing else.
    assert.ok(status === 0 || status === 3, `${this.title}: qemu-img check ended with ${status}\n${stdout}${stderr}`);
  }

  get title(): string {
    return JSON.stringify({
      seed: this.#seed,
      size: this.#size,
      clusterBytes: this.#clusterBytes,
      refcountBits: this.#refcountBits,
      lazy: this.#lazy,
      extended: this.#extended,
      backing: this.#backing,
    });
  }
}

describe('qcow2 after a power cut', function () {
  this.timeout(full ? 7_200_000 : 120_000);
  const path = tempDir();
  before(function () {
    needTool(this, 'qemu-img', 'qemu-utils');
  });

  for (let cuts = 0; cuts < CUTS; cuts += CUTS_PER_TEST) {
    const seed = SEED + cuts / CUTS_PER_LIFE;
    it(`has no contradictions and all that was flushed (${CUTS_PER_TEST} cuts, seeds from ${seed})`, async () => {
      for (let life = 0; life < CUTS_PER_TEST / CUTS_PER_LIFE; life++) await new Life(seed + life, path).run();
    });
  }
});
