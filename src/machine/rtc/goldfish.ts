import { type Clock, SharedLock } from '../../util/index.ts';
import { type SavedState, savedU32, savedU64 } from '../bus/saved.ts';
import type { Timer, Timers } from '../bus/timers.ts';
import { getU64, highHalf, joinU64, lowHalf, setU64 } from '../bus/words.ts';
import type {
  BackHalf,
  DescribeContext,
  DeviceRegion,
  Doorbell,
  IrqLine,
  MmioDevice,
  Width,
  Window,
} from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';

/** Register offsets (Android's GOLDFISH-VIRTUAL-HARDWARE, "goldfish real-time clock"). Times are Unix nanoseconds. */
const Reg = {
  /** Reading it latches TIME_HIGH. */
  TIME_LOW: 0x00,
  TIME_HIGH: 0x04,
  /** Writing it sets the alarm to ALARM_HIGH and this. */
  ALARM_LOW: 0x08,
  ALARM_HIGH: 0x0c,
  IRQ_ENABLED: 0x10,
  CLEAR_ALARM: 0x14,
  ALARM_STATUS: 0x18,
  CLEAR_INTERRUPT: 0x1c,
} as const;

/** Words of the region. */
const Word = {
  LOCK: 0,
  /** What the guest's time is ahead of the host's, nanoseconds modulo 2^64. */
  OFFSET: 2,
  ALARM: 4,
  TIME_HIGH: 6,
  ALARM_SET: 7,
  IRQ_ENABLED: 8,
  IRQ_PENDING: 9,
} as const;

/** Size of the clock's region in bytes. */
export const GOLDFISH_RTC_REGION_BYTES = 64;

/** What the clock is wired to. */
export interface GoldfishRtcWiring {
  readonly irq: IrqLine;
  /** Rings when the alarm may have changed. */
  readonly doorbell: Doorbell;
  /** Its `wallNs` is the time, plus what the guest has set it off by. */
  readonly clock: Clock;
}

/** The goldfish real-time clock, the front half. */
export class GoldfishRtc implements MmioDevice {
  readonly id: string;
  readonly window: Window;
  readonly #words: Int32Array;
  readonly #lock: SharedLock;
  readonly #wiring: GoldfishRtcWiring;

  constructor(window: Window, region: DeviceRegion, wiring: GoldfishRtcWiring) {
    this.id = `rtc@${window.gpa.toString(16)}`;
    this.window = window;
    this.#words = region.words;
    this.#lock = new SharedLock(region.words, Word.LOCK);
    this.#wiring = wiring;
  }

  read(off: number, width: Width): number {
    if (width !== 4) return 0;
    const words = this.#words;
    switch (off) {
      case Reg.TIME_LOW: {
        const now = this.#now();
        words[Word.TIME_HIGH] = highHalf(now);
        return lowHalf(now);
      }
      case Reg.TIME_HIGH:
        return words[Word.TIME_HIGH] >>> 0;
      case Reg.ALARM_LOW:
        return words[Word.ALARM] >>> 0;
      case Reg.ALARM_HIGH:
        return words[Word.ALARM + 1] >>> 0;
      case Reg.IRQ_ENABLED:
        return words[Word.IRQ_ENABLED];
      case Reg.ALARM_STATUS:
        this.#fireIfDue();
        return words[Word.ALARM_SET];
      default:
        return 0;
    }
  }

  write(off: number, width: Width, value: number): void {
    if (width !== 4) return;
    const words = this.#words;
    switch (off) {
      case Reg.TIME_LOW:
        this.#setTime(joinU64(value, highHalf(this.#now())));
        break;
      case Reg.TIME_HIGH:
        this.#setTime(joinU64(lowHalf(this.#now()), value));
        break;
      case Reg.ALARM_LOW:
        words[Word.ALARM] = value;
        words[Word.ALARM_SET] = 1;
        this.#fireIfDue();
        break;
      case Reg.ALARM_HIGH:
        words[Word.ALARM + 1] = value;
        return;
      case Reg.IRQ_ENABLED:
        words[Word.IRQ_ENABLED] = value & 1;
        this.#update();
        return;
      case Reg.CLEAR_ALARM:
        words[Word.ALARM_SET] = 0;
        break;
      case Reg.CLEAR_INTERRUPT:
        words[Word.IRQ_PENDING] = 0;
        this.#update();
        return;
      default:
        return;
    }
    this.#wiring.doorbell.ring();
  }

