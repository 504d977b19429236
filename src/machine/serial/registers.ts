/** Registers and bits of a 16550A UART, by the names of National Semiconductor's PC16550D data sheet. */

/** Register offsets. Several share one: by direction, or by LCR.DLAB. */
export const Reg = {
  RBR_THR_DLL: 0,
  IER_DLM: 1,
  IIR_FCR: 2,
  LCR: 3,
  MCR: 4,
  LSR: 5,
  MSR: 6,
  SCR: 7,
} as const;

/** Interrupt enable. */
export const IER = { ERBFI: 1, ETBEI: 2, ELSI: 4, EDSSI: 8, MASK: 0x0f } as const;

/** Interrupt identification, highest priority first, and the bits that say the FIFOs are on. */
export const IIR = {
  LINE_STATUS: 0x06,
  RX_AVAILABLE: 0x04,
  RX_TIMEOUT: 0x0c,
  THR_EMPTY: 0x02,
  MODEM_STATUS: 0x00,
  NONE: 0x01,
  FIFOS: 0xc0,
} as const;

/** FIFO control. */
export const FCR = { ENABLE: 1, RESET_RX: 2, RESET_TX: 4, KEPT: 0xc9 } as const;

/** Bytes in the receive FIFO that raise RX_AVAILABLE, by FCR bits 7:6. */
export const TRIGGER_LEVELS = [1, 4, 8, 14] as const;

export const LCR = { DLAB: 0x80 } as const;

/** Modem control: DTR, RTS, OUT1, OUT2 and loopback. */
export const MCR = { DTR: 1, RTS: 2, OUT1: 4, OUT2: 8, LOOP: 0x10, MASK: 0x1f } as const;

/** Line status. */
export const LSR = { DR: 1, OE: 2, BI: 0x10, THRE: 0x20, TEMT: 0x40 } as const;

/** Modem status: changes in the low half (RI's is "trailing edge"), lines in the high half. */
export const MSR = { DCTS: 1, DDSR: 2, TERI: 4, DDCD: 8, CTS: 0x10, DSR: 0x20, RI: 0x40, DCD: 0x80 } as const;

/** Depth of either FIFO. */
export const FIFO_BYTES = 16;

/** MSR's high half for a value of MCR: a terminal that is always there, or in loopback MCR's own outputs. */
export function modemLines(mcr: number): number {
  if ((mcr & MCR.LOOP) === 0) return MSR.CTS | MSR.DSR | MSR.DCD;
  return (
    ((mcr & MCR.RTS) !== 0 ? MSR.CTS : 0) |
    ((mcr & MCR.DTR) !== 0 ? MSR.DSR : 0) |
    ((mcr & MCR.OUT1) !== 0 ? MSR.RI : 0) |
    ((mcr & MCR.OUT2) !== 0 ? MSR.DCD : 0)
  );
}
