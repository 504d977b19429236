import { RoundTrip } from './round-trip.ts';
import { Scoreboard } from './scoreboard.ts';
import { type SeqRange, seqAdd, seqDiff } from './segment.ts';
import { SendBuffer } from './send-buffer.ts';

/** Segments in flight to begin with. The wire is memory: it holds a burst, and a slow start would be felt by each page. */
const FIRST_SEGMENTS = 64;

/** Least congestion window after a loss, in segments. */
const LEAST_SEGMENTS = 2;

/** Most data in one frame, which the device or the guest cuts: an IP packet has 64 KiB with its headers. */
const FRAME_DATA_MAX = 65_535 - 120;

/** Reports of a gap before it counts as a loss (RFC 5681, 3.2). */
const DUPLICATES = 3;

/** Times that a segment is sent again before the peer is given up: with the doubling that is some minutes. */
const RETRIES_MAX = 12;

/** Sends a piece of the stream. `fin`: it ends the stream. */
export type SendPiece = (sequence: number, data: Uint8Array, fin: boolean) => void;

/** What a sender is made with. */
export interface SenderOptions {
  /** First sequence number of data. */
  readonly first: number;
  readonly mss: number;
  /** The peer's window, in bytes. */
  readonly window: number;
  readonly nowNs: () => number;
  readonly send: SendPiece;
}

/**
 * The sending half of a connection: keeps what is not acknowledged, sends as much as the peer's window and the
 * congestion window let it (RFC 5681), and repeats what is lost, by the peer's reports (RFC 6675) or after a time
 * (RFC 6298).
 */
