import { type Domain, DomainXml } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, type OptionDef, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { document, message, type Output } from '../output.ts';
import type { Session } from '../session.ts';
import { deviceAffectOf, deviceAffectOptions, domainOption } from '../shared-options.ts';
import { type Attributes, attributeOf, childOf, childrenOf, element, parseXml, serialize } from '../xml.ts';
import { disksOf, interfacesOf } from './disks.ts';

const deviceFileOption = text('file', 'XML file', { required: true, complete: 'file' });
const printXmlOption = flag('print-xml', 'print XML document rather than do it');

interface DeviceAction {
  readonly name: string;
  readonly summary: string;
  readonly options?: readonly OptionDef[];
  readonly verb: string;
  readonly done: string;
  act(domain: Domain, xml: string, flags: number): Promise<void>;
}

function fromFile({ name, summary, options = [], verb, done, act }: DeviceAction): CommandDef {
  return {
    name,
    summary,
    options: [domainOption(), deviceFileOption, ...deviceAffectOptions, ...options],
    async run(args, session) {
      const file = args.need('file');
      const domain = await findDomain(args, session);
      const flags = await deviceAffectOf(args, domain);
      const xml = await readTextFile(file);
      await attempt(`Failed to ${verb} device from ${file}`, act(domain, xml, flags));
      return message(`Device ${done} successfully`, { domain: domain.name });
    },
  };
}

const fileCommands: readonly DeviceAction[] = [
  {
    name: 'attach-device',
    summary: 'attach device from an XML file',
    verb: 'attach',
    done: 'attached',
    act: (domain, xml, flags) => domain.attachDevice(xml, flags),
  },
  {
    name: 'detach-device',
    summary: 'detach device from an XML file',
    verb: 'detach',
    done: 'detached',
    act: (domain, xml, flags) => domain.detachDevice(xml, flags),
  },
  {
    name: 'update-device',
    summary: 'update device from an XML file',
    options: [flag('force', 'force device update')],
    verb: 'update',
    done: 'updated',
    act: (domain, xml, flags) => domain.updateDevice(xml, flags),
  },
];

/** The description that a change is for: that of the running domain, unless only the kept one is to change. */
async function descriptionFor(domain: Domain, args: CommandArgs): Promise<string> {
  const onlyConfig = args.flag('config') && !args.flag('live');
  return domain.getXMLDesc(onlyConfig ? DomainXml.INACTIVE : 0);
}

async function carryOut(
  domain: Domain,
  args: CommandArgs,
  xml: string,
  what: { what: 'disk' | 'interface'; how: 'attach' | 'detach' },
): Promise<Output> {
  if (args.flag('print-xml')) return document(xml);
  const flags = await deviceAffectOf(args, domain);
  const act = what.how === 'attach' ? domain.attachDevice(xml, flags) : domain.detachDevice(xml, flags);
  await attempt(`Failed to ${what.how} ${what.what}`, act);
  const named = what.what === 'disk' ? 'Disk' : 'Interface';
  return message(`${named} ${what.how}ed successfully`, { domain: domain.name });
}

function some(attributes: Attributes): boolean {
  return Object.values(attributes).some((value) => value !== undefined);
}

function part(name: string, attributes: Attributes): string | undefined {
  return some(attributes) ? element(name, attributes) : undefined;
}

const MODES = ['readonly', 'shareable'] as const;
const SOURCE_ATTRIBUTES = { file: 'file', block: 'dev', network: 'name', volume: 'volume' } as const;

function diskXml(args: CommandArgs): string {
  const mode = args.text('mode');
  if (mode !== undefined && !MODES.some((one) => one === mode)) {
    throw new UsageFailure(`No support for ${mode} in command 'attach-disk'`);
  }
  const source = args.need('source');
  const type = args.text('sourcetype') ?? (source.startsWith('/dev/') ? 'block' : 'file');
  const attribute = SOURCE_ATTRIBUTES[type as keyof typeof SOURCE_ATTRIBUTES];
  if (attribute === undefined) throw new UsageFailure(`Unknown source type: '${type}'`);
  const driver = {
    name: args.text('driver'),
    type: args.text('subdriver'),
    cache: args.text('cache'),
    io: args.text('io'),
  };
  const serial = args.text('serial');
  const alias = args.text('alias');
  return element('disk', { type, device: args.text('type') }, [
    part('driver', driver),
    source === '' ? undefined : element('source', { protocol: args.text('source-protocol'), [attribute]: source }),
    element('target', { dev: args.need('target'), bus: args.text('targetbus') }),
    mode === undefined ? undefined : element(mode),
    serial === undefined ? undefined : element('serial', {}, serial),
    alias === undefined ? undefined : element('alias', { name: alias }),
  ]);
}

