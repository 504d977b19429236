/** Exception codes (Privileged spec 20240411, table 14: mcause with Interrupt = 0). */
export const Exception = {
  INSTRUCTION_ADDRESS_MISALIGNED: 0,
  INSTRUCTION_ACCESS_FAULT: 1,
  ILLEGAL_INSTRUCTION: 2,
  BREAKPOINT: 3,
  LOAD_ADDRESS_MISALIGNED: 4,
  LOAD_ACCESS_FAULT: 5,
  STORE_ADDRESS_MISALIGNED: 6,
  STORE_ACCESS_FAULT: 7,
  ECALL_FROM_U: 8,
  ECALL_FROM_S: 9,
  ECALL_FROM_M: 11,
  INSTRUCTION_PAGE_FAULT: 12,
  LOAD_PAGE_FAULT: 13,
  STORE_PAGE_FAULT: 15,
  SOFTWARE_CHECK: 18,
  HARDWARE_ERROR: 19,
} as const;
export type Exception = (typeof Exception)[keyof typeof Exception];

/** Interrupt numbers: bit positions in mip and mie (same table, Interrupt = 1). */
export const Interrupt = { SSI: 1, MSI: 3, STI: 5, MTI: 7, SEI: 9, MEI: 11, LCOFI: 13 } as const;
export type Interrupt = (typeof Interrupt)[keyof typeof Interrupt];

/** Pending interrupts of one destination mode are taken in this order (Privileged spec 3.1.9; LCOFI: Sscofpmf 1). */
export const interruptPriority: readonly Interrupt[] = [
  Interrupt.MEI,
  Interrupt.MSI,
  Interrupt.MTI,
  Interrupt.SEI,
  Interrupt.SSI,
  Interrupt.STI,
  Interrupt.LCOFI,
];

/** Privilege modes as encoded in MPP. */
export const Priv = { U: 0, S: 1, M: 3 } as const;
export type Priv = (typeof Priv)[keyof typeof Priv];
