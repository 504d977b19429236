import type { Frame, NetBackend, NetPort } from '../../src/machine/backend/net.ts';
import { completeFrames } from '../../src/machine/net/offload.ts';
import type { SeededRandom } from '../../src/util/index.ts';

/** What a bad cable does to 1,000 frames. */
export interface Faults {
  readonly loss: number;
  readonly double: number;
  /** Held back until some others have passed. */
  readonly late: number;
}

/** Frames that a late one lets pass, and how long it waits for them at the most. */
const PASSED_MAX = 8;
const WAIT_MS = 5;

/** A cable that loses, doubles and reorders frames, both ways: those on the wire, cut to its size. */
export class LossyNet implements NetBackend {
  /** Frames that were lost, and that others overtook. */
  lost = 0;
  overtaken = 0;
  readonly #inner: NetBackend;
  readonly #random: SeededRandom;
  readonly #faults: Faults;

  constructor(inner: NetBackend, random: SeededRandom, faults: Faults) {
    this.#inner = inner;
    this.#random = random;
    this.#faults = faults;
    this.#toNet = this.#way((frame) => this.#inner.send(frame));
  }

  readonly #toNet: (frame: Frame) => void;

  send(frame: Frame): boolean {
    this.#toNet(frame);
    return true;
  }

  connect(port: NetPort): void {
    const toGuest = this.#way((frame) => port.receive(frame));
    this.#inner.connect({
      receive: (frame) => {
        toGuest(frame);
        return true;
      },
      drained: () => port.drained(),
    });
  }

  resume(): void {
    this.#inner.resume();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #chance(of1000: number): boolean {
    return this.#random.below(1000) < of1000;
  }

  /** One direction. */
  #way(deliver: (frame: Frame) => void): (frame: Frame) => void {
    let held: { frame: Frame; passed: number }[] = [];
    const release = (due: (entry: { passed: number }) => boolean) => {
      const now = held.filter(due);
      held = held.filter((entry) => !now.includes(entry));
      for (const { frame } of now) deliver(frame);
    };
    const carry = (frame: Frame) => {
      for (const entry of held) entry.passed--;
      deliver(frame);
      release(({ passed }) => passed <= 0);
    };
    return (whole) => {
      for (const bytes of completeFrames(whole)) {
        const frame = { bytes: bytes.slice() };
        if (this.#chance(this.#faults.loss)) this.lost++;
        else if (this.#chance(this.#faults.late)) {
          this.overtaken++;
          const entry = { frame, passed: 1 + this.#random.below(PASSED_MAX) };
          held.push(entry);
          setTimeout(() => release((other) => other === entry), WAIT_MS);
        } else {
          carry(frame);
          if (this.#chance(this.#faults.double)) carry({ bytes: bytes.slice() });
        }
      }
    };
  }
}
