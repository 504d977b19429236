import { VirtError } from '../../../util/index.ts';

/** What tells a corruption from other errors: `instanceof` of VirtError's kind goes by a mark, not by the class. */
const CORRUPT = Symbol('corrupt image');

/** What an image's structures contradict themselves about. Reading elsewhere in the image may still work. */
export class CorruptImage extends VirtError {
  /** Other VirtErrors are none: an image is not to be marked as corrupt because of a request that was refused. */
  static override [Symbol.hasInstance](value: unknown): value is CorruptImage {
    return typeof value === 'object' && value !== null && CORRUPT in value;
  }

  readonly [CORRUPT] = true;

  constructor(path: string, reason: string) {
    super('OPERATION_FAILED', `disk image '${path}' is corrupt: ${reason}`, { data: { path } });
  }
}

/** An image that cannot grow any further in its format. */
export function imageFull(path: string, reason: string): VirtError {
  return new VirtError('OPERATION_FAILED', `disk image '${path}' can hold no more: ${reason}`, { data: { path } });
}
