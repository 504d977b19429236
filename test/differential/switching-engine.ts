/** A CPU backend that is several: it goes on with another one at random instructions. */
import type { CpuEngine, EngineConfig, Hart, HartState } from '../../src/cpu/index.ts';
import { Stop } from '../../src/cpu/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import type { Contender } from './lockstep-machine.ts';

/** How it switches. */
export interface SwitchingOptions {
  readonly seed: number;
  /** Instructions until the next switch, at the most: of all backends, or of each. Short runs are more frequent. */
  readonly longest: number | readonly number[];
  /** Called at each switch with the number of the backend that goes on. */
  readonly onSwitch?: (to: number) => void;
}

class SwitchingHart implements Hart {
  readonly id: number;
  readonly state: HartState;
  readonly #harts: readonly Hart[];
  readonly #random: SeededRandom;
  readonly #options: SwitchingOptions;
  #current = 0;
  #left = 0;

  constructor(harts: readonly Hart[], options: SwitchingOptions) {
    const [first] = harts;
    if (first === undefined) throw new RangeError('no harts');
    this.id = first.id;
    this.state = first.state;
    this.#harts = harts;
    this.#options = options;
    this.#random = new SeededRandom(options.seed + first.id);
  }

  get faultDetail(): string {
    return this.#hart.faultDetail;
  }

  run(budget: number): Stop {
    let left = budget;
    for (;;) {
      if (this.#left === 0) this.#switch();
      const chunk = Math.min(left, this.#left);
      const before = this.state.get('retired');
      const stop = this.#hart.run(chunk);
      // Taken traps use the budget up without retiring anything, so only a whole chunk is known.
      const ran = stop === Stop.Budget ? chunk : Number(this.state.get('retired') - before);
      this.#left -= Math.min(ran, this.#left);
      left -= chunk;
      if (stop !== Stop.Budget) {
        // Who answers an exit may be another than who made it.
        this.#switch();
        return stop;
      }
      if (left === 0) return stop;
    }
  }

  completeMmio(lo: number, hi: number): void {
    this.#hart.completeMmio(lo, hi);
  }

  refuseMmio(): void {
    this.#hart.refuseMmio();
  }

  invalidate(): void {
    for (const hart of this.#harts) hart.invalidate();
  }

  get #hart(): Hart {
    return this.#harts[this.#current] as Hart;
  }

  #switch(): void {
    this.#current = this.#random.below(this.#harts.length);
    const { longest } = this.#options;
    const most = typeof longest === 'number' ? longest : (longest[this.#current] ?? 1);
    this.#left = 1 + this.#random.below(1 + this.#random.below(most));
    this.#options.onSwitch?.(this.#current);
    // As whoever takes a stopped machine over does.
    this.#hart.invalidate();
  }
}

/** An engine whose harts switch between those of others over the same memory. */
export function switchingEngine(
  makers: readonly Contender['make'][],
  config: EngineConfig,
  options: SwitchingOptions,
): CpuEngine {
  const engines = makers.map((make) => make(config));
  return {
    kind: 'interpreter',
    createHart: (id) =>
      new SwitchingHart(
        engines.map((engine) => engine.createHart(id)),
        options,
      ),
    close: () => {
      for (const engine of engines) engine.close();
    },
  };
}
