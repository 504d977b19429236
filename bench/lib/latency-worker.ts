/** The thread that runs a hart in a loop and notes when it came out of it. */
import { workerData } from 'node:worker_threads';
import { type HartState, hartWord, Stop } from '../../src/cpu/index.ts';
import { csrByName, HartConfig, Priv } from '../../src/isa/index.ts';
import { HostClock } from '../../src/util/index.ts';
import { enterMode, RAM_GPA, type Subject, subjectEngine } from './bare-hart.ts';
import { Control, type LatencyWorkerData } from './latency-protocol.ts';

const { subject, sleeps, buffer, control, handler } = (workerData as { data: LatencyWorkerData }).data;
/** mcause of the interrupt that is raised. */
const EXTERNAL_INTERRUPT = (1n << 63n) | 11n;

const words = new Int32Array(control);
const stamp = new BigUint64Array(control, 4 * Control.STAMP, 1);
const ended = (): boolean => Atomics.load(words, Control.END) !== 0;

/** Notes the time, tells the other thread, and waits until that has put the cause away. False: it is over. */
function taken(now: bigint): boolean {
  stamp[0] = now;
  const count = Atomics.add(words, Control.TAKEN, 1) + 1;
  while (Atomics.load(words, Control.GO) !== count) if (ended()) return false;
  return true;
}

function runHart(what: Subject): void {
  const engine = subjectEngine(what, { buffer, clock: new HostClock() });
  const hart = engine.createHart(0);
  const { state } = hart;
  enterMode(state, 'supervisor');
  state.set('mtvec', BigInt(RAM_GPA + handler));
  state.set('mie', 1n << 11n);
  state.set('x', BigInt(RAM_GPA + (2 << 20)), 8);
  state.set32('hartConfig', HartConfig.EBREAK_EXIT);
  hart.invalidate();
  for (;;) {
    const stop = hart.run(1e12);
    const now = process.hrtime.bigint();
    if (stop === Stop.Wfi) {
      Atomics.wait(state.words, hartWord.attention, 0);
      if (ended()) break;
    } else {
      const trapped = stop === Stop.Debug && state.get('mcause') !== EXTERNAL_INTERRUPT;
      if (trapped || (stop !== Stop.Kicked && stop !== Stop.Debug)) {
        throw new Error(`stop ${stop}, mcause ${state.get('mcause')}, mepc 0x${state.get('mepc').toString(16)}`);
      }
      if (!taken(now)) break;
      if (stop === Stop.Debug) resume(state);
    }
  }
  engine.close();
}

/** Back from the handler to where it was, as MRET. */
function resume(state: HartState): void {
  state.set('pc', state.get('mepc'));
  state.set32('priv', Priv.S);
  state.set('mstatus', csrByName.mstatus.reset | (1n << 13n));
}

if (subject === undefined) {
  let seen = 0;
  while (!ended()) {
    if (Atomics.load(words, Control.REQUESTED) === seen) {
      if (sleeps) Atomics.wait(words, Control.REQUESTED, seen);
      continue;
    }
    seen++;
    if (!taken(process.hrtime.bigint())) break;
  }
} else {
  runHart(subject);
}
