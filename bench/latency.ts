/** From a kick or an interrupt on one thread to its being taken on another, whatever the hart is busy with. */
import type { Worker } from 'node:worker_threads';
import { type EngineKind, HartState, kick, setInterruptLine } from '../src/cpu/index.ts';
import { assemble, Interrupt, sharedMap } from '../src/isa/index.ts';
import { startTsWorker, workerEnd } from '../test/support/ts-worker.ts';
import { bareMemory, RAM_GPA, type Subject, subjectName } from './lib/bare-hart.ts';
import { inTurn } from './lib/in-turn.ts';
import { latencyLoops } from './lib/latency-loops.ts';
import { Control, type LatencyWorkerData } from './lib/latency-protocol.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';

const SAMPLES = 1000;
/** Before the first that counts: for code to be translated. */
const WARM_UP = 50;
/** A hart runs so long before it is asked, in microseconds: at least, and at random more. */
const PAUSE_US = 30;
const PAUSE_MORE_US = 200;

/** A sample that takes so long will never end. */
const LONGEST_NS = 5_000_000_000n;

type Way = 'kick' | 'interrupt';

/** In microseconds. */
interface Latency {
  readonly median: number;
  readonly high: number;
}

const module = new URL('./lib/latency-worker.ts', import.meta.url);

/** A thread with a hart in a loop, or (without a subject) with a loop of its own. */
class Target {
  readonly #control = new SharedArrayBuffer(Control.BYTES);
  readonly #words = new Int32Array(this.#control);
  readonly #stamp = new BigUint64Array(this.#control, 4 * Control.STAMP, 1);
  readonly #state: HartState;
  readonly #worker: Worker;
  readonly #way: Way;
  readonly #hosted: boolean;
  #failed: Error | undefined;

  constructor(subject: Subject | undefined, loop: string, way: Way) {
    this.#way = way;
    this.#hosted = subject === undefined;
    const { buffer } = bareMemory();
    this.#state = new HartState(buffer, 0);
    const program = assemble(`${loop}\n .balign 4\nhandler: ebreak`, { base: RAM_GPA });
    new Uint8Array(buffer, sharedMap.ram).set(program.bytes);
    const handler = Number(program.symbols.get('handler')) - RAM_GPA;
    const data: LatencyWorkerData = { subject, sleeps: loop.includes('wfi'), buffer, control: this.#control, handler };
    this.#worker = startTsWorker(module, data);
    this.#worker.once('error', (error: Error) => {
      this.#failed = error;
    });
  }

  /** Waits until the thread is in its loop: its first answer. */
  async ready(): Promise<void> {
    this.#ask();
    while (Atomics.load(this.#words, Control.TAKEN) === 0) {
      if (this.#failed !== undefined) throw this.#failed;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#goOn();
  }

  /** One sample, in nanoseconds. */
  sample(): number {
    const until = process.hrtime.bigint() + BigInt(Math.round(1e3 * (PAUSE_US + PAUSE_MORE_US * Math.random())));
    while (process.hrtime.bigint() < until);
    const before = Atomics.load(this.#words, Control.TAKEN);
    const start = process.hrtime.bigint();
    this.#ask();
    while (Atomics.load(this.#words, Control.TAKEN) === before) {
      if (process.hrtime.bigint() - start > LONGEST_NS) throw new Error('not taken: the hart has stopped');
    }
    const ns = Number(this.#stamp[0] - start);
    this.#goOn();
    return ns;
  }

  async close(): Promise<void> {
    Atomics.store(this.#words, Control.END, 1);
    const end = workerEnd(this.#worker);
    this.#ask();
    await end;
  }

  #ask(): void {
    if (this.#hosted) {
      Atomics.add(this.#words, Control.REQUESTED, 1);
      Atomics.notify(this.#words, Control.REQUESTED);
    } else if (this.#way === 'kick') kick(this.#state);
    else setInterruptLine(this.#state, Interrupt.MEI, true);
  }

  #goOn(): void {
    if (this.#way === 'interrupt') setInterruptLine(this.#state, Interrupt.MEI, false);
    Atomics.store(this.#words, Control.GO, Atomics.load(this.#words, Control.TAKEN));
  }
}

async function latency(subject: Subject | undefined, loop: string, way: Way): Promise<Latency> {
  const target = new Target(subject, loop, way);
  await target.ready();
  for (let i = 0; i < WARM_UP; i++) target.sample();
  const samples = Array.from({ length: SAMPLES }, () => target.sample()).sort((a, b) => a - b);
  await target.close();
  return { median: samples[SAMPLES / 2] / 1e3, high: samples[Math.floor(SAMPLES * 0.99)] / 1e3 };
}

function report(what: string, found: ReadonlyMap<string, readonly Latency[]>): Measurement[] {
  const figure = (name: string, of: (l: Latency) => number): Measurement[] =>
    [...found].map(([subject, runs]) => measurement('latency', `${what}, ${name}`, subject, 'µs', runs.map(of)));
  return [...figure('median', ({ median }) => median), ...figure('99 %', ({ high }) => high)];
}

export const latencies: Benchmark = {
  name: 'latency',
  help: 'microseconds from a kick or an interrupt to its being taken; with --peers also between two idle threads',
  async measure(context) {
    const found: Measurement[] = [];
    for (const way of ['kick', 'interrupt'] as const) {
      for (const [name, loop] of Object.entries(latencyLoops)) {
        const subjects = new Map<string, () => Promise<Latency>>();
        for (const kind of context.backends) {
          const subject: Subject = { kind: kind as EngineKind, tier: context.tier };
          subjects.set(subjectName(subject), () => latency(subject, loop, way));
        }
        if (context.peers) subjects.set('host', () => latency(undefined, loop, way));
        found.push(...report(`${way} in ${name}`, await inTurn(context, `${way} in ${name}`, subjects)));
      }
    }
    return found;
  },
};
