import type { ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ExitStatus } from '../../drivers/index.ts';
import { removeFile } from '../local/atomic-file.ts';
import { isAlive, killProcess, type ProcessIdentity } from './identity.ts';
import type { MachineLink } from './machine-link.ts';
import { readStatus } from './messages.ts';

/** How long, in milliseconds, a process that has nothing left to do may take to end. */
const QUIT_MS = 5000;
/** How often, in milliseconds, a process that is no child of this one is looked after. */
const LOOK_MS = 5;
/** How long, in milliseconds, a process may live on after its connection broke. */
const LINGER_MS = 2000;
/** Most of what a process that died has said of it. */
const LAST_WORDS_BYTES = 2048;

/** Files of a process in the run directory, by its name. */
export function processFiles(directory: string, name: string): { socket: string; end: string; errors: string } {
  const at = (extension: string) => join(directory, `${name}.${extension}`);
  return { socket: at('sock'), end: at('end'), errors: at('err') };
}

/** How a machine ended by its process's own account; undefined: there is none. */
export async function readEnd(directory: string, name: string): Promise<ExitStatus | undefined> {
  const text = await readFile(processFiles(directory, name).end, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return readStatus(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Removes the files of a process that has ended. */
export async function removeFiles(directory: string, name: string): Promise<void> {
  await Promise.all(Object.values(processFiles(directory, name)).map(removeFile));
}

/** What a process wrote to its standard error last, in one line. */
async function lastWords(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  try {
    const { size = 0 } = (await file?.stat()) ?? {};
    const bytes = Buffer.alloc(Math.min(size, LAST_WORDS_BYTES));
    await file?.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString().trim().replace(/\s+/g, ' ');
  } catch {
    return '';
  } finally {
    await file?.close();
  }
}

/** The process of a machine, connected, as a daemon holds it. */
export class MachineProcess {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly link: MachineLink;
  readonly #directory: string;
  readonly #child: ChildProcess | undefined;

  /** @param child the process if this one started it */
  constructor(directory: string, name: string, identity: ProcessIdentity, link: MachineLink, child?: ChildProcess) {
    this.#directory = directory;
    this.name = name;
    this.identity = identity;
    this.link = link;
    this.#child = child;
  }

  get alive(): boolean {
    if (this.#child !== undefined) return this.#child.exitCode === null && this.#child.signalCode === null;
    return isAlive(this.identity);
  }

  /** Ends a process whose machine has ended, or that never had one; resolves when it has gone. */
  async quit(): Promise<void> {
    if (!this.link.closed) await this.link.call('quit', {}, QUIT_MS).catch(() => {});
    this.link.close();
    if (!(await this.#goneWithin(QUIT_MS))) await this.kill();
  }

  /** Resolves when the process has gone. */
  async kill(): Promise<void> {
    killProcess(this.identity);
    this.link.close();
    // A process in the kernel's hands for good, on a dead file system say, must not hold up everything.
    await this.#goneWithin(QUIT_MS);
  }

  /**
   * How the machine ended, told from what is left of a process whose connection broke; one that lives on without cannot
   * be controlled any more, and is killed.
   */
  async autopsy(): Promise<ExitStatus> {
    const lingers = !(await this.#goneWithin(LINGER_MS));
    if (lingers) await this.kill();
    const end = await readEnd(this.#directory, this.name);
    if (end !== undefined) return end;
    const words = await lastWords(processFiles(this.#directory, this.name).errors);
    const how = lingers ? 'broke off its connection and was killed' : this.#manner();
    const detail = `its process ${this.identity.pid} ${how}${words === '' ? '' : `: ${words}`}`;
    return { reason: 'crashed', code: 1, detail };
  }

  #manner(): string {
    const { signalCode, exitCode } = this.#child ?? {};
    if (typeof signalCode === 'string') return `was killed by ${signalCode}`;
    return typeof exitCode === 'number' ? `ended with status ${exitCode}` : 'has gone';
  }

  async #goneWithin(ms: number): Promise<boolean> {
    for (let waited = 0; this.alive; waited += LOOK_MS) {
      if (waited >= ms) return false;
      await setTimeout(LOOK_MS);
    }
    return true;
  }
}
