import { usableEngines } from '../../../cpu/index.ts';
import type { FlashOptions, MediumOptions, NetOptions } from '../../../drivers/index.ts';
import { type Args, type OptionDef, usageError } from '../command.ts';
import { cdromHelp, type DiskArg, diskHelp, parseCdrom, parseDisk, parsePflash, pflashHelp } from './disk.ts';
import { netHelp, parseNets } from './net.ts';
import type { NamedNet } from './network.ts';

/** What `nodevisor run` was asked for, each value checked on its own. */
export interface RunOptions {
  /** Name or directory of an image that `image pull` made. */
  readonly image?: string;
  readonly cpuBackend: string;
  readonly vcpus?: number;
  readonly memory?: string;
  readonly firmware: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly dtb?: string;
  readonly dumpDtb?: string;
  readonly disks: readonly DiskArg[];
  readonly cdroms: readonly MediumOptions[];
  readonly pflash: readonly FlashOptions[];
  readonly nets: readonly (NetOptions | NamedNet)[];
  /** `stdio`, `none`, or a file. */
  readonly console: string;
  readonly clock: 'host' | 'virtual';
  readonly timeoutSeconds?: number;
  readonly stats?: string;
  readonly signature?: string;
}

const backendNames = ['auto', ...usableEngines().map(({ kind }) => kind)];

/** The options of `nodevisor run` as its help shows them. */
export const runOptionDefs: readonly OptionDef[] = [
  { flags: '--cpu-backend <name>', help: `what executes instructions: ${backendNames.join(', ')} (default: auto)` },
  { flags: '--smp <n>', help: 'number of vCPUs, 1 to 8 (default: 1; the bundled guest: 2 to 4)' },
  { flags: '--memory <size>', help: 'RAM, like 512M or 2G (default: 512M)' },
  { flags: '--firmware <file>', help: 'builtin, none (the ELF starts in M-mode), or a file (default: builtin)' },
  { flags: '--kernel <file>', help: 'ELF, Image, Image.gz or EFI zboot (default: the bundled guest)' },
  { flags: '--initrd <file>', help: 'initial RAM disk' },
  { flags: '--append <text>', help: 'kernel command line' },
  { flags: '--dtb <file>', help: 'device tree in place of the one that the machine writes' },
  { flags: '--dump-dtb <file>', help: 'write the device tree to a file (- for standard output) and do not run' },
  { flags: '--disk <file>', help: diskHelp, repeat: true },
  { flags: '--cdrom <file>', help: cdromHelp, repeat: true },
  { flags: '--pflash <file>', help: pflashHelp, repeat: true },
  { flags: '--net <network>', help: netHelp, repeat: true },
  { flags: '--mac <address>', help: 'address of the interface of the --net in the same place', repeat: true },
  { flags: '--capture <file>', help: 'write the frames of the --net in the same place to a pcapng file', repeat: true },
  { flags: '--console <where>', help: 'serial port: stdio, none, or a file for its output (default: stdio)' },
  { flags: '--clock <kind>', help: 'host, or virtual: one thread, deterministic (default: host)' },
  { flags: '--timeout <seconds>', help: 'stop after so long, with exit status 124' },
  { flags: '--stats <file>', help: 'write statistics as JSON at the end' },
  { flags: '--signature <file>', help: 'write the words between begin_signature and end_signature at the end' },
];

function positive(name: string, text: string | undefined, integer: boolean): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const good = text.trim() !== '' && Number.isFinite(value) && value > 0 && (!integer || Number.isInteger(value));
  if (!good) throw usageError(`--${name} ${text}: not a positive ${integer ? 'whole number' : 'number'}`);
  return value;
}

function parseClock(text = 'host'): 'host' | 'virtual' {
  if (text === 'host' || text === 'virtual') return text;
  throw usageError(`--clock ${text}: neither host nor virtual`);
}

/** Values that are given: with exact optional properties an absent one must have no key. */
function given<const Name extends string>(args: Args, names: readonly Name[]): { [N in Name]?: string } {
  const entries = names.map((name) => [name, args.text(name)]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [N in Name]?: string };
}

/** Reads the options. @throws VirtError on the first that is wrong in itself or does not go with the others */
export function parseRunOptions(args: Args): RunOptions {
  const [image] = args.positionals;
  const files = given(args, ['kernel', 'initrd', 'append', 'dtb', 'dumpDtb', 'stats', 'signature', 'memory']);
  if (image !== undefined && files.kernel !== undefined) {
    throw usageError(`${image} and --kernel ${files.kernel}: give one of them`);
  }
  const vcpus = positive('smp', args.text('smp'), true);
  const timeoutSeconds = positive('timeout', args.text('timeout'), false);
  return {
    ...files,
    ...(image === undefined ? {} : { image }),
    ...(vcpus === undefined ? {} : { vcpus }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    cpuBackend: args.text('cpuBackend') ?? 'auto',
    firmware: args.text('firmware') ?? 'builtin',
    disks: args.list('disk').map(parseDisk),
    cdroms: args.list('cdrom').map(parseCdrom),
    pflash: args.list('pflash').map(parsePflash),
    nets: parseNets(args.list('net'), args.list('mac'), args.list('capture')),
    console: args.text('console') ?? 'stdio',
    clock: parseClock(args.text('clock')),
  };
}
