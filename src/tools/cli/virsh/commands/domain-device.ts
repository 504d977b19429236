import { type Domain, DomainXml } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, type OptionDef, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { document, message, type Output } from '../output.ts';
import type { Session } from '../session.ts';
import {
  affectOf,
  affectOptions,
  deviceAffectOf,
  deviceAffectOptions,
  deviceAffectOrLive,
  domainOption,
} from '../shared-options.ts';
import { childOf, serialize } from '../xml.ts';
import { attachDiskOptions, diskXml } from './attach-disk.ts';
import { attachInterfaceOptions, interfaceTypes, interfaceXml } from './attach-interface.ts';
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
  const updates = verb === 'update';
  return {
    name,
    summary,
    options: [domainOption(), deviceFileOption, ...deviceAffectOptions, ...options],
    async run(args, session) {
      const file = args.need('file');
      const domain = await findDomain(args, session);
      const flags = await (updates ? deviceAffectOf(args, domain) : deviceAffectOrLive(args, domain));
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
  args: CommandArgs,
  session: Session,
  xml: string,
  what: { what: 'disk' | 'interface'; how: 'attach' | 'detach' },
): Promise<Output> {
  if (args.flag('print-xml')) return document(xml);
  const domain = await findDomain(args, session);
  const flags = await deviceAffectOrLive(args, domain);
  const act = what.how === 'attach' ? domain.attachDevice(xml, flags) : domain.detachDevice(xml, flags);
  await attempt(`Failed to ${what.how} ${what.what}`, act);
  const named = what.what === 'disk' ? 'Disk' : 'Interface';
  return message(`${named} ${what.how}ed successfully`, { domain: domain.name });
}

const attachDiskCommand: CommandDef = {
  name: 'attach-disk',
  summary: 'attach disk device',
  options: attachDiskOptions,
  async run(args, session) {
    args.exclusive('persistent', 'current');
    const xml = await diskXml(args);
    return carryOut(args, session, xml, { what: 'disk', how: 'attach' });
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
    return carryOut(args, session, serialize(disk.element), { what: 'disk', how: 'detach' });
  },
};

const attachInterfaceCommand: CommandDef = {
  name: 'attach-interface',
  summary: 'attach network interface',
  options: attachInterfaceOptions,
  async run(args, session) {
    args.exclusive('persistent', 'current');
    const xml = interfaceXml(args);
    return carryOut(args, session, xml, { what: 'interface', how: 'attach' });
  },
};

const detachInterfaceCommand: CommandDef = {
  name: 'detach-interface',
  summary: 'detach network interface',
  options: [
    domainOption(),
    text('type', 'network interface type', { required: true, complete: interfaceTypes }),
    text('mac', 'MAC address'),
    ...deviceAffectOptions,
    printXmlOption,
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const type = args.need('type');
    const mac = args.text('mac')?.toLowerCase();
    const ofType = interfacesOf(await descriptionFor(domain, args)).filter((nic) => nic.type === type);
    const refused = (why: string) => new UsageFailure(why, 'Failed to detach interface');
    if (ofType.length === 0) throw refused(`No interface found whose type is ${type}`);
    const matching = ofType.filter((nic) => mac === undefined || nic.mac?.toLowerCase() === mac);
    if (matching.length === 0) throw refused(`No interface with MAC address ${mac} was found`);
    if (matching.length > 1) {
      throw refused(`Domain has ${matching.length} interfaces. Please specify which one to detach using --mac`);
    }
    return carryOut(args, session, serialize(matching[0]!.element), { what: 'interface', how: 'detach' });
  },
};

const LINKS = ['up', 'down'] as const;

async function relinked(args: CommandArgs, domain: Domain): Promise<string> {
  const called = args.need('interface').toLowerCase();
  const nics = interfacesOf(await descriptionFor(domain, args));
  const nic = nics.find(({ target, mac }) => target?.toLowerCase() === called || mac?.toLowerCase() === called);
  if (nic === undefined) {
    throw new CommandFailure(`interface '${called}' not found`);
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
    text('interface', 'interface device specified by name or MAC address', {
      required: true,
      complete: 'domain-interface',
    }),
    text('state', 'new state of the device: up or down', { required: true, complete: LINKS }),
    { ...flag('config', 'affect next boot'), synonyms: ['persistent'] },
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
  options: [domainOption(), text('alias', 'device alias', { required: true }), ...affectOptions],
  async run(args, session) {
    const flags = affectOf(args);
    const domain = await findDomain(args, session);
    const alias = args.need('alias');
    await attempt(`Failed to detach device with alias ${alias}`, domain.detachDeviceAlias(alias, flags));
    return message('Device detach request sent successfully', { domain: domain.name, alias });
  },
};

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
