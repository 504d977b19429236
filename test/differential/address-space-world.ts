/** Where the programs of address-spaces.ts run: frames with code and data, the tables of two address spaces, traps. */
import { SeededRandom } from '../../src/util/index.ts';
import { Pte } from '../cpu/support/page-tables.ts';
import { BASE } from './lockstep-machine.ts';

/** Offsets in memory. Frames have code at their beginning and end and data between; the last four have only data. */
export const FRAMES = 0x4_0000n;
export const CODE_FRAMES = 12;
export const FRAMES_ALL = 16;
const table = (n: number): bigint => 0x8_0000n + 0x1000n * BigInt(n);
/** Tables by what they map; pairs are those of the two address spaces. */
const ROOTS = [table(0), table(1)] as const;
const KERNEL_1 = table(2);
const KERNEL_0 = table(3);
export const WINDOWS_1 = [table(4), table(5)] as const;
export const WINDOWS_0 = [table(6), table(7)] as const;
const SHARED_1 = table(8);
export const SHARED_0 = table(9);
export const SPLIT_0 = [table(10), table(11)] as const;
const UPPER_ROOTS = [table(12), table(13)] as const;

/** Virtual addresses. Windows 0 … 5 show frames with code, 6 and 7 those without. */
export const WINDOWS = 0x4000_0000n;
export const CODE_WINDOWS = 6;
export const RANGE = 0x4001_0000n;
export const LARGE = 0x4020_0000n;
export const SHARED = 0xc000_0000n;
export const SHARED_WINDOWS = 4;

export const KERNEL = Pte.V | Pte.R | Pte.W | Pte.X | Pte.A | Pte.D;
export const DATA_FROM = 0x800;
export const DATA_BYTES = 0x700;

export const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;
export const entryOf = (gpa: bigint, bits: bigint): bigint => (((BASE + gpa) >> 12n) << 10n) | bits;
export const frame = (n: number): bigint => FRAMES + 0x1000n * BigInt(n);

/** What a seed settles for the whole program. */
export interface World {
  readonly asids: readonly [number, number];
  readonly scheme: 8 | 9;
  readonly kernelBits: bigint;
  readonly kernelLarge: boolean;
}

export function worldOf(random: SeededRandom): World {
  const asids = random.pick([
    [1, 2],
    [0, 1],
    [3, 3],
    // Apart, but alike in their low bits.
    [5, 5 + 1024],
    [0, 0],
    [0x8001, 1],
  ] as const);
  const kernelBits = random.below(2) ? KERNEL | Pte.G : KERNEL;
  return { asids, scheme: random.below(4) ? 8 : 9, kernelBits, kernelLarge: random.below(3) === 0 };
}

const satpOf = (world: World, space: number): bigint => {
  const root = (world.scheme === 8 ? ROOTS : UPPER_ROOTS)[space] as bigint;
  return (BigInt(world.scheme) << 60n) | (BigInt(world.asids[space] as number) << 44n) | ((BASE + root) >> 12n);
};

/** Low halves of instructions that the next page completes: addi a0, x, …; lw a2, …; and a jump, jal ra. */
const CUT = [0x0513, 0x2603, 0x00ef] as const;

/** Code of a frame: counts, reads its own data, and returns or goes on in the next page, by a jump or by an instruction that crosses. */
function fillFrame(view: DataView, n: number, random: SeededRandom): void {
  const at = Number(frame(n));
  const half = (offset: number, value: number) => view.setUint16(at + offset, value, true);
  const word = (offset: number, value: number) => view.setUint32(at + offset, value, true);
  for (let offset = DATA_FROM; offset < DATA_FROM + DATA_BYTES; offset += 4) word(offset, random.u32());
  if (n >= CODE_FRAMES) return;
  const addi = (register: number): number => 0x0001 | (register << 7) | ((1 + random.below(31)) << 2);
  half(0, addi(10));
  half(2, addi(11));
  switch (random.below(4)) {
    case 0: // c.jr ra
      half(4, 0x8082);
      break;
    case 1: // j 1f + 4096 - 4
      word(4, 0x7fd0_006f);
      break;
    case 2: // auipc t0, 0; ld a3, 0x7f8(t0); c.add a0, a3; c.jr ra
      word(4, 0x0000_0297);
      word(8, 0x7f82_b683);
      half(12, 0x9536);
      half(14, 0x8082);
      break;
    default: // c.li a4, 5; c.addi a4, -1; c.addi a5, 1; c.bnez a4, -4; c.jr ra
      half(4, 0x4715);
      half(6, 0x177d);
      half(8, 0x0785);
      half(10, 0xff75);
      half(12, 0x8082);
  }
  half(0xff8, addi(12));
  half(0xffa, addi(13));
  half(0xffc, addi(10));
  half(0xffe, random.below(4) ? CUT[0] : random.pick(CUT));
}

