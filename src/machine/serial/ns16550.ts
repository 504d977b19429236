import { SharedLock } from '../../util/index.ts';
import { ByteRing } from '../bus/byte-ring.ts';
import { type SavedState, savedBytes, savedU32 } from '../bus/saved.ts';
import type { DescribeContext, DeviceRegion, Doorbell, IrqLine, MmioDevice, Width, Window } from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';
import { pendingInterrupt } from './ns16550-interrupt.ts';
import { Break, INPUT_BYTES, OUTPUT_BYTES, Place, Word } from './ns16550-region.ts';
import { FCR, FIFO_BYTES, IER, IIR, LCR, LSR, MCR, MSR, modemLines, Reg } from './registers.ts';

export { NS16550_REGION_BYTES } from './ns16550-region.ts';

/** Input clock of QEMU's virt board in Hz; it sets no pace here. */
const CLOCK_HZ = 3_686_400;
/** 9600 baud at 1.8432 MHz, the usual power-on content. */
const RESET_DIVISOR = 12;

/** What a UART is wired to. */
export interface Ns16550Wiring {
  readonly irq: IrqLine;
  /**
   * Rings when there is output for the host, or room for more input. Once for all output until the host has taken it:
   * a ring wakes another thread, which costs more than the byte.
   */
  readonly doorbell: Doorbell;
}

/**
 * A 16550A UART, the front half. Transmission takes no time: a byte written goes to a ring in shared memory that the
 * back half empties, and THRE stays clear while that ring lacks room for a FIFO's worth. Input waits in a second ring
 * and moves up into the guest-visible FIFO as it is read; the character time-out is taken to pass at once, so any byte
 * below the trigger level raises it. The host is never lost a byte: overruns happen in loopback only.
 */
export class Ns16550 implements MmioDevice {
  readonly id: string;
  readonly window: Window;
  readonly #words: Int32Array;
  readonly #lock: SharedLock;
  readonly #irq: IrqLine;
  readonly #doorbell: Doorbell;
  /** What the guest sees of its input. */
  readonly #fifo: ByteRing;
  readonly #input: ByteRing;
  readonly #output: ByteRing;

  constructor(window: Window, region: DeviceRegion, wiring: Ns16550Wiring) {
    this.id = `serial@${window.gpa.toString(16)}`;
    this.window = window;
    this.#words = region.words;
    this.#lock = new SharedLock(region.words, Word.LOCK);
    this.#irq = wiring.irq;
    this.#doorbell = wiring.doorbell;
    const ring = (word: number, at: number, bytes: number) =>
      new ByteRing(region.words, word, region.bytes.subarray(at, at + bytes));
    this.#fifo = ring(Word.FIFO, Place.FIFO, FIFO_BYTES);
    this.#input = ring(Word.INPUT, Place.INPUT, INPUT_BYTES);
    this.#output = ring(Word.OUTPUT, Place.OUTPUT, OUTPUT_BYTES);
  }

  /** Registers are one byte; a wider access reads the one at its address. */
  read(off: number, _width: Width): number {
    const words = this.#words;
    switch (off) {
      case Reg.RBR_THR_DLL:
        return this.#dlab ? words[Word.DIVISOR] & 0xff : this.#readRbr();
      case Reg.IER_DLM:
        return this.#dlab ? (words[Word.DIVISOR] >>> 8) & 0xff : words[Word.IER];
      case Reg.IIR_FCR:
        return this.#readIir();
      case Reg.LCR:
        return words[Word.LCR];
      case Reg.MCR:
        return words[Word.MCR];
      case Reg.LSR:
        return this.#readLsr();
      case Reg.MSR:
        return this.#readMsr();
      case Reg.SCR:
        return words[Word.SCR];
      default:
        return 0;
    }
  }

