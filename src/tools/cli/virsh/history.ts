import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../../../util/index.ts';

/** Lines that are kept. */
const LINES_MAX = 1000;

/** The lines typed into the shell, kept in a file. What goes wrong with the file does not disturb the shell. */
export class History {
  readonly #file: string;
  #lines: string[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  /** Newest first, as readline wants them. */
  get newestFirst(): string[] {
    return [...this.#lines].reverse();
  }

  async load(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line !== '');
    this.#lines = lines.slice(-LINES_MAX);
    // Now and then the file is cut, not at every line.
    if (lines.length > 2 * LINES_MAX) await this.#write(this.#lines);
  }

  /** Keeps a line, unless it is empty, the same as the last, or begins with a space. */
  async add(line: string): Promise<void> {
    if (line.trim() === '' || line.startsWith(' ') || line === this.#lines.at(-1)) return;
    this.#lines.push(line);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
    await makeDirectory(dirname(this.#file), 0o700).catch(() => {});
    await appendFile(this.#file, `${line}\n`, { mode: 0o600 }).catch(() => {});
  }

  async #write(lines: readonly string[]): Promise<void> {
    await writeFile(this.#file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 }).catch(() => {});
  }
}
