import type { Duplex } from 'node:stream';

/** What goes out to one client, and how much of it waits. */
export class Outbox {
  readonly #socket: Duplex;
  readonly #maxBytes: number;
  readonly #waiting = new Set<() => void>();

  /** @param maxBytes of what waits: with more the socket is destroyed */
  constructor(socket: Duplex, maxBytes: number) {
    this.#socket = socket;
    this.#maxBytes = maxBytes;
    socket.on('drain', () => this.#drained());
  }

  /** Bytes that the client has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Nothing more should be sent for now; or ever, when the client has gone. */
  get full(): boolean {
    return this.#socket.writableNeedDrain || this.#socket.destroyed;
  }

  send(packet: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.write(packet);
    if (this.#socket.writableLength > this.#maxBytes) {
      this.#socket.destroy(new Error(`the client leaves ${this.#socket.writableLength} bytes unread`));
    }
  }

  /** Calls once when there is room again, unless `cancel` is called before. Returns `cancel`. */
  onRoom(then: () => void): () => void {
    this.#waiting.add(then);
    return () => this.#waiting.delete(then);
  }

  #drained(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const then of waiting) then();
  }
}
