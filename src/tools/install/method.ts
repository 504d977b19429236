import { resolve } from 'node:path';
import type { CommandArgs } from '../cli/virsh/arguments.ts';
import { UsageFailure } from '../cli/virsh/failure.ts';
import type { DiskRequest } from './devices.ts';
import { type BootPhase, bootSettings } from './domain-xml.ts';
import { parseSettings } from './settings.ts';

/** How an operating system gets into a domain. */
export interface Method {
  /** What the domain boots the first time, when it is another thing than ever after. */
  readonly install?: BootPhase;
}

/** A local directory with an installer's kernel: nothing is fetched. */
function location(text: string, args: CommandArgs): BootPhase {
  const settings = parseSettings('location', text, { first: 'location', names: ['location', 'kernel', 'initrd'] });
  const place = settings.text('location') ?? '';
  if (/^[a-z]+:\/\//i.test(place)) {
    throw settings.wrong('nothing is fetched: get the kernel and initrd of the installer, and name their directory');
  }
  if (/\.(iso|img)$/i.test(place)) throw settings.wrong('images are not searched: use --cdrom, or --boot kernel=FILE');
  const kernel = settings.text('kernel');
  if (kernel === undefined) throw settings.wrong('directories are not searched: add kernel=FILE,initrd=FILE');
  const initrd = settings.text('initrd');
  const cmdline = args.text('extra-args');
  return {
    kernel: resolve(place, kernel),
    ...(initrd === undefined ? {} : { initrd: resolve(place, initrd) }),
    ...(cmdline === undefined ? {} : { cmdline }),
    devices: [],
  };
}

/** What is installed from where. Throws UsageFailure when there is nothing, or too much, to start from. */
export function methodOf(args: CommandArgs, disks: readonly DiskRequest[]): Method {
  const boot = bootSettings(args);
  const methods = ['cdrom', 'location', 'pxe', 'import'].filter((name) => args.flag(name));
  if (methods.length > 1) {
    throw new UsageFailure(`Only one install method can be used (${methods.map((name) => `--${name}`).join(', ')})`);
  }
  if (args.flag('extra-args') && !args.flag('location')) {
    throw new UsageFailure('Kernel arguments are only supported with location or kernel installs.');
  }
  const [method] = methods;
  if (method === 'cdrom') return { install: { devices: ['cdrom', 'hd'] } };
  if (method === 'pxe') return { install: { devices: ['network', 'hd'] } };
  if (method === 'location') return { install: location(args.need('location'), args) };
  if (method === undefined && args.text('boot') === undefined) {
    throw new UsageFailure('An install method must be specified (--boot kernel=…, --import, --cdrom …)');
  }
  const starts = boot.text('kernel') ?? boot.text('loader');
  if (method === 'import' && disks.length === 0 && starts === undefined) {
    throw new UsageFailure('--import needs a --disk or a --boot kernel=');
  }
  return {};
}
