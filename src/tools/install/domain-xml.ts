import { resolve } from 'node:path';
import type { CommandArgs } from '../cli/virsh/arguments.ts';
import { UsageFailure } from '../cli/virsh/failure.ts';
import { parseSize } from '../cli/virsh/units.ts';
import { element } from '../cli/virsh/xml.ts';
import { consolesXml, type DiskRequest, disksXml, interfaceXml, rngXml } from './devices.ts';
import { parseSettings, type Settings } from './settings.ts';

const MIB = 2n ** 20n;
const DEFAULT_MEMORY_MIB = 512n;
const BOOT_DEVICES = ['hd', 'cdrom', 'network', 'fd'];
const BOOT_NAMES = [
  'kernel',
  'initrd',
  'kernel_args',
  'cmdline',
  'dtb',
  'loader',
  'loader.readonly',
  'loader.type',
  'nvram',
  'nvram.template',
  'bootmenu.enable',
  // virt-install's other names of some.
  'extra_args',
  'loader_ro',
  'loader_type',
  'nvram_template',
  'menu',
];
const METADATA_NAMES = ['name', 'uuid', 'title', 'description'];
const EVENT_NAMES = ['on_poweroff', 'on_reboot', 'on_crash'];

/** A size of memory: MiB unless it has a unit. */
function kib(settings: Settings, key: string): bigint | undefined {
  const text = settings.text(key);
  if (text === undefined) return undefined;
  const bytes = parseSize(text, MIB);
  if (bytes === undefined || bytes === 0n) throw settings.wrong(`'${text}' is no size of memory`);
  return (bytes + 1023n) / 1024n;
}

function memoryXml(args: CommandArgs): string[] {
  const text = args.text('memory') ?? args.text('ram') ?? String(DEFAULT_MEMORY_MIB);
  const settings = parseSettings('memory', text, {
    first: 'memory',
    names: ['memory', 'currentMemory', 'maxmemory'],
  });
  const memory = kib(settings, 'memory') ?? DEFAULT_MEMORY_MIB * 1024n;
  const most = kib(settings, 'maxmemory') ?? memory;
  const current = kib(settings, 'currentMemory') ?? memory;
  return [element('memory', { unit: 'KiB' }, String(most)), element('currentMemory', { unit: 'KiB' }, String(current))];
}

function vcpuXml(args: CommandArgs): string[] {
  const settings = parseSettings('vcpus', args.text('vcpus') ?? '1', {
    first: 'vcpus',
    names: ['vcpus', 'maxvcpus', 'cpuset', 'sockets', 'cores', 'threads'],
  });
  const count = settings.whole('vcpus') ?? 1;
  const most = settings.whole('maxvcpus') ?? count;
  const [sockets, cores, threads] = [settings.whole('sockets'), settings.whole('cores'), settings.whole('threads')];
  const vcpu = element(
    'vcpu',
    { cpuset: settings.text('cpuset') ?? args.text('cpuset'), current: most === count ? undefined : count },
    String(most),
  );
  if (sockets === undefined && cores === undefined && threads === undefined) return [vcpu];
  const topology = { sockets: sockets ?? 1, cores: cores ?? 1, threads: threads ?? 1 };
  return [vcpu, element('cpu', {}, [element('topology', topology)])];
}

/** `--boot`, each of its settings checked. */
export function bootSettings(args: CommandArgs): Settings {
  return parseSettings('boot', args.text('boot') ?? 'hd', { names: BOOT_NAMES, words: BOOT_DEVICES });
}

/** What of `<os>` differs while an operating system is installed. */
export interface BootPhase {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  /** Devices to boot from, in this order; undefined: those of `--boot`. */
  readonly devices?: readonly string[];
}

/** Devices to boot from: the first disk, unless a kernel says otherwise. */
function bootDevices(boot: Settings): readonly string[] {
  const given = boot.given(BOOT_DEVICES);
  return given.length > 0 || boot.text('kernel') !== undefined ? given : ['hd'];
}

/** A path as it is from everywhere: who opens the file works in another directory. */
function absolute(path: string | undefined): string | undefined {
  return path === undefined || path === '' ? path : resolve(path);
}

