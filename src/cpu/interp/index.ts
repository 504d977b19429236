import type { CpuEngine, EngineConfig, Hart } from '../engine.ts';
import { InterpreterHart } from './hart.ts';

/** The reference backend: pure TypeScript, on every host. */
export class Interpreter implements CpuEngine {
  readonly kind = 'interpreter';
  readonly #config: EngineConfig;

  constructor(config: EngineConfig) {
    this.#config = config;
  }

  createHart(id: number): Hart {
    return new InterpreterHart(id, this.#config.buffer, this.#config.clock);
  }

  close(): void {}
}
