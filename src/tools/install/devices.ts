import { UsageFailure } from '../cli/virsh/failure.ts';
import { element } from '../cli/virsh/xml.ts';
import { parseSettings, type Settings } from './settings.ts';

/** A disk as the command line asks for it. */
export interface DiskRequest {
  /** File or device; undefined: an empty drive, or a volume of a pool. */
  readonly path?: string;
  readonly pool?: string;
  readonly volume?: string;
  /** Bytes of a new image; undefined: it exists. */
  readonly sizeBytes?: bigint;
  /** Undefined: that of the image, or qcow2 for a new one. */
  readonly format?: string;
  /** The image is made for the domain. */
  readonly isNew?: boolean;
  readonly settings: Settings;
}

const DISK_NAMES = [
  'path',
  'size',
  'format',
  'driver.type',
  'bus',
  'device',
  'readonly',
  'shareable',
  'cache',
  'io',
  'discard',
  'serial',
  'boot_order',
  'pool',
  'vol',
  'sparse',
  'target',
  // virt-install's other names of some.
  'target.dev',
  'target.bus',
  'driver.cache',
  'driver.io',
  'driver.discard',
];
const GIB = 2 ** 30;
const DEVICES = ['disk', 'cdrom', 'lun', 'floppy'];

/** Reads one `--disk`. */
export function parseDisk(text: string): DiskRequest {
  const settings = parseSettings('disk', text, { first: 'path', names: DISK_NAMES });
  const size = settings.number('size');
  const path = settings.text('path');
  const [volumePool, ...volume] = settings.text('vol')?.split('/') ?? [];
  const pool = settings.text('pool') ?? volumePool;
  const volumeName = volume.length === 0 ? undefined : volume.join('/');
  if (settings.text('vol') !== undefined && volumeName === undefined) throw settings.wrong('vol is POOL/VOLUME');
  const device = settings.text('device') ?? 'disk';
  if (!DEVICES.includes(device)) throw settings.wrong(`device is one of ${DEVICES.join(', ')}`);
  if (path !== undefined && pool !== undefined) throw settings.wrong('give a path or a pool, not both');
  if (path === undefined && pool === undefined && size === undefined && device === 'disk') {
    throw settings.wrong('a path, a volume, or the size of a new image is needed');
  }
  if (pool !== undefined && volumeName === undefined && size === undefined) {
    throw settings.wrong('a size is needed for a new volume in a pool');
  }
  const format = settings.text('format') ?? settings.text('driver.type');
  return {
    ...(path === undefined ? {} : { path }),
    ...(pool === undefined ? {} : { pool }),
    ...(volumeName === undefined ? {} : { volume: volumeName }),
    ...(size === undefined ? {} : { sizeBytes: BigInt(Math.round(size * GIB)) }),
    ...(format === undefined ? {} : { format }),
    settings,
  };
}

const PREFIXES: Readonly<Record<string, string>> = {
  virtio: 'vd',
  sata: 'sd',
  scsi: 'sd',
  usb: 'sd',
  ide: 'hd',
  fdc: 'fd',
};

/** `vda`, `vdb` … in the order of the disks of each kind of bus. */
class Targets {
  readonly #used = new Map<string, number>();
  readonly #given: ReadonlySet<string>;

  /** @param given names that the command line gives, which no other disk may have */
  constructor(given: ReadonlySet<string>) {
    this.#given = given;
  }

