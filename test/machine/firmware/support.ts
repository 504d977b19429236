import { MachineState } from '../../../src/cpu/index.ts';
import { GuestMemory } from '../../../src/hypervisor/index.ts';
import { sharedMap } from '../../../src/isa/index.ts';
import type { Image } from '../../../src/machine/config.ts';

export const RAM_GPA = 0x8000_0000;

/** A machine's shared memory with one slot of RAM at 0x80000000. */
export function sharedRam(ramBytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(sharedMap.ram + ramBytes);
  const machine = new MachineState(buffer);
  machine.set('slotGpa', BigInt(RAM_GPA));
  machine.set('slotLen', BigInt(ramBytes));
  machine.set('slotOffset', BigInt(sharedMap.ram));
  machine.set32('slotGeneration', 1);
  return buffer;
}

export function guestRam(ramBytes: number): GuestMemory {
  return new GuestMemory(sharedRam(ramBytes));
}

export function image(bytes: Uint8Array | string, name = 'test.bin'): Image {
  return { name, bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes };
}

export interface ElfSegment {
  readonly paddr: number | bigint;
  readonly vaddr?: bigint;
  readonly file: Uint8Array;
  readonly memBytes?: number;
}

export interface ElfOptions {
  readonly entry: number | bigint;
  readonly segments: readonly ElfSegment[];
  readonly symbols?: Readonly<Record<string, number | bigint>>;
  readonly machine?: number;
  readonly type?: number;
}

function sections(at: number, symbols: Readonly<Record<string, number | bigint>>): { bytes: Buffer; headers: number } {
  const names = Object.keys(symbols);
  const strings = Buffer.from(`\0${names.map((name) => `${name}\0`).join('')}`, 'latin1');
  const table = Buffer.alloc(24 * (names.length + 1));
  let offset = 1;
  names.forEach((name, i) => {
    const entry = 24 * (i + 1);
    table.writeUInt32LE(offset, entry);
    table.writeUInt16LE(0xfff1, entry + 6);
    table.writeBigUInt64LE(BigInt(symbols[name] ?? 0), entry + 8);
    offset += name.length + 1;
  });
  const headers = Buffer.alloc(64 * 3);
  headers.writeUInt32LE(2, 64 + 4);
  headers.writeBigUInt64LE(BigInt(at), 64 + 24);
  headers.writeBigUInt64LE(BigInt(table.length), 64 + 32);
  headers.writeUInt32LE(2, 64 + 40);
  headers.writeBigUInt64LE(24n, 64 + 56);
  headers.writeUInt32LE(3, 128 + 4);
  headers.writeBigUInt64LE(BigInt(at + table.length), 128 + 24);
  headers.writeBigUInt64LE(BigInt(strings.length), 128 + 32);
  return { bytes: Buffer.concat([table, strings, headers]), headers: at + table.length + strings.length };
}

/** An ELF file written from the specification, for what no tool makes. */
export function makeElf(options: ElfOptions): Buffer {
  const { segments } = options;
  const header = Buffer.alloc(64 + 56 * segments.length);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(options.type ?? 2, 16);
  header.writeUInt16LE(options.machine ?? 243, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(options.entry), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(segments.length, 56);
  header.writeUInt16LE(64, 58);
  let at = header.length;
  segments.forEach((segment, i) => {
    const ph = 64 + i * 56;
    header.writeUInt32LE(1, ph);
    header.writeBigUInt64LE(BigInt(at), ph + 8);
    header.writeBigUInt64LE(segment.vaddr ?? BigInt(segment.paddr), ph + 16);
    header.writeBigUInt64LE(BigInt(segment.paddr), ph + 24);
    header.writeBigUInt64LE(BigInt(segment.file.length), ph + 32);
    header.writeBigUInt64LE(BigInt(segment.memBytes ?? segment.file.length), ph + 40);
    at += segment.file.length;
  });
  const parts: Uint8Array[] = [header, ...segments.map((segment) => segment.file)];
  if (options.symbols !== undefined) {
    const extra = sections(at, options.symbols);
    header.writeBigUInt64LE(BigInt(extra.headers), 40);
    header.writeUInt16LE(3, 60);
    parts.push(extra.bytes);
  }
  return Buffer.concat(parts);
}

/** A flat kernel Image with the header of Linux's boot-image-header.rst. */
export function makeFlatImage(options: {
  bytes: number;
  textOffset?: number;
  imageSize?: number;
  flags?: number;
}): Buffer {
  const out = Buffer.alloc(options.bytes, 0x5a);
  out.fill(0, 0, 64);
  out.writeUInt32LE(0x6f, 0);
  out.writeBigUInt64LE(BigInt(options.textOffset ?? 0x20_0000), 8);
  out.writeBigUInt64LE(BigInt(options.imageSize ?? options.bytes), 16);
  out.writeBigUInt64LE(BigInt(options.flags ?? 0), 24);
  out.write('RISCV\0\0\0RSC\x05', 48, 'latin1');
  return out;
}

/** An EFI zboot file around a payload. */
export function makeZboot(kind: string, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(64);
  header.write('MZ\0\0zimg', 'latin1');
  header.writeUInt32LE(64, 8);
  header.writeUInt32LE(payload.length, 12);
  header.write(kind, 24, 'latin1');
  return Buffer.concat([header, payload]);
}
