/** Harts on threads of their own over one memory; the threads serve one program after another. */
import type { Worker } from 'node:worker_threads';
import { type EngineKind, HartState, kick, Stop } from '../../src/cpu/index.ts';
import { assemble, HartConfig, Priv, sharedMap } from '../../src/isa/index.ts';
import { makeMemory, powerOn, RAM_GPA } from '../cpu/support/rig.ts';
import { startTsWorker } from '../support/ts-worker.ts';

/** A CPU backend; or one tier of the native one, which then translates at the first execution. */
export interface Subject {
  readonly kind: EngineKind;
  readonly tier?: 0 | 1;
}

/** What a thread is asked to do. */
export interface HartJob {
  readonly subject: Subject;
  readonly buffer: SharedArrayBuffer;
  readonly hart: number;
  /** All harts of the machine. */
  readonly harts: number;
}

/** How it ended. */
export interface HartResult {
  readonly stop: Stop;
  readonly pc: bigint;
}

const RAM_BYTES = 16 * 2 ** 20;
/** Offsets in RAM: variables, what harts record, page tables. */
const DATA = 0x1_0000;
const RECORDS = 0x10_0000;
const RECORD_BYTES = 0x20_0000;
const TABLES = 0xa0_0000;

/** Variables, each in a cache line of its own: offsets from the start of the data. */
export const at = { start: 0, bad: 64, x: 128, y: 192, seen: 256 } as const;

/** Where guest programs find things: guest physical addresses, for their assembly. */
export const place = {
  data: RAM_GPA + DATA,
  records: RAM_GPA + RECORDS,
  recordBytes: RECORD_BYTES,
  tables: RAM_GPA + TABLES,
} as const;

/** How long a program may take, in milliseconds: harts that wait for each other share cores with whatever else runs. */
const LONGEST_MS = 300_000;

const module = new URL('./pool-worker.ts', import.meta.url);

/** What a program left. */
export class Outcome {
  readonly #view: DataView;
  constructor(buffer: SharedArrayBuffer) {
    this.#view = new DataView(buffer, sharedMap.ram, RAM_BYTES);
  }

  /** What a hart found wrong: see `program`. */
  get violation(): string | undefined {
    return this.data(at.bad) === 0n ? undefined : `a hart saw ${this.data(at.bad + 8)} and ${this.data(at.bad + 16)}`;
  }

  /** A doubleword of the variables. */
  data(offset: number): bigint {
    return this.#view.getBigUint64(DATA + offset, true);
  }

  /** The first numbers that a hart recorded. */
  records(hart: number, count: number): Float64Array {
    const start = RECORDS + hart * RECORD_BYTES;
    return Float64Array.from({ length: count }, (_, i) => Number(this.#view.getBigUint64(start + 8 * i, true)));
  }
}

/** What a program needs besides its text, which has a label `trap`: an EBREAK that no hart should come to. */
export interface RunOptions {
  readonly harts: number;
  /** Harts that start in S-mode under these page tables, which `map` fills in. */
  readonly paged?: { readonly harts: readonly number[]; readonly satp: bigint; map(ram: DataView): void };
}

/** Threads for one subject. */
export class HartPool {
  readonly #subject: Subject;
  readonly #workers: Worker[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** Runs a program on all harts at once, each from its start with its number in a0, until all reach an EBREAK. */
  async run(source: string, options: RunOptions): Promise<Outcome> {
    const { harts, paged } = options;
    const buffer = makeMemory(RAM_BYTES);
    const program = assemble(source, { base: BigInt(RAM_GPA) });
    new Uint8Array(buffer, sharedMap.ram).set(program.bytes);
    paged?.map(new DataView(buffer, sharedMap.ram, RAM_BYTES));
    for (let hart = 0; hart < harts; hart++) {
      const state = new HartState(buffer, hart);
      powerOn(state, BigInt(RAM_GPA));
      state.set('x', BigInt(hart), 10);
      // An ECALL from S-mode comes to the thread: the request for a remote fence.
      state.set32('hartConfig', HartConfig.EBREAK_EXIT | HartConfig.SBI_EXIT);
      state.set32('priv', Priv.S);
      state.set('pmpaddr', (1n << 54n) - 1n);
      state.set('pmpcfg', 0x1fn);
      state.set('mtvec', program.symbols.get('trap') ?? 0n);
      if (paged?.harts.includes(hart)) state.set('satp', paged.satp);
    }
    const trap = program.symbols.get('trap');
    const outcome = new Outcome(buffer);
    const results = await this.#all(buffer, harts, trap);
    const violation = outcome.violation;
    if (violation !== undefined) throw new Error(violation);
    for (const [hart, { stop, pc }] of results.entries()) {
      if (stop === Stop.Debug && pc !== trap) continue;
      const state = new HartState(buffer, hart);
      const fields = (['mcause', 'mepc', 'mtval'] as const).map((field) => `${field} ${state.get(field).toString(16)}`);
      throw new Error(`hart ${hart}: stop ${stop} at ${pc.toString(16)}, ${fields.join(', ')}`);
    }
    return outcome;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async #all(buffer: SharedArrayBuffer, harts: number, trap: bigint | undefined): Promise<HartResult[]> {
    while (this.#workers.length < harts) this.#workers.push(startTsWorker(module, undefined));
    const kickAll = (): void => {
      for (let hart = 0; hart < harts; hart++) kick(new HartState(buffer, hart));
    };
    // Harts that wait for ever for one that has failed, or for each other, are stopped: their test says where they were.
    const late = setTimeout(kickAll, LONGEST_MS);
    const runs = this.#workers.slice(0, harts).map(async (worker, hart) => {
      const result = await this.#one(worker, { buffer, hart, harts });
      if (result.pc === trap || new Outcome(buffer).violation !== undefined) kickAll();
      return result;
    });
    try {
      return await Promise.all(runs);
    } finally {
      clearTimeout(late);
    }
  }

  #one(worker: Worker, job: Omit<HartJob, 'subject'>): Promise<HartResult> {
    return new Promise((resolve, reject) => {
      worker.removeAllListeners('message').once('message', resolve);
      worker.removeAllListeners('error').once('error', reject);
      worker.postMessage({ ...job, subject: this.#subject } satisfies HartJob);
    });
  }
}
