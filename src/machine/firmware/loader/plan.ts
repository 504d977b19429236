import type { GuestMemory } from '../../../hypervisor/index.ts';
import { VirtError } from '../../../util/index.ts';
import type { Image, ImageFile } from '../../config.ts';
import { fileError, hex, mib } from './bytes.ts';

/** Guest RAM as loaders see it: one range. */
export interface RamRange {
  /** First address. */
  readonly gpa: number;
  readonly bytes: number;
}

/** What must be in guest memory before the first instruction. Zeroes go in first, then files, then writes in order. */
export interface LoadPlan {
  readonly zeros: readonly RamRange[];
  /** Whole files. */
  readonly files?: readonly { readonly gpa: number; readonly file: ImageFile }[];
  readonly writes: readonly { readonly gpa: number; readonly bytes: Uint8Array }[];
}

/** Symbols of an ELF that the machine looks at, as guest physical addresses. */
export const machineSymbols = ['tohost', 'fromhost', 'begin_signature', 'end_signature'] as const;
export type MachineSymbol = (typeof machineSymbols)[number];

/** A kernel or firmware image, placed. */
export interface LoadedImage {
  readonly name: string;
  readonly format: 'elf' | 'image' | 'flat';
  readonly plan: LoadPlan;
  /** Lowest address it occupies, and the first address after it with all the memory it claims (bss, image_size). */
  readonly start: number;
  readonly end: number;
  /** Guest physical address of its first instruction. */
  readonly entry: number;
  /** The ELF's entry was a virtual address, translated through its segment. */
  readonly virtualEntry: boolean;
  /** It has an EFI stub, as kernels for S-mode alone have. */
  readonly efi?: boolean;
  readonly symbols: Partial<Record<MachineSymbol, number>>;
}

const ZERO_CHUNK = 64 * 1024;

/**
 * Carries out a plan. Its ranges have been checked against RAM when it was made.
 * @throws VirtError when a file cannot be read any more
 */
export function applyPlan(memory: GuestMemory, plan: LoadPlan): void {
  const zeroes = new Uint8Array(ZERO_CHUNK);
  for (const { gpa, bytes } of plan.zeros) {
    for (let done = 0; done < bytes; done += ZERO_CHUNK) {
      memory.write(gpa + done, zeroes.subarray(0, Math.min(ZERO_CHUNK, bytes - done)));
    }
  }
  for (const { gpa, file } of plan.files ?? []) memory.fill(gpa, file.length, (into) => file.read(0, into));
  for (const { gpa, bytes } of plan.writes) memory.write(gpa, bytes);
}

/** @throws VirtError unless `bytes` at `gpa` are inside RAM; `what` is the part of the image that goes there. */
export function checkInRam(image: Image, what: string, gpa: number, bytes: number, ram: RamRange): void {
  const ramEnd = ram.gpa + ram.bytes;
  if (gpa >= ram.gpa && gpa + bytes <= ramEnd) return;
  const where = `${what} at ${hex(gpa)} to ${hex(gpa + bytes)}`;
  if (gpa < ram.gpa || gpa + bytes - ram.gpa > 2 ** 42) {
    throw fileError(image, `${where} is outside RAM (${hex(ram.gpa)} to ${hex(ramEnd)})`);
  }
  throw fileError(
    image,
    `${where} does not fit: the machine has ${mib(ram.bytes)}, it needs ${mib(gpa + bytes - ram.gpa)}`,
  );
}

/** Who sits where in RAM: finds collisions and free places. */
export class RamMap {
  readonly ram: RamRange;
  readonly #claims: { readonly name: string; readonly start: number; readonly end: number }[] = [];

  constructor(ram: RamRange) {
    this.ram = ram;
  }

  get end(): number {
    return this.ram.gpa + this.ram.bytes;
  }

  /** The first claim that shares a byte with the range. */
  overlap(
    start: number,
    end: number,
  ): { readonly name: string; readonly start: number; readonly end: number } | undefined {
    return this.#claims.find((claim) => start < claim.end && claim.start < end);
  }

  /** @throws VirtError naming both when the range is taken. */
  claim(name: string, start: number, end: number): void {
    const other = this.overlap(start, end);
    if (other !== undefined) {
      throw new VirtError(
        'INVALID_ARG',
        `${name} (${hex(start)} to ${hex(end)}) and ${other.name} (${hex(other.start)} to ${hex(other.end)}) overlap in memory`,
        { data: { file: name, other: other.name } },
      );
    }
    this.#claims.push({ name, start, end });
  }
}
