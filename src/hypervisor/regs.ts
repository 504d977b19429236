/**
 * Registers under the names and numbers of KVM's RISC-V ONE_REG interface (Linux: Documentation/virt/kvm/api.rst 4.68,
 * arch/riscv/include/uapi/asm/kvm.h). A name is the group and the field: `config.isa`, `core.regs.pc`, `core.mode`,
 * `csr.sstatus`, `timer.time`, `fp_f.f[0]`, `fp_d.f[31]`, `fp_d.fcsr`, `isa_ext.zba`; `core.a0` is short for
 * `core.regs.a0`. Machine-mode registers, which KVM's guests do not have, follow the same scheme without a number:
 * `csr.mstatus`.
 */
import type { GuestClock, HartState } from '../cpu/index.ts';
import { CACHE_BLOCK_BYTES, csrByName, type HartField, isaExtensions, legalize } from '../isa/index.ts';
import { VirtError } from '../util/index.ts';

/** What register accessors work on. */
export interface RegisterContext {
  readonly state: HartState;
  readonly clock: GuestClock;
}

/** One register of the ONE_REG interface. */
export interface RegisterDef {
  readonly name: string;
  /** KVM's number; absent where KVM has no such register. */
  readonly id?: bigint;
  readonly bytes: 4 | 8;
  get(context: RegisterContext): bigint;
  /** Absent: read-only. */
  set?(context: RegisterContext, value: bigint): void;
}

const KVM_REG_RISCV = 0x8000_0000_0000_0000n;
const KVM_REG_SIZE_U32 = 0x0020_0000_0000_0000n;
const KVM_REG_SIZE_U64 = 0x0030_0000_0000_0000n;
/** KVM_REG_RISCV_* groups, at bit 24. */
const Group = { CONFIG: 1, CORE: 2, CSR: 3, TIMER: 4, FP_F: 5, FP_D: 6, ISA_EXT: 7 } as const;

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const LOW_32 = 0xffff_ffffn;

/** x1 … x31 in the order of `struct user_regs_struct`, which is the order of the registers. */
const gprNames = 'ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
  ' ',
);

/** `enum KVM_RISCV_ISA_EXT_ID`, in order. */
const kvmExtensions = (
  'a c d f h i m svpbmt sstc svinval zihintpause zicbom zicboz zbb ssaia v svnapot zba zbs zicntr zicsr zifencei ' +
  'zihpm smstateen zicond zbc zbkb zbkc zbkx zknd zkne zknh zkr zksed zksh zkt zvbb zvbc zvkb zvkg zvkned zvknha ' +
  'zvknhb zvksed zvksh zvkt zfh zfhmin zihintntl zvfh zvfhmin zfa ztso zacas sscofpmf zimop zca zcb zcd zcf zcmop ' +
  'zawrs smnpm ssnpm svade svadu'
).split(' ');

/** What the CPU has of them, whichever backend runs it. A name with a digit may also be implied: C and D give Zca, Zcd. */
const implemented = new Set([...isaExtensions(), 'zihintpause', 'zca', 'zcd']);

/** mstatus.SD: set while FS, VS or XS is dirty (3). */
const SD = 1n << 63n;

function field(name: HartField, index = 0): Pick<RegisterDef, 'get' | 'set'> {
  return {
    get: ({ state }) => state.get(name, index),
    set: ({ state }, value) => state.set(name, value, index),
  };
}

function field32(name: HartField): Pick<RegisterDef, 'get' | 'set'> {
  return {
    get: ({ state }) => BigInt(state.get32(name)),
    set: ({ state }, value) => state.set32(name, Number(value & LOW_32)),
  };
}

/** sstatus as a view of mstatus (Privileged spec 12.1.1). */
function sstatus(): Pick<RegisterDef, 'get' | 'set'> {
  const { storage } = csrByName.sstatus;
  const mask = storage.kind === 'view' ? storage.mask : 0n;
  return {
    get: ({ state }) => {
      const value = state.get('mstatus') & mask & ~SD;
      return ((value >> 13n) & 3n) === 3n ? value | SD : value;
    },
    set: ({ state }, value) => {
      const old = state.get('mstatus');
      state.set('mstatus', (old & ~mask) | (legalize(csrByName.sstatus, old & mask, value) & mask));
    },
  };
}

/** The supervisor's view of mie: the delegated interrupts. */
function sie(): Pick<RegisterDef, 'get' | 'set'> {
  return {
    get: ({ state }) => state.get('mie') & state.get('mideleg'),
    set: ({ state }, value) => {
      const mask = state.get('mideleg');
      state.set('mie', (state.get('mie') & ~mask) | (value & mask));
    },
  };
}

/** The supervisor's view of mip: what software set and what lines drive; timers are the hart's to compare. */
function sip(): Pick<RegisterDef, 'get' | 'set'> {
  return {
    get: ({ state }) => BigInt(state.get32('mip') | state.get32('irqLines')) & state.get('mideleg'),
    set: ({ state }, value) => {
      const mask = Number(state.get('mideleg') & LOW_32);
      state.set32('mip', (state.get32('mip') & ~mask) | (Number(value & LOW_32) & mask));
    },
  };
}

