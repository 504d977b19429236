/** The UART's part of the shared memory. */

/** Words of the region. */
export const Word = {
  LOCK: 0,
  IER: 1,
  FCR: 2,
  LCR: 3,
  MCR: 4,
  SCR: 5,
  DIVISOR: 6,
  /** LSR.OE, until LSR is read. */
  OVERRUN: 7,
  /** Low half of MSR, until it is read. */
  MODEM_CHANGES: 8,
  /** The transmitter has become empty and nobody has been told. */
  THRE_PENDING: 9,
  /** THRE is clear: the ring to the host has no room for a FIFO's worth. */
  TX_BLOCKED: 10,
  /** The host was refused a byte and waits for room. */
  HOST_WAITS: 11,
  /** A break stands before the FIFO's bytes: bits of Break. */
  BREAK: 12,
  FIFO: 16,
  INPUT: 18,
  OUTPUT: 20,
} as const;

/** A break is received as a zero byte, and as LSR.BI until LSR is read. */
export const Break = { BYTE: 1, STATUS: 2 } as const;

/** Sizes of the rings. */
export const INPUT_BYTES = 1024;
export const OUTPUT_BYTES = 8192;
/** Byte offsets in the region. */
export const Place = { FIFO: 128, INPUT: 256, OUTPUT: 256 + INPUT_BYTES } as const;

/** Size of the UART's region in bytes. */
export const NS16550_REGION_BYTES = Place.OUTPUT + OUTPUT_BYTES;
