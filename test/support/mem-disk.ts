import type { DiskImage, Extent } from '../../src/machine/backend/disk-image.ts';
import { MemBlock } from '../../src/machine/backend/mem-block.ts';

/** A raw image in memory that tells whether it was closed. */
export class MemDisk extends MemBlock implements DiskImage {
  readonly path = 'memory';
  readonly format = 'raw';
  readonly backing = undefined;
  closed = false;

  constructor(content: Uint8Array | number, readOnly = false) {
    super(content, { readOnly });
  }

  async extent(offset: number, bytes: number): Promise<Extent> {
    return { kind: 'data', bytes, host: offset };
  }

  override async resize(bytes: number): Promise<void> {
    super.resize(bytes);
  }

  override async close(): Promise<void> {
    this.closed = true;
  }
}
