/**
 * Random supervisors that change their page tables under running code, with the weakest fences that will do: permissions,
 * A and D bits, superpages split and merged, NAPOT ranges, two address spaces, global pages, PMP, MPRV, SUM and MXR.
 */
import type { ProgramItem } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { TableChanges } from './address-space-tables.ts';
import {
  CODE_FRAMES,
  CODE_WINDOWS,
  DATA_BYTES,
  DATA_FROM,
  entrySource,
  FRAMES,
  FRAMES_ALL,
  frame,
  hex,
  LARGE,
  RANGE,
  SHARED,
  SHARED_0,
  SHARED_WINDOWS,
  SPLIT_0,
  WINDOWS,
  WINDOWS_0,
  type World,
  worldOf,
} from './address-space-world.ts';
import { BASE } from './lockstep-machine.ts';

const loads = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'];
const stores = ['sb', 'sh', 'sw', 'sd'];

/** Where an operation reaches memory, and how far it may store. */
interface Place {
  readonly va: bigint;
  /** Offsets from there that may be stored to. */
  readonly from: number;
  readonly bytes: number;
}

class Maker {
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #tables: TableChanges;
  #labels = 0;

  constructor(random: SeededRandom, world: World) {
    this.#random = random;
    this.#world = world;
    this.#tables = new TableChanges(random, world, () => this.#label());
  }

  operation(): string[] {
    const random = this.#random;
    const kinds = [
      () => this.#load(),
      () => this.#load(),
      () => this.#store(),
      () => this.#store(),
      () => this.#loop(),
      () => this.#atomic(),
      () => this.#call(),
      () => this.#call(),
      () => this.#call(),
      () => this.#user(),
      () => this.#tables.remap(),
      () => this.#tables.remap(),
      () => this.#tables.remap(),
      () => this.#tables.remapShared(),
      () => this.#tables.bits(),
      () => this.#switch(),
      () => this.#switch(),
      () => this.#travel(),
      () => this.#tables.large(),
      () => this.#tables.range(),
      () => this.#status(),
      () => this.#patch(),
      () => this.#machine(this.#protect()),
      () => this.#machine(this.#otherPrivilege()),
      () => this.#machine(this.#environment()),
      () => this.#machine([`li t1, ${random.pick([0, 0xb1a2, 0xa000])}`, 'csrw medeleg, t1']),
    ];
    return random.pick(kinds)();
  }