function osXml(args: CommandArgs, phase: BootPhase): string {
  const boot = bootSettings(args);
  const text = (name: string, value: string | undefined) =>
    value === undefined ? undefined : element(name, {}, value);
  const path = (name: string) => absolute(boot.text(name));
  const loader = path('loader');
  const readonly = boot.text('loader.readonly') ?? boot.text('loader_ro');
  const template = path('nvram.template') ?? path('nvram_template');
  const nvram = path('nvram');
  const menu = boot.text('bootmenu.enable') ?? boot.text('menu');
  const hasNvram = nvram !== undefined || template !== undefined;
  const own = boot.text('kernel_args') ?? boot.text('cmdline') ?? boot.text('extra_args');
  return element('os', {}, [
    element('type', { arch: args.text('arch') ?? 'riscv64', machine: args.text('machine') ?? 'virt' }, 'hvm'),
    loader === undefined
      ? undefined
      : element('loader', { readonly, type: boot.text('loader.type') ?? boot.text('loader_type') }, loader),
    hasNvram ? element('nvram', { template }, nvram ?? []) : undefined,
    text('kernel', phase.kernel ?? path('kernel')),
    text('initrd', phase.initrd ?? path('initrd')),
    text('cmdline', phase.cmdline ?? own),
    text('dtb', path('dtb')),
    ...(phase.devices ?? bootDevices(boot)).map((dev) => element('boot', { dev })),
    menu === undefined ? undefined : element('bootmenu', { enable: menu === 'on' || menu === 'yes' ? 'yes' : 'no' }),
  ]);
}

/** Refuses what no machine here has, by name. */
function checkScreens(args: CommandArgs): void {
  for (const option of ['graphics', 'video', 'sound']) {
    const value = args.text(option);
    if (value !== undefined && value !== 'none') {
      throw new UsageFailure(`--${option} ${value}: machines here have none; give --${option} none`);
    }
  }
}

/** Name of the domain that the command line gives; undefined: one is to be made up. */
export function nameOf(args: CommandArgs): string | undefined {
  const metadata = parseSettings('metadata', args.text('metadata') ?? 'name=', { names: METADATA_NAMES });
  const name = args.text('name') ?? metadata.text('name') ?? '';
  return name === '' ? undefined : name;
}

function texts(
  args: CommandArgs,
  domain: string,
  identity: Identity | undefined,
): { before: (string | undefined)[]; after: (string | undefined)[] } {
  const metadata = parseSettings('metadata', args.text('metadata') ?? 'name=', { names: METADATA_NAMES });
  const text = (name: string, value: string | undefined) =>
    value === undefined ? undefined : element(name, {}, value);
  return {
    before: [element('name', {}, domain), text('uuid', args.text('uuid') ?? metadata.text('uuid') ?? identity?.uuid)],
    after: [
      text('title', metadata.text('title')),
      text('description', args.text('description') ?? metadata.text('description')),
    ],
  };
}

/** The networks asked for; `--network` absent means `defaultNetwork`. */
function interfacesXml(args: CommandArgs, defaultNetwork: string, macs: readonly string[] = []): string[] {
  const given = args.list('network');
  if (given.includes('none')) {
    if (given.length > 1) throw new UsageFailure('--network none goes with no other --network');
    return [];
  }
  return (given.length === 0 ? [defaultNetwork] : given).map((one, i) => interfaceXml(one, macs[i]));
}

/** What a description is made of beside the command line. */
export interface DomainParts {
  readonly name: string;
  readonly disks: readonly DiskRequest[];
  /** What `--network` is when it is not given. */
  readonly defaultNetwork: string;
  /** What the domain boots from. */
  readonly phase?: BootPhase;
  /** The domain ends instead of rebooting. */
  readonly endsAtReboot: boolean;
  /** What makes it the same domain in each of its descriptions. */
  readonly identity?: Identity;
}

/** What is drawn at random for a domain whose options do not give it. */
export interface Identity {
  readonly uuid: string;
  /** Addresses of its interfaces, in their order. */
  readonly macs: readonly string[];
}

/** The description of the domain that the command line asks for. */
export function domainXml(args: CommandArgs, parts: DomainParts): string {
  const { name, disks, defaultNetwork, phase = {}, endsAtReboot, identity } = parts;
  checkScreens(args);
  const { before, after } = texts(args, name, identity);
  const events = parseSettings('events', args.text('events') ?? 'on_poweroff=destroy', { names: EVENT_NAMES });
  const onReboot = endsAtReboot ? 'destroy' : (events.text('on_reboot') ?? 'restart');
  return element('domain', { type: args.text('virt-type') ?? 'qemu' }, [
    ...before,
    ...after,
    ...memoryXml(args),
    ...vcpuXml(args),
    osXml(args, phase),
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, events.text('on_poweroff') ?? 'destroy'),
    element('on_reboot', {}, onReboot),
    element('on_crash', {}, events.text('on_crash') ?? 'destroy'),
    element('devices', {}, [
      ...disksXml(disks),
      ...interfacesXml(args, defaultNetwork, identity?.macs),
      ...consolesXml(args.list('serial'), args.list('console')),
      rngXml(args.text('rng')),
    ]),
  ]);
}
