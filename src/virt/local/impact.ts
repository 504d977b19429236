import { Affect } from '../enums.ts';
import { virtError } from '../errors.ts';
import type { LocalDomain } from './domain.ts';

/** Which definitions a call is about. */
export interface Impact {
  readonly live: boolean;
  readonly config: boolean;
}

/** What `flags` of Affect mean for a domain as it is. Throws OPERATION_INVALID if it has no such definition. */
export function impactOf(domain: LocalDomain, flags: number): Impact {
  const asked = flags & (Affect.LIVE | Affect.CONFIG);
  const live = asked === Affect.CURRENT ? domain.active : (asked & Affect.LIVE) !== 0;
  const config = asked === Affect.CURRENT ? !domain.active : (asked & Affect.CONFIG) !== 0;
  if (live && !domain.active) throw virtError('OPERATION_INVALID', 'domain is not running');
  if (config && !domain.persistent) {
    throw virtError('OPERATION_INVALID', 'transient domains do not have any persistent config');
  }
  return { live, config };
}

/** The same for a call that reads: not both at once. Throws INVALID_ARG. */
export function impactToRead(domain: LocalDomain, flags: number): Impact {
  if ((flags & Affect.LIVE) !== 0 && (flags & Affect.CONFIG) !== 0) {
    throw virtError(
      'INVALID_ARG',
      "flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
    );
  }
  return impactOf(domain, flags);
}

/** Refuses flags that a call does not know, as libvirt does. Throws INVALID_ARG. */
export function checkFlags(flags: number, known: number, where: string): void {
  const unknown = (flags & ~known) >>> 0;
  if (unknown === 0) return;
  throw virtError('INVALID_ARG', `unsupported flags (0x${unknown.toString(16)}) in function ${where}`);
}
