import { type Clock, VirtError } from '../../util/index.ts';
import type { Timer, Timers } from '../bus/timers.ts';
import type { BlockBackend } from './block.ts';

/** The rates that can be limited, by libvirt's names in `<iotune>`. */
export const ioRates = [
  'total_bytes_sec',
  'read_bytes_sec',
  'write_bytes_sec',
  'total_iops_sec',
  'read_iops_sec',
  'write_iops_sec',
] as const;
export type IoRate = (typeof ioRates)[number];

/**
 * Limits of a disk's I/O, by libvirt's names in `<iotune>`; absent or 0: none. `…_sec`: bytes or requests a second, in
 * the long run. `…_sec_max`: the same in a burst, which lasts `…_sec_max_length` seconds, 1 unless given.
 * `size_iops_sec`: a request of more bytes than that counts as several.
 */
export type IoTune = {
  readonly [K in IoRate | `${IoRate}_max` | `${IoRate}_max_length` | 'size_iops_sec']?: number;
};

/** Every name in an `IoTune`, in libvirt's order. */
export const ioTuneNames = [
  ...ioRates,
  ...ioRates.map((rate) => `${rate}_max` as const),
  'size_iops_sec',
  ...ioRates.map((rate) => `${rate}_max_length` as const),
] as const satisfies readonly (keyof IoTune)[];

/** Largest value of a limit, as in QEMU. */
export const IO_LIMIT_MAX = 1e15;

const NS = 1e9;

/**
 * Checks limits: whole numbers in their range, no total beside a part of it, bursts not below the rate that they
 * exceed. Throws INVALID_ARG.
 */
export function checkIoTune(tune: IoTune): void {
  const wrong = (message: string) => new VirtError('INVALID_ARG', `I/O limits: ${message}`);
  for (const [name, value] of Object.entries(tune)) {
    if (!(ioTuneNames as readonly string[]).includes(name)) throw wrong(`there is no '${name}'`);
    if (Number.isSafeInteger(value) && value >= 0 && value <= IO_LIMIT_MAX) continue;
    throw wrong(`${name} must be a whole number from 0 to ${IO_LIMIT_MAX}, not ${value}`);
  }
  for (const unit of ['bytes', 'iops'] as const) {
    for (const end of ['sec', 'sec_max'] as const) {
      const parts = tune[`read_${unit}_${end}`] || tune[`write_${unit}_${end}`];
      if (tune[`total_${unit}_${end}`] && parts) {
        throw wrong(`total and read/write of ${unit}_${end} cannot be set at the same time`);
      }
    }
  }
  for (const rate of ioRates) checkBurst(rate, tune, wrong);
}

/** The average, the burst and its seconds of one rate; 0 where there is none. */
function limitsOf(tune: IoTune, rate: IoRate): { average: number; burst: number; length: number } {
  return {
    average: tune[rate] ?? 0,
    burst: tune[`${rate}_max`] ?? 0,
    length: tune[`${rate}_max_length`] ?? 0,
  };
}

function checkBurst(rate: IoRate, tune: IoTune, wrong: (message: string) => VirtError): void {
  const { average, burst, length } = limitsOf(tune, rate);
  if (burst > 0 && average === 0) throw wrong(`${rate}_max needs ${rate}`);
  if (burst > 0 && burst < average) throw wrong(`${rate}_max cannot be smaller than ${rate}`);
  if (length > 0 && burst === 0) throw wrong(`${rate}_max_length needs ${rate}_max`);
  if (burst * Math.max(length, 1) > IO_LIMIT_MAX) throw wrong(`the burst of ${rate} is too long`);
}

/**
 * A leaky bucket, as QEMU's: what is done fills it, time empties it at the average rate, and who comes while it is too
 * full waits. A bucket without a burst holds a tenth of a second's worth; one with a burst that lasts, a second bucket
 * sees to it that the burst is not faster than its rate.
 */
class Bucket {
  readonly #average: number;
  readonly #burst: number;
  readonly #length: number;
  #level = 0;
  #burstLevel = 0;

  constructor(average: number, burst: number, length: number) {
    this.#average = average;
    this.#burst = burst;
    this.#length = length;
  }

  leak(ns: number): void {
    const seconds = ns / NS;
    this.#level = Math.max(0, this.#level - this.#average * seconds);
    this.#burstLevel = Math.max(0, this.#burstLevel - this.#burst * seconds);
  }

