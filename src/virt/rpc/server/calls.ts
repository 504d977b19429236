import type { Packet } from '../packet.ts';
import type { RpcLimits } from './limits.ts';

/** Whose calls they are. */
export interface CallHost {
  /** Answers a call; never rejects. */
  serve(packet: Packet): Promise<void>;
  /** Whether a call may begin now. */
  mayBegin(): boolean;
  /** A call has ended: there may be room for more. */
  settled(): void;
}

/** Calls of one client: so many at a time, so many more in a queue. */
export class CallQueue {
  readonly #limits: RpcLimits;
  readonly #host: CallHost;
  readonly #queue: Packet[] = [];
  #queuedBytes = 0;
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(limits: RpcLimits, host: CallHost) {
    this.#limits = limits;
    this.#host = host;
  }

  /** There are so many waiting that no more should come. */
  get full(): boolean {
    return this.#queue.length >= this.#limits.queuedCalls || this.#queuedBytes >= this.#limits.queuedBytes;
  }

  push(packet: Packet): void {
    this.#queue.push(packet);
    this.#queuedBytes += packet.payload.length;
    this.next();
  }

  /** Begins what may begin. */
  next(): void {
    while (this.#running < this.#limits.calls && this.#host.mayBegin()) {
      const packet = this.#queue.shift();
      if (packet === undefined) return;
      this.#queuedBytes -= packet.payload.length;
      void this.#run(packet);
    }
  }

  /** Forgets what has not begun. */
  clear(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  /** Resolves when none is running and none waits. */
  async idle(): Promise<void> {
    if (this.#running === 0 && this.#queue.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(packet: Packet): Promise<void> {
    this.#running++;
    await this.#host.serve(packet);
    this.#running--;
    this.next();
    this.#host.settled();
    if (this.#running > 0 || this.#queue.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
