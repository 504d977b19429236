/**
 * The Common Flash Interface (JEDEC JESD68.01) of a bank of two 16-bit Intel chips side by side on a 32-bit bus, as
 * QEMU's virt board has them (hw/block/pflash_cfi01.c: width 4, device-width 2).
 */

/** Bytes of one bank, and of one of its erase blocks. */
export const FLASH_BANK_BYTES = 32 * 2 ** 20;
export const FLASH_BLOCK_BYTES = 256 * 1024;

/** Chips that make up the width of the bus, and bytes that one of them gives at a time. */
const CHIPS = 2;

/** Commands (Intel's basic and extended command set). */
export const FlashCommand = {
  READ_ARRAY: 0xff,
  RESET: 0x00,
  /** What probes for AMD's command set send. */
  AMD_RESET: 0xf0,
  PROGRAM_ALTERNATE: 0x10,
  PROGRAM: 0x40,
  ERASE: 0x20,
  CONFIRM: 0xd0,
  CLEAR_STATUS: 0x50,
  READ_STATUS: 0x70,
  LOCK: 0x60,
  LOCK_BLOCK: 0x01,
  READ_ID: 0x90,
  QUERY: 0x98,
  WRITE_BUFFER: 0xe8,
} as const;

/** Bits of the status register. */
export const FlashStatus = { READY: 0x80, ERASE_ERROR: 0x20, PROGRAM_ERROR: 0x10 } as const;

/** Manufacturer and device: Intel's, of QEMU's choice. */
const IDENTITY = [0x89, 0x18] as const;

/** log2 of the bytes that the write buffer of one chip holds. */
const WRITE_BUFFER_EXPONENT = 11;

/** Stores of 32 bits that the buffers of all chips hold. */
export const FLASH_BUFFER_WORDS = 2 ** WRITE_BUFFER_EXPONENT / 2;

/** The query structure of one chip of a bank of `bankBytes`, by address. */
function queryTable(bankBytes: number): ReadonlyMap<number, number> {
  const blocks = Math.max(1, Math.floor(bankBytes / FLASH_BLOCK_BYTES));
  const chipBlock = FLASH_BLOCK_BYTES / CHIPS;
  const text = (at: number, letters: string) => [...letters].map((c, i) => [at + i, c.charCodeAt(0)] as const);
  return new Map<number, number>([
    ...text(0x10, 'QRY'),
    // Intel's extended command set, whose own table is at 0x31.
    [0x13, 0x01],
    [0x15, 0x31],
    // 4.5 to 5.5 V; typical and longest times as powers of two.
    [0x1b, 0x45],
    [0x1c, 0x55],
    [0x1f, 0x07],
    [0x20, 0x07],
    [0x21, 0x0a],
    [0x23, 0x04],
    [0x24, 0x04],
    [0x25, 0x04],
    [0x27, Math.floor(Math.log2(chipBlock * blocks))],
    // x8 and x16.
    [0x28, 0x02],
    [0x2a, WRITE_BUFFER_EXPONENT],
    // One region of blocks of one size.
    [0x2c, 1],
    [0x2d, (blocks - 1) & 0xff],
    [0x2e, (blocks - 1) >> 8],
    [0x2f, (chipBlock >> 8) & 0xff],
    [0x30, chipBlock >> 16],
    ...text(0x31, 'PRI10'),
    // One field of protection registers.
    [0x3f, 0x01],
  ]);
}

/** What all chips give at once: the same in every 16 bits. */
export function onAllChips(value: number): number {
  return (value | (value << 16)) >>> 0;
}

/** What a bank answers to queries at 32-bit words. */
export class FlashAnswers {
  readonly #query: ReadonlyMap<number, number>;

  constructor(bankBytes: number) {
    this.#query = queryTable(bankBytes);
  }

  /** READ QUERY: byte `off` of the bank is in the answer's word. */
  query(off: number): number {
    return onAllChips(this.#query.get(off >>> 2) ?? 0);
  }

  /** READ ID. */
  identity(off: number): number {
    return onAllChips(IDENTITY[(off >>> 2) & 0xff] ?? 0);
  }
}
