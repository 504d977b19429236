import type { BlockBackend } from './block.ts';

/** A disk that keeps its room whatever the guest discards (QEMU: discard=ignore); zeroes are written, not holes. */
export class KeptBlock implements BlockBackend {
  readonly #disk: BlockBackend;

  constructor(disk: BlockBackend) {
    this.#disk = disk;
  }

  get sectors(): number {
    return this.#disk.sectors;
  }

  get readOnly(): boolean {
    return this.#disk.readOnly;
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    return this.#disk.read(offset, into);
  }

  write(offset: number, from: Uint8Array): Promise<void> {
    return this.#disk.write(offset, from);
  }

  flush(): Promise<void> {
    return this.#disk.flush();
  }

  async discard(): Promise<void> {}

  writeZeroes(offset: number, bytes: number): Promise<void> {
    return this.#disk.writeZeroes(offset, bytes, false);
  }

  onResize(callback: () => void): void {
    this.#disk.onResize(callback);
  }

  close(): Promise<void> {
    return this.#disk.close();
  }
}