  /** The time goes on as the guest has set it: it is the battery's. */
  reset(): void {
    this.#words.fill(0, Word.ALARM);
    this.#update();
    this.#wiring.doorbell.ring();
  }

  save(): Record<string, unknown> {
    const words = this.#words;
    return {
      offsetNs: String(getU64(words, Word.OFFSET)),
      alarm: String(getU64(words, Word.ALARM)),
      timeHigh: words[Word.TIME_HIGH] >>> 0,
      alarmSet: words[Word.ALARM_SET],
      irqEnabled: words[Word.IRQ_ENABLED],
      irqPending: words[Word.IRQ_PENDING],
    };
  }

  restore(state: SavedState): void {
    const words = this.#words;
    setU64(words, Word.OFFSET, savedU64(state, 'offsetNs'));
    setU64(words, Word.ALARM, savedU64(state, 'alarm'));
    words[Word.TIME_HIGH] = savedU32(state, 'timeHigh');
    words[Word.ALARM_SET] = savedU32(state, 'alarmSet') & 1;
    words[Word.IRQ_ENABLED] = savedU32(state, 'irqEnabled') & 1;
    words[Word.IRQ_PENDING] = savedU32(state, 'irqPending') & 1;
    this.#update();
    this.#wiring.doorbell.ring();
  }

  describe(soc: FdtNode, context: DescribeContext): void {
    soc
      .child(this.id)
      .set('compatible', 'google,goldfish-rtc')
      .set64('reg', [this.window.gpa, this.window.size])
      .set('interrupts', [context.irq])
      .set('interrupt-parent', [context.plicPhandle]);
  }

  /**
   * Back half: raises the interrupt if the alarm is due and returns how many nanoseconds it is away otherwise, Infinity
   * if none is set. Any thread, without the lock.
   */
  checkAlarm(): number {
    this.#lock.lock();
    this.#fireIfDue();
    const words = this.#words;
    const away =
      words[Word.ALARM_SET] === 0 ? Number.POSITIVE_INFINITY : Number(getU64(words, Word.ALARM) - this.#now());
    this.#lock.unlock();
    return away;
  }

  #now(): bigint {
    return BigInt.asUintN(64, this.#wiring.clock.wallNs() + getU64(this.#words, Word.OFFSET));
  }

  #setTime(time: bigint): void {
    setU64(this.#words, Word.OFFSET, time - this.#wiring.clock.wallNs());
  }

  #fireIfDue(): void {
    const words = this.#words;
    if (words[Word.ALARM_SET] === 0 || getU64(words, Word.ALARM) > this.#now()) return;
    words[Word.ALARM_SET] = 0;
    words[Word.IRQ_PENDING] = 1;
    this.#update();
  }

  #update(): void {
    this.#wiring.irq.set((this.#words[Word.IRQ_ENABLED] & this.#words[Word.IRQ_PENDING]) !== 0);
  }
}

/** Timers may not reach further: the alarm is looked at again after so many nanoseconds (one hour). */
const LOOK_AGAIN_NS = 3600e9;

/** The clock's host half: keeps one timer set for the alarm. */
export class GoldfishRtcBack implements BackHalf {
  readonly #rtc: GoldfishRtc;
  readonly #timers: Timers;
  #timer: Timer | undefined;
  #closed = false;

  constructor(rtc: GoldfishRtc, timers: Timers) {
    this.#rtc = rtc;
    this.#timers = timers;
  }

  service(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const away = this.#rtc.checkAlarm();
    if (away === Number.POSITIVE_INFINITY || this.#closed) return;
    this.#timer = this.#timers.after(Math.min(away, LOOK_AGAIN_NS), () => this.service());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
  }
}
