import { createHash } from 'node:crypto';
import { pack } from 'tar-stream';
import { storeXz } from './xz-store.ts';

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function tar(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name: `./${name}` }, Buffer.from(bytes));
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** An ar archive (deb(5)). */
export function ar(members: Readonly<Record<string, Uint8Array>>): Buffer {
  const pieces: Uint8Array[] = [Buffer.from('!<arch>\n')];
  for (const [name, bytes] of Object.entries(members)) {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`;
    pieces.push(Buffer.from(`${header}${String(bytes.length).padEnd(10)}\`\n`), bytes);
    if (bytes.length % 2 === 1) pieces.push(Buffer.from('\n'));
  }
  return Buffer.concat(pieces);
}

/** A Debian package with these files. */
export async function deb(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  return ar({
    'debian-binary': Buffer.from('2.0\n'),
    'control.tar.xz': storeXz(await tar({ control: Buffer.from('Package: x\n') })),
    'data.tar.xz': storeXz(await tar(files)),
  });
}

/** An ELF file with nothing but a `.modinfo` section. */
export function kernelModule(modinfo: readonly string[]): Buffer {
  const info = Buffer.from(modinfo.map((entry) => `${entry}\0`).join(''), 'latin1');
  const names = Buffer.from('\0.modinfo\0.shstrtab\0');
  const table = 64 + info.length + names.length;
  const elf = Buffer.alloc(table + 3 * 64);
  elf.write('\x7fELF\x02\x01\x01', 'latin1');
  elf.writeBigUInt64LE(BigInt(table), 0x28);
  elf.writeUInt16LE(64, 0x3a);
  elf.writeUInt16LE(3, 0x3c);
  elf.writeUInt16LE(2, 0x3e);
  info.copy(elf, 64);
  names.copy(elf, 64 + info.length);
  const section = (i: number, name: number, offset: number, bytes: number) => {
    elf.writeUInt32LE(name, table + i * 64);
    elf.writeBigUInt64LE(BigInt(offset), table + i * 64 + 24);
    elf.writeBigUInt64LE(BigInt(bytes), table + i * 64 + 32);
  };
  section(1, 1, 64, info.length);
  section(2, 10, 64 + info.length, names.length);
  return elf;
}

/** One entry of a cpio archive, as far as tests look at it. */
export interface ReadEntry {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

/** Reads a "newc" archive. */
export function readCpio(archive: Uint8Array): ReadEntry[] {
  const data = Buffer.from(archive);
  const entries: ReadEntry[] = [];
  const align = (n: number) => Math.ceil(n / 4) * 4;
  for (let at = 0; ; ) {
    const field = (i: number) => Number.parseInt(data.toString('latin1', at + 6 + i * 8, at + 14 + i * 8), 16);
    if (data.toString('latin1', at, at + 6) !== '070701') throw new Error(`no header at ${at}`);
    const nameBytes = field(11);
    const start = align(at + 110 + nameBytes);
    const path = data.toString('utf8', at + 110, at + 110 + nameBytes - 1);
    if (path === 'TRAILER!!!') return entries;
    entries.push({ path, mode: field(1), bytes: data.subarray(start, start + field(6)) });
    at = align(start + field(6));
  }
}
