import { VirtioType } from '../../isa/index.ts';
import { type Logger, silentLogger } from '../../util/index.ts';
import type { BlockBackend } from '../backend/block.ts';
import { BlkRequests, RangeLimits } from './blk-request.ts';
import { BlkConfig, BlkFeature, BlkType, SECTOR_BYTES } from './blk-spec.ts';
import type { Activated, Active, VirtioDevice } from './device.ts';
import { InFlight, QueuePump, type Step } from './pump.ts';
import type { VirtQueue } from './queue.ts';

/** Requests that are served at a time; the others wait in the queue. */
const REQUESTS_MAX = 32;

/**
 * When writes are stable: `back`: at a flush; `through`: when they end, so that there is nothing to flush; `unsafe`:
 * flushes are answered without doing anything.
 */
export type WriteCache = 'back' | 'through' | 'unsafe';

/** What a block device may be given besides its disk. */
export interface VirtioBlkOptions {
  /** Answer to GET_ID; 20 bytes of it are used. */
  readonly serial?: string;
  /** Number of queues, 1 unless given. */
  readonly queues?: number;
  /** Descriptors per queue, a power of two, 256 unless given. */
  readonly queueSize?: number;
  /** `back` unless given. */
  readonly cache?: WriteCache;
  readonly logger?: Logger;
}

/** The block device (5.2). Requests are served side by side and end in any order. */
export class VirtioBlk implements VirtioDevice {
  readonly type = VirtioType.BLOCK;
  readonly features: bigint;
  readonly queues: readonly number[];
  readonly #backend: BlockBackend;
  readonly #serial: string;
  readonly #cache: WriteCache;
  readonly #logger: Logger;
  #errors = 0;

  constructor(backend: BlockBackend, options: VirtioBlkOptions = {}) {
    const { serial = '', queues = 1, queueSize = 256, cache = 'back', logger = silentLogger } = options;
    // 5.2.5.2: a driver that is offered no FLUSH takes the device for one that writes through.
    const flush = cache === 'through' ? 0n : BlkFeature.FLUSH;
    const common = BlkFeature.SEG_MAX | BlkFeature.BLK_SIZE | BlkFeature.TOPOLOGY | flush;
    const changing = BlkFeature.DISCARD | BlkFeature.WRITE_ZEROES;
    this.features = common | (backend.readOnly ? BlkFeature.RO : changing) | (queues > 1 ? BlkFeature.MQ : 0n);
    this.queues = new Array<number>(queues).fill(queueSize);
    this.#backend = backend;
    this.#serial = serial;
    this.#cache = cache;
    this.#logger = logger;
  }

  config(): Uint8Array {
    const bytes = new Uint8Array(BlkConfig.bytes);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(BlkConfig.capacity, BigInt(this.#backend.sectors), true);
    // A request has a header and a status beside its data.
    view.setUint32(BlkConfig.seg_max, this.queues[0] - 2, true);
    view.setUint32(BlkConfig.blk_size, SECTOR_BYTES, true);
    // Any sector can be written by itself, but host file systems think in 4 KiB: let partitions and blocks align.
    view.setUint8(BlkConfig.physical_block_exp, 3);
    view.setUint16(BlkConfig.min_io_size, 8, true);
    view.setUint16(BlkConfig.num_queues, this.queues.length, true);
    if (!this.#backend.readOnly) {
      view.setUint32(BlkConfig.max_discard_sectors, RangeLimits[BlkType.DISCARD].sectors, true);
      view.setUint32(BlkConfig.max_discard_seg, RangeLimits[BlkType.DISCARD].segments, true);
      view.setUint32(BlkConfig.discard_sector_alignment, 8, true);
      view.setUint32(BlkConfig.max_write_zeroes_sectors, RangeLimits[BlkType.WRITE_ZEROES].sectors, true);
      view.setUint32(BlkConfig.max_write_zeroes_seg, RangeLimits[BlkType.WRITE_ZEROES].segments, true);
      view.setUint8(BlkConfig.write_zeroes_may_unmap, 1);
    }
    return bytes;
  }

  onConfigChange(callback: () => void): void {
    this.#backend.onResize(callback);
  }

  activate(active: Active): Activated {
    const requests = new BlkRequests({
      backend: this.#backend,
      serial: this.#serial,
      features: active.features,
      flushes: this.#cache !== 'unsafe',
      onError: (error) => this.#failed(error),
    });
    return new ActiveBlk(requests, active);
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  /** A broken disk fails again and again: the first error is worth a warning. */
  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#logger.log(this.#errors++ === 0 ? 'warn' : 'debug', `a disk request failed on the host: ${reason}`);
  }
}

class ActiveBlk implements Activated {
  readonly #requests: BlkRequests;
  readonly #active: Active;
  readonly #pumps: readonly (QueuePump | undefined)[];
  readonly #limit: number;
  readonly #inFlight = new InFlight();
  /** Requests under way: not the turns that pumps still have to make, which `#inFlight` also counts. */
  #serving = 0;

  constructor(requests: BlkRequests, active: Active) {
    this.#requests = requests;
    this.#active = active;
    this.#limit = active.inOrder ? 1 : REQUESTS_MAX;
    this.#pumps = active.queues.map((queue) => queue && new QueuePump(queue, this.#inFlight, () => this.#take(queue)));
  }

  notify(queue: number): void {
    this.#pumps[queue]?.kick();
  }

  idle(): Promise<void> {
    return this.#inFlight.idle();
  }

  stop(): Promise<void> {
    for (const pump of this.#pumps) pump?.stop();
    return this.#inFlight.idle();
  }

  #take(queue: VirtQueue): Step {
    if (this.#serving >= this.#limit) return 'hold';
    const chain = queue.take();
    if (chain === undefined) return 'empty';
    this.#serving++;
    this.#inFlight.enter();
    void this.#requests.serve(queue, chain).then((served) => {
      if (!served) this.#active.fail('a block request without header or status');
      this.#serving--;
      // Any queue may hold because of the limit.
      if (this.#serving === this.#limit - 1) for (const pump of this.#pumps) pump?.wake();
      this.#inFlight.leave();
    });
    return 'more';
  }
}
