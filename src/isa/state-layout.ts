/**
 * The memory that all threads and all CPU backends of a machine share besides guest RAM: one machine block and one
 * state block per hart. Offsets are computed here once; TypeScript reads them through `layout`, C++ through the
 * header generated from it. Everything is little-endian and naturally aligned.
 */

/** One field: `u64` fields are read as two u32 halves or through a BigInt64Array, `u32` through an Int32Array. */
export interface Field {
  readonly name: string;
  readonly type: 'u64' | 'u32';
  /** Number of consecutive elements. */
  readonly count: number;
  readonly doc: string;
}

/** Byte offset of each field by name, and the size of the block, a multiple of 4096. */
export interface Layout<Name extends string> {
  readonly fields: readonly Field[];
  readonly offset: Readonly<Record<Name, number>>;
  readonly bytes: number;
}

function field<const N extends string>(name: N, type: 'u64' | 'u32', doc: string, count = 1) {
  return { name, type, count, doc } as const;
}

function layOut<const F extends readonly Field[]>(fields: F): Layout<F[number]['name']> {
  const offset: Record<string, number> = {};
  let at = 0;
  for (const f of fields) {
    const size = f.type === 'u64' ? 8 : 4;
    at = Math.ceil(at / size) * size;
    offset[f.name] = at;
    at += size * f.count;
  }
  return { fields, offset: offset as Record<F[number]['name'], number>, bytes: Math.ceil(at / 4096) * 4096 };
}

/** Highest number of harts in one machine: the area of state blocks has room for them all. */
export const HARTS_MAX = 8;

/** Number of memory slots a machine has room for. */
export const SLOTS = 16;

/** The machine block: at offset 0 of the shared memory. */
export const machineLayout = layOut([
  // Clock. mtime = mtimeBase + (virtual ? virtualMtime : running ? ticks since originNs : 0), 64-bit wrap-around.
  field('clockMode', 'u32', '0: mtime follows the host clock, 1: mtime is virtualMtime, moved by the stepper'),
  field('clockRunning', 'u32', 'host mode: 0 while the machine is paused (mtime stands at mtimeBase)'),
  field('timebaseHz', 'u32', 'frequency of mtime'),
  field('clockSeq', 'u32', 'seqlock over the clock fields: odd while they are being written'),
  field('mtimeBase', 'u64', 'value of mtime at originNs (host mode) or at virtualMtime 0'),
  field('originNs', 'u64', 'host mode: Clock.nowNs() at which mtime was mtimeBase, in whole nanoseconds'),
  field('virtualMtime', 'u64', 'virtual mode: ticks since the start'),
  // Memory slots, KVM_SET_USER_MEMORY_REGION. Changed only while no hart is in the guest.
  field('slotGeneration', 'u32', 'counts changes of the slot table'),
  field('slotPad', 'u32', 'unused'),
  field('slotGpa', 'u64', 'guest physical address, 4 KiB aligned', SLOTS),
  field('slotLen', 'u64', 'bytes, a multiple of 4096; 0: slot unused', SLOTS),
  field('slotOffset', 'u64', 'byte offset in the shared memory, 4 KiB aligned', SLOTS),
  field('slotFlags', 'u32', 'bit 0: read-only; bit 1: log writes', SLOTS),
  field('slotDirty', 'u64', 'byte offset of the dirty bitmap (one bit a page, in 32-bit words), 0: none', SLOTS),
  // Machine-wide doorbells and requests.
  field('doorbell', 'u32', 'futex: bits set by vCPU threads for the I/O thread, one per device index', 4),
  field('powerRequest', 'u32', 'what the guest asked of the machine: see PowerRequest in machine/power'),
  field('powerCode', 'u32', 'exit code that goes with it'),
  field('hartCount', 'u32', 'number of harts'),
  // Run control, between the machine's main thread and its vCPU threads.
  field('runState', 'u32', 'futex: 0 paused (and before the start), 1 running, 2 the vCPU threads end'),
  field('vcpuParked', 'u32', 'futex per vCPU: 1 while its thread stands still and stays out of the guest', HARTS_MAX),
]);

/** Name of a field of the machine block. */
export type MachineField = keyof typeof machineLayout.offset;

