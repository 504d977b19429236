/** The shape of the instruction table: one line per instruction, everything else derives from it. */

/** Extensions by their names in the ISA string. */
export type Extension =
  | 'i'
  | 'm'
  | 'a'
  | 'f'
  | 'd'
  | 'c'
  | 'zicsr'
  | 'zifencei'
  | 'zba'
  | 'zbb'
  | 'zbc'
  | 'zbs'
  | 'zicbom'
  | 'zicboz'
  | 'zicond'
  | 'zfa'
  | 'zawrs'
  | 'svinval'
  | 'priv';

/**
 * One decoded instruction. Compressed instructions are expanded: `name` is that of the 32-bit instruction they stand
 * for, `length` is 2. Fields that the instruction does not have are 0.
 */
export interface DecodedInsn<Name extends string = string> {
  readonly name: Name;
  /** Bytes it occupies: 2 or 4. */
  readonly length: 2 | 4;
  /** The bits as fetched, zero-extended when compressed: goes to xtval of an illegal-instruction trap. */
  readonly raw: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  /**
   * The immediate as a signed 32-bit number, already shifted and sign-extended (`lui a0, 0x80000` has -2^31). Shift
   * amounts, CSR numbers (0 … 4095), fence's fm:pred:succ and fli's index are here too, unsigned. CSR-immediate
   * instructions have their uimm in `rs1`.
   */
  readonly imm: number;
  /** Rounding mode of floating-point instructions (7 dynamic). */
  readonly rm: number;
  /** aq in bit 1, rl in bit 0. */
  readonly aqrl: number;
}
