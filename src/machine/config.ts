/** What a machine is made of: plain data, checked by `validateMachineConfig`, nothing opened yet. */
export interface MachineConfig {
  /** Guest RAM in bytes, a multiple of 4096. */
  readonly ramBytes: number;
  /** Number of vCPUs, 1 to 8. */
  readonly vcpus: number;
  /**
   * `builtin`: SBI 2.0 served by the machine, the kernel starts in S-mode. `none`: the ELF starts in M-mode at its
   * entry. `file`: M-mode firmware at the start of RAM (or where its ELF says), with the kernel as fw_dynamic's next
   * stage.
   */
  readonly firmware: { readonly kind: 'builtin' | 'none' } | { readonly kind: 'file'; readonly image: Image };
  /** ELF, Image, Image.gz, EFI zboot. */
  readonly kernel?: Image | ImageFile;
  readonly initrd?: Image | ImageFile;
  /** Kernel command line (`/chosen/bootargs`). */
  readonly append?: string;
  /** Replaces the device tree that the machine writes. */
  readonly dtb?: Image;
  /** Banks of flash, the first that of firmware's code; at most 2. Without any there is no flash. */
  readonly flash?: readonly FlashBankConfig[];
  /** virtio-mmio slots in order, lowest address first; at most 8. */
  readonly virtio: readonly VirtioSlotConfig[];
  /** `virtual`: mtime advances with instructions, one thread, deterministic. */
  readonly clock: 'host' | 'virtual';
  /** Seed of the machine's randomness (device-tree rng-seed, virtio-rng); absent: from the host. */
  readonly seed?: number;
}

/** A file's contents with its name, for messages. */
export interface Image {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An image that stays in its file until guest memory takes it. */
export interface ImageFile {
  readonly name: string;
  /** Its size in bytes. */
  readonly length: number;
  /** Fills `into` with its bytes from `at` on. Throws VirtError when there are not as many. */
  read(at: number, into: Uint8Array): void;
  /** Nothing is read any more. */
  close(): void;
}

/** One bank of flash. */
export interface FlashBankConfig {
  /** What is in it at the first power-on, no more than fits; what is behind that is erased. */
  readonly image: Image;
  /** The guest cannot change it. Else it does, and what it does is kept where the machine's host says. */
  readonly readOnly: boolean;
}

/** One virtio device. */
export type VirtioSlotConfig =
  | { readonly type: 'blk'; readonly serial?: string }
  | { readonly type: 'scsi' }
  | { readonly type: 'net' }
  | { readonly type: 'console' }
  | { readonly type: 'rng' };
