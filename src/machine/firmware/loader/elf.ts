import type { Image } from '../../config.ts';
import { ByteReader, fileError, hex } from './bytes.ts';
import { findElfSymbols } from './elf-symbols.ts';
import { checkInRam, type LoadedImage, type MachineSymbol, machineSymbols, type RamRange } from './plan.ts';

/** Numbers of the ELF format (System V ABI, chapters 4 and 5; RISC-V ELF psABI). */
const Elf = { CLASS64: 2, DATA_LSB: 1, EM_RISCV: 243, ET_EXEC: 2, ET_DYN: 3, PT_LOAD: 1, PHDR_BYTES: 56 } as const;

const objectKinds: Readonly<Record<number, string>> = { 1: 'a relocatable object file (link it)', 4: 'a core dump' };

const machines: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: '64-bit PowerPC',
  22: 'S/390',
  40: '32-bit Arm',
  43: '64-bit SPARC',
  62: 'x86-64',
  183: 'AArch64',
  247: 'BPF',
  258: 'LoongArch',
};

/** A PT_LOAD segment with something in it. */
interface Segment {
  readonly gpa: number;
  readonly vaddr: bigint;
  readonly memBytes: number;
  readonly file: Uint8Array;
}

/** Whether the file begins as an ELF does. */
export function isElf(image: Image): boolean {
  return new ByteReader(image).has(0, '\x7fELF');
}

function checkIdentity(reader: ByteReader): void {
  const { image } = reader;
  reader.slice(0, 64, 'the ELF header');
  const ident = image.bytes;
  if (ident[4] !== Elf.CLASS64) throw fileError(image, 'a 32-bit ELF, the machine is 64-bit');
  if (ident[5] !== Elf.DATA_LSB) throw fileError(image, 'a big-endian ELF, the machine is little-endian');
  const machine = reader.u16(18, 'e_machine');
  if (machine !== Elf.EM_RISCV) {
    throw fileError(
      image,
      `an ELF for ${machines[machine] ?? 'another machine'} (e_machine ${machine}), not for RISC-V`,
    );
  }
  const type = reader.u16(16, 'e_type');
  if (type !== Elf.ET_EXEC && type !== Elf.ET_DYN) {
    throw fileError(image, `not an executable ELF but ${objectKinds[type] ?? `e_type ${type}`}`);
  }
}

/**
 * GNU ld puts the file's own headers in front of a program linked at the start of RAM, into a page that is not there.
 * @returns how many bytes of a segment these are, 0 for any other
 */
function headerBytes(offset: number, gpa: number, fileBytes: number, ram: RamRange): number {
  const skip = ram.gpa - gpa;
  return offset === 0 && skip > 0 && skip <= 4096 && skip < fileBytes ? skip : 0;
}

function readSegments(reader: ByteReader, ram: RamRange): Segment[] {
  const { image } = reader;
  const table = reader.offset(32, 'e_phoff');
  const count = reader.u16(56, 'e_phnum');
  const entryBytes = reader.u16(54, 'e_phentsize');
  if (count > 0 && entryBytes < Elf.PHDR_BYTES) throw fileError(image, `bad ELF: e_phentsize is ${entryBytes}`);
  const segments: Segment[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const at = table + i * entryBytes;
    const what = `program header ${i}`;
    if (reader.u32(at, what) !== Elf.PT_LOAD) continue;
    const fileBytes = reader.offset(at + 32, what);
    const memBytes = reader.offset(at + 40, what);
    if (fileBytes > memBytes) throw fileError(image, `bad ELF: segment ${i} has more bytes in the file than in memory`);
    const file = reader.slice(reader.offset(at + 8, what), fileBytes, `segment ${i}`);
    if (memBytes === 0) continue;
    const paddr = reader.u64(at + 24, what);
    if (paddr >> 52n !== 0n) throw fileError(image, `segment ${i} at ${hex(paddr)} is outside RAM`);
    const gpa = Number(paddr);
    const skip = headerBytes(reader.offset(at + 8, what), gpa, fileBytes, ram);
    checkInRam(image, `segment ${i}`, gpa + skip, memBytes - skip, ram);
    const vaddr = reader.u64(at + 16, what) + BigInt(skip);
    segments.push({ gpa: gpa + skip, vaddr, memBytes: memBytes - skip, file: file.subarray(skip) });
    // Without this bound a small file could ask for terabytes of copying.
    total += memBytes;
    if (total > ram.bytes) throw fileError(image, 'bad ELF: its segments overlap');
  }
  if (segments.length === 0) throw fileError(image, 'an ELF with nothing to load (no PT_LOAD segment)');
  return segments;
}

/** Where an address of the program is in memory: as it is when a segment is loaded there, else through p_vaddr. */
function translate(address: bigint, segments: readonly Segment[]): { gpa: number; virtual: boolean } | undefined {
  for (const { gpa, memBytes } of segments) {
    if (address >= BigInt(gpa) && address < BigInt(gpa + memBytes)) return { gpa: Number(address), virtual: false };
  }
  for (const { gpa, vaddr, memBytes } of segments) {
    if (address >= vaddr && address < vaddr + BigInt(memBytes)) {
      return { gpa: gpa + Number(address - vaddr), virtual: true };
    }
  }
  return undefined;
}

/**
 * The machine's symbols by guest physical address. A symbol outside the segments (the linker puts the ends of empty
 * sections there) stands for its own address if that is in RAM, and else does not count.
 */
function readSymbols(
  reader: ByteReader,
  segments: readonly Segment[],
  ram: RamRange,
): Partial<Record<MachineSymbol, number>> {
  const symbols: Partial<Record<MachineSymbol, number>> = {};
  const found = findElfSymbols(reader, machineSymbols);
  for (const name of machineSymbols) {
    const value = found.get(name);
    if (value === undefined) continue;
    // end_signature may be the very end of a segment, hence the address before it.
    const before = name === 'end_signature' && value > 0n ? 1n : 0n;
    const place = translate(value - before, segments);
    if (place !== undefined) symbols[name] = place.gpa + Number(before);
    else if (value >= BigInt(ram.gpa) && value <= BigInt(ram.gpa + ram.bytes)) symbols[name] = Number(value);
  }
  return symbols;
}

/**
 * A 64-bit little-endian RISC-V executable at the physical addresses of its program headers.
 * @throws VirtError INVALID_ARG naming the file and the reason.
 */
export function loadElf(image: Image, ram: RamRange): LoadedImage {
  const reader = new ByteReader(image);
  checkIdentity(reader);
  const segments = readSegments(reader, ram);
  const entry = reader.u64(24, 'e_entry');
  const place = translate(entry, segments);
  if (place === undefined) throw fileError(image, `the entry point ${hex(entry)} is in no loaded segment`);
  if (place.gpa % 2 !== 0) throw fileError(image, `the entry point ${hex(entry)} is odd`);
  const zeros = segments
    .map(({ gpa, memBytes, file }) => ({ gpa: gpa + file.length, bytes: memBytes - file.length }))
    .filter(({ bytes }) => bytes > 0);
  return {
    name: image.name,
    format: 'elf',
    plan: { zeros, writes: segments.map(({ gpa, file }) => ({ gpa, bytes: file })) },
    start: segments.reduce((least, { gpa }) => Math.min(least, gpa), Number.POSITIVE_INFINITY),
    end: segments.reduce((most, { gpa, memBytes }) => Math.max(most, gpa + memBytes), 0),
    entry: place.gpa,
    virtualEntry: place.virtual,
    symbols: readSymbols(reader, segments, ram),
  };
}
