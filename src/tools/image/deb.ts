import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { VirtError } from '../../util/index.ts';
import { unxz } from './xz.ts';

/** A file in a package: its path without `./`, its contents. */
export interface PackageFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Member {
  readonly name: string;
  readonly start: number;
  readonly bytes: number;
}

const GLOBAL_HEADER = '!<arch>\n';
const HEADER_BYTES = 60;

/** The members of an ar archive (deb(5): the common format, names of at most 16 characters, even offsets). */
async function listMembers(file: string): Promise<Member[]> {
  const handle = await open(file, 'r');
  try {
    const read = async (at: number, bytes: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, at);
      return buffer.toString('latin1', 0, bytesRead);
    };
    if ((await read(0, GLOBAL_HEADER.length)) !== GLOBAL_HEADER) throw new Error('not an ar archive');
    const members: Member[] = [];
    for (let at = GLOBAL_HEADER.length; ; ) {
      const header = await read(at, HEADER_BYTES);
      if (header.length === 0) return members;
      const bytes = Number(header.slice(48, 58));
      if (header.length < HEADER_BYTES || !header.endsWith('`\n') || !Number.isSafeInteger(bytes) || bytes < 0) {
        throw new Error('damaged ar header');
      }
      members.push({ name: header.slice(0, 16).trim().replace(/\/$/, ''), start: at + HEADER_BYTES, bytes });
      at += HEADER_BYTES + bytes + (bytes % 2);
    }
  } finally {
    await handle.close();
  }
}

function memberStream(file: string, member: Member): AsyncIterable<Uint8Array> {
  return createReadStream(file, { start: member.start, end: member.start + member.bytes - 1, highWaterMark: 1 << 18 });
}

/**
 * Takes regular files out of a Debian package (deb(5)).
 * @param wanted told each path without `./`; true: take it
 * @throws VirtError naming the package when it is not one, or compressed in a way that Debian does not use
 */
export async function extractDeb(file: string, wanted: (path: string) => boolean): Promise<PackageFile[]> {
  const files: PackageFile[] = [];
  try {
    const data = (await listMembers(file)).find((m) => m.name.startsWith('data.tar'));
    if (data === undefined) throw new Error('has no data.tar');
    if (data.name !== 'data.tar.xz' && data.name !== 'data.tar') throw new Error(`${data.name} is not supported`);
    const packed = memberStream(file, data);
    const archive = Readable.from(data.name === 'data.tar' ? packed : unxz(packed));
    const entries = extract();
    archive.on('error', (error) => entries.destroy(error));
    for await (const entry of archive.pipe(entries)) {
      const path = entry.header.name.replace(/^\.\//, '');
      if (entry.header.type === 'file' && wanted(path)) {
        const pieces: Buffer[] = [];
        for await (const piece of entry) pieces.push(piece as Buffer);
        files.push({ path, bytes: Buffer.concat(pieces) });
      } else {
        entry.resume();
      }
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VirtError('OPERATION_FAILED', `package ${file}: ${why}`, { cause });
  }
  return files;
}