  next(bus: string): string {
    const prefix = PREFIXES[bus];
    if (prefix === undefined) throw new UsageFailure(`--disk: unknown bus '${bus}'`);
    for (;;) {
      const n = this.#used.get(prefix) ?? 0;
      this.#used.set(prefix, n + 1);
      const first = n < 26 ? '' : String.fromCharCode(96 + Math.floor(n / 26));
      const name = prefix + first + String.fromCharCode(97 + (n % 26));
      if (!this.#given.has(name)) return name;
    }
  }
}

function givenTarget({ settings }: DiskRequest): string | undefined {
  return settings.text('target') ?? settings.text('target.dev');
}

function optional(name: string, attributes: Readonly<Record<string, string | undefined>>): string | undefined {
  return Object.values(attributes).some((value) => value !== undefined) ? element(name, attributes) : undefined;
}

function diskXml({ path, format = 'raw', isNew, settings }: DiskRequest, target: string, bus: string): string {
  const device = settings.text('device') ?? 'disk';
  // What is made is a file, and so is what is in memory.
  const type = isNew !== true && /^\/dev\/(?!shm\/)/.test(path ?? '') ? 'block' : 'file';
  const source = type === 'block' ? { dev: path } : { file: path };
  const order = settings.text('boot_order');
  const serial = settings.text('serial');
  const grows = isNew === true ? 'unmap' : undefined;
  return element('disk', { type, device }, [
    element('driver', {
      name: 'qemu',
      type: format,
      cache: settings.text('cache') ?? settings.text('driver.cache'),
      io: settings.text('io') ?? settings.text('driver.io'),
      discard: settings.text('discard') ?? settings.text('driver.discard') ?? grows,
    }),
    optional('source', source),
    element('target', { dev: target, bus }),
    settings.flag('readonly') || device === 'cdrom' ? element('readonly') : undefined,
    settings.flag('shareable') ? element('shareable') : undefined,
    serial === undefined ? undefined : element('serial', {}, serial),
    order === undefined ? undefined : element('boot', { order }),
  ]);
}

/** The `<disk>` elements. */
export function disksXml(disks: readonly DiskRequest[]): string[] {
  const targets = new Targets(new Set(disks.map(givenTarget).filter((name) => name !== undefined)));
  return disks.map((disk) => {
    const { settings } = disk;
    const isDrive = settings.text('device') === 'cdrom';
    const bus = settings.text('bus') ?? settings.text('target.bus') ?? (isDrive ? 'scsi' : 'virtio');
    return diskXml(disk, givenTarget(disk) ?? targets.next(bus), bus);
  });
}

const NETWORK_NAMES = ['network', 'bridge', 'type', 'source', 'mac', 'mac.address', 'model', 'target', 'link.state'];

/** The `<interface>` of one `--network`. @param otherwise its address unless that is given */
export function interfaceXml(text: string, otherwise?: string): string {
  const settings = parseSettings('network', text, { first: 'first', names: NETWORK_NAMES, words: ['user', 'default'] });
  const first = settings.text('first');
  const [network, bridge] = [
    settings.text('network') ?? (settings.flag('default') ? 'default' : undefined),
    settings.text('bridge'),
  ];
  if (first !== undefined) throw settings.wrong(`'${first}' is neither network=NAME, bridge=NAME, user nor none`);
  const type = settings.text('type') ?? (network !== undefined ? 'network' : bridge !== undefined ? 'bridge' : 'user');
  const source = network ?? bridge ?? settings.text('source');
  const attribute = type === 'direct' ? 'dev' : type;
  const given = settings.text('mac') ?? settings.text('mac.address');
  const mac = given === undefined || given === 'RANDOM' ? otherwise : given;
  const [target, link] = [settings.text('target'), settings.text('link.state')];
  return element('interface', { type }, [
    source === undefined ? undefined : element('source', { [attribute]: source }),
    mac === undefined ? undefined : element('mac', { address: mac }),
    target === undefined ? undefined : element('target', { dev: target }),
    element('model', { type: settings.text('model') ?? 'virtio' }),
    link === undefined ? undefined : element('link', { state: link }),
  ]);
}

const CHAR_NAMES = ['path', 'source.path', 'target_type', 'target.type', 'target.name', 'target.port', 'log.file'];

function characterXml(option: 'serial' | 'console', text: string): string {
  const settings = parseSettings(option, text, { first: 'type', names: ['type', ...CHAR_NAMES] });
  const path = settings.text('path') ?? settings.text('source.path');
  const target = settings.text('target_type') ?? settings.text('target.type');
  const log = settings.text('log.file');
  return element(option, { type: settings.text('type') ?? 'pty' }, [
    path === undefined ? undefined : element('source', { path }),
    log === undefined ? undefined : element('log', { file: log }),
    optional('target', { type: target, port: settings.text('target.port') }),
  ]);
}

/** The `<serial>` and `<console>` elements: a pty unless told otherwise. */
export function consolesXml(serials: readonly string[], consoles: readonly string[]): string[] {
  const wanted = (texts: readonly string[]) => texts.filter((text) => text !== 'none');
  if (serials.length === 0 && consoles.length === 0) return [element('console', { type: 'pty' })];
  return [
    ...wanted(serials).map((text) => characterXml('serial', text)),
    ...wanted(consoles).map((text) => characterXml('console', text)),
  ];
}

/** The `<rng>`, unless there is to be none; by default the generator that the machine has anyway. */
export function rngXml(text: string | undefined): string | undefined {
  if (text === 'none') return undefined;
  const settings = parseSettings('rng', text ?? 'backend.model=builtin', {
    first: 'device',
    names: ['device', 'backend.model', 'rate.bytes', 'rate.period'],
  });
  const bytes = settings.text('rate.bytes');
  const device = settings.text('device');
  const model = settings.text('backend.model') ?? (device === undefined || device === 'builtin' ? 'builtin' : 'random');
  return element('rng', { model: 'virtio' }, [
    bytes === undefined ? undefined : element('rate', { bytes, period: settings.text('rate.period') }),
    model === 'builtin' ? element('backend', { model }) : element('backend', { model }, device ?? '/dev/urandom'),
  ]);
}
