import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Logger, silentLogger, VirtError } from '../../util/index.ts';
import type { CharBackend } from './char.ts';
import { openReason } from './host-file.ts';

/** A serial line whose output goes to a file; there is no input. */
export class FileChar implements CharBackend {
  readonly path: string;
  readonly #stream: WriteStream;
  readonly #finished: Promise<void>;
  #drained: () => void = () => {};
  #failed = false;

  private constructor(path: string, stream: WriteStream, logger: Logger) {
    this.path = path;
    this.#stream = stream;
    stream.on('drain', () => this.#drained());
    stream.on('error', (error) => {
      this.#failed = true;
      logger.log('error', `cannot write console output to '${path}', the rest of it is lost: ${error.message}`);
      // The guest is not to wait for a disk that is full.
      this.#drained();
    });
    this.#finished = new Promise((resolve) => stream.on('close', () => resolve()));
  }

  /** Opens the file, emptied unless `append`. Throws INVALID_ARG, naming the file and the reason, if that fails. */
  static async open(path: string, options: { append?: boolean; logger?: Logger } = {}): Promise<FileChar> {
    const file = await open(path, options.append ? 'a' : 'w').catch((error: NodeJS.ErrnoException) => {
      // The file itself would be made.
      const reason = error.code === 'ENOENT' ? `the directory ${dirname(path)} does not exist` : openReason(error);
      throw new VirtError('INVALID_ARG', `console file '${path}': ${reason}`, { cause: error, data: { path } });
    });
    return new FileChar(path, file.createWriteStream(), options.logger ?? silentLogger);
  }

  write(bytes: Uint8Array): boolean {
    return this.#failed || this.#stream.write(bytes);
  }

  connect(device: { drained(): void }): void {
    this.#drained = () => device.drained();
  }

  resume(): void {}

  /** Resolves when all that was written is with the system. */
  close(): Promise<void> {
    if (!this.#failed) this.#stream.end();
    return this.#finished;
  }
}
