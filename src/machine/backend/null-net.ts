import type { NetBackend } from './net.ts';

/** A cable that nothing is at the other end of. */
export class NullNet implements NetBackend {
  send(): boolean {
    return true;
  }

  connect(): void {}

  resume(): void {}

  async close(): Promise<void> {}
}
