import { MemBlock } from '../../../src/machine/backend/mem-block.ts';

/** An error of the host with its code. */
export function hostError(code: string): Error {
  return Object.assign(new Error(`${code}: the host says no`), { code });
}

/** A disk that fails as long as `fails` says with what. */
export class FlakyBlock extends MemBlock {
  fails: Error | undefined;
  /** What was tried, in order. */
  readonly tried: string[] = [];

  override read(offset: number, into: Uint8Array): Promise<void> {
    return this.#try('read', () => super.read(offset, into));
  }

  override write(offset: number, from: Uint8Array): Promise<void> {
    return this.#try('write', () => super.write(offset, from));
  }

  override flush(): Promise<void> {
    return this.#try('flush', () => super.flush());
  }

  override discard(offset: number, bytes: number): Promise<void> {
    return this.#try('discard', () => super.discard(offset, bytes));
  }

  override writeZeroes(offset: number, bytes: number): Promise<void> {
    return this.#try('writeZeroes', () => super.writeZeroes(offset, bytes));
  }

  async #try(what: string, work: () => Promise<void>): Promise<void> {
    this.tried.push(what);
    if (this.fails !== undefined) throw this.fails;
    await work();
  }
}