  fill(units: number): void {
    this.#level += units;
    if (this.#length > 1) this.#burstLevel += units;
  }

  /** Nanoseconds until the next request may pass. */
  get waitNs(): number {
    const room = this.#burst > 0 ? this.#burst * this.#length : this.#average / 10;
    const over = this.#level - room;
    if (over > 0) return Math.ceil((over / this.#average) * NS);
    const burstOver = this.#length > 1 ? this.#burstLevel - this.#burst / 10 : 0;
    return burstOver > 0 ? Math.ceil((burstOver / this.#burst) * NS) : 0;
  }
}

type Direction = 'read' | 'write';

interface Waiting {
  readonly bytes: number;
  readonly pass: () => void;
}

/** What I/O is limited by: one disk's limits, or those that several disks of a group share. */
export class Throttle {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #waiting: Readonly<Record<Direction, Waiting[]>> = { read: [], write: [] };
  readonly #set: Partial<Record<Direction, Timer>> = {};
  #tune: IoTune = {};
  #buckets = new Map<IoRate, Bucket>();
  #lastNs = 0;

  /** Throws INVALID_ARG, see `checkIoTune`. */
  constructor(tune: IoTune, clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.tune = tune;
  }

  get tune(): IoTune {
    return this.#tune;
  }

  /** Other limits from now on, for what waits already, too. Throws INVALID_ARG, see `checkIoTune`. */
  set tune(tune: IoTune) {
    checkIoTune(tune);
    this.#tune = { ...tune };
    this.#buckets = new Map(
      ioRates.flatMap((rate) => {
        const { average, burst, length } = limitsOf(tune, rate);
        return average > 0 ? [[rate, new Bucket(average, burst, Math.max(length, 1))] as const] : [];
      }),
    );
    this.#lastNs = this.#clock.nowNs();
    for (const direction of ['read', 'write'] as const) this.#serve(direction);
  }

  /** Resolves when a request of so many bytes may begin; undefined: it may at once. In order for each direction. */
  admit(direction: Direction, bytes: number): Promise<void> | undefined {
    if (this.#buckets.size === 0) return undefined;
    const waiting = this.#waiting[direction];
    if (waiting.length === 0 && this.#waitNs(direction) === 0) {
      this.#account(direction, bytes);
      return undefined;
    }
    return new Promise((resolve) => {
      waiting.push({ bytes, pass: resolve });
      if (waiting.length === 1) this.#serve(direction);
    });
  }

  #serve(direction: Direction): void {
    this.#set[direction]?.cancel();
    delete this.#set[direction];
    const waiting = this.#waiting[direction];
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const waitNs = this.#waitNs(direction);
      if (waitNs > 0) {
        this.#set[direction] = this.#timers.after(waitNs, () => this.#serve(direction));
        return;
      }
      waiting.shift();
      this.#account(direction, next.bytes);
      next.pass();
    }
  }

  #waitNs(direction: Direction): number {
    const now = this.#clock.nowNs();
    for (const bucket of this.#buckets.values()) bucket.leak(now - this.#lastNs);
    this.#lastNs = now;
    return Math.max(0, ...this.#of(direction, 'bytes', 'iops').map((bucket) => bucket.waitNs));
  }

  #account(direction: Direction, bytes: number): void {
    const { size_iops_sec: size = 0 } = this.#tune;
    for (const bucket of this.#of(direction, 'bytes')) bucket.fill(bytes);
    for (const bucket of this.#of(direction, 'iops')) bucket.fill(size > 0 && bytes > size ? bytes / size : 1);
  }

  #of(direction: Direction, ...units: readonly ('bytes' | 'iops')[]): Bucket[] {
    return units
      .flatMap((unit) => [`total_${unit}_sec`, `${direction}_${unit}_sec`] as const)
      .map((rate) => this.#buckets.get(rate))
      .filter((bucket) => bucket !== undefined);
  }
}

/** A disk whose reads and writes, zeroes written among them, wait for a throttle. */
export class ThrottledBlock implements BlockBackend {
  readonly throttle: Throttle;
  readonly #disk: BlockBackend;

  constructor(disk: BlockBackend, throttle: Throttle) {
    this.#disk = disk;
    this.throttle = throttle;
  }

  get sectors(): number {
    return this.#disk.sectors;
  }

  get readOnly(): boolean {
    return this.#disk.readOnly;
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    const wait = this.throttle.admit('read', into.length);
    return wait === undefined ? this.#disk.read(offset, into) : wait.then(() => this.#disk.read(offset, into));
  }

  write(offset: number, from: Uint8Array): Promise<void> {
    const wait = this.throttle.admit('write', from.length);
    return wait === undefined ? this.#disk.write(offset, from) : wait.then(() => this.#disk.write(offset, from));
  }

  flush(): Promise<void> {
    return this.#disk.flush();
  }

  discard(offset: number, bytes: number): Promise<void> {
    return this.#disk.discard(offset, bytes);
  }

  async writeZeroes(offset: number, bytes: number, unmap: boolean): Promise<void> {
    await this.throttle.admit('write', bytes);
    await this.#disk.writeZeroes(offset, bytes, unmap);
  }

  onResize(callback: () => void): void {
    this.#disk.onResize(callback);
  }

  close(): Promise<void> {
    return this.#disk.close();
  }
}