type Row = readonly [name: string, bytes: 4 | 8, accessors: Pick<RegisterDef, 'get' | 'set'>];

function constant(value: bigint): Pick<RegisterDef, 'get'> {
  return { get: () => value };
}

const config: readonly Row[] = [
  ['isa', 8, { get: ({ state }) => state.get('misa') & 0x3ff_ffffn }],
  ['zicbom_block_size', 8, constant(BigInt(CACHE_BLOCK_BYTES))],
  ['mvendorid', 8, constant(0n)],
  ['marchid', 8, constant(0n)],
  ['mimpid', 8, constant(0n)],
  ['zicboz_block_size', 8, constant(BigInt(CACHE_BLOCK_BYTES))],
  ['satp_mode', 8, constant(10n)],
];

const core: readonly Row[] = [
  ['regs.pc', 8, field('pc')],
  ...gprNames.map((name, i): Row => [`regs.${name}`, 8, field('x', i + 1)]),
  ['mode', 8, field32('priv')],
];

const csr: readonly Row[] = [
  ['sstatus', 8, sstatus()],
  ['sie', 8, sie()],
  ['stvec', 8, field('stvec')],
  ['sscratch', 8, field('sscratch')],
  ['sepc', 8, field('sepc')],
  ['scause', 8, field('scause')],
  ['stval', 8, field('stval')],
  ['sip', 8, sip()],
  ['satp', 8, field('satp')],
  ['scounteren', 8, field('scounteren')],
  ['senvcfg', 8, field('senvcfg')],
];

/** A timer that is off never fires: its compare value is the largest there is. */
const timer: readonly Row[] = [
  ['frequency', 8, { get: ({ clock }) => BigInt(clock.timebaseHz) }],
  ['time', 8, { get: ({ clock }) => clock.read(), set: ({ clock }, value) => clock.set(value) }],
  ['compare', 8, field('stimecmp')],
  [
    'state',
    8,
    {
      get: ({ state }) => (state.get('stimecmp') === ALL_ONES ? 0n : 1n),
      set: ({ state }, value) => {
        if (value === 0n) state.set('stimecmp', ALL_ONES);
      },
    },
  ],
];

/** A single-precision register is the low half of the NaN-boxed double one. */
function single(index: number): Pick<RegisterDef, 'get' | 'set'> {
  return {
    get: ({ state }) => state.get('f', index) & LOW_32,
    set: ({ state }, value) => state.set('f', 0xffff_ffff_0000_0000n | (value & LOW_32), index),
  };
}

const indices = Array.from({ length: 32 }, (_, i) => i);
const fpF: readonly Row[] = [...indices.map((i): Row => [`f[${i}]`, 4, single(i)]), ['fcsr', 4, field32('fcsr')]];
const fpD: readonly Row[] = [...indices.map((i): Row => [`f[${i}]`, 8, field('f', i)]), ['fcsr', 4, field32('fcsr')]];

const machineCsrs = [
  'mstatus',
  'misa',
  'medeleg',
  'mideleg',
  'mie',
  'mtvec',
  'mcounteren',
  'mcountinhibit',
  'mscratch',
  'mepc',
  'mcause',
  'mtval',
  'menvcfg',
  'mhartid',
] as const satisfies readonly HartField[];

function numbered(group: keyof typeof Group, rows: readonly Row[]): RegisterDef[] {
  return rows.map(([name, bytes, accessors], index) => ({
    name: `${group.toLowerCase()}.${name}`,
    id: KVM_REG_RISCV | (bytes === 4 ? KVM_REG_SIZE_U32 : KVM_REG_SIZE_U64) | BigInt((Group[group] << 24) | index),
    bytes,
    ...accessors,
  }));
}

/** Every register, in KVM's order; those without a number last. */
export const registers: readonly RegisterDef[] = [
  ...numbered('CONFIG', config),
  ...numbered('CORE', core),
  ...numbered('CSR', csr),
  ...numbered('TIMER', timer),
  ...numbered('FP_F', fpF),
  ...numbered('FP_D', fpD),
  ...numbered(
    'ISA_EXT',
    kvmExtensions.map((name): Row => [name, 8, constant(implemented.has(name) ? 1n : 0n)]),
  ),
  ...machineCsrs.map((name): RegisterDef => ({ name: `csr.${name}`, bytes: 8, ...field(name) })),
  { name: 'csr.mip', bytes: 8, ...field32('mip') },
];

const byName = new Map(registers.map((r) => [r.name, r]));
const byId = new Map(registers.flatMap((r) => (r.id === undefined ? [] : [[r.id, r] as const])));

/** Finds a register by name or KVM number. Throws INVALID_ARG for one that does not exist. */
export function findRegister(key: string | bigint): RegisterDef {
  const found =
    typeof key === 'bigint' ? byId.get(key) : (byName.get(key) ?? byName.get(key.replace(/^core\./, 'core.regs.')));
  if (found === undefined) {
    const shown = typeof key === 'bigint' ? `0x${key.toString(16)}` : `'${key}'`;
    throw new VirtError('INVALID_ARG', `there is no register ${shown}`);
  }
  return found;
}
