/** The control and status registers of a hart with M, S and U mode (Privileged spec 2.2 and the chapters cited). */
import { bitsOf, type Csr, type CsrField, csr, delegatedView, oneOf, state, view, zero } from './csr-def.ts';
import { misaValue } from './isa-string.ts';

const whole = { VALUE: bitsOf('63:0') };
const nothing = {};

/** Programmable hardware counters: none of the 29 is implemented, all read as zero (Privileged spec 3.1.10). */
const hpmNumbers = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
] as const;
type Hpm = (typeof hpmNumbers)[number];

function hpm<const Prefix extends string>(prefix: Prefix, first: number, gate?: 'counteren') {
  return hpmNumbers.map((n) =>
    csr(first + n - 3, `${prefix}${n}` as `${Prefix}${Hpm}`, zero, nothing, gate === undefined ? {} : { gate }),
  );
}

const pmpNumbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const;

function pmpaddrs() {
  return pmpNumbers.map((n) => csr(0x3b0 + n, `pmpaddr${n}`, state('pmpaddr', n), { ADDRESS: bitsOf('53:0') }));
}

/** Eight entries of one byte each; W without R is reserved, a locked entry ignores writes: the CPU sees to both (3.7.1). */
function pmpcfg<const Name extends 'pmpcfg0' | 'pmpcfg2'>(number: number, name: Name, index: number) {
  const fields: Record<string, CsrField> = {};
  for (let entry = 0; entry < 8; entry++) {
    const low = entry * 8;
    fields[`RWXA${entry}`] = bitsOf(`${low + 4}:${low}`);
    fields[`L${entry}`] = bitsOf(`${low + 7}`);
  }
  return csr(number, name, state('pmpcfg', index), fields);
}

/** mstatus (3.1.6). XL fields are fixed at 64 bits; big-endian, vectors and other extensions' states are absent. */
const mstatusFields = {
  SIE: bitsOf('1'),
  MIE: bitsOf('3'),
  SPIE: bitsOf('5'),
  UBE: bitsOf('6', 'fixed'),
  MPIE: bitsOf('7'),
  SPP: bitsOf('8'),
  VS: bitsOf('10:9', 'fixed'),
  MPP: oneOf('12:11', 0, 1, 3),
  FS: bitsOf('14:13'),
  XS: bitsOf('16:15', 'fixed'),
  MPRV: bitsOf('17'),
  SUM: bitsOf('18'),
  MXR: bitsOf('19'),
  TVM: bitsOf('20'),
  TW: bitsOf('21'),
  TSR: bitsOf('22'),
  UXL: bitsOf('33:32', 'fixed'),
  SXL: bitsOf('35:34', 'fixed'),
  SBE: bitsOf('36', 'fixed'),
  MBE: bitsOf('37', 'fixed'),
  SD: bitsOf('63', 'fixed'),
};

/** sstatus (12.1.1) shows these fields of mstatus. */
const { SIE, SPIE, UBE, SPP, VS, FS, XS, SUM, MXR, UXL, SD } = mstatusFields;
const sstatusFields = { SIE, SPIE, UBE, SPP, VS, FS, XS, SUM, MXR, UXL, SD };

/** XLEN code of 64 bits in MXL, SXL and UXL. */
const XL_64 = 2n;
const mstatusReset = (XL_64 << 32n) | (XL_64 << 34n);

function union(fields: Readonly<Record<string, CsrField>>): bigint {
  return Object.values(fields).reduce((mask, field) => mask | field.mask, 0n);
}

/** Interrupt bits as in mip and mie (3.1.9). */
const interruptFields = {
  SSI: bitsOf('1'),
  MSI: bitsOf('3'),
  STI: bitsOf('5'),
  MTI: bitsOf('7'),
  SEI: bitsOf('9'),
  MEI: bitsOf('11'),
};
const { SSI, STI, SEI } = interruptFields;
const supervisorInterrupts = { SSI, STI, SEI };

/** Environment configuration (3.1.18, 12.1.10); CBIE 2 is reserved. */
const senvcfgFields = { FIOM: bitsOf('0'), CBIE: oneOf('5:4', 0, 1, 3), CBCFE: bitsOf('6'), CBZE: bitsOf('7') };

