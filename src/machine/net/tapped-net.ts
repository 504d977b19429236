import type { Frame, NetBackend, NetPort } from '../backend/net.ts';

/** Looks at what passes a cable, seen from the guest: `in` is what it receives. */
export interface FrameTap {
  /** The frame is not to be kept or changed. */
  frame(frame: Frame, direction: 'in' | 'out'): void;
  /** The cable is gone: nothing will pass any more. */
  closed(): void;
}

/** A cable at which one can listen at any time. */
export class TappedNet implements NetBackend {
  readonly #inner: NetBackend;
  readonly #taps = new Set<FrameTap>();

  constructor(inner: NetBackend) {
    this.#inner = inner;
  }

  get hostName(): string | undefined {
    return this.#inner.hostName;
  }

  /** Listens from now on. @returns what ends it */
  tap(tap: FrameTap): () => void {
    this.#taps.add(tap);
    return () => {
      this.#taps.delete(tap);
    };
  }

  send(frame: Frame): boolean {
    for (const tap of this.#taps) tap.frame(frame, 'out');
    return this.#inner.send(frame);
  }

  connect(port: NetPort): void {
    this.#inner.connect({
      receive: (frame) => {
        const taken = port.receive(frame);
        if (taken) for (const tap of this.#taps) tap.frame(frame, 'in');
        return taken;
      },
      drained: () => port.drained(),
    });
  }

  resume(): void {
    this.#inner.resume();
  }

  async close(): Promise<void> {
    await this.#inner.close();
    for (const tap of this.#taps) tap.closed();
    this.#taps.clear();
  }
}
