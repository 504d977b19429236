import * as zlib from 'node:zlib';
import { VirtError } from '../../../util/index.ts';
import type { Image } from '../../config.ts';
import { ByteReader, fileError, mib } from './bytes.ts';

/** No kernel is larger; a bomb in a small file stops here. */
const UNPACKED_BYTES_MAX = 1024 * 1024 * 1024;

type Unpacker = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/** Node has zstd from 22.15 on: taken where it is there. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: Unpacker };

/** Compressions an EFI zboot header can name, with what unpacks them here. */
const unpackers: Readonly<Record<string, Unpacker | undefined>> = {
  gzip: (bytes, options) => zlib.gunzipSync(bytes, options),
  zstd: zstdDecompressSync,
};

/** Whether the file begins as gzip does (RFC 1952). */
export function isGzip(image: Image): boolean {
  return new ByteReader(image).has(0, '\x1f\x8b');
}

/** Whether the file is an EFI zboot image (Linux, drivers/firmware/efi/libstub/zboot-header.S). */
export function isZboot(image: Image): boolean {
  const reader = new ByteReader(image);
  return reader.has(0, 'MZ') && reader.has(4, 'zimg');
}

function unpack(image: Image, packed: Uint8Array, kind: string, limit: number): Image {
  const unpacker = Object.hasOwn(unpackers, kind) ? unpackers[kind] : undefined;
  if (unpacker === undefined) {
    const hint = kind === 'zstd' ? 'needs Node 22.15 or later' : 'is not supported, gzip is';
    throw new VirtError('CONFIG_UNSUPPORTED', `${image.name}: a kernel packed with ${kind}, which ${hint}`, {
      data: { file: image.name },
    });
  }
  const most = Math.min(limit, UNPACKED_BYTES_MAX);
  try {
    return { name: image.name, bytes: unpacker(packed, { maxOutputLength: most }) };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw fileError(image, `unpacks to more than ${mib(most)}, which do not fit in memory`, cause);
    if (code === 'Z_BUF_ERROR') throw fileError(image, `truncated: its ${kind} data ends too early`, cause);
    throw fileError(image, `damaged ${kind} data (${cause instanceof Error ? cause.message : 'unknown'})`, cause);
  }
}

/**
 * Unpacks a gzip file, to at most `limit` bytes.
 * @throws VirtError naming the file: damaged, truncated, too large.
 */
export function gunzip(image: Image, limit: number): Image {
  return unpack(image, image.bytes, 'gzip', limit);
}

/**
 * The kernel inside an EFI zboot image: payload offset and size at bytes 8 and 12, the compression's name at 24.
 * @throws VirtError naming the file: truncated, damaged, or a compression that is not supported here.
 */
export function unpackZboot(image: Image, limit: number): Image {
  const reader = new ByteReader(image);
  const field = reader.slice(24, 32, 'the zboot header');
  const nul = field.indexOf(0);
  const kind = String.fromCharCode(...field.subarray(0, nul < 0 ? field.length : nul));
  if (!/^[a-z0-9]{1,31}$/.test(kind)) throw fileError(image, 'bad EFI zboot header: no name of a compression');
  const payload = reader.slice(
    reader.u32(8, 'the zboot header'),
    reader.u32(12, 'the zboot header'),
    'the zboot payload',
  );
  return unpack(image, payload, kind, limit);
}
