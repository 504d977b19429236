import { closeSync, createReadStream, fstatSync, open as openWithCallback, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Image, ImageFile } from '../machine/index.ts';
import { VirtError } from '../util/index.ts';

const open = promisify(openWithCallback);

/** Reasons why a file cannot be read, in words. */
const readErrors: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

function unreadable(what: string, path: string, cause: unknown): VirtError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new VirtError('INVALID_ARG', `${what} '${path}': ${readErrors[code ?? ''] ?? message}`, {
    cause,
    data: { path },
  });
}

/** Reads an image whole; `what` it is goes into messages. Throws INVALID_ARG. */
export async function readImage(what: string, path: string): Promise<Image> {
  try {
    return { name: path, bytes: await readFile(path) };
  } catch (cause) {
    throw unreadable(what, path, cause);
  }
}

/** An open file. Replaced by another under its name, it is still the one that was opened. */
class OpenImage implements ImageFile {
  readonly name: string;
  readonly #fd: number;
  #open = true;

  constructor(name: string, fd: number) {
    this.name = name;
    this.#fd = fd;
  }

  get length(): number {
    return fstatSync(this.#fd).size;
  }

  read(at: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.length) {
      const count = readSync(this.#fd, into, done, into.length - done, at + done);
      if (count === 0) throw new VirtError('INVALID_ARG', `${this.name}: it became shorter while it was read`);
      done += count;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}

/**
 * Opens an image: a file stays where it is until guest memory takes it; what is none, such as a pipe, is read whole.
 * `what` it is goes into messages. Throws INVALID_ARG.
 */
export async function openImage(what: string, path: string): Promise<Image | ImageFile> {
  let fd: number;
  try {
    fd = await open(path, 'r');
  } catch (cause) {
    throw unreadable(what, path, cause);
  }
  if (fstatSync(fd).isFile()) return new OpenImage(path, fd);
  try {
    // Opened a second time, a pipe would have lost its writer.
    return { name: path, bytes: await buffer(createReadStream(path, { fd })) };
  } catch (cause) {
    throw unreadable(what, path, cause);
  }
}