/** Fills in frames and tables as they are at the start. */
export function prepareSpaces(seed: number): (view: DataView) => void {
  return (view) => {
    const random = new SeededRandom(seed ^ 0x7ab1e5);
    const world = worldOf(new SeededRandom(seed));
    for (let n = 0; n < FRAMES_ALL; n++) fillFrame(view, n, random);
    const set = (in_: bigint, index: number, entry: bigint) =>
      view.setBigUint64(Number(in_) + 8 * index, BigInt.asUintN(64, entry), true);
    for (let i = 0; i < 256; i++) set(KERNEL_0, i, entryOf(0x1000n * BigInt(i), world.kernelBits));
    set(KERNEL_1, 0, world.kernelLarge ? entryOf(0n, world.kernelBits) : entryOf(KERNEL_0, Pte.V));
    set(SHARED_1, 0, entryOf(SHARED_0, Pte.V | (random.below(2) ? Pte.G : 0n)));
    for (let i = 0; i < SHARED_WINDOWS; i++) set(SHARED_0, i, entryOf(frame(i), KERNEL | Pte.G));
    for (const space of [0, 1] as const) {
      set(UPPER_ROOTS[space], 0, entryOf(ROOTS[space], Pte.V));
      set(ROOTS[space], 1, entryOf(WINDOWS_1[space], Pte.V));
      set(ROOTS[space], 2, entryOf(KERNEL_1, Pte.V));
      set(ROOTS[space], 3, entryOf(SHARED_1, Pte.V));
      set(WINDOWS_1[space], 0, entryOf(WINDOWS_0[space], Pte.V));
      set(WINDOWS_1[space], 1, entryOf(0n, KERNEL & ~Pte.X));
      for (let i = 0; i < FRAMES_ALL; i++) {
        set(WINDOWS_0[space], 16 + i, entryOf(frame(15 - i), KERNEL & ~Pte.X));
        set(SPLIT_0[space], 0x40 + i, entryOf(frame(i ^ 1), KERNEL & ~Pte.X));
      }
      for (let i = 0; i < 8; i++) {
        const n = i < CODE_WINDOWS ? (i + 3 * space) % CODE_FRAMES : CODE_FRAMES + ((i + space) % 4);
        set(WINDOWS_0[space], i, entryOf(frame(n), i < CODE_WINDOWS ? KERNEL : KERNEL & ~Pte.X));
      }
    }
  };
}

/** Into S-mode at `supervisor`, and what answers traps: they are mixed into s11, and s10 says where to go on, in S-mode. */
export const entrySource = (world: World): string => `
start:
  li t0, -1
  srli t0, t0, 10
  csrw pmpaddr1, t0
  csrw pmpaddr0, zero
  li t0, 0x1f00
  csrw pmpcfg0, t0
  li t0, 0x20000000000000f0
  csrw menvcfg, t0
  csrw medeleg, zero
  la t0, delegated
  csrw stvec, t0
  la t0, handler
  csrw mtvec, t0
  li t0, ${hex(satpOf(world, 0))}
  csrw satp, t0
  sfence.vma
  li s7, ${hex(satpOf(world, 0) ^ satpOf(world, 1))}
  la s10, supervisor
  csrw mepc, s10
  li t0, 0xe1800
  csrc mstatus, t0
  li t0, 0x800
  csrs mstatus, t0
  li s8, 3
  mret
  .balign 4
handler:
  csrr t5, mcause
  addi t6, t5, -9
  beqz t6, service
  slli t6, s11, 5
  add s11, s11, t6
  xor s11, s11, t5
  csrr t6, mtval
  add s11, s11, t6
  csrr t6, mepc
  xor s11, s11, t6
  csrr t6, mstatus
  add s11, s11, t6
  csrw mepc, s10
leave:
  li t6, 0x1800
  csrc mstatus, t6
  li t6, 0x800
  csrs mstatus, t6
  mret
service:
  jr t0
back:
  csrr t5, mepc
  addi t5, t5, 4
  csrw mepc, t5
  j leave
  .balign 4
delegated:
  csrr t5, scause
  slli t6, s11, 3
  add s11, s11, t6
  xor s11, s11, t5
  csrr t6, stval
  add s11, s11, t6
  csrr t6, sepc
  xor s11, s11, t6
  csrw sepc, s10
  li t6, 0x100
  csrs sstatus, t6
  sret`;
