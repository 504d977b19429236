/** The native CPU backend: native/core behind Node-API. */
import { HARTS_MAX } from '../../isa/index.ts';
import { type Clock, HostClock, VirtError } from '../../util/index.ts';
import type { CpuEngine, EngineConfig, Hart, Stop } from '../engine.ts';
import { HartState } from '../state.ts';
import { type NativeBinding, type NativeHartHandle, nativeBinding } from './binding.ts';

/** Which parts of the backend to use: for tests, which run them apart. */
export interface NativeOptions {
  /** 0: the interpreter alone; 1 (default): also the translator where the host has one. */
  readonly tier?: 0 | 1;
  /** Executions of a piece of code before it is translated (default 12). */
  readonly hotThreshold?: number;
}

const HOT_THRESHOLD = 12;

/** Why the backend does not work on this host; empty when it does. */
export function nativeProblem(): string {
  const found = nativeBinding();
  return 'reason' in found ? found.reason : '';
}

/** Whether the backend has its translator on this host. */
export function nativeTranslates(): boolean {
  const found = nativeBinding();
  return 'binding' in found && found.binding.translates;
}

/**
 * The native engine of one machine on one thread. It reads the host's clock itself; another clock is read at each
 * `run()` and stands still within it.
 */
export class NativeEngine implements CpuEngine {
  readonly kind = 'native';
  readonly #binding: NativeBinding;
  readonly #buffer: SharedArrayBuffer;
  readonly #clock: Clock | undefined;
  readonly #options: NativeOptions;
  readonly #harts = new Set<NativeHart>();

  /** Throws CONFIG_UNSUPPORTED when the addon is not there. */
  constructor(config: EngineConfig, options: NativeOptions = {}) {
    const found = nativeBinding();
    if ('reason' in found) throw new VirtError('CONFIG_UNSUPPORTED', `CPU backend 'native': ${found.reason}`);
    this.#binding = found.binding;
    this.#buffer = config.buffer;
    this.#clock = config.clock instanceof HostClock ? undefined : config.clock;
    this.#options = options;
  }

  createHart(id: number): Hart {
    if (!Number.isInteger(id) || id < 0 || id >= HARTS_MAX) throw new RangeError(`no hart ${id}`);
    const { tier = 1, hotThreshold = HOT_THRESHOLD } = this.#options;
    const handle = new this.#binding.Hart(new Uint8Array(this.#buffer), id, tier === 1, hotThreshold);
    const hart = new NativeHart(new HartState(this.#buffer, id), handle, this.#clock);
    this.#harts.add(hart);
    return hart;
  }

  close(): void {
    for (const hart of this.#harts) hart.close();
    this.#harts.clear();
  }
}

/** One hart. The native side works on the same state block. */
class NativeHart implements Hart {
  readonly id: number;
  readonly state: HartState;
  /** Never set: the native side reports no faults of its own. */
  readonly faultDetail = '';
  readonly #handle: NativeHartHandle;
  readonly #clock: Clock | undefined;

  constructor(state: HartState, handle: NativeHartHandle, clock: Clock | undefined) {
    this.id = state.id;
    this.state = state;
    this.#handle = handle;
    this.#clock = clock;
  }

  run(budget: number): Stop {
    if (this.#clock !== undefined) this.#handle.setNow(Math.max(1, Math.floor(this.#clock.nowNs())));
    return this.#handle.run(budget);
  }

  completeMmio(lo: number, hi: number): void {
    this.#handle.completeMmio(lo >>> 0, hi >>> 0);
  }

  refuseMmio(): void {
    this.#handle.refuseMmio();
  }

  invalidate(): void {
    this.#handle.invalidate();
  }

  close(): void {
    this.#handle.close();
  }
}