export class TcpSender {
  readonly #options: SenderOptions;
  readonly #buffer = new SendBuffer();
  readonly #scoreboard = new Scoreboard();
  readonly #roundTrip = new RoundTrip();
  /** SND.UNA and SND.NXT. */
  #acknowledged: number;
  #next: number;
  #window: number;
  #congestion: number;
  #threshold = Number.POSITIVE_INFINITY;
  #duplicates = 0;
  /** Repeating what is lost, until all that had been sent when that was noticed is acknowledged. */
  #recovery: { until: number; repeatNext: number; byTime: boolean } | undefined;
  #timed: { end: number; sentNs: number } | undefined;
  #deadlineNs: number | undefined;
  #retries = 0;
  /** A byte beyond `#next` has been sent into a closed window. */
  #probed = false;
  #ended = false;
  #finSent = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#acknowledged = options.first;
    this.#next = options.first;
    this.#window = options.window;
    this.#congestion = FIRST_SEGMENTS * options.mss;
  }

  /** SND.NXT. */
  get next(): number {
    return this.#next;
  }

  /** Bytes written and not acknowledged. */
  get pendingBytes(): number {
    return this.#buffer.bytes;
  }

  /** All is acknowledged, the end too. */
  get finished(): boolean {
    return this.#finSent && this.#acknowledged === this.#next;
  }

  /** When `expired` is to be called; undefined: nothing is waited for. */
  get deadlineNs(): number | undefined {
    return this.#deadlineNs;
  }

  write(bytes: Uint8Array): void {
    this.#buffer.push(bytes);
    this.#transmit();
  }

  /** Nothing more will be written. */
  end(): void {
    this.#ended = true;
    this.#transmit();
  }

  /** Whether an acknowledgment is of something that was sent (RFC 9293, 3.10.7.4, fifth step). */
  acceptable(acknowledgment: number): boolean {
    return seqDiff(acknowledgment, this.#next) <= (this.#probed ? 1 : 0);
  }

  /**
   * Takes an acknowledgment in, with the peer's window in bytes and its reports. `bare`: the segment held nothing else.
   * Returns true if data have been acknowledged.
   */
  acknowledge(acknowledgment: number, window: number, sacks: readonly SeqRange[], bare: boolean): boolean {
    const advance = seqDiff(acknowledgment, this.#acknowledged);
    if (advance < 0) return false;
    const sameWindow = window === this.#window;
    this.#window = window;
    // A peer that answers is there, however long it keeps its window closed (RFC 9293, 3.8.6.1).
    if (window === 0) this.#retries = 0;
    this.#scoreboard.add(sacks, acknowledgment, this.#next);
    if (advance > 0) this.#advance(acknowledgment, advance);
    else if (bare && this.#inFlight > 0 && (sameWindow || sacks.length > 0)) this.#duplicates++;
    this.#noticeLoss();
    this.#transmit();
    return advance > 0;
  }

  /** The deadline has passed. False: the peer has been tried often enough. */
  expired(): boolean {
    this.#deadlineNs = undefined;
    if (this.#retries++ >= RETRIES_MAX) return false;
    this.#roundTrip.backOff();
    this.#timed = undefined;
    if (this.#inFlight === 0) this.#probe();
    else {
      const { mss } = this.#options;
      if (this.#retries === 1) this.#threshold = Math.max(this.#inFlight / 2, LEAST_SEGMENTS * mss);
      this.#congestion = LEAST_SEGMENTS * mss;
      // RFC 2018, 8: the peer may have thrown away what it reported.
      this.#scoreboard.clear();
      this.#recovery = { until: this.#next, repeatNext: this.#acknowledged, byTime: true };
      // Even into a closed window: its opening may be what got lost.
      this.#repeat(true);
    }
    this.#arm();
    return true;
  }

  get #inFlight(): number {
    return seqDiff(this.#next, this.#acknowledged);
  }

  /** Bytes thought to be on their way: not reported by the peer, and not yet to be repeated in a recovery. */
  get #pipe(): number {
    const lost = this.#recovery?.byTime ? Math.max(0, seqDiff(this.#recovery.until, this.#recovery.repeatNext)) : 0;
    return Math.max(0, this.#inFlight - this.#scoreboard.bytes - lost);
  }

  #advance(acknowledgment: number, advance: number): void {
    this.#buffer.drop(Math.min(advance, this.#buffer.bytes));
    this.#acknowledged = acknowledgment;
    if (seqDiff(acknowledgment, this.#next) > 0) this.#next = acknowledgment;
    this.#probed = false;
    this.#scoreboard.settle(acknowledgment);
    this.#duplicates = 0;
    this.#retries = 0;
    this.#roundTrip.progress();
    this.#measure(acknowledgment);
    this.#grow(advance);
    const recovery = this.#recovery;
    if (recovery !== undefined) {
      if (seqDiff(acknowledgment, recovery.until) >= 0) this.#recovery = undefined;
      else if (seqDiff(recovery.repeatNext, acknowledgment) < 0) recovery.repeatNext = acknowledgment;
      // RFC 6582, 3.2: an acknowledgment of a part only shows that what comes next is lost too.
      else if (!recovery.byTime && this.#scoreboard.highest === undefined) recovery.repeatNext = acknowledgment;
    }
    this.#deadlineNs = undefined;
    this.#arm();
  }

  #measure(acknowledgment: number): void {
    const timed = this.#timed;
    if (timed === undefined || seqDiff(acknowledgment, timed.end) < 0) return;
    this.#timed = undefined;
    this.#roundTrip.measured(this.#options.nowNs() - timed.sentNs);
  }

  /** Slow start and congestion avoidance, by bytes acknowledged (RFC 5681, 3.1; RFC 3465). */
  #grow(advance: number): void {
    if (this.#recovery !== undefined && !this.#recovery.byTime) return;
    if (this.#congestion < this.#threshold) this.#congestion += advance;
    else this.#congestion += Math.max(1, (this.#options.mss * advance) / this.#congestion);
  }

  #noticeLoss(): void {
    if (this.#recovery !== undefined || this.#inFlight === 0) return;
    const { mss } = this.#options;
    const reported = this.#scoreboard.bytes > DUPLICATES * mss;
    if (this.#duplicates < DUPLICATES && !reported) return;
    this.#threshold = Math.max(this.#inFlight / 2, LEAST_SEGMENTS * mss);
    this.#congestion = this.#threshold;
    this.#timed = undefined;
    this.#recovery = { until: this.#next, repeatNext: this.#acknowledged, byTime: false };
    // RFC 6675, 5 (4.3): the first one goes out whatever is in flight.
    this.#repeat(true);
  }

  #transmit(): void {
    while (this.#repeat(false)) {}
    while (this.#sendNew()) {}
    this.#arm();
  }

  /** Sends again the next piece that is lost; `anyway`: whatever the congestion window says. False: nothing was sent. */
  #repeat(anyway: boolean): boolean {
    const recovery = this.#recovery;
    if (recovery === undefined || this.#inFlight === 0) return false;
    const { mss } = this.#options;
    if (!anyway && this.#congestion - this.#pipe < mss) return false;
    const to = recovery.byTime ? recovery.until : this.#provenLost(recovery.until);
    const hole = this.#scoreboard.hole(recovery.repeatNext, to);
    if (hole === undefined) return false;
    const offset = seqDiff(hole.start, this.#acknowledged);
    const data = this.#buffer.read(offset, Math.min(seqDiff(hole.end, hole.start), mss));
    const fin = this.#finSent && offset + data.length === this.#buffer.bytes;
    const numbers = data.length + (fin ? 1 : 0);
    // Before it is sent: on a wire without delay the answer is here before `send` returns, and moves this on.
    recovery.repeatNext = seqAdd(hole.start, Math.max(1, numbers));
    this.#options.send(hole.start, data, fin);
    return numbers > 0;
  }

  /** What lies before something that the peer has; without reports the first segment alone. */
  #provenLost(until: number): number {
    const highest = this.#scoreboard.highest ?? seqAdd(this.#acknowledged, this.#options.mss);
    return seqDiff(highest, until) < 0 ? highest : until;
  }

  #sendNew(): boolean {
    if (this.#finSent) return false;
    const { mss, nowNs, send } = this.#options;
    const offset = this.#inFlight;
    const unsent = this.#buffer.bytes - offset;
    const room = Math.min(this.#window - offset, this.#congestion - this.#pipe);
    let length = Math.min(unsent, room, FRAME_DATA_MAX);
    // Small pieces only at the end, or where there is no hope for more (RFC 9293, 3.8.6.2.1).
    if (length < unsent && length < mss && offset > 0) return false;
    if (length > mss && length < unsent) length -= length % mss;
    const fin = this.#ended && length === unsent;
    if (length <= 0 && !fin) return false;
    const sequence = this.#next;
    this.#next = seqAdd(sequence, Math.max(0, length) + (fin ? 1 : 0));
    this.#finSent = fin;
    this.#timed ??= this.#recovery === undefined ? { end: this.#next, sentNs: nowNs() } : undefined;
    send(sequence, this.#buffer.read(offset, Math.max(0, length)), fin);
    return true;
  }

  /** One byte into a closed window, to hear whether it has opened (RFC 9293, 3.8.6.1). */
  #probe(): void {
    if (this.#buffer.bytes === 0) return;
    this.#probed = true;
    this.#options.send(this.#acknowledged, this.#buffer.read(0, 1), false);
  }

  /** Waits for an answer, or for a closed window to open. */
  #arm(): void {
    const waiting = this.#inFlight > 0 || this.#buffer.bytes > 0;
    if (!waiting) this.#deadlineNs = undefined;
    else this.#deadlineNs ??= this.#options.nowNs() + this.#roundTrip.timeoutNs;
  }
}
