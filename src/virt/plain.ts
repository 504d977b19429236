/** Plain objects on their way to a backend, which takes XML. */
import { VirtError } from '../util/index.ts';
import { virtError } from './errors.ts';

/** The document of a plain object. Throws INVALID_ARG for what is no definition of its kind. */
export function fromPlain<T>(def: T, format: (def: T) => string): string {
  try {
    return format(def);
  } catch (cause) {
    if (cause instanceof VirtError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw virtError('INVALID_ARG', `the definition cannot be written as XML: ${reason}`, { cause, domain: 'CONF' });
  }
}
