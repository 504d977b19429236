import { createRequire } from 'node:module';
import { ReadableStream } from 'node:stream/web';

// The library is CommonJS marked as transpiled ESM: whether an import finds it under `default` differs between Node and
// loaders, require() does not.
const { XzReadableStream } = createRequire(import.meta.url)('xz-decompress') as typeof import('xz-decompress');

/** Decompresses an xz stream, piece by piece. @throws Error when it is damaged or cut short */
export async function* unxz(compressed: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // The library's wrapper takes and is the same web stream that Node has under its own declaration.
  const source = ReadableStream.from(compressed) as unknown as globalThis.ReadableStream<Uint8Array>;
  const reader = new XzReadableStream(source).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Decompresses a whole file in memory. */
export async function unxzBytes(compressed: Uint8Array): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of unxz([compressed])) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

/** Decompressed text, piece by piece; a character is never cut. */
export async function* unxzText(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const piece of unxz(compressed)) yield decoder.decode(piece, { stream: true });
  yield decoder.decode();
}
