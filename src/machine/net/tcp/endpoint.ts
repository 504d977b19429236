import type { Clock } from '../../../util/index.ts';
import type { Timer, Timers } from '../../bus/timers.ts';
import { TcpReceiver } from './receiver.ts';
import { seqAdd, TcpFlag, type TcpOptions, type TcpSegment } from './segment.ts';
import { TcpSender } from './sender.ts';

const { FIN, SYN, RST, PSH, ACK } = TcpFlag;

/** Bytes that are held for the host's side of a connection, and so the largest window that a peer sees. */
const RECEIVE_BYTES = 2 ** 20;

/** What that window is shifted by: it fits in 16 bits then (RFC 7323, 2.2). */
const WINDOW_SCALE = 5;

/** MSS of a peer that names none (RFC 9293, 3.7.1), and the least that is believed. */
const MSS_DEFAULT = 536;
const MSS_MIN = 48;

/** How long a SYN is repeated, with a doubling wait, before the peer counts as absent. */
const SYN_FIRST_NS = 1e9;
const SYN_TRIES = 6;

/** How long a closed connection still answers a repeated FIN. The wire is short, so less than RFC 9293's 2 MSL. */
const TIME_WAIT_NS = 4e9;

/** What a connection's owner is told. */
export interface TcpOwner {
  /** Both sides agree that there is a connection. */
  opened(): void;
  /** Data in order. `consumed` is to be called with their length when they have been taken. */
  data(bytes: Uint8Array): void;
  /** The peer has nothing more to say. */
  ended(): void;
  /** The peer has acknowledged some of what was written. */
  acknowledged(): void;
  /**
   * Both sides have said all and know it; only the memory of the connection is left, until `closed`. Not called where
   * nothing needs to be remembered.
   */
  finished(): void;
  /** It is over; called once. `reset`: by a reset, ours, the peer's or for want of an answer; not by both ends. */
  closed(reset: boolean): void;
}

/** What a connection is made with. */
export interface TcpEndpointOptions {
  readonly owner: TcpOwner;
  /** Sends a segment on its way; `mss`: what larger ones are to be cut to. */
  send(segment: TcpSegment, mss: number): void;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Initial sequence number: unpredictable for others (RFC 6528). */
  readonly sequence: number;
  /** Largest segment that may come in. */
  readonly mss: number;
}

type State = 'idle' | 'syn-sent' | 'syn-received' | 'open' | 'time-wait' | 'closed';

/** One end of a TCP connection (RFC 9293), which knows nothing of addresses. */
export class TcpEndpoint {
  readonly #options: TcpEndpointOptions;
  #state: State = 'idle';
  #receiver: TcpReceiver | undefined;
  #sender: TcpSender | undefined;
  /** What the peer opened with. */
  #peer: TcpOptions = {};
  #peerScale = 0;
  #mss = MSS_DEFAULT;
  #timer: { readonly timer: Timer; readonly dueNs: number } | undefined;
  #synTries = 0;
  #acknowledgmentDue = false;
  /** Window of the last segment sent. */
  #announced = 0;
  #endWanted = false;
  /** The peer's end had come when ours was first sent. */
  #endedLast: boolean | undefined;

  constructor(options: TcpEndpointOptions) {
    this.#options = options;
  }

  /** Bytes written that the peer has not acknowledged. */
  get pendingBytes(): number {
    return this.#sender?.pendingBytes ?? 0;
  }

  /** Whether nothing is sent or taken any more. */
  get isOver(): boolean {
    return this.#state === 'closed' || this.#state === 'time-wait';
  }

  /** Opens a connection to the peer. */
  open(): void {
    this.#state = 'syn-sent';
    this.#sendSyn();
  }

  /** Answers the peer's SYN. */
  accept(syn: TcpSegment): void {
    this.#learn(syn);
    this.#state = 'syn-received';
    this.#sendSyn();
  }

