/** Changes of page tables with the weakest fences that will do, or stronger ones. */
import type { SeededRandom } from '../../src/util/index.ts';
import { Pte } from '../cpu/support/page-tables.ts';
import {
  CODE_FRAMES,
  CODE_WINDOWS,
  entryOf,
  FRAMES,
  frame,
  hex,
  KERNEL,
  LARGE,
  SHARED,
  SHARED_0,
  SHARED_WINDOWS,
  SPLIT_0,
  WINDOWS,
  WINDOWS_0,
  WINDOWS_1,
  type World,
} from './address-space-world.ts';
import { BASE } from './lockstep-machine.ts';

const N = 1n << 63n;
const permissions = [
  ...[Pte.R, Pte.R | Pte.W, Pte.R | Pte.X, Pte.X, 0n, Pte.W, Pte.R | Pte.U, Pte.X | Pte.U],
  ...[Pte.R | Pte.W | Pte.X, Pte.R | Pte.W | Pte.X, Pte.R | Pte.W | Pte.X | Pte.U, Pte.R | Pte.W | Pte.U],
];

/** Makes lines of assembly, which use t0 … t4 and a4. */
export class TableChanges {
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #label: () => string;

  /** @param label makes labels that nobody else has. */
  constructor(random: SeededRandom, world: World, label: () => string) {
    this.#random = random;
    this.#world = world;
    this.#label = label;
  }

  /** The weakest fence, or a stronger one, that a change of the mapping of `va` needs. */
  fence(va: bigint | undefined, asid: number | undefined): string[] {
    const random = this.#random;
    const [page, space] = [va !== undefined && random.below(4) > 0, asid !== undefined && random.below(3) > 0];
    const operands = `${page ? 't2' : 'zero'}, ${space ? 't3' : 'zero'}`;
    const load = [
      ...(page ? [`li t2, ${hex((va as bigint) + BigInt(random.below(4096)))}`] : []),
      ...(space ? [`li t3, ${asid}`] : []),
    ];
    if (random.below(3)) return [...load, `sfence.vma ${operands}`];
    return [...load, 'sfence.w.inval', `sinval.vma ${operands}`, 'sfence.inval.ir'];
  }

  #bitsOfPage(): bigint {
    const random = this.#random;
    const used = random.below(4) ? Pte.A | Pte.D : random.pick([0n, Pte.A, Pte.D]);
    const memoryType = random.below(16) ? 0n : BigInt(1 + random.below(3)) << 61n;
    return (random.below(12) ? Pte.V : 0n) | random.pick(permissions) | used | memoryType;
  }

  /** Maps a window to another frame, with other bits. */
  remap(): string[] {
    const random = this.#random;
    const space = random.below(2);
    const window = random.below(8);
    const code = window < CODE_WINDOWS;
    const bits = this.#bitsOfPage() & (code ? ~0n : ~Pte.X);
    const entry = entryOf(frame(code ? random.below(CODE_FRAMES) : CODE_FRAMES + random.below(4)), bits);
    return [
      `li t0, ${hex(BASE + (WINDOWS_0[space] as bigint) + BigInt(8 * window))}`,
      `li t1, ${hex(entry)}`,
      'sd t1, 0(t0)',
      ...this.fence(WINDOWS + BigInt(window << 12), this.#world.asids[space]),
    ];
  }

  /** The same with a window that both address spaces share: its entries are global. */
  remapShared(): string[] {
    const random = this.#random;
    const window = random.below(SHARED_WINDOWS);
    const entry = entryOf(frame(random.below(CODE_FRAMES)), this.#bitsOfPage() | Pte.G);
    return [
      `li t0, ${hex(BASE + SHARED_0 + BigInt(8 * window))}`,
      `li t1, ${hex(entry)}`,
      'sd t1, 0(t0)',
      ...this.fence(SHARED + BigInt(window << 12), undefined),
    ];
  }

  /** Changes some bits of an entry that is there. */
  bits(): string[] {
    const random = this.#random;
    const space = random.below(2);
    const window = random.below(8);
    const code = window < CODE_WINDOWS;
    const choices = [0x40, 0x80, 0xc0, 0x04, 0x02, 0x06, 0x10, ...(code ? [0x08, 0x0e] : [])];
    return [
      `li t0, ${hex(BASE + (WINDOWS_0[space] as bigint) + BigInt(8 * window))}`,
      'ld t1, 0(t0)',
      `${random.pick(['xori', 'andi', 'ori'])} t1, t1, ${random.pick(choices)}`.replace(
        /andi (.*), (\d+)$/,
        (_, registers: string, bits: string) => `andi ${registers}, ${~Number(bits)}`,
      ),
      'sd t1, 0(t0)',
      ...this.fence(WINDOWS + BigInt(window << 12), this.#world.asids[space]),
    ];
  }

  /** Splits the superpage, merges it, or changes a page of it. */
  large(): string[] {
    const random = this.#random;
    const space = random.below(2);
    const asid = this.#world.asids[space];
    const pointer = hex(BASE + (WINDOWS_1[space] as bigint) + 8n);
    const somewhere = LARGE + FRAMES + BigInt(random.below(16) << 12);
    const bits = this.#bitsOfPage() & ~Pte.X & ~(3n << 61n);
    // Without permissions it would be a pointer, to a table that the program's text is.
    const leaf = entryOf(0n, (bits & (Pte.R | Pte.W)) === 0n ? bits & ~Pte.V : bits);
    switch (random.below(3)) {
      case 0:
        return [
          `li t0, ${pointer}`,
          `li t1, ${hex(entryOf(SPLIT_0[space] as bigint, Pte.V))}`,
          'sd t1, 0(t0)',
          // Which entry was there is not known here: a pointer takes the fence of all addresses.
          ...this.fence(undefined, asid),
        ];
      case 1:
        return [`li t0, ${pointer}`, `li t1, ${hex(leaf)}`, 'sd t1, 0(t0)', ...this.fence(undefined, asid)];
      default: {
        // A leaf that is split needs no more than its own address.
        const split = [`li t1, ${hex(entryOf(SPLIT_0[space] as bigint, Pte.V))}`, 'sd t1, 0(t0)'];
        const touch = `li t4, ${hex(somewhere + 0x900n)}\nld a4, 0(t4)`;
        return [
          `li t0, ${pointer}`,
          `li t1, ${hex(entryOf(0n, KERNEL & ~Pte.X))}`,
          'sd t1, 0(t0)',
          ...this.fence(undefined, asid),
          touch,
          `li t0, ${pointer}`,
          ...split,
          ...this.fence(LARGE + BigInt(random.below(512) << 12), asid),
          touch,
        ];
      }
    }
  }

  /** Makes the sixteen pages one NAPOT range, or pages of their own in the opposite order. */
  range(): string[] {
    const random = this.#random;
    const space = random.below(2);
    const again = this.#label();
    const bits = this.#bitsOfPage() & ~Pte.X & ~(3n << 61n);
    const whole = random.below(2) === 0;
    const first = whole ? entryOf(frame(8), bits | N) : entryOf(frame(15), bits);
    return [
      `li t0, ${hex(BASE + (WINDOWS_0[space] as bigint) + 128n)}`,
      `li t1, ${hex(first)}`,
      'li t2, 16',
      `${again}: sd t1, 0(t0)`,
      ...(whole ? [] : ['addi t1, t1, -1024']),
      'addi t0, t0, 8',
      'addi t2, t2, -1',
      `bnez t2, ${again}`,
      ...this.fence(undefined, this.#world.asids[space]),
    ];
  }
}
