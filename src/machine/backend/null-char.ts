import type { CharBackend } from './char.ts';

/** A serial line with nothing at its end: output is dropped, input never comes. */
export class NullChar implements CharBackend {
  write(): boolean {
    return true;
  }

  connect(): void {}

  resume(): void {}

  async close(): Promise<void> {}
}
