import { Affect } from '../../../virt/index.ts';
import type { CommandArgs } from './arguments.ts';
import { type Completion, flag, type OptionDef, text } from './definition.ts';

/** The domain that a command is about. */
export function domainOption(complete: Completion = 'domain', help = 'domain name, id or uuid'): OptionDef {
  return text('domain', help, { required: true, complete });
}

/** The network that a command is about. */
export function networkOption(complete: Completion = 'network'): OptionDef {
  return text('network', 'network name or uuid', { required: true, complete });
}

/** The pool that a command is about. */
export function poolOption(complete: Completion = 'pool'): OptionDef {
  return text('pool', 'pool name or uuid', { required: true, complete });
}

/** The volume that a command is about, and the pool to look in. */
export const volumeOption: OptionDef = text('vol', 'volume name, key or path', { required: true, complete: 'volume' });
export const volumePoolOption: OptionDef = text('pool', 'pool name or uuid', { complete: 'pool' });

/** A file to read XML from. */
export function fileOption(what: string): OptionDef {
  return text('file', `file containing an XML ${what} description`, { required: true, complete: 'file' });
}

export const validateOption: OptionDef = flag('validate', 'validate the XML against the schema');

/** Which of a domain's two configurations a change is for. */
export const affectOptions: readonly OptionDef[] = [
  flag('config', 'affect next boot'),
  flag('live', 'affect running domain'),
  flag('current', 'affect current state of the domain'),
];

/** The same where `--current` means that none of the options is as good as `--live`, as in virsh's older commands. */
export function affectOrLive(args: CommandArgs): number {
  const asked = ['config', 'live', 'current'].some((name) => args.flag(name));
  return asked ? affectOf(args) : Affect.LIVE;
}

/** The same in the order of virsh's commands about descriptions. */
export const readAffectOptions: readonly OptionDef[] = [
  flag('live', 'modify/get running state'),
  flag('config', 'modify/get persistent configuration'),
  flag('current', 'modify/get current state configuration'),
];

/** The same for devices, which know another word for it. */
export const deviceAffectOptions: readonly OptionDef[] = [
  flag('persistent', 'make live change persistent'),
  ...affectOptions,
];

/** Flags of Affect. */
export function affectOf(args: CommandArgs): number {
  args.exclusive('current', 'live');
  args.exclusive('current', 'config');
  args.exclusive('persistent', 'current');
  const config = args.flag('config') || args.flag('persistent');
  return (config ? Affect.CONFIG : 0) | (args.flag('live') ? Affect.LIVE : 0);
}

/** The same for devices that come and go: without any of the options it is about the domain that runs, as in virsh. */
export async function deviceAffectOrLive(args: CommandArgs, domain: { isActive(): Promise<boolean> }): Promise<number> {
  const asked = ['persistent', 'config', 'live', 'current'].some((name) => args.flag(name));
  return asked ? deviceAffectOf(args, domain) : Affect.LIVE;
}

/** Flags of Affect for a device: `--persistent` is for both configurations of a domain that runs. */
export async function deviceAffectOf(args: CommandArgs, domain: { isActive(): Promise<boolean> }): Promise<number> {
  const flags = affectOf(args);
  return args.flag('persistent') && (await domain.isActive()) ? flags | Affect.LIVE : flags;
}
