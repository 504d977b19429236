import { type Logger, silentLogger, VirtError } from '../../util/index.ts';
import type { BlockBackend } from '../backend/block.ts';
import { BlockAccess } from './block-access.ts';
import {
  CD_BLOCK_BYTES,
  capabilitiesPage,
  getConfiguration,
  getEventStatus,
  MediaEvent,
  readDiscInformation,
} from './cd-features.ts';
import { type Identity, inquiry } from './inquiry.ts';
import { modeSense } from './mode.ts';
import { blockRange, wantsProtection } from './range.ts';
import { ModePage, PeripheralType, ScsiOp, Senses } from './spec.ts';
import { readToc } from './toc.ts';
import { answer, type Cdb, check, good, overrun, type ScsiData, type ScsiResult, ScsiUnit } from './unit.ts';

const SECTOR_BYTES = 512;

/** What a drive may be given besides its medium. */
export interface ScsiCdromOptions {
  readonly serial?: string;
  readonly name?: string;
  readonly logger?: Logger;
}

/** A drive as its owner sees it. */
export interface CdDrive {
  /** There is a medium, in the drive or on its open tray. */
  readonly loaded: boolean;
  readonly trayOpen: boolean;
  /** The guest holds the medium. */
  readonly locked: boolean;
  /**
   * Puts a medium in in place of the one that is there, which is closed once nobody reads it any more; undefined takes
   * it out and leaves the tray open. When the guest holds the medium it is asked to let go of it, and OPERATION_FAILED
   * is thrown, unless it is taken by `force`.
   */
  change(medium: BlockBackend | undefined, options?: { readonly force?: boolean }): Promise<void>;
  /** Calls back, besides those that were asked for before, when the guest or `change` has opened or closed the tray. */
  onTrayMove(callback: (open: boolean) => void): void;
}

/** A CD or DVD drive that reads (MMC-5), over an image that is never written. */
export class ScsiCdrom extends ScsiUnit implements CdDrive {
  readonly type = PeripheralType.CD_DVD;
  readonly #identity: Identity;
  readonly #logger: Logger;
  readonly #access = new BlockAccess();
  readonly #reads = new Set<Promise<unknown>>();
  #medium: BlockBackend | undefined;
  #open = false;
  #locked = false;
  /** Media event that has not been told. */
  #event: MediaEvent = MediaEvent.NONE;
  #errors = 0;
  readonly #trayListeners: ((open: boolean) => void)[] = [];

