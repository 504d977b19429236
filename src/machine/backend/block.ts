/** The host side of a disk. Offsets and lengths are multiples of 512 and inside the disk: the device checks them. */
export interface BlockBackend {
  /** Size in 512-byte sectors. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** Fills `into` from byte `offset`. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Writes `from` at byte `offset`. */
  write(offset: number, from: Uint8Array): Promise<void>;
  /** Resolves once everything written before is on stable storage. */
  flush(): Promise<void>;
  /** The contents of the range no longer matter; it may read as anything, holes are punched where the host can. */
  discard(offset: number, bytes: number): Promise<void>;
  /** The range reads as zeroes; `unmap` allows a hole. */
  writeZeroes(offset: number, bytes: number, unmap: boolean): Promise<void>;
  /** Calls back when the disk's size has changed. */
  onResize(callback: () => void): void;
  close(): Promise<void>;
}