  write(off: number, _width: Width, value: number): void {
    const byte = value & 0xff;
    const words = this.#words;
    switch (off) {
      case Reg.RBR_THR_DLL:
        if (this.#dlab) words[Word.DIVISOR] = (words[Word.DIVISOR] & 0xff00) | byte;
        else this.#writeThr(byte);
        return;
      case Reg.IER_DLM:
        if (this.#dlab) words[Word.DIVISOR] = (words[Word.DIVISOR] & 0xff) | (byte << 8);
        else this.#writeIer(byte);
        return;
      case Reg.IIR_FCR:
        this.#writeFcr(byte);
        return;
      case Reg.LCR:
        words[Word.LCR] = byte;
        return;
      case Reg.MCR:
        this.#writeMcr(byte);
        return;
      case Reg.SCR:
        words[Word.SCR] = byte;
        return;
    }
  }

  /** Output stays, and input that has not come up to the receiver: for the guest both are on the wire. */
  reset(): void {
    this.#words.fill(0, Word.IER, Word.TX_BLOCKED);
    this.#words[Word.BREAK] = 0;
    this.#words[Word.DIVISOR] = RESET_DIVISOR;
    this.#fifo.clear();
    this.#refill();
    this.#update();
    this.#doorbell.ring();
  }

  save(): Record<string, unknown> {
    const words = this.#words;
    return {
      ier: words[Word.IER],
      fcr: words[Word.FCR],
      lcr: words[Word.LCR],
      mcr: words[Word.MCR],
      scr: words[Word.SCR],
      divisor: words[Word.DIVISOR],
      overrun: words[Word.OVERRUN],
      break: words[Word.BREAK],
      modemChanges: words[Word.MODEM_CHANGES],
      // Output goes to this machine's host, so elsewhere the transmitter is empty: news if it is not so here.
      threPending: words[Word.THRE_PENDING] | words[Word.TX_BLOCKED],
      fifo: Array.from(this.#fifo.peek()),
      input: Array.from(this.#input.peek()),
    };
  }

  restore(state: SavedState): void {
    const words = this.#words;
    const fifo = savedBytes(state, 'fifo', FIFO_BYTES);
    const input = savedBytes(state, 'input', INPUT_BYTES);
    words[Word.IER] = savedU32(state, 'ier') & IER.MASK;
    words[Word.FCR] = savedU32(state, 'fcr') & FCR.KEPT;
    words[Word.LCR] = savedU32(state, 'lcr') & 0xff;
    words[Word.MCR] = savedU32(state, 'mcr') & MCR.MASK;
    words[Word.SCR] = savedU32(state, 'scr') & 0xff;
    words[Word.DIVISOR] = savedU32(state, 'divisor') & 0xffff;
    words[Word.OVERRUN] = savedU32(state, 'overrun') & LSR.OE;
    words[Word.BREAK] = savedU32(state, 'break') & (Break.BYTE | Break.STATUS);
    words[Word.MODEM_CHANGES] = savedU32(state, 'modemChanges') & 0x0f;
    words[Word.THRE_PENDING] = savedU32(state, 'threPending') & 1;
    this.#fifo.clear();
    this.#fifo.put(fifo);
    this.#input.clear();
    this.#input.put(input);
    this.#update();
    this.#doorbell.ring();
  }

  describe(soc: FdtNode, context: DescribeContext): void {
    soc
      .child(this.id)
      .set('compatible', 'ns16550a')
      .set64('reg', [this.window.gpa, this.window.size])
      .set('interrupts', [context.irq])
      .set('interrupt-parent', [context.plicPhandle])
      .set('clock-frequency', [CLOCK_HZ]);
  }

  /**
   * Output that does not come through the registers: the firmware's console. Takes what there is room for and returns
   * how many bytes that was. Any thread, without the lock.
   */
  putBytes(bytes: Uint8Array): number {
    this.#lock.lock();
    const waiting = this.#output.count;
    // THRE promises the guest a FIFO's worth.
    const count = this.#output.put(bytes, this.#output.room - FIFO_BYTES);
    this.#lock.unlock();
    if (waiting === 0 && count > 0) this.#doorbell.ring();
    return count;
  }

  /** Sleeps until the host has taken output, or for `ms` milliseconds. vCPU threads only, without the lock. */
  waitForRoom(ms: number): void {
    const taken = Atomics.load(this.#words, Word.OUTPUT);
    if (this.#output.room <= FIFO_BYTES) Atomics.wait(this.#words, Word.OUTPUT, taken, ms);
  }

  /** Takes one byte of input past the registers, for the firmware's console: -1 if there is none. Any thread. */
  getByte(): number {
    this.#lock.lock();
    this.#words[Word.BREAK] = 0;
    const byte = this.#takeInput();
    this.#lock.unlock();
    return byte;
  }

  /** Back half: takes up to `max` bytes of output; the doorbell is silent until none was left. Any thread, without the lock. */
  takeOutput(max: number): Uint8Array {
    this.#lock.lock();
    const bytes = this.#output.take(max);
    if (this.#words[Word.TX_BLOCKED] !== 0 && this.#output.room >= FIFO_BYTES) {
      this.#words[Word.TX_BLOCKED] = 0;
      this.#words[Word.THRE_PENDING] = 1;
      this.#update();
    }
    this.#lock.unlock();
    if (bytes.length > 0) Atomics.notify(this.#words, Word.OUTPUT);
    return bytes;
  }

  /** Back half: gives input, and returns how many bytes there was room for. Any thread, without the lock. */
  giveInput(bytes: Uint8Array): number {
    this.#lock.lock();
    const count = this.#input.put(bytes);
    if (count < bytes.length) this.#words[Word.HOST_WAITS] = 1;
    this.#refill();
    this.#update();
    this.#lock.unlock();
    return count;
  }

  /**
   * Back half: a break condition, and a byte behind it. False, and nothing is sent, while earlier input waits or in
   * loopback: a guest that looks for a key behind a break must not take another byte for it. Any thread.
   */
  giveBreak(byte: number): boolean {
    this.#lock.lock();
    const words = this.#words;
    const ready = !this.#loopback && words[Word.BREAK] === 0 && this.#fifo.count === 0 && this.#input.count === 0;
    if (ready) {
      words[Word.BREAK] = Break.BYTE | Break.STATUS;
      this.#fifo.push(byte);
      this.#update();
    }
    this.#lock.unlock();
    return ready;
  }

  /** Back half: whether the host was refused input before and there is room now. Says so once. */
  takeRoomNotice(): boolean {
    this.#lock.lock();
    const notice = this.#words[Word.HOST_WAITS] !== 0 && this.#input.room >= INPUT_BYTES / 2;
    if (notice) this.#words[Word.HOST_WAITS] = 0;
    this.#lock.unlock();
    return notice;
  }

  get #dlab(): boolean {
    return (this.#words[Word.LCR] & LCR.DLAB) !== 0;
  }

  get #loopback(): boolean {
    return (this.#words[Word.MCR] & MCR.LOOP) !== 0;
  }

  get #fifosOn(): boolean {
    return (this.#words[Word.FCR] & FCR.ENABLE) !== 0;
  }

  /** Bytes the receiver holds before it overruns. */
  get #depth(): number {
    return this.#fifosOn ? FIFO_BYTES : 1;
  }

  /** Bytes that can be read from RBR. */
  get #received(): number {
    return this.#fifo.count + (this.#words[Word.BREAK] & Break.BYTE);
  }

  /** The oldest byte of input, or -1. */
  #takeInput(): number {
    const byte = this.#fifo.shift();
    if (byte < 0) return byte;
    this.#refill();
    this.#update();
    return byte;
  }

  #readRbr(): number {
    if (this.#words[Word.BREAK] !== 0) {
      this.#words[Word.BREAK] = 0;
      this.#update();
      return 0;
    }
    return Math.max(0, this.#takeInput());
  }

  /** Moves input up into the FIFO: in loopback the receiver is cut off from the line. */
  #refill(): void {
    if (this.#loopback) return;
    const depth = this.#depth;
    while (this.#fifo.count < depth && this.#input.count > 0) this.#fifo.push(this.#input.shift());
    if (this.#words[Word.HOST_WAITS] !== 0 && this.#input.room >= INPUT_BYTES / 2) this.#doorbell.ring();
  }

  #writeThr(byte: number): void {
    this.#words[Word.THRE_PENDING] = 0;
    if (this.#loopback) {
      if (this.#fifo.count < this.#depth) this.#fifo.push(byte);
      else this.#words[Word.OVERRUN] = LSR.OE;
    } else if (this.#output.room > 0) {
      // Without room the guest has written while THRE was clear: the byte is lost, as it would be on the wire.
      this.#output.push(byte);
      if (this.#output.count === 1) this.#doorbell.ring();
      if (this.#output.room < FIFO_BYTES) this.#words[Word.TX_BLOCKED] = 1;
    }
    if (this.#thre) this.#words[Word.THRE_PENDING] = 1;
    this.#update();
  }

  get #thre(): boolean {
    return this.#words[Word.TX_BLOCKED] === 0 || this.#loopback;
  }

  /** Enabling ETBEI while the transmitter is empty raises the interrupt at once: drivers start transmission so. */
  #writeIer(byte: number): void {
    const changed = this.#words[Word.IER] ^ byte;
    this.#words[Word.IER] = byte & IER.MASK;
    if ((changed & IER.ETBEI) !== 0) {
      this.#words[Word.THRE_PENDING] = (byte & IER.ETBEI) !== 0 && this.#thre ? 1 : 0;
    }
    this.#update();
  }

  #writeFcr(byte: number): void {
    const toggled = ((this.#words[Word.FCR] ^ byte) & FCR.ENABLE) !== 0;
    // With the FIFOs off, the other bits are not programmed.
    this.#words[Word.FCR] = (byte & FCR.ENABLE) !== 0 ? byte & FCR.KEPT : 0;
    if (toggled || (byte & FCR.RESET_RX) !== 0) {
      this.#fifo.clear();
      this.#words[Word.BREAK] = 0;
    }
    if ((toggled || (byte & FCR.RESET_TX) !== 0) && this.#thre) this.#words[Word.THRE_PENDING] = 1;
    this.#refill();
    this.#update();
  }

  #writeMcr(byte: number): void {
    const before = this.#modemLines;
    this.#words[Word.MCR] = byte & MCR.MASK;
    const after = this.#modemLines;
    let changes = ((before ^ after) >>> 4) & (MSR.DCTS | MSR.DDSR | MSR.DDCD);
    if ((before & ~after & MSR.RI) !== 0) changes |= MSR.TERI;
    this.#words[Word.MODEM_CHANGES] |= changes;
    this.#refill();
    this.#update();
  }

  get #modemLines(): number {
    return modemLines(this.#words[Word.MCR]);
  }

  #readMsr(): number {
    const value = this.#modemLines | this.#words[Word.MODEM_CHANGES];
    this.#words[Word.MODEM_CHANGES] = 0;
    this.#update();
    return value;
  }

  #readLsr(): number {
    const words = this.#words;
    const value =
      (this.#received > 0 ? LSR.DR : 0) |
      words[Word.OVERRUN] |
      ((words[Word.BREAK] & Break.STATUS) !== 0 ? LSR.BI : 0) |
      (this.#thre ? LSR.THRE | LSR.TEMT : 0);
    if ((value & (LSR.OE | LSR.BI)) !== 0) {
      words[Word.OVERRUN] = 0;
      words[Word.BREAK] &= ~Break.STATUS;
      this.#update();
    }
    return value;
  }

  #readIir(): number {
    const source = this.#source();
    if (source === IIR.THR_EMPTY) {
      this.#words[Word.THRE_PENDING] = 0;
      this.#update();
    }
    return source | (this.#fifosOn ? IIR.FIFOS : 0);
  }

  #source(): number {
    return pendingInterrupt(this.#words, this.#received, this.#thre);
  }

  #update(): void {
    this.#irq.set(this.#source() !== IIR.NONE);
  }
}