  /** @param medium absent: the drive is empty */
  constructor(medium: BlockBackend | undefined, options: ScsiCdromOptions = {}) {
    super();
    const { serial = '', name = 'cdrom', logger = silentLogger } = options;
    this.#medium = medium;
    this.#logger = logger;
    const pages = new Map<number, Uint8Array>();
    this.#identity = { type: this.type, removable: true, product: 'CD-ROM', serial, name, pages };
    medium?.onResize(() => this.#mediumChanged());
  }

  get loaded(): boolean {
    return this.#medium !== undefined;
  }

  get trayOpen(): boolean {
    return this.#open;
  }

  get locked(): boolean {
    return this.#locked;
  }

  onTrayMove(callback: (open: boolean) => void): void {
    this.#trayListeners.push(callback);
  }

  async change(medium: BlockBackend | undefined, options: { readonly force?: boolean } = {}): Promise<void> {
    if (this.#locked && !this.#open && !(options.force ?? false)) {
      this.#event = MediaEvent.EJECT_REQUEST;
      const advice = 'it has been asked to let go of it; try again, or use force';
      throw new VirtError('OPERATION_FAILED', `the guest holds the medium of drive ${this.#identity.name}: ${advice}`);
    }
    const old = this.#medium;
    this.#locked = false;
    // Nothing gets in or out through a closed tray; who watches it is told of both its moves.
    this.#moveTray(true);
    this.#medium = medium;
    medium?.onResize(() => this.#mediumChanged());
    this.#moveTray(medium === undefined);
    if (old !== undefined || medium !== undefined) this.#mediumChanged();
    await Promise.allSettled(this.#reads);
    await old?.close();
  }

  changes(): boolean {
    return false;
  }

  override reset(): void {
    super.reset();
    // MMC-5 6.18: a reset allows the removal of the medium.
    this.#locked = false;
  }

  async close(): Promise<void> {
    await this.#medium?.close();
  }

  protected inquire(cdb: Cdb, data: ScsiData): ScsiResult {
    return inquiry(this.#identity, cdb, data);
  }

  protected async perform(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    switch (cdb.op) {
      case ScsiOp.TEST_UNIT_READY:
        return this.#blocks === undefined ? this.#notReady() : good();
      case ScsiOp.START_STOP_UNIT:
        return this.#startStop(cdb);
      case ScsiOp.PREVENT_ALLOW_MEDIUM_REMOVAL:
        this.#locked = (cdb.u8(4) & 1) !== 0;
        return good();
      case ScsiOp.MODE_SENSE_6:
      case ScsiOp.MODE_SENSE_10:
        return this.#modeSense(cdb, data);
      case ScsiOp.GET_CONFIGURATION:
        return getConfiguration(this.#blocks, cdb, data);
      case ScsiOp.GET_EVENT_STATUS_NOTIFICATION:
        return getEventStatus(
          { open: this.#open, loaded: this.#blocks !== undefined, next: () => this.#told() },
          cdb,
          data,
        );
      case ScsiOp.MECHANISM_STATUS:
        return answer(data, Uint8Array.of(0, this.#open ? 0x10 : 0, 0, 0, 0, 1, 0, 0), cdb.u16(8));
      default:
        return this.#blocks === undefined ? this.#withoutMedium(cdb) : this.#withMedium(this.#blocks, cdb, data);
    }
  }

  /** Blocks of the medium that can be read: undefined with none in the drive, or on an open tray. */
  get #blocks(): number | undefined {
    if (this.#medium === undefined || this.#open) return undefined;
    return Math.floor((this.#medium.sectors * SECTOR_BYTES) / CD_BLOCK_BYTES);
  }

  #withMedium(blocks: number, cdb: Cdb, data: ScsiData): ScsiResult | Promise<ScsiResult> {
    switch (cdb.op) {
      case ScsiOp.READ_10:
      case ScsiOp.READ_12:
        return this.#read(blocks, cdb, data);
      case ScsiOp.READ_CAPACITY_10: {
        const view = new DataView(new ArrayBuffer(8));
        view.setUint32(0, Math.min(Math.max(blocks - 1, 0), 0xffff_ffff));
        view.setUint32(4, CD_BLOCK_BYTES);
        return answer(data, new Uint8Array(view.buffer), 8);
      }
      case ScsiOp.READ_TOC:
        return readToc(blocks, cdb, data);
      case ScsiOp.READ_DISC_INFORMATION:
        return readDiscInformation(cdb, data);
      default:
        return check(Senses.INVALID_OPCODE);
    }
  }

  #withoutMedium(cdb: Cdb): ScsiResult {
    return needMedium.has(cdb.op) ? this.#notReady() : check(Senses.INVALID_OPCODE);
  }

  #notReady(): ScsiResult {
    return check(this.#open ? Senses.NO_MEDIUM_OPEN : Senses.NO_MEDIUM_CLOSED);
  }

  async #read(blocks: number, cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    const range = blockRange(cdb);
    const bytes = range.blocks * CD_BLOCK_BYTES;
    if (wantsProtection(cdb)) return check(Senses.INVALID_FIELD_IN_CDB);
    if (range.lba > blocks || range.blocks > blocks - range.lba) return check(Senses.LBA_OUT_OF_RANGE);
    if (bytes > data.inBytes) return overrun();
    // There is one: a drive without a medium has no blocks.
    const read = this.#access.read(this.#medium as BlockBackend, range.lba * CD_BLOCK_BYTES, bytes, data);
    this.#reads.add(read);
    try {
      await read;
      return good(bytes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.log(this.#errors++ === 0 ? 'warn' : 'debug', `a disk request failed on the host: ${reason}`);
      return check(Senses.READ_ERROR);
    } finally {
      this.#reads.delete(read);
    }
  }

  /** START STOP UNIT (MMC-5 6.42): with LOEJ it opens or closes the tray; the motor is of no interest. */
  #startStop(cdb: Cdb): ScsiResult {
    const [loej, start] = [(cdb.u8(4) & 2) !== 0, (cdb.u8(4) & 1) !== 0];
    if (!loej || cdb.u8(4) >> 4 !== 0) return good();
    if (!start && this.#locked && !this.#open) return check(Senses.REMOVAL_PREVENTED);
    if (this.#open !== start) return good();
    this.#moveTray(!start);
    // Who opens the tray knows that the medium is gone; what is on it when it closes may be another one.
    if (this.#medium !== undefined && start) this.#mediumChanged();
    else this.#event = MediaEvent.MEDIA_REMOVAL;
    return good();
  }

  #modeSense(cdb: Cdb, data: ScsiData): ScsiResult {
    const pages = new Map([
      [ModePage.ERROR_RECOVERY, new Uint8Array(10)],
      [ModePage.CAPABILITIES, capabilitiesPage(this.#locked)],
    ] as const);
    // MMC-5 7.2: no block descriptors, and no device-specific parameter.
    return modeSense({ deviceSpecific: 0, blockDescriptor: new Uint8Array(0), pages }, cdb, data);
  }

  #moveTray(open: boolean): void {
    if (this.#open === open) return;
    this.#open = open;
    for (const callback of this.#trayListeners) callback(open);
  }

  #mediumChanged(): void {
    const present = this.#blocks !== undefined;
    this.#event = present ? MediaEvent.NEW_MEDIA : MediaEvent.MEDIA_REMOVAL;
    this.attend(Senses.MEDIUM_CHANGED, 'medium');
  }

  #told(): MediaEvent {
    const event = this.#event;
    this.#event = MediaEvent.NONE;
    return event;
  }
}

/** Commands that a drive knows but cannot carry out without a medium. */
const needMedium: ReadonlySet<number> = new Set([
  ScsiOp.READ_10,
  ScsiOp.READ_12,
  ScsiOp.READ_CAPACITY_10,
  ScsiOp.READ_TOC,
  ScsiOp.READ_DISC_INFORMATION,
]);
