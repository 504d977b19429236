import { type GuestMemory, GuestMemoryError } from '../../hypervisor/index.ts';
import { type SavedState, savedU32 } from '../bus/saved.ts';
import { joinU64 } from '../bus/words.ts';
import type { DescribeContext, DeviceRegion, MmioDevice, Width, Window } from '../device.ts';
import type { FdtNode } from '../firmware/fdt.ts';
import { type FwCfgContents, fwCfgItems } from './items.ts';

/** Register offsets of the memory-mapped interface (QEMU, docs/specs/fw_cfg). All but the data are big-endian. */
const Reg = { DATA: 0, DATA_END: 8, SELECTOR: 8, DMA_HIGH: 16, DMA_LOW: 20 } as const;

/** Bits of a DMA request's control word. Bits 31:16 are the key of SELECT. */
const Dma = { ERROR: 1, READ: 2, SKIP: 4, SELECT: 8, WRITE: 16, REQUEST_BYTES: 16 } as const;

/** What the DMA register reads as: "QEMU CFG". */
const DMA_SIGNATURE = { HIGH: 0x51454d55, LOW: 0x20434647 } as const;

/** Words of the region. */
const Word = { LOCK: 0, SELECTOR: 1, OFFSET: 2, DMA_HIGH: 3 } as const;

/** Size of the device's region in bytes. */
export const FW_CFG_REGION_BYTES = 64;

const NOTHING = new Uint8Array(0);
/** What reads past an item's end give, in pieces. */
const ZEROES = new Uint8Array(0x1_0000);

function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

/**
 * QEMU's firmware configuration device: named blobs for the firmware and the kernel, read through a data register or by
 * DMA. The blobs are the same on every thread and never change; only the position is state. Writes are refused.
 */
export class FwCfg implements MmioDevice {
  readonly id: string;
  readonly window: Window;
  readonly #words: Int32Array;
  readonly #memory: GuestMemory;
  readonly #items: ReadonlyMap<number, Uint8Array>;

  /** Throws INVALID_ARG if the contents do not fit the directory: see `fwCfgItems`. */
  constructor(window: Window, region: DeviceRegion, memory: GuestMemory, contents: FwCfgContents) {
    this.id = `fw-cfg@${window.gpa.toString(16)}`;
    this.window = window;
    this.#words = region.words;
    this.#memory = memory;
    this.#items = fwCfgItems(contents);
  }

  /** Any access to the data register takes the next `width` bytes, first byte first in memory. */
  read(off: number, width: Width): number {
    if (off < Reg.DATA_END) {
      let value = 0;
      for (let i = 0; i < width; i++) value += this.#nextByte() * 2 ** (8 * i);
      return value;
    }
    if (width !== 4) return 0;
    if (off === Reg.DMA_HIGH) return swap32(DMA_SIGNATURE.HIGH);
    return off === Reg.DMA_LOW ? swap32(DMA_SIGNATURE.LOW) : 0;
  }

  write(off: number, width: Width, value: number): void {
    if (off === Reg.SELECTOR && width === 2) {
      this.#select(((value & 0xff) << 8) | ((value >>> 8) & 0xff));
    } else if (off === Reg.DMA_HIGH && width === 4) {
      this.#words[Word.DMA_HIGH] = swap32(value);
    } else if (off === Reg.DMA_LOW && width === 4) {
      const gpa = Number(joinU64(swap32(value), this.#words[Word.DMA_HIGH]));
      this.#words[Word.DMA_HIGH] = 0;
      this.#dma(gpa);
    }
  }

  reset(): void {
    this.#words.fill(0, Word.SELECTOR, Word.DMA_HIGH + 1);
  }

  save(): Record<string, unknown> {
    return {
      selector: this.#words[Word.SELECTOR],
      offset: this.#words[Word.OFFSET],
      dmaHigh: this.#words[Word.DMA_HIGH] >>> 0,
    };
  }

  restore(state: SavedState): void {
    this.#select(savedU32(state, 'selector') & 0xffff);
    this.#words[Word.OFFSET] = Math.min(savedU32(state, 'offset'), this.#item.length);
    this.#words[Word.DMA_HIGH] = savedU32(state, 'dmaHigh');
  }

  describe(soc: FdtNode, _context: DescribeContext): void {
    soc
      .child(this.id)
      .set('compatible', 'qemu,fw-cfg-mmio')
      .set64('reg', [this.window.gpa, this.window.size])
      .set('dma-coherent');
  }

  get #item(): Uint8Array {
    return this.#items.get(this.#words[Word.SELECTOR]) ?? NOTHING;
  }

  #select(key: number): void {
    this.#words[Word.SELECTOR] = key;
    this.#words[Word.OFFSET] = 0;
  }

  /** The next byte of the selected item, 0 past its end, where the position stays. */
  #nextByte(): number {
    const item = this.#item;
    const offset = this.#words[Word.OFFSET];
    if (offset >= item.length) return 0;
    this.#words[Word.OFFSET] = offset + 1;
    return item[offset];
  }

  /** Serves the request at `gpa`. A request outside memory is lost: there is nowhere to say so. */
  #dma(gpa: number): void {
    try {
      const raw = new Uint8Array(Dma.REQUEST_BYTES);
      this.#memory.read(gpa, raw);
      const request = new DataView(raw.buffer);
      const failed = !this.#serve(request.getUint32(0), request.getUint32(4), Number(request.getBigUint64(8)));
      const answer = new Uint8Array(4);
      new DataView(answer.buffer).setUint32(0, failed ? Dma.ERROR : 0);
      this.#memory.write(gpa, answer);
    } catch (error) {
      if (!(error instanceof GuestMemoryError)) throw error;
    }
  }

  /** One DMA operation: READ before WRITE before SKIP if several are asked for. Returns whether it succeeded. */
  #serve(control: number, length: number, gpa: number): boolean {
    if ((control & Dma.SELECT) !== 0) this.#select(control >>> 16);
    const item = this.#item;
    const offset = this.#words[Word.OFFSET];
    const available = Math.min(length, item.length - offset);
    if ((control & Dma.READ) !== 0) {
      if (length > 0 && !this.#memory.contains(gpa, length, true)) return false;
      if (available > 0) this.#memory.write(gpa, item.subarray(offset, offset + available));
      for (let done = available; done < length; ) {
        const piece = ZEROES.subarray(0, length - done);
        this.#memory.write(gpa + done, piece);
        done += piece.length;
      }
    } else if ((control & Dma.WRITE) !== 0) {
      return length === 0;
    } else if ((control & Dma.SKIP) === 0) {
      return true;
    }
    this.#words[Word.OFFSET] = offset + available;
    return true;
  }
}
