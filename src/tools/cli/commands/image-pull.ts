import { join } from 'node:path';
import { defaultImageDirectory } from '../../image/store.ts';
import { type Args, type CommandDef, type Context, ExitCode, usageError } from '../command.ts';
import { progressReporter } from '../progress.ts';

/** `nodevisor image pull`. */
export const imagePullCommand: CommandDef = {
  path: ['image', 'pull'],
  summary: 'get an operating system to run',
  notes: [
    "Fetches Debian's current riscv64 kernel, modules and busybox, checks the archive's signature and every hash, and",
    'makes an initramfs with a shell. What a cut connection leaves is resumed by the next call. Behind a proxy: Node 24',
    'and later take http_proxy and https_proxy from the environment when NODE_USE_ENV_PROXY=1 is set.',
    'Then: nodevisor run debian',
  ].join('\n'),
  arguments: [{ usage: '<name>', help: 'which: debian' }],
  options: [
    { flags: '--mirror <url>', help: "Debian mirror (default: the one that this host's apt uses)" },
    { flags: '--dir <directory>', help: 'where to put it (default: below the cache directory)' },
    { flags: '--keyring <file>', help: "keys to trust (default: Debian's)" },
  ],
  async run(args: Args, context: Context): Promise<number> {
    const [name = ''] = args.positionals;
    if (name !== 'debian') throw usageError(`unknown image '${name}': there is debian`);
    // Only now: other commands start sooner without the signatures' library.
    const { pullDebian } = await import('../../image/pull-debian.ts');
    const mirror = args.text('mirror');
    const keyring = args.text('keyring');
    const directory = args.text('dir') ?? defaultImageDirectory(name, context.env);
    const { manifest, changed } = await pullDebian({
      directory,
      ...(mirror === undefined ? {} : { mirror }),
      ...(keyring === undefined ? {} : { keyring }),
      reporter: progressReporter(context.stderr),
    });
    const where = args.text('dir') === undefined ? 'debian' : directory;
    context.stdout.write(
      `${manifest.title}: ${changed ? 'ready' : 'up to date'}\n` +
        `  kernel     ${join(directory, manifest.kernel)}\n` +
        `  initramfs  ${join(directory, manifest.initrd)}\n` +
        `Boot it with: nodevisor run ${where}\n`,
    );
    return ExitCode.OK;
  },
};
