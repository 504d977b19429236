import type { BlockBackend } from './block.ts';

/** What a failed read leads to, as QEMU's `rerror` names it. */
export const readErrorActions = ['report', 'ignore', 'stop'] as const;
export type ReadErrorAction = (typeof readErrorActions)[number];

/** What a failed write, flush, discard or write of zeroes leads to, as QEMU's `werror` names it. */
export const writeErrorActions = ['enospc', 'report', 'ignore', 'stop'] as const;
export type WriteErrorAction = (typeof writeErrorActions)[number];

/**
 * What failed requests of a disk lead to. `report`: the guest is told of an I/O error. `ignore`: it is told that all
 * went well. `stop`: the machine stops, and tries again when it goes on. `enospc`: `stop` when the host's file system
 * is full, else `report`.
 */
export interface ErrorPolicy {
  readonly read: ReadErrorAction;
  readonly write: WriteErrorAction;
}

/** QEMU's defaults: rerror=report, werror=enospc. */
export const defaultErrorPolicy: ErrorPolicy = { read: 'report', write: 'enospc' };

/** One request that failed on the host. */
export interface BlockFailure {
  readonly operation: 'read' | 'write';
  readonly action: ReadErrorAction;
  /** The host has no room: the disk, or a quota, is full. */
  readonly noSpace: boolean;
  readonly error: unknown;
}

interface Held {
  again(): void;
  giveUp(): void;
}

/** ENOSPC as the host's file system or a quota has it; an image format may have wrapped the host's error. */
function isNoSpace(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  }
  return false;
}

/**
 * A disk that deals with the host's errors by a policy. With `stop`, a failed request is held, unanswered, until
 * `retry` or `giveUp`: whoever hears of it stops the machine meanwhile.
 */
export class PolicyBlock implements BlockBackend {
  /** What events call this disk. */
  readonly name: string;
  readonly #disk: BlockBackend;
  readonly #policy: ErrorPolicy;
  readonly #held = new Set<Held>();
  #failed: (failure: BlockFailure) => void = () => {};
  #closed = false;

  constructor(disk: BlockBackend, name: string, policy: ErrorPolicy = defaultErrorPolicy) {
    this.#disk = disk;
    this.name = name;
    this.#policy = policy;
  }

  get sectors(): number {
    return this.#disk.sectors;
  }

  get readOnly(): boolean {
    return this.#disk.readOnly;
  }

  /** Calls back at every failed request. Called once, by the machine's owner. */
  onFailure(callback: (failure: BlockFailure) => void): void {
    this.#failed = callback;
  }

  /** Requests that wait for `retry` or `giveUp`. */
  get holding(): number {
    return this.#held.size;
  }

  /** The machine goes on: tries what is held again. */
  retry(): void {
    for (const held of this.#takeHeld()) held.again();
  }

  /** What is held fails; for a machine that is reset. `forGood`: so does all that would be held from now on. */
  giveUp(forGood = false): void {
    if (forGood) this.#closed = true;
    for (const held of this.#takeHeld()) held.giveUp();
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    try {
      await this.#disk.read(offset, into);
    } catch (error) {
      // What an ignored read answers with is not what another request left in the buffer.
      if (await this.#again('read', error, () => this.#disk.read(offset, into))) into.fill(0);
    }
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    try {
      await this.#disk.write(offset, from);
    } catch (error) {
      await this.#again('write', error, () => this.#disk.write(offset, from));
    }
  }

  flush(): Promise<void> {
    return this.#change(() => this.#disk.flush());
  }

  discard(offset: number, bytes: number): Promise<void> {
    return this.#change(() => this.#disk.discard(offset, bytes));
  }

  writeZeroes(offset: number, bytes: number, unmap: boolean): Promise<void> {
    return this.#change(() => this.#disk.writeZeroes(offset, bytes, unmap));
  }

  onResize(callback: () => void): void {
    this.#disk.onResize(callback);
  }

  close(): Promise<void> {
    this.giveUp(true);
    return this.#disk.close();
  }

  async #change(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.#again('write', error, work);
    }
  }

  /** After a failure: resolves when a later try succeeds, true when the failure is ignored; throws what is reported. */
  async #again(operation: 'read' | 'write', first: unknown, work: () => Promise<void>): Promise<boolean> {
    for (let error = first; ; ) {
      const noSpace = isNoSpace(error);
      const action = this.#action(operation, noSpace);
      const held = action === 'stop' ? this.#hold() : undefined;
      this.#failed({ operation, action, noSpace, error });
      if (action === 'ignore') return true;
      if (held === undefined || !(await held)) throw error;
      try {
        await work();
        return false;
      } catch (next) {
        error = next;
      }
    }
  }

  #action(operation: 'read' | 'write', noSpace: boolean): ReadErrorAction {
    const wanted = this.#policy[operation];
    const action = wanted === 'enospc' ? (noSpace ? 'stop' : 'report') : wanted;
    return action === 'stop' && this.#closed ? 'report' : action;
  }

  /** Resolves to whether to try again. */
  #hold(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#held.add({ again: () => resolve(true), giveUp: () => resolve(false) });
    });
  }

  #takeHeld(): Held[] {
    const held = [...this.#held];
    this.#held.clear();
    return held;
  }
}
