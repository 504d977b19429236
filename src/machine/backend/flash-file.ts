import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { VirtError } from '../../util/index.ts';
import { DiskFile } from './host-file.ts';

/** A piece of a flash bank's contents. */
export interface FlashPage {
  /** Byte of the bank. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Where the contents of a flash bank are kept. */
export interface FlashStore {
  /** Keeps all of the pages or none of them, whenever the host crashes; what was kept before is kept first. */
  save(pages: readonly FlashPage[]): Promise<void>;
  close(): Promise<void>;
}

const MAGIC = 'NDVFLSH1';
const HASH_BYTES = 32;
const HEADER_BYTES = MAGIC.length + 4 + HASH_BYTES;

/** The journal's contents: magic, number of pages, SHA-256 of the rest; then each page's place, length and bytes. */
function encode(pages: readonly FlashPage[]): Buffer {
  const body = Buffer.concat(
    pages.flatMap(({ at, bytes }) => {
      const place = Buffer.alloc(8);
      place.writeUInt32LE(at, 0);
      place.writeUInt32LE(bytes.length, 4);
      return [place, bytes];
    }),
  );
  const count = Buffer.alloc(4);
  count.writeUInt32LE(pages.length);
  return Buffer.concat([Buffer.from(MAGIC), count, createHash('sha256').update(count).update(body).digest(), body]);
}

/** The reverse; undefined for what is not whole: the crash came before it was, and nothing of it was applied. */
function decode(journal: Buffer, bankBytes: number): FlashPage[] | undefined {
  if (journal.length < HEADER_BYTES || journal.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const count = journal.subarray(MAGIC.length, MAGIC.length + 4);
  const pages: FlashPage[] = [];
  let at = HEADER_BYTES;
  for (let left = count.readUInt32LE(); left > 0; left--) {
    if (at + 8 > journal.length) return undefined;
    const page = { at: journal.readUInt32LE(at), length: journal.readUInt32LE(at + 4) };
    at += 8;
    if (page.at + page.length > bankBytes || at + page.length > journal.length) return undefined;
    pages.push({ at: page.at, bytes: journal.subarray(at, at + page.length) });
    at += page.length;
  }
  // A journal is overwritten by a shorter one in place: what is behind its end is of an older one.
  const hash = createHash('sha256').update(count).update(journal.subarray(HEADER_BYTES, at)).digest();
  const written = journal.subarray(MAGIC.length + 4, HEADER_BYTES);
  return hash.equals(written) ? pages : undefined;
}

/** The contents of a flash bank in a file, whose changes go through a journal beside it. */
export class FlashFile implements FlashStore {
  readonly #file: DiskFile;
  readonly #journal: FileHandle;
  readonly #journalPath: string;

  private constructor(file: DiskFile, journal: FileHandle, journalPath: string) {
    this.#file = file;
    this.#journal = journal;
    this.#journalPath = journalPath;
  }

  /** Where a bank's journal is. */
  static journalPath(path: string): string {
    return `${path}.journal`;
  }

  /**
   * Opens and locks the file of a bank of `bankBytes` and finishes what a crash has interrupted. Throws INVALID_ARG,
   * naming the file, when it cannot be opened, is in use, or has another size.
   */
  static async open(path: string, bankBytes: number): Promise<{ store: FlashFile; contents: Uint8Array }> {
    const file = await DiskFile.open(path, { what: 'flash' });
    let journal: FileHandle | undefined;
    try {
      if (file.bytes !== bankBytes) {
        const advice = `make it so with "truncate -s ${bankBytes} ${path}", or give it as readonly`;
        throw new VirtError('INVALID_ARG', `flash '${path}': it has ${file.bytes} bytes, not ${bankBytes}; ${advice}`, {
          data: { path },
        });
      }
      const journalPath = FlashFile.journalPath(path);
      journal = await openJournal(path, journalPath);
      const pages = decode(await journal.readFile(), bankBytes);
      for (const { at, bytes } of pages ?? []) await file.write(at, bytes);
      if (pages !== undefined) await file.flush();
      const contents = new Uint8Array(bankBytes);
      await file.read(0, contents);
      return { store: new FlashFile(file, journal, journalPath), contents };
    } catch (error) {
      await journal?.close();
      await file.close();
      throw error;
    }
  }

  async save(pages: readonly FlashPage[]): Promise<void> {
    const journal = encode(pages);
    await this.#journal.write(journal, 0, journal.length, 0);
    await this.#journal.datasync();
    for (const { at, bytes } of pages) await this.#file.write(at, bytes);
    await this.#file.flush();
  }

  async close(): Promise<void> {
    try {
      // All that was in it is in the file. Emptied first: a removal alone may not outlive a crash, and the file may
      // change before a journal is looked for again.
      await this.#journal.truncate(0);
      await this.#journal.datasync();
      await this.#journal.close();
      await unlink(this.#journalPath);
    } finally {
      await this.#file.close();
    }
  }
}

async function openJournal(path: string, journalPath: string): Promise<FileHandle> {
  try {
    return await open(journalPath, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new VirtError('INVALID_ARG', `flash '${path}': there can be no journal beside it: ${reason}`, { cause });
  }
}