const attachDiskCommand: CommandDef = {
  name: 'attach-disk',
  summary: 'attach disk device',
  options: [
    domainOption(),
    text('source', 'source of disk device or name of network disk', { required: true, complete: 'file' }),
    text('target', 'target of disk device', { required: true }),
    text('targetbus', 'target bus of disk device'),
    text('driver', 'driver of disk device'),
    text('subdriver', 'subdriver of disk device: the format, raw or qcow2'),
    text('cache', 'cache mode of disk device'),
    text('io', 'io policy of disk device'),
    text('type', 'target device type: disk, cdrom, lun or floppy', { complete: ['disk', 'cdrom', 'lun', 'floppy'] }),
    text('mode', 'mode of device reading and writing: readonly or shareable', { complete: MODES }),
    text('sourcetype', 'type of source: file, block, network', { complete: ['file', 'block', 'network'] }),
    text('serial', 'serial of disk device'),
    text('alias', 'custom alias name of disk device'),
    text('source-protocol', 'protocol used by disk device source'),
    printXmlOption,
    ...deviceAffectOptions,
  ],
  async run(args, session) {
    const xml = diskXml(args);
    return carryOut(await findDomain(args, session), args, xml, { what: 'disk', how: 'attach' });
  },
};

const detachDiskCommand: CommandDef = {
  name: 'detach-disk',
  summary: 'detach disk device',
  options: [
    domainOption(),
    text('target', 'target of disk device', { required: true }),
    ...deviceAffectOptions,
    printXmlOption,
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const called = args.need('target');
    const disks = disksOf(await descriptionFor(domain, args));
    const disk = disks.find(({ target, source }) => target === called || source === called);
    if (disk === undefined) throw new CommandFailure(`No disk found whose source path or target is ${called}`);
    return carryOut(domain, args, serialize(disk.element), { what: 'disk', how: 'detach' });
  },
};

const INTERFACE_SOURCES: Readonly<Record<string, string | undefined>> = {
  network: 'network',
  bridge: 'bridge',
  direct: 'dev',
  user: undefined,
  ethernet: undefined,
};

/** `average,peak,burst,floor` in KiB/s and KiB. */
function rate(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const [average, peak, burst, floor] = value.split(',').map((number) => (number === '' ? undefined : number));
  if ([average, peak, burst, floor].some((number) => number !== undefined && !/^\d+$/.test(number))) {
    throw new UsageFailure(`${name} format is incorrect`);
  }
  return element(name, { average, peak, burst, floor });
}

function interfaceXml(args: CommandArgs): string {
  const type = args.need('type');
  if (!(type in INTERFACE_SOURCES)) throw new UsageFailure(`No support for ${type} in command 'attach-interface'`);
  const attribute = INTERFACE_SOURCES[type];
  const source = args.text('source');
  if (attribute !== undefined && source === undefined) {
    throw new UsageFailure("command 'attach-interface' requires <source> option");
  }
  const target = args.text('target');
  const model = args.text('model');
  const mac = args.text('mac');
  const alias = args.text('alias');
  const rates = [rate('inbound', args.text('inbound')), rate('outbound', args.text('outbound'))];
  return element('interface', { type }, [
    attribute === undefined ? undefined : element('source', { [attribute]: source, mode: args.text('source-mode') }),
    target === undefined ? undefined : element('target', { dev: target }),
    mac === undefined ? undefined : element('mac', { address: mac }),
    model === undefined ? undefined : element('model', { type: model }),
    alias === undefined ? undefined : element('alias', { name: alias }),
    rates.some((part) => part !== undefined) ? element('bandwidth', {}, rates) : undefined,
  ]);
}

const attachInterfaceCommand: CommandDef = {
  name: 'attach-interface',
  summary: 'attach network interface',
  options: [
    domainOption(),
    text('type', 'network interface type', { required: true, complete: Object.keys(INTERFACE_SOURCES) }),
    text('source', 'source of network interface', { complete: 'network' }),
    text('target', 'target network name'),
    text('mac', 'MAC address'),
    text('model', 'model type', { complete: ['virtio'] }),
    text('alias', 'custom alias name of interface device'),
    text('inbound', "limit of the domain's incoming traffic: average,peak,burst,floor"),
    text('outbound', "limit of the domain's outgoing traffic"),
    text('source-mode', 'mode attribute of <source/> element'),
    printXmlOption,
    ...deviceAffectOptions,
  ],
  async run(args, session) {
    const xml = interfaceXml(args);
    return carryOut(await findDomain(args, session), args, xml, { what: 'interface', how: 'attach' });
  },
};