  #label(): string {
    return `l${this.#labels++}`;
  }

  #register(): string {
    return `a${this.#random.below(8)}`;
  }

  #place(): Place {
    const random = this.#random;
    const inPage = { from: DATA_FROM, bytes: DATA_BYTES };
    const page = BigInt(random.below(16)) << 12n;
    switch (random.below(6)) {
      case 0:
        return { va: RANGE + page, ...inPage };
      case 1:
        return { va: LARGE + FRAMES + page, ...inPage };
      case 2:
        return { va: SHARED + BigInt(random.below(SHARED_WINDOWS) << 12), ...inPage };
      case 3: // The two that have only data, and are neighbours.
        return { va: WINDOWS + 0x6000n, from: 0x800, bytes: 0x1000 };
      default:
        return { va: WINDOWS + BigInt(random.below(CODE_WINDOWS) << 12), ...inPage };
    }
  }

  #address({ va }: Place): string {
    return `li t0, ${hex(va)}`;
  }

  #offset({ from, bytes }: Place): number {
    const random = this.#random;
    // Often across the border of two pages, where that is allowed.
    if (bytes > 0x800 && random.below(2)) return 0xff8 + random.below(8);
    return from + random.below(bytes - 8);
  }

  #load(): string[] {
    const random = this.#random;
    const place = this.#place();
    const base = this.#offset(place);
    return [
      this.#address({ ...place, va: place.va + BigInt(base) }),
      ...Array.from({ length: 1 + random.below(4) }, () => {
        const offset = random.below(4) ? random.below(16) * 8 : random.below(4096) - 2048;
        return `${random.pick(loads)} ${this.#register()}, ${offset}(t0)`;
      }),
    ];
  }

  #store(): string[] {
    const random = this.#random;
    const place = this.#place();
    return [
      this.#address(place),
      'lui t1, 1',
      ...Array.from({ length: 1 + random.below(3) }, () => {
        const at = this.#offset(place);
        const far = at >= 2048;
        const base = far ? 't2' : 't0';
        const reach = far ? [`add t2, t0, t1`] : [];
        return [...reach, `${random.pick(stores)} ${this.#register()}, ${far ? at - 4096 : at}(${base})`].join('\n');
      }),
    ];
  }

  /** A loop over data: streams of accesses, whose translations a translator keeps for a while. */
  #loop(): string[] {
    const random = this.#random;
    const place = this.#place();
    const stride = 8 * (1 + random.below(4));
    const trips = 1 + random.below(Math.floor((place.bytes - 16) / stride));
    const again = this.#label();
    return [
      this.#address({ ...place, va: place.va + BigInt(place.from) }),
      `li t1, ${trips}`,
      `${again}:`,
      `${random.pick(loads)} a0, 0(t0)`,
      'add a1, a1, a0',
      ...(random.below(2) ? [`${random.pick(stores)} a1, ${random.below(9)}(t0)`] : []),
      `addi t0, t0, ${stride}`,
      'addi t1, t1, -1',
      `bnez t1, ${again}`,
    ];
  }

  #atomic(): string[] {
    const place = this.#place();
    const at = (place.from + this.#random.below(place.bytes - 8)) & ~7;
    return [
      this.#address({ ...place, va: place.va + BigInt(at) }),
      this.#random.pick([
        'amoadd.d a0, a1, (t0)',
        'amoswap.w a2, a1, (t0)',
        'amomaxu.d a3, a0, (t0)',
        'lr.d a0, (t0)\naddi a0, a0, 1\nsc.d a1, a0, (t0)',
        'cbo.zero (t0)',
      ]),
    ];
  }

  #codeVa(): bigint {
    const random = this.#random;
    const start = random.below(4) ? WINDOWS : SHARED;
    const count = start === WINDOWS ? CODE_WINDOWS : SHARED_WINDOWS;
    return start + BigInt(random.below(count) << 12) + (random.below(3) ? 0n : 0xff8n);
  }

  #call(): string[] {
    const again = this.#label();
    const call = [`li t0, ${hex(this.#codeVa())}`, 'jalr ra, t0'];
    if (this.#random.below(2)) return call;
    return [`li s6, ${1 + this.#random.below(4)}`, `${again}:`, ...call, 'addi s6, s6, -1', `bnez s6, ${again}`];
  }

  /** Into U-mode: it comes back by the fault that returning to the kernel is. */
  #user(): string[] {
    return [`li t0, ${hex(this.#codeVa())}`, 'csrw sepc, t0', 'li t1, 0x100', 'csrc sstatus, t1', 'mv ra, s10', 'sret'];
  }

  /** To the other address space, with a fence if it has the same number. */
  #switch(): string[] {
    const [one, other] = this.#world.asids;
    const fence = one === other ? this.#tables.fence(undefined, one) : [];
    return ['csrr t4, satp', 'xor t4, t4, s7', 'csrw satp, t4', ...fence];
  }

  /** Back and forth between the address spaces, with something to do in each, in U-mode too. */
  #travel(): string[] {
    const random = this.#random;
    const [again, home, next] = [this.#label(), this.#label(), this.#label()];
    return [
      `li s5, ${2 + random.below(5)}`,
      `${again}:`,
      `la s10, ${home}`,
      ...this.#switch(),
      ...(random.below(2) ? this.#call() : this.#user()),
      `${home}:`,
      `la s10, ${next}`,
      ...this.#load(),
      `${next}:`,
      'addi s5, s5, -1',
      `bgtz s5, ${again}`,
    ];
  }

  #status(): string[] {
    const random = this.#random;
    return [
      `li t0, ${hex(BigInt(random.pick([0x4_0000, 0x8_0000, 0xc_0000])))}`,
      `csr${random.pick(['s', 'c'])} sstatus, t0`,
    ];
  }

  /** Changes code through the kernel's mapping of it. */
  #patch(): string[] {
    const random = this.#random;
    const at = BASE + frame(random.below(CODE_FRAMES)) + BigInt(random.pick([0, 2, 0xff8, 0xffc]));
    const insn = 0x0001 | ((10 + random.below(4)) << 7) | ((1 + random.below(31)) << 2);
    return [`li t0, ${hex(at)}`, `li t1, ${insn}`, 'sh t1, 0(t0)', 'fence.i'];
  }

  /** Something for M-mode to do. */
  #machine(lines: readonly string[]): string[] {
    const label = this.#label();
    return [`la t0, ${label}`, 'ecall', `j ${label}e`, '.balign 4', `${label}:`, ...lines, 'j back', `${label}e:`];
  }

  /** PMP over a frame, a part of one, or a page table. */
  #protect(): string[] {
    const random = this.#random;
    const on = random.below(5)
      ? BASE + frame(random.below(FRAMES_ALL))
      : BASE + random.pick([...WINDOWS_0, SHARED_0, ...SPLIT_0]);
    const bytes = random.pick([4096, 4096, 4096, 2048, 64, 8192]);
    const start = (on / BigInt(bytes)) * BigInt(bytes) + BigInt(bytes < 4096 ? random.below(4096 / bytes) * bytes : 0);
    const config = random.below(4) === 0 ? 0 : 0x18 | random.below(8);
    return [
      `li t1, ${hex((start >> 2n) | BigInt(bytes / 8 - 1))}`,
      'csrw pmpaddr0, t1',
      `li t1, ${0x1f00 | config}`,
      'csrw pmpcfg0, t1',
      'sfence.vma',
    ];
  }

  /** M-mode's loads and stores with another privilege. */
  #otherPrivilege(): string[] {
    const random = this.#random;
    return [
      'li t1, 0x1800',
      'csrc mstatus, t1',
      `li t1, ${hex(0x2_0000n | (random.below(2) ? 0x800n : 0n))}`,
      'csrs mstatus, t1',
      ...(random.below(2) ? this.#load() : this.#store()),
      'li t1, 0x20000',
      'csrc mstatus, t1',
    ];
  }

  /** Who sets A and D bits, and whether there are memory types. */
  #environment(): string[] {
    const random = this.#random;
    return [
      `li t1, ${hex(1n << random.pick([61n, 61n, 62n]))}`,
      `csr${random.pick(['s', 'c'])} menvcfg, t1`,
      'sfence.vma',
    ];
  }
}

const OPERATIONS = 40;

/** The operations of a seed, each an item that may be left out. */
export function spaceOperations(seed: number): ProgramItem[] {
  const random = new SeededRandom(seed ^ 0x5_bace5);
  const maker = new Maker(random, worldOf(new SeededRandom(seed)));
  return Array.from({ length: OPERATIONS }, (_, index) => {
    const lines = [`la s10, end${index}`, ...maker.operation(), `end${index}:`];
    return { index, class: 'integer', lines };
  });
}

/** The program of some of a seed's operations. */
export function spacesSource(seed: number, items: readonly ProgramItem[]): string {
  return [
    entrySource(worldOf(new SeededRandom(seed))),
    'supervisor:',
    'again:',
    ...items.flatMap((item) => item.lines),
    'la s10, again',
    'addi s8, s8, -1',
    'beqz s8, enough',
    'j again',
    'enough: la t0, finish',
    'ecall',
    '.balign 4',
    'finish: j finish',
  ].join('\n');
}