const trapVector = { MODE: oneOf('1:0', 0, 1), BASE: bitsOf('63:2') };
const trapCause = { CODE: bitsOf('62:0'), INTERRUPT: bitsOf('63') };
/** With C always on, instructions are at even addresses. */
const trapPc = { PC: bitsOf('63:1') };
const counterEnable = { CY: bitsOf('0'), TM: bitsOf('1'), IR: bitsOf('2'), HPM: bitsOf('31:3') };

const all = [
  // Floating point (Unprivileged spec 21.2).
  csr(0x001, 'fflags', view('fcsr', 0x1fn), { FLAGS: bitsOf('4:0') }, { gate: 'fs' }),
  csr(0x002, 'frm', view('fcsr', 0xe0n, 5), { RM: bitsOf('2:0') }, { gate: 'fs' }),
  csr(0x003, 'fcsr', state('fcsr'), { FLAGS: bitsOf('4:0'), RM: bitsOf('7:5') }, { gate: 'fs' }),
  // Counters (Unprivileged spec 8).
  csr(0xc00, 'cycle', view('mcycle', 0xffff_ffff_ffff_ffffn), nothing, { gate: 'counteren' }),
  csr(0xc01, 'time', { kind: 'computed' }, nothing, { gate: 'counteren' }),
  csr(0xc02, 'instret', view('minstret', 0xffff_ffff_ffff_ffffn), nothing, { gate: 'counteren' }),
  ...hpm('hpmcounter', 0xc03, 'counteren'),
  // Supervisor.
  csr(0x100, 'sstatus', view('mstatus', union(sstatusFields)), sstatusFields, { reset: XL_64 << 32n }),
  csr(0x104, 'sie', delegatedView('mie', union(supervisorInterrupts)), supervisorInterrupts),
  csr(0x105, 'stvec', state('stvec'), trapVector),
  csr(0x106, 'scounteren', state('scounteren'), counterEnable),
  csr(0x10a, 'senvcfg', state('senvcfg'), senvcfgFields, { gate: 'envcfg' }),
  csr(0x10c, 'sstateen0', state('sstateen', 0), nothing, { gate: 'stateen' }),
  csr(0x10d, 'sstateen1', state('sstateen', 1), nothing, { gate: 'stateen' }),
  csr(0x10e, 'sstateen2', state('sstateen', 2), nothing, { gate: 'stateen' }),
  csr(0x10f, 'sstateen3', state('sstateen', 3), nothing, { gate: 'stateen' }),
  csr(0x140, 'sscratch', state('sscratch'), whole),
  csr(0x141, 'sepc', state('sepc'), trapPc),
  csr(0x142, 'scause', state('scause'), trapCause),
  csr(0x143, 'stval', state('stval'), whole),
  csr(0x144, 'sip', delegatedView('mip', union(supervisorInterrupts)), {
    SSI,
    STI: bitsOf('5', 'fixed'),
    SEI: bitsOf('9', 'fixed'),
  }),
  csr(0x14d, 'stimecmp', state('stimecmp'), whole, { gate: 'sstc' }),
  csr(
    0x180,
    'satp',
    state('satp'),
    {
      MODE: bitsOf('63:60', { legal: [0, 8, 9, 10], otherwise: 'refuse' }),
      ASID: bitsOf('59:44'),
      PPN: bitsOf('43:0'),
    },
    { gate: 'tvm' },
  ),
  // Machine: identity. Zero means not a commercial implementation, and not implemented (3.1.2 … 3.1.4).
  csr(0xf11, 'mvendorid', zero, nothing),
  csr(0xf12, 'marchid', zero, nothing),
  csr(0xf13, 'mimpid', zero, nothing),
  csr(0xf14, 'mhartid', state('mhartid'), nothing),
  csr(0xf15, 'mconfigptr', zero, nothing),
  // Machine: traps.
  csr(0x300, 'mstatus', state('mstatus'), mstatusFields, { reset: mstatusReset }),
  csr(
    0x301,
    'misa',
    state('misa'),
    { EXTENSIONS: bitsOf('25:0', 'fixed'), MXL: bitsOf('63:62', 'fixed') },
    { reset: misaValue },
  ),
  // Everything a lower mode can raise, but not ECALL from M-mode (3.1.8).
  csr(0x302, 'medeleg', state('medeleg'), {
    CAUSES9_0: bitsOf('9:0'),
    CAUSES13_12: bitsOf('13:12'),
    CAUSE15: bitsOf('15'),
  }),
  csr(0x303, 'mideleg', state('mideleg'), supervisorInterrupts),
  csr(0x304, 'mie', state('mie'), interruptFields),
  csr(0x305, 'mtvec', state('mtvec'), trapVector),
  csr(0x306, 'mcounteren', state('mcounteren'), counterEnable),
  csr(0x30a, 'menvcfg', state('menvcfg'), {
    ...senvcfgFields,
    ADUE: bitsOf('61'),
    PBMTE: bitsOf('62'),
    STCE: bitsOf('63'),
  }),
  csr(0x30c, 'mstateen0', state('mstateen', 0), { ENVCFG: bitsOf('62'), SE: bitsOf('63') }),
  csr(0x30d, 'mstateen1', state('mstateen', 1), { SE: bitsOf('63') }),
  csr(0x30e, 'mstateen2', state('mstateen', 2), { SE: bitsOf('63') }),
  csr(0x30f, 'mstateen3', state('mstateen', 3), { SE: bitsOf('63') }),
  csr(0x320, 'mcountinhibit', state('mcountinhibit'), { CY: bitsOf('0'), IR: bitsOf('2') }),
  ...hpm('mhpmevent', 0x323),
  csr(0x340, 'mscratch', state('mscratch'), whole),
  csr(0x341, 'mepc', state('mepc'), trapPc),
  csr(0x342, 'mcause', state('mcause'), trapCause),
  csr(0x343, 'mtval', state('mtval'), whole),
  // Lines from outside and timers are added to the writable bits; STI is read-only while menvcfg.STCE (Sstc).
  csr(
    0x344,
    'mip',
    { kind: 'computed' },
    { ...supervisorInterrupts, MSI: bitsOf('3', 'fixed'), MTI: bitsOf('7', 'fixed'), MEI: bitsOf('11', 'fixed') },
  ),
  // Machine: protection. mseccfg has no field of ours; it exists so that firmware may probe it.
  pmpcfg(0x3a0, 'pmpcfg0', 0),
  pmpcfg(0x3a2, 'pmpcfg2', 1),
  ...pmpaddrs(),
  csr(0x747, 'mseccfg', state('mseccfg'), nothing),
  // Triggers (Debug spec 5.7): there are none, which tdata1 of type 0 says to those who look for one.
  csr(0x7a0, 'tselect', zero, nothing),
  csr(0x7a1, 'tdata1', zero, nothing),
  csr(0x7a2, 'tdata2', zero, nothing),
  csr(0x7a3, 'tdata3', zero, nothing),
  csr(0x7a4, 'tinfo', { kind: 'constant', value: 1n }, nothing),
  // Machine: counters.
  csr(0xb00, 'mcycle', state('cycles'), whole),
  csr(0xb02, 'minstret', state('instret'), whole),
  ...hpm('mhpmcounter', 0xb03),
] as const;

/** Name of a CSR as the specification and GNU assembly write it. */
export type CsrName = (typeof all)[number]['name'];

/** All CSRs; access to any other number is an illegal instruction. */
export const csrs: readonly Csr<CsrName>[] = all;

type Row<N extends string, R = (typeof all)[number]> =
  R extends Csr<infer Names, infer Fields> ? (N extends Names ? Csr<N, Fields> : never) : never;

/** The same by name, with the names of their fields. */
export const csrByName = Object.fromEntries(all.map((c) => [c.name, c])) as unknown as {
  readonly [N in CsrName]: Row<N>;
};

const numbered = new Map<number, Csr<CsrName>>(all.map((c) => [c.number, c]));

/** The register with this number (0 … 4095), if it exists. */
export function csrByNumber(number: number): Csr<CsrName> | undefined {
  return numbered.get(number);
}
