import { type Logger, silentLogger } from '../../util/index.ts';
import type { BlockBackend } from '../backend/block.ts';
import type { WriteCache } from '../virtio/blk.ts';
import { BlockAccess } from './block-access.ts';
import { type Identity, inquiry } from './inquiry.ts';
import { blockDescriptor, modeSense } from './mode.ts';
import { blockRange, forcesUnitAccess, wantsProtection } from './range.ts';
import { ModePage, PeripheralType, READ_CAPACITY_16, ScsiOp, Senses, VpdPage } from './spec.ts';
import { answer, type Cdb, check, good, overrun, type ScsiData, type ScsiResult, ScsiUnit } from './unit.ts';

const BLOCK_BYTES = 512;

/** Limits told in the block limits page (SBC-3 6.5.3); zeroes may have to be written one by one. */
const Limits = { unmapBlocks: 0x40_0000, unmapRanges: 32, writeSameBlocks: 0x1_0000, transferBlocks: 0xffff } as const;

/** What a disk may be given besides its backend. */
export interface ScsiDiskOptions {
  /** Unit serial number. */
  readonly serial?: string;
  /** Names the unit where there is no serial number. */
  readonly name?: string;
  /** `back` unless given. */
  readonly cache?: WriteCache;
  readonly logger?: Logger;
}

/** Commands that write, and fail on a read-only disk. */
const writing: ReadonlySet<number> = new Set([
  ScsiOp.WRITE_6,
  ScsiOp.WRITE_10,
  ScsiOp.WRITE_12,
  ScsiOp.WRITE_16,
  ScsiOp.WRITE_SAME_10,
  ScsiOp.WRITE_SAME_16,
  ScsiOp.UNMAP,
]);

/** A direct-access block device (SBC-3) over a disk of the host. */
export class ScsiDisk extends ScsiUnit {
  readonly type = PeripheralType.DISK;
  readonly #backend: BlockBackend;
  readonly #cache: WriteCache;
  readonly #logger: Logger;
  readonly #identity: Identity;
  readonly #access = new BlockAccess();
  #errors = 0;

