import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory, VirtError } from '../../util/index.ts';
import { fileError } from './file-error.ts';
import { httpGet, TransferError } from './http.ts';
import type { FileFacts } from './release.ts';

/** Told how far a download is: bytes there of bytes in all. */
export type OnProgress = (done: number, total: number) => void;

/** Tries before a cut connection is the user's problem. */
const TRIES = 3;

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}

async function hashInto(hash: Hash, file: string): Promise<void> {
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 18 })) hash.update(piece as Buffer);
}

/** Whether a file is there with that size and hash. */
export async function isIntact(file: string, facts: FileFacts): Promise<boolean> {
  if ((await sizeOf(file)) !== facts.bytes) return false;
  const hash = createHash('sha256');
  await hashInto(hash, file);
  return hash.digest('hex') === facts.sha256;
}

/** Appends what is missing to the partial file, or starts it anew when the server does not resume. */
async function transfer(url: string, part: string, facts: FileFacts, onProgress: OnProgress): Promise<Hash> {
  let done = await sizeOf(part);
  if (done > facts.bytes) done = 0;
  let hash = createHash('sha256');
  if (done > 0) await hashInto(hash, part);
  if (done === facts.bytes) return hash;
  const answer = await httpGet(url, done);
  if (answer.status !== 206) {
    done = 0;
    hash = createHash('sha256');
  }
  const file = await open(part, done > 0 ? 'a' : 'w');
  try {
    for await (const piece of answer.body) {
      if (done + piece.length > facts.bytes) throw new TransferError(url, `longer than its ${facts.bytes} bytes`);
      await file.writeFile(piece).catch((cause) => Promise.reject(fileError(part, cause)));
      hash.update(piece);
      done += piece.length;
      onProgress(done, facts.bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (done < facts.bytes) throw new TransferError(url, `connection cut after ${done} of ${facts.bytes} bytes`);
  return hash;
}

async function transferWithRetries(url: string, part: string, facts: FileFacts, onProgress: OnProgress): Promise<Hash> {
  for (let left = TRIES; ; left--) {
    const before = await sizeOf(part);
    try {
      return await transfer(url, part, facts, onProgress);
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      // A connection that brought something is worth another try at once; one that brought nothing, not for ever.
      const progressed = (await sizeOf(part)) > before;
      if (left > 1 && progressed) continue;
      throw new VirtError('OPERATION_FAILED', `${error.message}; run the same command again, it goes on from there`, {
        cause: error,
      });
    }
  }
}

/**
 * Makes sure that `file` holds the file of that size and hash, downloading what is missing. Under its own name the
 * file is only ever whole and right: until then it is `file.part`, which a later call goes on with.
 * @throws VirtError when the network fails (the part stays) or the hash is wrong (the part goes)
 */
export async function download(url: string, file: string, facts: FileFacts, onProgress: OnProgress): Promise<void> {
  if (await isIntact(file, facts)) {
    onProgress(facts.bytes, facts.bytes);
    return;
  }
  const part = `${file}.part`;
  await makeDirectory(dirname(file));
  const hash = await transferWithRetries(url, part, facts, onProgress);
  const sha256 = hash.digest('hex');
  if (sha256 !== facts.sha256) {
    await rm(part, { force: true });
    throw new VirtError(
      'OPERATION_FAILED',
      `${url}: SHA256 is ${sha256}, the signed index says ${facts.sha256}; nothing was kept. The mirror may be in the ` +
        'middle of an update: try again later or give another with --mirror',
    );
  }
  await rename(part, file);
}
