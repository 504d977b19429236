import type { Clock } from '../util/index.ts';
import { MachineState, machineWord } from './state.ts';

/** Values of the machine block's `clockMode`. */
const HOST = 0;
const VIRTUAL = 1;

const TWO_32 = 2 ** 32;

/**
 * The machine's `mtime`, from the clock fields of the machine block: any thread may read or change it. In host mode it
 * follows the injected clock while running; in virtual mode it moves only by `advance`.
 */
export class GuestClock {
  readonly #machine: MachineState;
  readonly #words: Int32Array;
  readonly #clock: Clock;
  readonly #out = new Int32Array(2);
  // The clock fields as of #seq; read again when clockSeq has moved on.
  #seq = -1;
  #virtual = false;
  #running = false;
  #baseLo = 0;
  #baseHi = 0;
  #originNs = 0;
  #ticksPerNs = 0;

  /** @param buffer the machine's shared memory; `clock`: the source that host mode follows. */
  constructor(buffer: SharedArrayBuffer, clock: Clock) {
    this.#machine = new MachineState(buffer);
    this.#words = this.#machine.words;
    this.#clock = clock;
  }

  /** Sets the clock up: mtime 0, paused in host mode. Before any hart runs. */
  init(timebaseHz: number, mode: 'host' | 'virtual'): void {
    this.#write(() => {
      this.#machine.set32('clockMode', mode === 'virtual' ? VIRTUAL : HOST);
      this.#machine.set32('clockRunning', 0);
      this.#machine.set32('timebaseHz', timebaseHz);
      this.#machine.set('mtimeBase', 0n);
      this.#machine.set('originNs', 0n);
      this.#machine.set('virtualMtime', 0n);
    });
  }

  /** Frequency of mtime in ticks a second. */
  get timebaseHz(): number {
    return this.#machine.get32('timebaseHz');
  }

  /** Whether mtime moves only by `advance`. */
  get virtual(): boolean {
    this.#refresh();
    return this.#virtual;
  }

  /** Reads mtime as halves into out[0] (low) and out[1] (high). */
  mtime(out: Int32Array): void {
    this.#refresh();
    let lo = 0;
    let hi = 0;
    if (this.#virtual) {
      lo = this.#words[machineWord.virtualMtime];
      hi = this.#words[machineWord.virtualMtime + 1];
    } else if (this.#running) {
      const ticks = Math.max(0, Math.floor((this.#clock.nowNs() - this.#originNs) * this.#ticksPerNs));
      lo = ticks | 0;
      hi = (ticks / TWO_32) | 0;
    }
    const sum = (this.#baseLo >>> 0) + (lo >>> 0);
    out[0] = sum;
    out[1] = this.#baseHi + hi + (sum >= TWO_32 ? 1 : 0);
  }

  /** mtime as one number. */
  read(): bigint {
    this.mtime(this.#out);
    return (BigInt(this.#out[1] >>> 0) << 32n) | BigInt(this.#out[0] >>> 0);
  }

  /** Makes mtime `value` from now on, running or not. The caller then raises Attention.INTERRUPT on every hart. */
  set(value: bigint): void {
    this.#write(() => this.#setNow(value));
  }

  /** Stops mtime (host mode; virtual time stands anyway between `advance` calls). */
  pause(): void {
    this.#write(() => {
      const now = this.#now();
      this.#machine.set32('clockRunning', 0);
      this.#setNow(now);
    });
  }

  /** Lets mtime go on from where it stands (host mode). */
  resume(): void {
    this.#write(() => {
      const now = this.#now();
      this.#machine.set32('clockRunning', 1);
      this.#setNow(now);
    });
  }

  /** Virtual mode: moves mtime on. Only while no hart is in the guest. */
  advance(ticks: bigint): void {
    this.#machine.set('virtualMtime', this.#machine.get('virtualMtime') + ticks);
  }

  /**
   * Nanoseconds until mtime reaches `target`: 0 when it has, Infinity while mtime stands still. In virtual mode, the
   * guest's nanoseconds that `advance` would have to cover.
   */
  nsUntil(target: bigint): number {
    const now = this.read();
    if (now >= target) return 0;
    if (!this.#virtual && !this.#running) return Number.POSITIVE_INFINITY;
    return Math.ceil(Number(target - now) / this.#ticksPerNs);
  }

  /** mtime inside a write section. */
  #now(): bigint {
    const base = this.#machine.get('mtimeBase');
    if (this.#machine.get32('clockMode') === VIRTUAL) return base + this.#machine.get('virtualMtime');
    if (this.#machine.get32('clockRunning') === 0) return base;
    const elapsedNs = this.#clock.nowNs() - Number(this.#machine.get('originNs'));
    return base + BigInt(Math.max(0, Math.floor((elapsedNs * this.#machine.get32('timebaseHz')) / 1e9)));
  }

  #setNow(value: bigint): void {
    if (this.#machine.get32('clockMode') === VIRTUAL) {
      this.#machine.set('mtimeBase', value - this.#machine.get('virtualMtime'));
      return;
    }
    this.#machine.set('mtimeBase', value);
    this.#machine.set('originNs', BigInt(Math.floor(this.#clock.nowNs())));
  }

  /** Runs `change` as the seqlock's writer: clockSeq is odd meanwhile, and writers exclude each other. */
  #write(change: () => void): void {
    const at = machineWord.clockSeq;
    let seq = Atomics.load(this.#words, at);
    while ((seq & 1) !== 0 || Atomics.compareExchange(this.#words, at, seq, seq + 1) !== seq) {
      seq = Atomics.load(this.#words, at);
    }
    change();
    Atomics.store(this.#words, at, seq + 2);
  }

  #refresh(): void {
    while (Atomics.load(this.#words, machineWord.clockSeq) !== this.#seq) {
      const seq = Atomics.load(this.#words, machineWord.clockSeq);
      if ((seq & 1) !== 0) continue;
      const base = this.#machine.get('mtimeBase');
      const originNs = Number(this.#machine.get('originNs'));
      const hz = this.#machine.get32('timebaseHz');
      const virtual = this.#machine.get32('clockMode') === VIRTUAL;
      const running = this.#machine.get32('clockRunning') !== 0;
      if (Atomics.load(this.#words, machineWord.clockSeq) !== seq) continue;
      this.#seq = seq;
      this.#baseLo = Number(BigInt.asIntN(32, base));
      this.#baseHi = Number(BigInt.asIntN(32, base >> 32n));
      this.#originNs = originNs;
      this.#ticksPerNs = hz / 1e9;
      this.#virtual = virtual;
      this.#running = running;
    }
  }
}
