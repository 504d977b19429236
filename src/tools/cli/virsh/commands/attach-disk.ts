import { stat } from 'node:fs/promises';
import type { CommandArgs } from '../arguments.ts';
import { flag, type OptionDef, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { deviceAffectOptions, domainOption } from '../shared-options.ts';
import { element, part } from '../xml.ts';
import { diskAddress } from './addresses.ts';

const MODES = ['readonly', 'shareable'] as const;

/** What `attach-disk` takes. */
export const attachDiskOptions: readonly OptionDef[] = [
  domainOption(),
  text('source', 'source of disk device or name of network disk', {
    required: true,
    emptyOk: true,
    complete: 'file',
  }),
  text('target', 'target of disk device', { required: true }),
  text('targetbus', 'target bus of disk device'),
  text('driver', 'driver of disk device'),
  text('subdriver', 'subdriver of disk device: the format, raw or qcow2'),
  text('iothread', 'I/O thread to be used by supported device'),
  text('cache', 'cache mode of disk device'),
  text('io', 'io policy of disk device'),
  text('type', 'target device type: disk, cdrom, lun or floppy', { complete: ['disk', 'cdrom', 'lun', 'floppy'] }),
  text('mode', 'mode of device reading and writing: readonly or shareable', { complete: MODES }),
  text('sourcetype', 'type of source: file, block, network', { complete: ['file', 'block', 'network'] }),
  text('serial', 'serial of disk device'),
  text('wwn', 'world wide name of disk device'),
  text('alias', 'custom alias name of disk device'),
  flag('rawio', 'needs rawio capability'),
  text('address', 'address of disk device, like pci:0000.00.11.0 or scsi:0.0.1'),
  flag('multifunction', 'use multifunction pci under specified address'),
  flag('print-xml', 'print XML document rather than attach the disk'),
  text('source-protocol', 'protocol used by disk device source'),
  text('source-host-name', 'host name for source of disk device, perhaps with a port'),
  text('source-host-transport', 'host transport for source of disk device'),
  text('source-host-socket', 'host socket for source of disk device'),
  ...deviceAffectOptions,
];

async function isBlockDevice(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isBlockDevice() === true;
}

async function sourceTypeOf(args: CommandArgs, source: string): Promise<'file' | 'block' | 'network'> {
  const given = args.text('sourcetype');
  const network = args.text('source-protocol') !== undefined;
  if (given === undefined) return network ? 'network' : (await isBlockDevice(source)) ? 'block' : 'file';
  if (given !== 'file' && given !== 'block' && given !== 'network') {
    throw new UsageFailure(`Unknown source type: '${given}'`);
  }
  if (network !== (given === 'network')) {
    throw new UsageFailure('--source-protocol option requires --sourcetype network');
  }
  return given;
}

function hostXml(args: CommandArgs): string | undefined {
  // An address of IPv6 has colons of its own, and no port then.
  const [, name, port] = /^([^:]*)(?::(\d+))?$/.exec(args.text('source-host-name') ?? '') ?? [
    undefined,
    args.text('source-host-name'),
  ];
  return part('host', {
    transport: args.text('source-host-transport'),
    socket: args.text('source-host-socket'),
    name: name === '' ? undefined : name,
    port,
  });
}

async function sourceXml(args: CommandArgs, source: string): Promise<{ type: string; source: string }> {
  const type = await sourceTypeOf(args, source);
  if (type !== 'network') {
    return { type, source: element('source', { [type === 'block' ? 'dev' : 'file']: source }) };
  }
  const host = hostXml(args);
  return {
    type,
    source: element('source', { protocol: args.text('source-protocol'), name: source }, [host]),
  };
}

function wwnXml(wwn: string | undefined): string | undefined {
  if (wwn === undefined) return undefined;
  if (!/^[0-9a-f]{16}$/i.test(wwn)) throw new UsageFailure(`internal error: Malformed wwn: ${wwn}`);
  return element('wwn', {}, wwn);
}

/** The `<disk>` that `attach-disk` is asked for. Throws UsageFailure. */
export async function diskXml(args: CommandArgs): Promise<string> {
  const mode = args.text('mode');
  if (mode !== undefined && !MODES.some((one) => one === mode)) {
    throw new UsageFailure(`No support for ${mode} in command 'attach-disk'`);
  }
  for (const name of ['source-host-name', 'source-host-transport', 'source-host-socket']) {
    args.requires(name, 'source-protocol');
  }
  const target = args.need('target');
  const { type, source } = await sourceXml(args, args.need('source'));
  const [address, alias, serial] = [args.text('address'), args.text('alias'), args.text('serial')];
  const rawio = args.flag('rawio') ? 'yes' : undefined;
  return element('disk', { type, device: args.text('type'), rawio }, [
    part('driver', {
      name: args.text('driver'),
      type: args.text('subdriver'),
      iothread: args.text('iothread'),
      cache: args.text('cache'),
      io: args.text('io'),
    }),
    // An empty drive.
    args.need('source') === '' && type === 'file' ? undefined : source,
    element('target', { dev: target, bus: args.text('targetbus') }),
    mode === undefined ? undefined : element(mode),
    serial === undefined ? undefined : element('serial', {}, serial),
    alias === undefined ? undefined : element('alias', { name: alias }),
    wwnXml(args.text('wwn')),
    address === undefined ? undefined : diskAddress(address, target, args.flag('multifunction')),
  ]);
}