  constructor(backend: BlockBackend, options: ScsiDiskOptions = {}) {
    super();
    const { serial = '', name = 'disk', cache = 'back', logger = silentLogger } = options;
    this.#backend = backend;
    this.#cache = cache;
    this.#logger = logger;
    this.#identity = {
      type: this.type,
      removable: false,
      product: 'DISK',
      serial,
      name,
      pages: vitalProductData(!backend.readOnly),
    };
    backend.onResize(() => this.attend(Senses.CAPACITY_CHANGED, 'capacity'));
  }

  changes(cdb: Cdb): boolean {
    return writing.has(cdb.op);
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  protected inquire(cdb: Cdb, data: ScsiData): ScsiResult {
    return inquiry(this.#identity, cdb, data);
  }

  protected async perform(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    if (writing.has(cdb.op)) return this.#backend.readOnly ? check(Senses.WRITE_PROTECTED) : this.#change(cdb, data);
    switch (cdb.op) {
      case ScsiOp.TEST_UNIT_READY:
      case ScsiOp.START_STOP_UNIT:
      case ScsiOp.PREVENT_ALLOW_MEDIUM_REMOVAL:
        return good();
      case ScsiOp.MODE_SENSE_6:
      case ScsiOp.MODE_SENSE_10:
        return this.#modeSense(cdb, data);
      case ScsiOp.READ_CAPACITY_10:
        return this.#readCapacity10(cdb, data);
      case ScsiOp.SERVICE_ACTION_IN_16:
        return (cdb.u8(1) & 0x1f) === READ_CAPACITY_16 ? this.#readCapacity16(cdb, data) : check(Senses.INVALID_OPCODE);
      case ScsiOp.READ_6:
      case ScsiOp.READ_10:
      case ScsiOp.READ_12:
      case ScsiOp.READ_16:
        return this.#read(cdb, data);
      case ScsiOp.VERIFY_10:
      case ScsiOp.VERIFY_16:
        return this.#verify(cdb, data);
      case ScsiOp.SYNCHRONIZE_CACHE_10:
      case ScsiOp.SYNCHRONIZE_CACHE_16:
        return this.#synchronize(cdb);
      default:
        return check(Senses.INVALID_OPCODE);
    }
  }

  async #change(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    const result = await this.#host(Senses.WRITE_ERROR, () => {
      switch (cdb.op) {
        case ScsiOp.UNMAP:
          return this.#unmap(cdb, data);
        case ScsiOp.WRITE_SAME_10:
        case ScsiOp.WRITE_SAME_16:
          return this.#writeSame(cdb, data);
        default:
          return this.#write(cdb, data);
      }
    });
    // Without a cache that an initiator could flush, what was written is stable when the command ends.
    const stable = this.#cache === 'through' || (this.#cache === 'back' && isWrite(cdb) && forcesUnitAccess(cdb));
    if (!stable || result.status !== 0) return result;
    return this.#host(Senses.WRITE_ERROR, () => this.#backend.flush().then(() => result));
  }

  /** Runs what the host may fail in: the initiator sees `sense`. A broken disk fails often: one warning is enough. */
  async #host(sense: (typeof Senses)[keyof typeof Senses], job: () => Promise<ScsiResult>): Promise<ScsiResult> {
    try {
      return await job();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.log(this.#errors++ === 0 ? 'warn' : 'debug', `a disk request failed on the host: ${reason}`);
      return check(sense);
    }
  }

  #inside({ lba, blocks }: { lba: number; blocks: number }): boolean {
    const { sectors } = this.#backend;
    return lba <= sectors && blocks <= sectors - lba;
  }

  async #read(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    const range = blockRange(cdb);
    const bytes = range.blocks * BLOCK_BYTES;
    if (wantsProtection(cdb)) return check(Senses.INVALID_FIELD_IN_CDB);
    if (!this.#inside(range)) return check(Senses.LBA_OUT_OF_RANGE);
    if (bytes > data.inBytes) return overrun();
    return this.#host(Senses.READ_ERROR, async () => {
      await this.#access.read(this.#backend, range.lba * BLOCK_BYTES, bytes, data);
      return good(bytes);
    });
  }

  async #write(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    const range = blockRange(cdb);
    const bytes = range.blocks * BLOCK_BYTES;
    if (wantsProtection(cdb)) return check(Senses.INVALID_FIELD_IN_CDB);
    if (!this.#inside(range)) return check(Senses.LBA_OUT_OF_RANGE);
    if (bytes > data.outBytes) return overrun();
    await this.#access.write(this.#backend, range.lba * BLOCK_BYTES, bytes, data);
    return good(bytes);
  }

  /** VERIFY (SBC-3 5.26): without BYTCHK the blocks are only there to be read. */
  async #verify(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    const range = blockRange(cdb);
    const bytes = range.blocks * BLOCK_BYTES;
    const bytchk = (cdb.u8(1) >> 1) & 3;
    if (wantsProtection(cdb) || bytchk > 1) return check(Senses.INVALID_FIELD_IN_CDB);
    if (!this.#inside(range)) return check(Senses.LBA_OUT_OF_RANGE);
    if (bytchk === 0) return good();
    if (bytes > data.outBytes) return overrun();
    return this.#host(Senses.READ_ERROR, async () => {
      const same = await this.#access.compare(this.#backend, range.lba * BLOCK_BYTES, bytes, data);
      return same ? good(bytes) : check(MISCOMPARE);
    });
  }

  /** WRITE SAME (SBC-3 5.43): one block for a range, or none for zeroes; with UNMAP zeroes may be a hole. */
  async #writeSame(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    const range = blockRange(cdb);
    const long = cdb.op === ScsiOp.WRITE_SAME_16;
    const [flags, noData] = [cdb.u8(1), long && (cdb.u8(1) & 1) !== 0];
    // ANCHOR, and PBDATA and LBDATA of old.
    const unknown = (flags & (long ? 0x16 : 0x17)) !== 0;
    if (wantsProtection(cdb) || unknown) return check(Senses.INVALID_FIELD_IN_CDB);
    if (range.blocks === 0 || range.blocks > Limits.writeSameBlocks) return check(Senses.INVALID_FIELD_IN_CDB);
    if (!this.#inside(range)) return check(Senses.LBA_OUT_OF_RANGE);
    const block = new Uint8Array(BLOCK_BYTES);
    if (!noData) {
      if (data.outBytes < BLOCK_BYTES) return overrun();
      if (!data.take(0, block)) return good();
    }
    const [offset, bytes] = [range.lba * BLOCK_BYTES, range.blocks * BLOCK_BYTES];
    if (block.every((byte) => byte === 0)) await this.#backend.writeZeroes(offset, bytes, (flags & 8) !== 0);
    else await this.#access.fill(this.#backend, offset, bytes, block);
    return good(noData ? 0 : BLOCK_BYTES);
  }

  /** UNMAP (SBC-3 5.28): every range is checked before one is changed. */
  async #unmap(cdb: Cdb, data: ScsiData): Promise<ScsiResult> {
    const length = Math.min(cdb.u16(7), data.outBytes);
    if ((cdb.u8(1) & 1) !== 0) return check(Senses.INVALID_FIELD_IN_CDB);
    if (cdb.u16(7) === 0) return good();
    if (cdb.u16(7) > data.outBytes) return overrun();
    if (length < 8) return check(Senses.PARAMETER_LIST_LENGTH);
    const list = new Uint8Array(length);
    if (!data.take(0, list)) return good();
    const view = new DataView(list.buffer);
    const listed = view.getUint16(2);
    if (listed > length - 8) return check(Senses.INVALID_FIELD_IN_PARAMETERS);
    const count = Math.floor(listed / 16);
    if (count > Limits.unmapRanges) return check(Senses.INVALID_FIELD_IN_PARAMETERS);
    const ranges = Array.from({ length: count }, (_, i) => ({
      lba: Number(view.getBigUint64(8 + 16 * i)),
      blocks: view.getUint32(16 + 16 * i),
    }));
    if (ranges.some(({ blocks }) => blocks > Limits.unmapBlocks)) return check(Senses.INVALID_FIELD_IN_PARAMETERS);
    if (!ranges.every((range) => this.#inside(range))) return check(Senses.LBA_OUT_OF_RANGE);
    for (const { lba, blocks } of ranges) {
      if (blocks > 0) await this.#backend.discard(lba * BLOCK_BYTES, blocks * BLOCK_BYTES);
    }
    return good(length);
  }

  async #synchronize(cdb: Cdb): Promise<ScsiResult> {
    const range = blockRange(cdb);
    if (!this.#inside(range)) return check(Senses.LBA_OUT_OF_RANGE);
    if (this.#cache === 'unsafe') return good();
    return this.#host(Senses.WRITE_ERROR, () => this.#backend.flush().then(() => good()));
  }

  #readCapacity10(cdb: Cdb, data: ScsiData): ScsiResult {
    // PMI and an address with it: obsolete, and they must be zero.
    if (cdb.u32(2) !== 0 || (cdb.u8(8) & 1) !== 0) return check(Senses.INVALID_FIELD_IN_CDB);
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, Math.min(this.#backend.sectors - 1, 0xffff_ffff));
    view.setUint32(4, BLOCK_BYTES);
    return answer(data, new Uint8Array(view.buffer), 8);
  }

  #readCapacity16(cdb: Cdb, data: ScsiData): ScsiResult {
    const view = new DataView(new ArrayBuffer(32));
    view.setBigUint64(0, BigInt(this.#backend.sectors - 1));
    view.setUint32(8, BLOCK_BYTES);
    // Any block can be written by itself, but host file systems think in 4 KiB: 2^3 blocks.
    view.setUint8(13, 3);
    // LBPME: logical block provisioning; what was unmapped may read as anything.
    if (!this.#backend.readOnly) view.setUint8(14, 0x80);
    return answer(data, new Uint8Array(view.buffer), cdb.u32(10));
  }

  #modeSense(cdb: Cdb, data: ScsiData): ScsiResult {
    const caching = new Uint8Array(18);
    // WCE: there is a cache to be flushed.
    if (this.#cache !== 'through') caching[0] = 4;
    const recovery = new Uint8Array(10);
    // AWRE: as disks have it by default; there is nothing to reallocate.
    recovery[0] = 0x80;
    const pages = new Map([
      [ModePage.ERROR_RECOVERY, recovery],
      [ModePage.CACHING, caching],
    ] as const);
    // WP and DPOFUA.
    const deviceSpecific = (this.#backend.readOnly ? 0x80 : 0) | 0x10;
    return modeSense(
      { deviceSpecific, blockDescriptor: blockDescriptor(this.#backend.sectors, BLOCK_BYTES), pages },
      cdb,
      data,
    );
  }
}

/** MISCOMPARE DURING VERIFY OPERATION. */
const MISCOMPARE = { key: 0xe, asc: 0x1d, ascq: 0x00 } as const;

function isWrite(cdb: Cdb): boolean {
  return cdb.op === ScsiOp.WRITE_10 || cdb.op === ScsiOp.WRITE_12 || cdb.op === ScsiOp.WRITE_16;
}

/** Block limits, characteristics and provisioning (SBC-3 6.5); the last only where blocks can be unmapped. */
function vitalProductData(unmaps: boolean): Map<number, Uint8Array> {
  const limits = new DataView(new ArrayBuffer(60));
  // WSNZ: WRITE SAME of no blocks does not mean all of them.
  limits.setUint8(0, 1);
  limits.setUint16(2, 8);
  limits.setUint32(4, Limits.transferBlocks);
  limits.setUint32(8, 0);
  if (unmaps) {
    limits.setUint32(16, Limits.unmapBlocks);
    limits.setUint32(20, Limits.unmapRanges);
    limits.setUint32(24, 8);
    limits.setBigUint64(32, BigInt(Limits.writeSameBlocks));
  }
  const characteristics = new Uint8Array(60);
  const provisioning = new Uint8Array(4);
  // LBPU, LBPWS, LBPWS10: UNMAP and both WRITE SAME; thin provisioning.
  provisioning[1] = 0xe0;
  provisioning[2] = 2;
  return new Map([
    [VpdPage.BLOCK_LIMITS, new Uint8Array(limits.buffer)],
    [VpdPage.BLOCK_CHARACTERISTICS, characteristics],
    ...(unmaps ? ([[VpdPage.PROVISIONING, provisioning]] as const) : []),
  ]);
}
