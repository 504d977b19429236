import type { BlockBackend } from '../../machine/index.ts';
import type { Clock } from '../../util/index.ts';

/** Requests of one kind. */
export interface RequestCount {
  requests: number;
  bytes: number;
  /** Time from request to answer, added up. */
  ns: number;
}

/** Numbers of a disk since it was opened. */
export interface BlockCounts {
  readonly read: RequestCount;
  readonly write: RequestCount;
  readonly flush: RequestCount;
  errors: number;
}

/** A disk that counts what is done to it. It may be closed more than once. */
export class CountingBlock implements BlockBackend {
  readonly counts: BlockCounts;
  readonly #disk: BlockBackend;
  readonly #clock: Clock;
  #closed: Promise<void> | undefined;

  /** @param counts those of a drive go on with its next medium */
  constructor(disk: BlockBackend, clock: Clock, counts = noCounts()) {
    this.#disk = disk;
    this.#clock = clock;
    this.counts = counts;
  }

  get sectors(): number {
    return this.#disk.sectors;
  }

  get readOnly(): boolean {
    return this.#disk.readOnly;
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    return this.#count('read', into.length, this.#disk.read(offset, into));
  }

  write(offset: number, from: Uint8Array): Promise<void> {
    return this.#count('write', from.length, this.#disk.write(offset, from));
  }

  flush(): Promise<void> {
    return this.#count('flush', 0, this.#disk.flush());
  }

  discard(offset: number, bytes: number): Promise<void> {
    return this.#disk.discard(offset, bytes);
  }

  writeZeroes(offset: number, bytes: number, unmap: boolean): Promise<void> {
    return this.#count('write', bytes, this.#disk.writeZeroes(offset, bytes, unmap));
  }

  onResize(callback: () => void): void {
    this.#disk.onResize(callback);
  }

  close(): Promise<void> {
    this.#closed ??= this.#disk.close();
    return this.#closed;
  }

  async #count(kind: 'read' | 'write' | 'flush', bytes: number, work: Promise<void>): Promise<void> {
    const start = this.#clock.nowNs();
    try {
      await work;
    } catch (error) {
      this.counts.errors++;
      throw error;
    } finally {
      const count = this.counts[kind];
      count.requests++;
      count.bytes += bytes;
      count.ns += this.#clock.nowNs() - start;
    }
  }
}

/** Numbers of what nothing has been done to. */
export function noCounts(): BlockCounts {
  return { read: zero(), write: zero(), flush: zero(), errors: 0 };
}

function zero(): RequestCount {
  return { requests: 0, bytes: 0, ns: 0 };
}