  /** Takes data to send; they must not change any more. Before the connection is open nothing may be written. */
  write(bytes: Uint8Array): void {
    if (this.#state === 'open') this.#sender?.write(bytes);
    this.#schedule();
  }

  /** Nothing more will be written: what was is delivered, then the peer told. */
  end(): void {
    this.#endWanted = true;
    if (this.#state !== 'open') return;
    this.#sender?.end();
    this.#schedule();
    this.#finishIfDone();
  }

  /** The owner has taken `bytes` bytes of what it was given. */
  consumed(bytes: number): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#state !== 'open') return;
    receiver.consumed(bytes);
    // RFC 9293, 3.8.6.2.2: the window moves in steps that are worth a segment.
    const gain = receiver.window() - this.#announced;
    if (gain >= Math.min(RECEIVE_BYTES / 2, 2 * this.#options.mss)) this.#acknowledgeSoon();
  }

  /** Ends the connection at once. */
  reset(): void {
    if (this.#state === 'closed' || this.#state === 'idle') return;
    if (this.#state !== 'time-wait') {
      const sequence = this.#sender?.next ?? seqAdd(this.#options.sequence, 1);
      this.#transmit(sequence, this.#receiver === undefined ? RST : RST | ACK, new Uint8Array(0));
    }
    this.#close(true);
  }

  /** Takes a segment of the peer's. */
  receive(segment: TcpSegment): void {
    if (this.#state === 'closed' || this.#state === 'idle') return;
    if (this.#state === 'syn-sent') this.#receiveInSynSent(segment);
    else this.#receiveSynchronized(segment);
  }

  /** RFC 9293, 3.10.7.3. */
  #receiveInSynSent(segment: TcpSegment): void {
    const { flags, acknowledgment } = segment;
    const acknowledges = (flags & ACK) !== 0 && acknowledgment === seqAdd(this.#options.sequence, 1);
    if ((flags & RST) !== 0) {
      if (acknowledges) this.#close(true);
      return;
    }
    if ((flags & ACK) !== 0 && !acknowledges) {
      this.#transmit(acknowledgment, RST, new Uint8Array(0));
      return;
    }
    if ((flags & SYN) === 0) return;
    this.#learn(segment);
    if (acknowledges) this.#established(segment);
    else {
      this.#state = 'syn-received';
      this.#sendSyn();
    }
  }

  /** RFC 9293, 3.10.7.4. */
  #receiveSynchronized(segment: TcpSegment): void {
    const receiver = this.#receiver as TcpReceiver;
    const { sequence, flags, data } = segment;
    const length = data.length + ((flags & FIN) !== 0 ? 1 : 0) + ((flags & SYN) !== 0 ? 1 : 0);
    if ((flags & RST) !== 0) {
      // RFC 5961, 3.2: only the exact number ends the connection; one near it is questioned.
      if (sequence === receiver.next) this.#close(true);
      else if (receiver.acceptable(sequence, 0)) this.#acknowledgeNow();
      return;
    }
    if ((flags & SYN) !== 0) {
      if (this.#state === 'syn-received') this.#sendSyn();
      else this.#acknowledgeNow();
      return;
    }
    if ((flags & ACK) === 0) return;
    const useful = receiver.acceptable(sequence, length);
    if (!useful) this.#acknowledgeNow();
    if (this.#state === 'syn-received') {
      if (!useful) return;
      if (segment.acknowledgment !== seqAdd(this.#options.sequence, 1)) {
        this.#transmit(segment.acknowledgment, RST, new Uint8Array(0));
        return;
      }
      this.#established(segment);
      if (this.isOver) return;
    }
    if (this.#state === 'time-wait') {
      // RFC 9293, 3.10.7.4, eighth step: the peer has not heard that its end was heard.
      if ((flags & FIN) !== 0) this.#waitOut();
      return;
    }
    this.#takeAcknowledgment(segment, length === 0);
    if (useful && this.#state === 'open' && length > 0) this.#takeData(segment);
    this.#schedule();
    this.#finishIfDone();
  }

  #takeAcknowledgment({ acknowledgment, window, options }: TcpSegment, bare: boolean): void {
    const sender = this.#sender as TcpSender;
    if (!sender.acceptable(acknowledgment)) {
      this.#acknowledgeNow();
      return;
    }
    if (sender.acknowledge(acknowledgment, window * 2 ** this.#peerScale, options.sacks ?? [], bare)) {
      this.#options.owner.acknowledged();
    }
  }

  #takeData({ sequence, data, flags }: TcpSegment): void {
    const { owner } = this.#options;
    const arrival = (this.#receiver as TcpReceiver).accept(sequence, data, (flags & FIN) !== 0);
    // Before the acknowledgment: on a wire without delay it may bring the next data.
    for (const bytes of arrival.data) {
      if (this.#state !== 'open') return;
      owner.data(bytes);
    }
    if (arrival.ended && this.#state === 'open') owner.ended();
    if (this.#state !== 'open') return;
    if (arrival.urgent) this.#acknowledgeNow();
    else this.#acknowledgeSoon();
  }

  /** What the peer's SYN says. */
  #learn({ sequence, options }: TcpSegment): void {
    this.#peer = options;
    this.#peerScale = options.windowScale ?? 0;
    this.#mss = Math.min(Math.max(options.mss ?? MSS_DEFAULT, MSS_MIN), this.#options.mss);
    this.#receiver = new TcpReceiver(seqAdd(sequence, 1), RECEIVE_BYTES);
  }

  #established({ window, flags }: TcpSegment): void {
    const { clock, owner, sequence } = this.#options;
    const answersSyn = this.#state === 'syn-sent';
    this.#state = 'open';
    this.#cancelTimer();
    this.#sender = new TcpSender({
      first: seqAdd(sequence, 1),
      mss: this.#mss,
      // The window of a SYN is not scaled (RFC 7323, 2.2).
      window: (flags & SYN) !== 0 ? window : window * 2 ** this.#peerScale,
      nowNs: () => clock.nowNs(),
      send: (at, data, fin) => {
        if (fin) this.#endedLast ??= this.#receiver?.ended;
        this.#transmit(at, ACK | (fin ? FIN : 0) | (data.length > 0 ? PSH : 0), data);
      },
    });
    if (answersSyn) this.#acknowledgeNow();
    owner.opened();
    if (this.#endWanted && this.#state === 'open') this.#sender.end();
    this.#schedule();
  }

  #sendSyn(): void {
    const { sequence } = this.#options;
    const passive = this.#state === 'syn-received';
    const scale = !passive || this.#peer.windowScale !== undefined;
    const options: TcpOptions = {
      mss: this.#options.mss,
      ...(scale ? { windowScale: WINDOW_SCALE } : {}),
      ...(!passive || this.#peer.sackPermitted === true ? { sackPermitted: true } : {}),
    };
    this.#transmit(sequence, passive ? SYN | ACK : SYN, new Uint8Array(0), options);
    this.#cancelTimer();
    this.#setTimer(SYN_FIRST_NS * 2 ** this.#synTries, () => {
      if (++this.#synTries >= SYN_TRIES) this.#close(true);
      else this.#sendSyn();
    });
  }

  #acknowledgeNow(): void {
    if (this.#state === 'closed') return;
    const sequence = this.#sender?.next ?? seqAdd(this.#options.sequence, 1);
    this.#transmit(sequence, ACK, new Uint8Array(0));
  }

  /** One acknowledgment for all that comes in one turn of the event loop. */
  #acknowledgeSoon(): void {
    if (this.#acknowledgmentDue) return;
    this.#acknowledgmentDue = true;
    queueMicrotask(() => {
      if (this.#acknowledgmentDue) this.#acknowledgeNow();
    });
  }

  #transmit(sequence: number, flags: number, data: Uint8Array, opening?: TcpOptions): void {
    const receiver = this.#receiver;
    const acknowledges = (flags & ACK) !== 0 && receiver !== undefined;
    const room = receiver?.window() ?? RECEIVE_BYTES;
    const scale = opening === undefined && this.#peer.windowScale !== undefined ? WINDOW_SCALE : 0;
    const window = Math.min(room >>> scale, 0xffff);
    const sacks = acknowledges && this.#peer.sackPermitted === true ? receiver.sacks() : [];
    if (acknowledges) {
      this.#acknowledgmentDue = false;
      this.#announced = window * 2 ** scale;
    }
    const options = opening ?? (sacks.length > 0 ? { sacks } : {});
    const acknowledgment = acknowledges ? receiver.next : 0;
    this.#options.send({ sequence, acknowledgment, flags, window, options, data }, this.#mss);
  }

  /** Sees to it that the sender's deadline is kept. */
  #schedule(): void {
    const due = this.#state === 'open' ? this.#sender?.deadlineNs : undefined;
    if (due === undefined) {
      if (this.#state === 'open') this.#cancelTimer();
      return;
    }
    // A timer that comes too early sets itself again: cheaper than a new one for each acknowledgment.
    if (this.#timer !== undefined && this.#timer.dueNs <= due) return;
    this.#cancelTimer();
    this.#setTimer(due - this.#options.clock.nowNs(), () => this.#tick());
  }

  #tick(): void {
    const sender = this.#sender as TcpSender;
    const due = sender.deadlineNs;
    if (due !== undefined && due <= this.#options.clock.nowNs() && !sender.expired()) this.reset();
    else this.#schedule();
  }

  /** Both ends have said all and know that the other knows. */
  #finishIfDone(): void {
    if (this.#state !== 'open' || !this.#receiver?.ended || !this.#sender?.finished) return;
    // An acknowledgment of the peer's end that is still due must not be lost.
    if (this.#acknowledgmentDue) this.#acknowledgeNow();
    // RFC 9293, 3.6: LAST-ACK. The peer has our end, and with it the acknowledgment of its own.
    if (this.#endedLast === true) {
      this.#close(false);
      return;
    }
    this.#state = 'time-wait';
    this.#waitOut();
    this.#options.owner.finished();
  }

  #waitOut(): void {
    this.#cancelTimer();
    this.#setTimer(TIME_WAIT_NS, () => this.#close(false));
  }

  #close(reset: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#acknowledgmentDue = false;
    this.#cancelTimer();
    this.#options.owner.closed(reset);
  }

  #setTimer(ns: number, callback: () => void): void {
    const { clock, timers } = this.#options;
    const timer = timers.after(Math.max(0, ns), () => {
      this.#timer = undefined;
      callback();
    });
    this.#timer = { timer, dueNs: clock.nowNs() + Math.max(0, ns) };
  }

  #cancelTimer(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }
}
