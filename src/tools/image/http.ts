import { VirtError } from '../../util/index.ts';

/** How long a server may say nothing before the connection counts as cut, in milliseconds. */
const SILENCE_MS = 30_000;

/** What tells a failed transfer from other errors: `instanceof` of VirtError's kind goes by a mark, not by the class. */
const TRANSFER = Symbol('failed transfer');

function causeOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (inner instanceof Error) return 'code' in inner ? `${inner.message || String(inner.code)}` : inner.message;
  return String(inner);
}

/** A transfer that may work if tried again: the network failed, not the request. */
export class TransferError extends VirtError {
  /** Other VirtErrors are none: a disk that is full does not get better by another try. */
  static override [Symbol.hasInstance](value: unknown): value is TransferError {
    return typeof value === 'object' && value !== null && TRANSFER in value;
  }

  readonly [TRANSFER] = true;

  constructor(url: string, why: string, cause?: unknown) {
    super('OPERATION_FAILED', `${url}: ${why}`, cause === undefined ? {} : { cause });
    this.name = 'TransferError';
  }
}

/** An answer under way: status 200 or 206. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body; throws TransferError when the connection is cut or falls silent. */
  readonly body: AsyncIterable<Uint8Array>;
}

async function* readBody(url: string, response: Response, watchdog: Watchdog): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  try {
    for await (const piece of response.body) {
      watchdog.feed();
      yield piece as Uint8Array;
    }
  } catch (error) {
    throw new TransferError(url, `connection cut (${watchdog.barked ? 'no data any more' : causeOf(error)})`, error);
  } finally {
    watchdog.stop();
  }
}

/** Aborts a request when nothing has arrived for a while. */
class Watchdog {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  barked = false;

  constructor() {
    this.feed();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  feed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.barked = true;
      this.#controller.abort();
    }, SILENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Gets a URL with the platform's fetch.
 * @param from first byte wanted: asks for the rest of the file only (a server may still send all of it, status 200)
 * @throws TransferError when the network fails; VirtError when the server answers, but not with the file
 */
export async function httpGet(url: string, from = 0): Promise<HttpAnswer> {
  const watchdog = new Watchdog();
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (from > 0) headers['range'] = `bytes=${from}-`;
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: watchdog.signal });
  } catch (error) {
    watchdog.stop();
    throw new TransferError(url, `cannot be reached (${watchdog.barked ? 'no answer' : causeOf(error)})`, error);
  }
  const { status } = response;
  if (status === 200 || status === 206) {
    return { status, headers: response.headers, body: readBody(url, response, watchdog) };
  }
  watchdog.stop();
  await response.body?.cancel().catch(() => {});
  if (status >= 500) throw new TransferError(url, `the server failed (HTTP ${status})`);
  throw new VirtError('OPERATION_FAILED', `${url}: not there (HTTP ${status})`, { data: { status } });
}

/** Gets a short text. @throws VirtError also when it is longer than `maxBytes` */
export async function httpText(url: string, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (await httpGet(url)).body) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new VirtError('OPERATION_FAILED', `${url}: longer than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
