/** A CPU engine that executes no instructions: each `run()` plays the next step of a script. */
import { type CpuEngine, type Hart, HartState, hartWord, Stop } from '../../src/cpu/index.ts';

/** One step: changes state as the instruction would, and says why the run ended. */
export type Step = (hart: FakeHart, budget: number) => Stop;

export class FakeHart implements Hart {
  readonly id: number;
  readonly state: HartState;
  readonly faultDetail = 'the script says so';
  /** What was called, in order. */
  readonly calls: string[] = [];
  readonly #script: Step[];

  constructor(buffer: SharedArrayBuffer, id: number, script: Step[]) {
    this.id = id;
    this.state = new HartState(buffer, id);
    this.#script = script;
  }

  run(budget: number): Stop {
    this.calls.push(`run ${budget}`);
    const step = this.#script.shift();
    return step === undefined ? Stop.Wfi : step(this, budget);
  }

  completeMmio(lo: number, hi: number): void {
    this.calls.push(`complete ${hi}:${lo}`);
  }

  refuseMmio(): void {
    this.calls.push('refuse');
  }

  invalidate(): void {
    this.calls.push('invalidate');
  }

  /** Fills in the exit fields of an MMIO access. */
  mmio(write: 0 | 1 | 2, gpa: number, size: number, value = 0n): Stop {
    this.state.set('exitGpa', BigInt(gpa));
    this.state.set('exitValue', value);
    this.state.words[hartWord.exitSize] = size;
    this.state.words[hartWord.exitWrite] = write;
    return Stop.Mmio;
  }
}

/** @param scripts one per hart. */
export function fakeEngine(
  buffer: SharedArrayBuffer,
  scripts: readonly Step[][],
): CpuEngine & { harts: readonly FakeHart[] } {
  const harts = scripts.map((script, id) => new FakeHart(buffer, id, script));
  return { kind: 'interpreter', harts, createHart: (id) => harts[id], close: () => undefined };
}
