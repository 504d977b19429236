import type { BlockBackend } from './block.ts';

/** Formats of disk images. */
export const diskFormats = ['raw', 'qcow2'] as const;
export type DiskFormat = (typeof diskFormats)[number];

/** What a part of a disk is, in one image of a chain. */
export interface Extent {
  /** `data`: stored in this image; `zero`: reads as zeroes; `none`: whatever the backing image has there. */
  readonly kind: 'data' | 'zero' | 'none';
  readonly bytes: number;
  /** Where in the host's file the data is, if it is there byte for byte. */
  readonly host?: number;
  /** The data is compressed. */
  readonly compressed?: boolean;
}

/** A disk image in a file, possibly on top of another one. */
export interface DiskImage extends BlockBackend {
  readonly path: string;
  readonly format: DiskFormat;
  /** What it is on top of, if it is, and if that was opened. */
  readonly backing: DiskImage | undefined;
  /** What is at byte `offset`: that much of it, of at most `bytes` bytes, is of one kind. */
  extent(offset: number, bytes: number): Promise<Extent>;
  /**
   * Reads as `read` does, and puts the lengths of zeroes and of what is none, by turns and zeroes first, in whole blocks
   * into `runs`. Resolves to how many there are; 0: it cannot, `read` is to be used.
   */
  readBlocks?(offset: number, blockBytes: number, into: Uint8Array, runs: Uint32Array): Promise<number>;
  /**
   * Gives the disk another size in bytes and tells the device. Throws INVALID_ARG unless that is a positive multiple of
   * 512, OPERATION_INVALID for an image that cannot change.
   */
  resize(bytes: number): Promise<void>;
}
