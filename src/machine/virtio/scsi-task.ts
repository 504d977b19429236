import { ScsiOp } from '../scsi/spec.ts';
import type { ScsiUnit } from '../scsi/unit.ts';
import { absentUnit, Cdb, overrun, reportLuns, type ScsiData, type ScsiResult } from '../scsi/unit.ts';
import type { Chain } from './chain.ts';
import type { VirtQueue } from './queue.ts';
import { parseLun, type ScsiAddress, type ScsiBus } from './scsi-bus.ts';
import { REQUEST_HEADER_BYTES, RESPONSE_HEADER_BYTES, ScsiResponse } from './scsi-spec.ts';

/** Shortest CDB that the commands of units are read from. */
const CDB_BYTES_MIN = 16;

/** Lengths that the driver has set. */
export interface TaskSizes {
  readonly cdb: number;
  readonly sense: number;
}

/** A command of the driver's, from its buffer to the answer in it. */
export class ScsiTask {
  /** Undefined: what it names is no unit at all. */
  readonly address: ScsiAddress | undefined;
  /** The driver's name for it. */
  readonly tag: bigint;
  readonly attribute: number;
  readonly cdb: Cdb;
  /** Resolves when the driver has its buffer back. */
  readonly ended: Promise<void>;
  readonly #queue: VirtQueue;
  readonly #chain: Chain;
  readonly #sizes: TaskSizes;
  #end: () => void = () => {};

  private constructor(queue: VirtQueue, chain: Chain, sizes: TaskSizes, header: Uint8Array) {
    this.#queue = queue;
    this.#chain = chain;
    this.#sizes = sizes;
    this.address = parseLun(header);
    this.tag = new DataView(header.buffer).getBigUint64(8, true);
    this.attribute = header[16];
    const cdb = new Uint8Array(Math.max(CDB_BYTES_MIN, sizes.cdb));
    cdb.set(header.subarray(REQUEST_HEADER_BYTES));
    this.cdb = new Cdb(cdb);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Reads a task from its buffer. `malformed`: it is too short for one; `gone`: so is the driver. */
  static read(queue: VirtQueue, chain: Chain, sizes: TaskSizes): ScsiTask | 'malformed' | 'gone' {
    const header = new Uint8Array(REQUEST_HEADER_BYTES + sizes.cdb);
    if (chain.readableBytes < header.length || chain.writableBytes < RESPONSE_HEADER_BYTES + sizes.sense) {
      return 'malformed';
    }
    return queue.copyOut(chain, 0, header) ? new ScsiTask(queue, chain, sizes, header) : 'gone';
  }

  /** Its unit of `bus`. */
  unit(bus: ScsiBus): ScsiUnit | undefined {
    return this.address === undefined ? undefined : bus.find(this.address);
  }

  /** Carries it out and answers. Rejects when a unit fails in a way that it should not. */
  async run(bus: ScsiBus): Promise<void> {
    // A driver that has gone has no wish that something should still be changed.
    if (!this.#queue.copyOut(this.#chain, 0, new Uint8Array(1))) return this.#end();
    const luns = this.address === undefined ? undefined : bus.luns(this.address.target);
    if (luns === undefined) return this.refuse(ScsiResponse.BAD_TARGET);
    const result = await this.#execute(this.unit(bus), luns);
    if (result.overrun) this.refuse(ScsiResponse.OVERRUN);
    else this.#answer(result);
  }

  /** Answers without having done anything. */
  refuse(response: ScsiResponse): void {
    this.#respond(response, this.#data.outBytes + this.#data.inBytes, overrun(), 0);
  }

  #execute(unit: ScsiUnit | undefined, luns: readonly number[]): Promise<ScsiResult> | ScsiResult {
    const data = this.#data;
    if (this.cdb.op === ScsiOp.REPORT_LUNS) return reportLuns(this.cdb, data, luns);
    return unit === undefined ? absentUnit(this.cdb, data) : unit.execute(this.cdb, data);
  }

  #answer(result: ScsiResult): void {
    const { outBytes, inBytes } = this.#data;
    const isIn = outBytes === 0;
    const residual = Math.max(0, outBytes + inBytes - result.transferred);
    this.#respond(ScsiResponse.OK, residual, result, isIn ? result.transferred : 0);
  }

  /** 5.6.6.1: sense length, residual, qualifier, status, response, sense data; then what the command reads. */
  #respond(response: ScsiResponse, residual: number, { status, sense }: ScsiResult, read: number): void {
    const bytes = new Uint8Array(RESPONSE_HEADER_BYTES + this.#sizes.sense);
    const view = new DataView(bytes.buffer);
    const told = sense.subarray(0, this.#sizes.sense);
    view.setUint32(0, told.length, true);
    view.setUint32(4, residual >>> 0, true);
    bytes[10] = response === ScsiResponse.OK ? status : 0;
    bytes[11] = response;
    bytes.set(told, RESPONSE_HEADER_BYTES);
    if (this.#queue.copyIn(this.#chain, 0, bytes)) this.#queue.put(this.#chain, bytes.length + read);
    this.#end();
  }

  get #data(): ScsiData {
    const outAt = REQUEST_HEADER_BYTES + this.#sizes.cdb;
    const inAt = RESPONSE_HEADER_BYTES + this.#sizes.sense;
    return {
      outBytes: this.#chain.readableBytes - outAt,
      inBytes: this.#chain.writableBytes - inAt,
      take: (at, into) => this.#queue.copyOut(this.#chain, outAt + at, into),
      give: (at, from) => this.#queue.copyIn(this.#chain, inAt + at, from),
    };
  }
}
