import { crc32 } from 'node:zlib';

/** xz's variable-length integers: seven bits a byte, low first. */
function multibyte(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...multibyte(Math.floor(value / 128))];
}

function le32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value >>> 0);
  return out;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function withCrc(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, le32(crc32(bytes))]);
}

/** LZMA2 chunks that hold their bytes as they are, and the end mark. */
function storedChunks(bytes: Uint8Array): Buffer {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 0x1_0000) {
    const chunk = bytes.subarray(at, at + 0x1_0000);
    const size = chunk.length - 1;
    chunks.push(Buffer.from([at === 0 ? 1 : 2, size >> 8, size & 0xff]), chunk);
  }
  return Buffer.concat([...chunks, Buffer.from([0])]);
}

/** An .xz file (xz file format 1.1.0) of one block, not compressed, with CRC32 checks: for fixtures. */
export function storeXz(bytes: Uint8Array): Buffer {
  const flags = Buffer.from([0, 1]);
  const magic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
  // Block header: its size in words less one, no optional fields, one filter: LZMA2 with a 64 KiB dictionary.
  const header = withCrc(Buffer.from([2, 0, 0x21, 1, 8, 0, 0, 0]));
  const data = storedChunks(bytes);
  const index = withCrc(
    padded(Buffer.from([0, 1, ...multibyte(header.length + data.length + 4), ...multibyte(bytes.length)])),
  );
  const footer = Buffer.concat([le32(index.length / 4 - 1), flags]);
  return Buffer.concat([
    magic,
    withCrc(flags),
    header,
    padded(data),
    le32(crc32(bytes)),
    index,
    le32(crc32(footer)),
    footer,
    Buffer.from('YZ'),
  ]);
}