const detachInterfaceCommand: CommandDef = {
  name: 'detach-interface',
  summary: 'detach network interface',
  options: [
    domainOption(),
    text('type', 'network interface type', { required: true, complete: Object.keys(INTERFACE_SOURCES) }),
    text('mac', 'MAC address'),
    ...deviceAffectOptions,
    printXmlOption,
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const type = args.need('type');
    const mac = args.text('mac')?.toLowerCase();
    const ofType = interfacesOf(await descriptionFor(domain, args)).filter((nic) => nic.type === type);
    if (ofType.length === 0) throw new CommandFailure(`No interface found whose type is ${type}`);
    const matching = ofType.filter((nic) => mac === undefined || nic.mac?.toLowerCase() === mac);
    if (matching.length === 0) throw new CommandFailure(`No interface with MAC address ${mac} was found`);
    if (matching.length > 1) {
      throw new CommandFailure(
        `Domain has ${matching.length} interfaces. Please specify which one to detach using --mac`,
      );
    }
    return carryOut(domain, args, serialize(matching[0]!.element), { what: 'interface', how: 'detach' });
  },
};

const LINKS = ['up', 'down'] as const;

async function relinked(args: CommandArgs, domain: Domain): Promise<string> {
  const called = args.need('interface').toLowerCase();
  const nics = interfacesOf(await descriptionFor(domain, args));
  const nic = nics.find(({ target, mac }) => target?.toLowerCase() === called || mac?.toLowerCase() === called);
  if (nic === undefined) {
    throw new CommandFailure(`interface (${called.includes(':') ? 'mac' : 'target'}: ${called}) not found`);
  }
  let link = childOf(nic.element, 'link');
  if (link === undefined) {
    link = nic.element.ownerDocument!.createElement('link');
    nic.element.appendChild(link);
  }
  link.setAttribute('state', args.need('state'));
  return serialize(nic.element);
}

const setlinkCommand: CommandDef = {
  name: 'domif-setlink',
  summary: 'set link state of a virtual interface',
  options: [
    domainOption(),
    text('interface', 'interface device specified by name or MAC address', { required: true }),
    text('state', 'new state of the device: up or down', { required: true, complete: LINKS }),
    flag('config', 'affect next boot'),
    printXmlOption,
  ],
  async run(args, session) {
    const state = args.need('state');
    if (!LINKS.some((one) => one === state)) throw new UsageFailure(`invalid link state '${state}'`);
    const domain = await findDomain(args, session);
    const xml = await relinked(args, domain);
    if (args.flag('print-xml')) return document(xml);
    const flags = await deviceAffectOf(args, domain);
    await attempt('Failed to update interface link state', domain.updateDevice(xml, flags));
    return message('Device updated successfully', { domain: domain.name });
  },
};

const detachAliasCommand: CommandDef = {
  name: 'detach-device-alias',
  summary: 'detach device from an alias',
  options: [domainOption(), text('alias', 'device alias', { required: true }), ...deviceAffectOptions],
  run: detachByAlias,
};

async function detachByAlias(args: CommandArgs, session: Session): Promise<Output> {
  const domain = await findDomain(args, session);
  const alias = args.need('alias');
  const devices = childrenOf(childOf(parseXml(await descriptionFor(domain, args)), 'devices'));
  const device = devices.find((one) => attributeOf(childOf(one, 'alias'), 'name') === alias);
  if (device === undefined) throw new CommandFailure(`no device found with alias ${alias}`);
  const flags = await deviceAffectOf(args, domain);
  await attempt(`Failed to detach device with alias ${alias}`, domain.detachDevice(serialize(device), flags));
  return message(`Device detach request sent successfully`, { domain: domain.name, alias });
}

/** Commands that give a domain devices, take them away or change them. */
export const deviceCommands: readonly CommandDef[] = [
  ...fileCommands.map(fromFile),
  attachDiskCommand,
  detachDiskCommand,
  attachInterfaceCommand,
  detachInterfaceCommand,
  setlinkCommand,
  detachAliasCommand,
];
