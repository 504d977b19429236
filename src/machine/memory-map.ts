/** QEMU's riscv64 `virt` board (hw/riscv/virt.c): addresses, sizes in bytes, PLIC interrupt numbers. */
export const memoryMap = {
  /** Reset vector; a small read-only memory. */
  mrom: { gpa: 0x1000, size: 0xf000 },
  /** sifive_test: poweroff, reset, exit codes. */
  test: { gpa: 0x10_0000, size: 0x1000 },
  rtc: { gpa: 0x10_1000, size: 0x1000 },
  aclint: { gpa: 0x200_0000, size: 0x1_0000 },
  plic: { gpa: 0xc00_0000, size: 0x60_0000 },
  uart: { gpa: 0x1000_0000, size: 0x100 },
  /** Slot n at gpa + n · size. */
  virtio: { gpa: 0x1000_1000, size: 0x1000 },
  fwCfg: { gpa: 0x1010_0000, size: 0x18 },
  /** Bank n at gpa + n · size. */
  flash: { gpa: 0x2000_0000, size: 32 * 2 ** 20 },
  ram: { gpa: 0x8000_0000 },
} as const;

/** Interrupt numbers at the PLIC. */
export const irqMap = { virtio: 1, uart: 10, rtc: 11 } as const;

/** Number of virtio-mmio slots. */
export const VIRTIO_SLOTS = 8;

/** Number of flash banks: code, and variables. */
export const FLASH_BANKS = 2;

/** Highest number of harts. */
export const MAX_HARTS = 8;

/** Ticks of mtime a second. */
export const TIMEBASE_HZ = 10_000_000;
