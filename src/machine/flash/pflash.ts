import { type SavedState, savedU32 } from '../bus/saved.ts';
import type { DescribeContext, DeviceRegion, Doorbell, MmioDevice, Width, Window } from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';
import { FLASH_BLOCK_BYTES, FLASH_BUFFER_WORDS, FlashAnswers, FlashCommand, FlashStatus, onAllChips } from './cfi.ts';

/** Bytes that are kept on the host in one piece. */
export const FLASH_PAGE_BYTES = 4096;

/** Words of one bank in the region, from the bank's first on; word 0 of the region is the lock of all banks. */
const Word = { COMMAND: 0, CYCLE: 1, STATUS: 2, LEFT: 3, IO: 4, DIRTY: 8 } as const;

const BANKS_AT = 16;
const PAGES_MAX = (32 * 2 ** 20) / FLASH_PAGE_BYTES;
const BANK_WORDS = Word.DIRTY + PAGES_MAX / 32;

/** Size of the region that `banks` banks share: only one at a time may change the memory slots. */
export function flashRegionBytes(banks: number): number {
  return (BANKS_AT + banks * BANK_WORDS) * 4;
}

/** What a bank is wired to. */
export interface PflashWiring {
  /** Number of the bank in the region. */
  readonly bank: number;
  /** Its contents, as many bytes as the window has. */
  readonly storage: Uint8Array;
  readonly readOnly: boolean;
  /** Rings when contents have changed. */
  readonly doorbell: Doorbell;
  /** Shows the contents to the harts as memory that cannot be written, or takes them away. */
  map(visible: boolean): void;
}

/**
 * A bank of parallel flash with Intel's command set, the front half. While it is read as an array its contents are a
 * memory slot, and only stores come here; in all other modes, loads do too. Commands are done when the store is: the
 * status register is always ready. Programming clears bits, erasing sets them; blocks have no locks.
 */
export class Pflash implements MmioDevice {
  readonly id: string;
  readonly window: Window;
  readonly #words: Int32Array;
  readonly #wiring: PflashWiring;
  readonly #answers: FlashAnswers;
  readonly #view: DataView;

  constructor(window: Window, region: DeviceRegion, wiring: PflashWiring) {
    this.id = `flash@${window.gpa.toString(16)}`;
    this.window = window;
    const at = BANKS_AT + wiring.bank * BANK_WORDS;
    this.#words = region.words.subarray(at, at + BANK_WORDS);
    this.#wiring = wiring;
    this.#answers = new FlashAnswers(window.size);
    const { storage } = wiring;
    this.#view = new DataView(storage.buffer, storage.byteOffset, window.size);
  }

