import { setTimeout as sleep } from 'node:timers/promises';
import type { CopyTarget } from '../../machine/index.ts';
import { type Args, type OptionDef, usageError } from '../cli/command.ts';
import { parseBytes } from './sizes.ts';

/** `-r` of commands that copy. */
export const rateLimitOption: OptionDef = {
  flags: '-r, --rate-limit <bytes>',
  help: 'write so many bytes a second at the most, such as 50M',
};

/** The same target, written no faster than `-r` says. */
export function limited(target: CopyTarget, args: Args): CopyTarget {
  const text = args.text('rateLimit');
  if (text === undefined) return target;
  const perSecond = parseBytes(text);
  if (perSecond === 0) throw usageError('-r: at least a byte a second');
  // When all that has been let through may have been written, in milliseconds.
  let free = performance.now();
  return {
    ...target,
    async write(offset, from) {
      const now = performance.now();
      const begin = Math.max(now, free);
      free = begin + (from.length / perSecond) * 1000;
      if (begin > now) await sleep(begin - now);
      await target.write(offset, from);
    },
  };
}