/** One hart's state block. All state of a hart that outlives `run()` is here, whichever backend runs it. */
export const hartLayout = layOut([
  field('x', 'u64', 'integer registers; x[0] is always 0 between runs', 32),
  field('f', 'u64', 'floating-point registers, NaN-boxed', 32),
  field('pc', 'u64', 'address of the next instruction'),
  field('cycles', 'u64', 'mcycle (backends count instructions, one cycle each)'),
  field('instret', 'u64', 'minstret'),
  field('retired', 'u64', 'instructions retired since creation; guests cannot write it (statistics)'),
  // Control words shared between threads: use Atomics.
  field('attention', 'u32', 'Attention bits; also the futex a sleeping vCPU waits on'),
  field('inGuest', 'u32', '1 while run() is between entry and exit'),
  field('irqLines', 'u32', 'interrupt lines as levels, at their mip bit positions (MSIP, MTIP, SEIP, MEIP, SSIP)'),
  field('mip', 'u32', 'software-writable bits of mip (SSIP, STIP, SEIP); atomic because SBI sends IPIs through it'),
  field('hartStatus', 'u32', 'SBI HSM hart state: 0 started, 1 stopped, 2 start pending, 4 suspended …'),
  field(
    'codeEpoch',
    'u32',
    'a decoded or translated block older than this must be compared with memory before it runs',
  ),
  // Written by the owner of the hart while it is stopped.
  field('hartConfig', 'u32', 'HartConfig bits'),
  field('priv', 'u32', '0 U, 1 S, 3 M'),
  field('fcsr', 'u32', 'fflags in bits 4:0, frm in bits 7:5'),
  field('lrValid', 'u32', 'LR reservation: 0 none, 4 word, 8 doubleword'),
  field('lrGpa', 'u64', 'reserved guest physical address'),
  field('lrValue', 'u64', 'value that LR read: SC succeeds if memory still holds it'),
  // Exit details, valid after run() returned the matching Stop.
  field('exitGpa', 'u64', 'Mmio: guest physical address'),
  field('exitValue', 'u64', 'Mmio store: value, zero-extended to exitSize'),
  field('exitSize', 'u32', 'Mmio: 1, 2, 4 or 8 bytes'),
  field('exitWrite', 'u32', 'Mmio: 1 store, 0 load, 2 read-modify-write (an AMO: refused with an access fault)'),
  field('exitInsn', 'u32', 'Mmio: raw instruction bits, expanded to 32 bits if compressed'),
  field('exitLength', 'u32', 'Mmio, Ecall, Debug: length of the instruction in bytes'),
  field('exitGva', 'u64', 'Mmio: guest virtual address, for tval if the access is refused'),
  field('exitKinds', 'u64', 'statistics: number of exits by Stop code', 8),
  field('cpuTimeNs', 'u64', 'statistics: host CPU time of this vCPU, written by its thread'),
  // Timers.
  field('mtimecmp', 'u64', 'ACLINT MTIMECMP: MTIP is mtime >= mtimecmp'),
  field('stimecmp', 'u64', 'Sstc: STIP is time >= stimecmp when menvcfg.STCE'),
  // CSRs. Those that are views of another (sstatus, sie, sip, fflags …) have no field.
  field('mstatus', 'u64', 'mstatus; SD is computed on read'),
  field('misa', 'u64', 'misa'),
  field('medeleg', 'u64', 'medeleg'),
  field('mideleg', 'u64', 'mideleg'),
  field('mie', 'u64', 'mie'),
  field('mtvec', 'u64', 'mtvec'),
  field('mcounteren', 'u64', 'mcounteren'),
  field('mcountinhibit', 'u64', 'mcountinhibit'),
  field('mscratch', 'u64', 'mscratch'),
  field('mepc', 'u64', 'mepc'),
  field('mcause', 'u64', 'mcause'),
  field('mtval', 'u64', 'mtval'),
  field('menvcfg', 'u64', 'menvcfg'),
  field('mseccfg', 'u64', 'mseccfg'),
  field('mstateen', 'u64', 'mstateen0 … mstateen3', 4),
  field('sstateen', 'u64', 'sstateen0 … sstateen3', 4),
  field('stvec', 'u64', 'stvec'),
  field('scounteren', 'u64', 'scounteren'),
  field('sscratch', 'u64', 'sscratch'),
  field('sepc', 'u64', 'sepc'),
  field('scause', 'u64', 'scause'),
  field('stval', 'u64', 'stval'),
  field('senvcfg', 'u64', 'senvcfg'),
  field('satp', 'u64', 'satp'),
  field('pmpcfg', 'u64', 'pmpcfg0 and pmpcfg2: 16 entries of one byte', 2),
  field('pmpaddr', 'u64', 'pmpaddr0 … pmpaddr15', 16),
  field('mhartid', 'u64', 'mhartid'),
]);

/** Name of a field of a hart's state block. */
export type HartField = keyof typeof hartLayout.offset;

/** Bits of `attention`: a hart handles them at the next block boundary; any thread sets them with Atomics.or. */
export const Attention = {
  /** Leave run() with Stop.Kicked. */
  KICK: 1,
  /** Interrupt inputs or timers changed: look again. */
  INTERRUPT: 2,
  /** Drop all cached translations (remote sfence.vma, dirty-log or slot change). */
  FLUSH_TLB: 4,
} as const;

/** Bits of `hartConfig`. */
export const HartConfig = {
  /** ECALL from S-mode leaves run() with Stop.Ecall instead of trapping: the built-in SBI firmware serves it. */
  SBI_EXIT: 1,
  /** EBREAK leaves run() with Stop.Debug instead of trapping. */
  EBREAK_EXIT: 2,
} as const;

/**
 * Fixed places in the shared memory, in bytes: the machine block, the hart blocks, the device regions, the dirty
 * bitmaps and, from RAM_OFFSET on, memory slots.
 */
export const sharedMap = {
  machine: 0,
  harts: machineLayout.bytes,
  devices: machineLayout.bytes + HARTS_MAX * hartLayout.bytes,
  devicesEnd: 0x10_0000,
  dirty: 0x10_0000,
  ram: 0x20_0000,
} as const;

/** Byte offset of hart `id`'s state block in the shared memory. */
export function hartOffset(id: number): number {
  return sharedMap.harts + id * hartLayout.bytes;
}