  read(off: number, width: Width): number {
    switch (this.#words[Word.COMMAND]) {
      case FlashCommand.RESET:
        return this.#array(off, width);
      case FlashCommand.READ_ID:
        return narrow(this.#answers.identity(off), width);
      case FlashCommand.QUERY:
        return narrow(this.#answers.query(off), width);
      default:
        return narrow(onAllChips(this.#words[Word.STATUS]), width);
    }
  }

  write(off: number, width: Width, value: number): void {
    const command = value & 0xff;
    switch (this.#words[Word.CYCLE]) {
      case 0:
        this.#begin(off, command);
        return;
      case 1:
        this.#second(off, width, value, command);
        return;
      case 2:
        this.#program(off, width, value);
        if (this.#words[Word.LEFT] === 0) this.#words[Word.CYCLE] = 3;
        else this.#words[Word.LEFT]--;
        return;
      default:
        if (command === FlashCommand.CONFIRM) this.#done(FlashStatus.READY);
        else this.#readArray();
    }
  }

  /** Power-on state. The contents stay: that is what it is for. */
  reset(): void {
    this.#readArray();
    this.#words[Word.STATUS] = FlashStatus.READY;
    this.#words[Word.LEFT] = 0;
  }

  save(): Record<string, unknown> {
    const words = this.#words;
    return {
      command: words[Word.COMMAND],
      cycle: words[Word.CYCLE],
      status: words[Word.STATUS],
      left: words[Word.LEFT],
    };
  }

  restore(state: SavedState): void {
    const words = this.#words;
    const [command, cycle, status, left] = ['command', 'cycle', 'status', 'left'].map((name) => savedU32(state, name));
    words[Word.COMMAND] = (command ?? 0) & 0xff;
    words[Word.CYCLE] = Math.min(cycle ?? 0, 3);
    words[Word.STATUS] = (status ?? 0) & 0xff;
    words[Word.LEFT] = Math.min(left ?? 0, FLASH_BUFFER_WORDS);
    this.#show(words[Word.COMMAND] === FlashCommand.RESET);
  }

  describe(soc: FdtNode, _context: DescribeContext): void {
    const { gpa, size } = this.window;
    soc.child(this.id).set('compatible', 'cfi-flash').set64('reg', [gpa, size]).set('bank-width', [4]);
  }

  /** Pages that have changed since the last call, by number. Under the region's lock. */
  takeDirty(): number[] {
    const pages: number[] = [];
    for (let word = 0; word < PAGES_MAX / 32; word++) {
      const bits = this.#words[Word.DIRTY + word];
      if (bits === 0) continue;
      this.#words[Word.DIRTY + word] = 0;
      for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) pages.push(word * 32 + bit);
    }
    return pages;
  }

  /** The contents. */
  get storage(): Uint8Array {
    return this.#wiring.storage;
  }

  #array(off: number, width: Width): number {
    if (width === 1) return this.#view.getUint8(off);
    return width === 2 ? this.#view.getUint16(off, true) : this.#view.getUint32(off, true);
  }

  /** The first store of a command. */
  #begin(off: number, command: number): void {
    const words = this.#words;
    switch (command) {
      case FlashCommand.ERASE:
        this.#enter(command, 1);
        this.#erase(off);
        return;
      case FlashCommand.PROGRAM:
      case FlashCommand.PROGRAM_ALTERNATE:
      case FlashCommand.LOCK:
        this.#enter(command, 1);
        return;
      case FlashCommand.WRITE_BUFFER:
        words[Word.STATUS] |= FlashStatus.READY;
        this.#enter(command, 1);
        return;
      case FlashCommand.READ_STATUS:
      case FlashCommand.READ_ID:
      case FlashCommand.QUERY:
        this.#enter(command, 0);
        return;
      case FlashCommand.CLEAR_STATUS:
        words[Word.STATUS] = 0;
        this.#readArray();
        return;
      default:
        this.#readArray();
    }
  }

  #second(off: number, width: Width, value: number, command: number): void {
    switch (this.#words[Word.COMMAND]) {
      case FlashCommand.PROGRAM:
      case FlashCommand.PROGRAM_ALTERNATE:
        this.#program(off, width, value);
        this.#done(FlashStatus.READY);
        return;
      case FlashCommand.ERASE:
        if (command === FlashCommand.CONFIRM) this.#done(FlashStatus.READY);
        else this.#readArray();
        return;
      case FlashCommand.WRITE_BUFFER:
        // One chip's count of stores, less one.
        if ((value & 0xffff) >= FLASH_BUFFER_WORDS) {
          this.#done(FlashStatus.READY | FlashStatus.PROGRAM_ERROR);
          return;
        }
        this.#words[Word.LEFT] = value & 0xffff;
        this.#words[Word.CYCLE] = 2;
        return;
      default:
        if (command === FlashCommand.CONFIRM || command === FlashCommand.LOCK_BLOCK) this.#done(FlashStatus.READY);
        else this.#readArray();
    }
  }

  #erase(off: number): void {
    const words = this.#words;
    words[Word.STATUS] |= FlashStatus.READY;
    if (this.#wiring.readOnly) {
      words[Word.STATUS] |= FlashStatus.ERASE_ERROR;
      return;
    }
    const start = off - (off % FLASH_BLOCK_BYTES);
    const end = Math.min(start + FLASH_BLOCK_BYTES, this.window.size);
    this.#wiring.storage.fill(0xff, start, end);
    this.#changed(start, end - start);
  }

  #program(off: number, width: Width, value: number): void {
    if (this.#wiring.readOnly) {
      this.#words[Word.STATUS] |= FlashStatus.PROGRAM_ERROR;
      return;
    }
    for (let i = 0; i < width; i++) this.#wiring.storage[off + i] &= value >>> (8 * i);
    this.#changed(off, width);
  }

  #changed(off: number, bytes: number): void {
    const last = Math.floor((off + bytes - 1) / FLASH_PAGE_BYTES);
    for (let page = Math.floor(off / FLASH_PAGE_BYTES); page <= last; page++) {
      this.#words[Word.DIRTY + (page >>> 5)] |= 1 << (page & 31);
    }
    this.#wiring.doorbell.ring();
  }

  #enter(command: number, cycle: number): void {
    this.#words[Word.COMMAND] = command;
    this.#words[Word.CYCLE] = cycle;
    this.#show(false);
  }

  /** The command is done: loads give the status. */
  #done(status: number): void {
    this.#words[Word.STATUS] |= status;
    this.#words[Word.CYCLE] = 0;
  }

  #readArray(): void {
    this.#words[Word.COMMAND] = FlashCommand.RESET;
    this.#words[Word.CYCLE] = 0;
    this.#show(true);
  }

  /** Changing slots makes all harts look again: only when it must be. */
  #show(visible: boolean): void {
    const hidden = visible ? 0 : 1;
    if (this.#words[Word.IO] === hidden) return;
    this.#words[Word.IO] = hidden;
    this.#wiring.map(visible);
  }
}

/** The low `width` bytes. */
function narrow(value: number, width: Width): number {
  if (width === 4) return value >>> 0;
  return value & (width === 2 ? 0xffff : 0xff);
}
