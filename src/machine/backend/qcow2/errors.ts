import { VirtError } from '../../../util/index.ts';

/** What an image's structures contradict themselves about. Reading elsewhere in the image may still work. */
export class CorruptImage extends VirtError {
  constructor(path: string, reason: string) {
    super('OPERATION_FAILED', `disk image '${path}' is corrupt: ${reason}`, { data: { path } });
  }
}

/** An image that cannot grow any further in its format. */
export function imageFull(path: string, reason: string): VirtError {
  return new VirtError('OPERATION_FAILED', `disk image '${path}' can hold no more: ${reason}`, { data: { path } });
}
