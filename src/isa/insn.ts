/** The shape of the instruction table: one line per instruction, everything else derives from it. */
import { insert } from './bits.ts';
import { type Format, type FormatName, formats } from './formats.ts';

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
  /** The bits as fetched, unsigned, zero-extended when compressed: goes to xtval of an illegal-instruction trap. */
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

/**
 * One operand as assembly writes it: registers by file (`f…` floating-point); `mem` is imm(rs1), `addr` is (rs1),
 * `target` a pc-relative address, `upper` bits 31:12, `uimm` the constant in rs1, `fconst` a constant of fli; `sp` and
 * `memsp` are the stack pointer and imm(sp) of compressed instructions.
 */
export type Syntax =
  | 'rd'
  | 'rs1'
  | 'rs2'
  | 'frd'
  | 'frs1'
  | 'frs2'
  | 'frs3'
  | 'imm'
  | 'shamt'
  | 'upper'
  | 'mem'
  | 'addr'
  | 'target'
  | 'csr'
  | 'uimm'
  | 'pred'
  | 'succ'
  | 'rm'
  | 'rtz'
  | 'fconst'
  | 'sp'
  | 'memsp';

/** How an instruction touches memory. */
export interface MemoryAccess {
  /** `block`: a cache block (Zicbom, Zicboz). */
  readonly kind: 'load' | 'store' | 'lr' | 'sc' | 'amo' | 'block';
  /** Bytes it accesses; 0 for a cache block, whose size is the machine's choice. */
  readonly bytes: 0 | 1 | 2 | 4 | 8;
  /** Whether what it loads is sign-extended into the register. */
  readonly signed: boolean;
}

/** What a line of the table says about an instruction besides its encoding; all absent: a pure integer operation. */
export interface Traits {
  /** Operands when they are not those of the format, comma-separated `Syntax`. */
  readonly syntax?: string;
  /**
   * Ends a block: the next instruction is not always the one behind it, or it changes what fetching, translation,
   * interrupts or privilege depend on.
   */
  readonly endsBlock?: true;
  /** May raise an exception besides those that all instructions of an extension share (mstatus.FS off, reserved frm). */
  readonly mayTrap?: true;
  readonly memory?: MemoryAccess;
  /** May set bits of fflags. */
  readonly fflags?: true;
  /** Rounding mode that assembly means when it names none: 0 for conversions that never round, else 7 (dynamic). */
  readonly defaultRm?: 0;
}

/** A source or destination register: which field, which file. */
export interface RegisterUse {
  readonly field: 'rd' | 'rs1' | 'rs2' | 'rs3';
  readonly file: 'x' | 'f';
}

/** One instruction of the table. */
export interface Insn<Name extends string = string> {
  readonly name: Name;
  readonly extension: Extension;
  readonly format: FormatName;
  /** An instruction word w is this instruction if `(w & mask) === match`, both unsigned. */
  readonly mask: number;
  readonly match: number;
  readonly syntax: readonly Syntax[];
  readonly reads: readonly RegisterUse[];
  readonly writes: readonly RegisterUse[];
  readonly endsBlock: boolean;
  readonly mayTrap: boolean;
  readonly memory: MemoryAccess | undefined;
  readonly fflags: boolean;
  /** Has a rounding mode; 5 and 6 are reserved encodings. */
  readonly usesRm: boolean;
  /** Rounding mode that assembly means when it names none. */
  readonly defaultRm: 0 | 7;
  /** Traps while mstatus.FS is off. */
  readonly needsFs: boolean;
  /** Makes mstatus.FS dirty: writes a floating-point register or may set fflags. */
  readonly dirtiesFs: boolean;
}

const noTraits: Traits = {};

/** Makes the function that writes the lines of one extension. */
export function extension(extension: Extension) {
  return <const Name extends string, F extends FormatName>(
    name: Name,
    format: F,
    fixed: Readonly<Record<keyof (typeof formats)[F]['fixed'], number>>,
    traits: Traits = noTraits,
  ): Insn<Name> => {
    const layout: Format = formats[format];
    const syntax = parseSyntax(traits.syntax ?? layout.syntax);
    const writes = registers(syntax).filter((r) => r.field === 'rd');
    const fflags = traits.fflags ?? false;
    return {
      name,
      extension,
      format,
      ...encoding(layout, fixed),
      syntax,
      reads: registers(syntax).filter((r) => r.field !== 'rd'),
      writes,
      endsBlock: traits.endsBlock ?? false,
      mayTrap: traits.mayTrap ?? false,
      memory: traits.memory,
      fflags,
      usesRm: layout.operands.rm !== undefined,
      defaultRm: traits.defaultRm ?? 7,
      needsFs: extension === 'f' || extension === 'd' || extension === 'zfa',
      dirtiesFs: fflags || writes.some((r) => r.file === 'f'),
    };
  };
}

/** Splits the notation of a table line. */
export function parseSyntax(text: string): readonly Syntax[] {
  return text.split(',').filter(Boolean) as Syntax[];
}

function encoding(layout: Format, fixed: Readonly<Record<string, number>>): { mask: number; match: number } {
  let mask = layout.zero?.mask ?? 0;
  let match = 0;
  for (const [name, field] of Object.entries(layout.fixed)) {
    mask |= field.mask;
    match |= insert(field, fixed[name] as number);
  }
  return { mask: mask >>> 0, match: match >>> 0 };
}

function registers(syntax: readonly Syntax[]): RegisterUse[] {
  return syntax.flatMap((operand): RegisterUse[] => {
    if (operand === 'mem' || operand === 'addr') return [{ field: 'rs1', file: 'x' }];
    const named = /^(f?)(rd|rs[123])$/.exec(operand);
    if (named === null) return [];
    return [{ field: named[2] as RegisterUse['field'], file: named[1] === 'f' ? 'f' : 'x' }];
  });
}

/** Traits that several extensions share. */
export const jump = { endsBlock: true } as const satisfies Traits;
export const system = { endsBlock: true, mayTrap: true } as const satisfies Traits;

/** Traits of a load of `bytes` bytes. */
export function load(bytes: 1 | 2 | 4 | 8, extend: 'signed' | 'unsigned' = 'signed'): Traits {
  return { mayTrap: true, memory: { kind: 'load', bytes, signed: extend === 'signed' } };
}

/** Traits of a store of `bytes` bytes. */
export function store(bytes: 1 | 2 | 4 | 8): Traits {
  return { mayTrap: true, memory: { kind: 'store', bytes, signed: false } };
}
