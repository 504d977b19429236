import { type Args, type OptionDef, usageError } from '../cli/command.ts';

/** qemu-img's names of cache modes. */
const modes = ['none', 'writeback', 'unsafe', 'directsync', 'writethrough'];

/** `-t` of commands that write an image. */
export function targetCacheOption(usual: 'writeback' | 'unsafe'): OptionDef {
  return {
    flags: '-t, --cache <mode>',
    help: `writeback: wait for the disk at the end; unsafe: do not (default: ${usual})`,
  };
}

/** `-T` of commands that read images: taken because scripts give it, and of no effect. */
export const sourceCacheOption: OptionDef = {
  flags: '-T, --source-cache <mode>',
  help: "how to read: always through the host's cache, whatever is said here",
};

/** Whether the disk need not be waited for: what else the modes mean is the host's. Checks the names of both options. */
export function isUnsafe(args: Args, usual: 'writeback' | 'unsafe'): boolean {
  check('-T', args.text('sourceCache'));
  return check('-t', args.text('cache') ?? usual) === 'unsafe';
}

function check(option: string, mode: string | undefined): string | undefined {
  if (mode === undefined || modes.includes(mode)) return mode;
  throw usageError(`${option} ${mode}: it is one of ${modes.join(', ')}`);
}
