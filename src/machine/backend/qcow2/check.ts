import type { HostFile } from '../host-file.ts';
import { hasFlagCopied } from './copied.ts';
import type { LoadedImage } from './load.ts';
import { type RefcountCodec, refcountCodec } from './refcount-width.ts';
import { ImageWalker, readL2, type Walk } from './walk.ts';

/** What a check has found. */
export interface CheckResult {
  /** Contradictions by which data may be lost or destroyed. */
  corruptions: number;
  /** Clusters that count as in use and are not. */
  leaks: number;
  /** One sentence for each of the first of them. */
  readonly messages: string[];
  readonly totalClusters: number;
  readonly allocatedClusters: number;
  readonly compressedClusters: number;
  readonly fragmentedClusters: number;
  /** End of the last cluster in use, in bytes. */
  imageEndOffset: number;
}

/** What a check leaves behind for a repair. */
export interface CheckedImage {
  readonly result: CheckResult;
  readonly walk: Walk;
  readonly activeL2: ReadonlyMap<number, number>;
  /** Clusters whose reference count is not right. */
  readonly wrongCounts: number;
}

/** Sentences that are kept; more are only counted. */
const SENTENCES_MAX = 1000;

/** Compares the reference counts in a file with the references that were found. */
class Comparison {
  wrong = 0;
  readonly #file: HostFile;
  readonly #image: LoadedImage;
  readonly #walk: Walk;
  readonly #result: CheckResult;
  readonly #codec: RefcountCodec;
  #block: { readonly region: number; readonly bytes: Uint8Array } | undefined;

  constructor(file: HostFile, image: LoadedImage, walk: Walk, result: CheckResult) {
    this.#file = file;
    this.#image = image;
    this.#walk = walk;
    this.#result = result;
    this.#codec = refcountCodec(image.geometry.refcountBits);
  }

  /** The count of a cluster as the file has it; quick for neighbours. */
  async count(cluster: number): Promise<number> {
    const { refblockEntries } = this.#image.geometry;
    const block = await this.#load(Math.floor(cluster / refblockEntries));
    return this.#codec.get(block, cluster % refblockEntries);
  }

  /** The same, if no block has to be read for it: then a check of many need not wait for each. */
  known(cluster: number): number | undefined {
    const { refblockEntries } = this.#image.geometry;
    const block = this.#block;
    if (block?.region !== Math.floor(cluster / refblockEntries)) return undefined;
    return this.#codec.get(block.bytes, cluster % refblockEntries);
  }

  async run(): Promise<void> {
    const { refTable, geometry } = this.#image;
    const { refblockEntries, clusterBytes } = geometry;
    for (let region = 0; region < refTable.length; region++) {
      const offset = refTable.offset(region);
      if (offset === 0) continue;
      if (offset % clusterBytes !== 0) this.#corrupt(`the refcount block ${region} is said to be at byte ${offset}`);
      const block = await this.#load(region);
      for (let i = 0; i < refblockEntries; i++) this.#compare(region * refblockEntries + i, this.#codec.get(block, i));
    }
    for (const [cluster] of this.#walk.counts.entries()) {
      const region = Math.floor(cluster / refblockEntries);
      if (region >= refTable.length || refTable.offset(region) === 0) this.#compare(cluster, 0);
    }
  }

  async #load(region: number): Promise<Uint8Array> {
    if (this.#block?.region === region) return this.#block.bytes;
    const { refTable, geometry } = this.#image;
    const bytes = new Uint8Array(geometry.clusterBytes);
    const offset = region < refTable.length ? refTable.offset(region) : 0;
    if (offset !== 0 && offset % geometry.clusterBytes === 0) await this.#file.read(offset, bytes);
    this.#block = { region, bytes };
    return bytes;
  }

  #compare(cluster: number, count: number): void {
    const references = this.#walk.counts.get(cluster);
    if (count === 0 && references === 0) return;
    const result = this.#result;
    const end = (cluster + 1) * this.#image.geometry.clusterBytes;
    result.imageEndOffset = Math.max(result.imageEndOffset, end);
    if (count === references) return;
    this.wrong++;
    const sentence = `cluster ${cluster} counts ${count} references, it has ${references}`;
    if (count < references) this.#corrupt(sentence);
    else {
      result.leaks++;
      this.#say(`leaked: ${sentence}`);
    }
  }

  #corrupt(sentence: string): void {
    this.#result.corruptions++;
    this.#say(`corrupt: ${sentence}`);
  }

  #say(sentence: string): void {
    if (this.#result.messages.length < SENTENCES_MAX) this.#result.messages.push(sentence);
  }
}

/** Checks that the flags COPIED of the disk as it is now say what the reference counts say. */
async function checkCopied(
  file: HostFile,
  image: LoadedImage,
  activeL2: ReadonlyMap<number, number>,
  counts: Comparison,
  corrupt: (sentence: string) => void,
): Promise<void> {
  const { geometry, l1 } = image;
  const { clusterBytes, l2Entries } = geometry;
  for (const [cluster, l1Index] of activeL2) {
    if (((await counts.count(cluster)) === 1) !== l1.copied(l1Index)) {
      corrupt(`the flag COPIED of L1 entry ${l1Index} is wrong`);
    }
    const table = await readL2(file, geometry, cluster * clusterBytes);
    for (let i = 0; i < l2Entries; i++) {
      const flag = hasFlagCopied(geometry, table, i);
      if (flag === undefined) continue;
      const single = geometry.dataFile || (counts.known(flag.cluster) ?? (await counts.count(flag.cluster))) === 1;
      if (single !== flag.copied)
        corrupt(`the flag COPIED of entry ${i} of the L2 table at byte ${table.offset} is wrong`);
    }
  }
}

/** Checks an image that nobody writes, and changes nothing. Throws the host's errors alone. */
export async function checkImage(
  file: HostFile,
  image: LoadedImage,
  progress?: (done: number) => void,
): Promise<CheckedImage> {
  const walker = new ImageWalker(file, image, progress);
  const walk = await walker.run();
  walker.countRefcounts();
  const result: CheckResult = {
    corruptions: walk.corruptions.length,
    leaks: 0,
    messages: walk.corruptions.filter((sentence) => sentence !== '').map((sentence) => `corrupt: ${sentence}`),
    totalClusters: image.geometry.clusters(image.header.size),
    allocatedClusters: walk.allocated,
    compressedClusters: walk.compressed,
    fragmentedClusters: walk.fragmented,
    imageEndOffset: 0,
  };
  const comparison = new Comparison(file, image, walk, result);
  await comparison.run();
  await checkCopied(file, image, walker.activeL2, comparison, (sentence) => {
    result.corruptions++;
    if (result.messages.length < SENTENCES_MAX) result.messages.push(`corrupt: ${sentence}`);
  });
  return { result, walk, activeL2: walker.activeL2, wrongCounts: comparison.wrong };
}
