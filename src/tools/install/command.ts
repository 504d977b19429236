import { randomBytes, randomUUID } from 'node:crypto';
import type { Connection, Domain } from '../../virt/index.ts';
import type { CommandArgs } from '../cli/virsh/arguments.ts';
import type { CommandDef } from '../cli/virsh/definition.ts';
import { attempt, UsageFailure } from '../cli/virsh/failure.ts';
import { document, message, type Output } from '../cli/virsh/output.ts';
import type { Session } from '../cli/virsh/session.ts';
import { checkInUse, parseChecks } from './checks.ts';
import { type DiskRequest, parseDisk } from './devices.ts';
import { type DomainParts, domainXml, nameOf } from './domain-xml.ts';
import { type Follow, follow, followOf } from './follow.ts';
import { type Method, methodOf } from './method.ts';
import { installOptions } from './options.ts';
import { prepareDisk, type Undo } from './storage.ts';

function disksOf(args: CommandArgs): DiskRequest[] {
  const given = args.list('disk');
  if (given.includes('none') && given.length > 1) throw new UsageFailure('--disk none goes with no other --disk');
  const cdrom = args.text('cdrom');
  return [
    ...given.filter((one) => one !== 'none').map(parseDisk),
    ...(cdrom === undefined ? [] : [parseDisk(`device=cdrom,path=${cdrom.replaceAll(',', ',,')}`)]),
  ];
}

/** virt-install's default: the network of that name where it runs, else none of the host's. */
async function defaultNetwork(connection: Connection): Promise<string> {
  const network = await connection.networkLookupByName('default').catch(() => undefined);
  const active = await network?.isActive().catch(() => false);
  return active === true ? 'network=default' : 'user';
}

/** An address of those that QEMU's machines have. */
function randomMac(): string {
  return ['52:54:00', ...[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** What the domain is, for its first boot and for ever after. */
interface Steps {
  readonly install: string | undefined;
  readonly final: string;
}

function stepsOf(
  args: CommandArgs,
  { install }: Method,
  parts: Pick<DomainParts, 'name' | 'disks' | 'defaultNetwork'>,
): Steps {
  const { disks } = parts;
  if (install === undefined) return { install: undefined, final: domainXml(args, { ...parts, endsAtReboot: false }) };
  const identity = { uuid: randomUUID(), macs: args.list('network').concat('').map(randomMac) };
  // Its installer has done what it was there for when it reboots; the CD is taken out then.
  const installed = disks.map((disk) => {
    const { path: _, ...empty } = disk;
    return args.flag('cdrom') && disk === disks.at(-1) ? empty : disk;
  });
  const devices = args.text('boot') === undefined ? ['hd'] : undefined;
  return {
    install: domainXml(args, { ...parts, phase: install, endsAtReboot: true, identity }),
    final: domainXml(args, {
      ...parts,
      disks: installed,
      ...(devices === undefined ? {} : { phase: { devices } }),
      endsAtReboot: false,
      identity,
    }),
  };
}

function printed(step: string, { install, final }: Steps): Output {
  if (!['', '1', '2', 'all'].includes(step)) {
    throw new UsageFailure(`Unknown XML step request '${step}', must be 1, 2, or all`);
  }
  if (step === '2' && install === undefined) throw new UsageFailure('Requested installation does not have XML step 2');
  if (step === '1') return document(install ?? final);
  if (step === '2') return document(final);
  return document(install === undefined ? final : `${install}\n${final}`);
}

async function start(connection: Connection, { install, final }: Steps, args: CommandArgs): Promise<Domain> {
  if (args.flag('transient')) return connection.createXML(install ?? final);
  // Under installation it runs from another description than the one that is kept.
  const running = install === undefined ? undefined : await connection.createXML(install);
  let domain: Domain | undefined;
  try {
    domain = await connection.defineXML(final);
    if (args.flag('autostart')) await domain.setAutostart(true);
    if (running === undefined) await domain.create();
    return domain;
  } catch (error) {
    // All or nothing: the name is free again for the next try.
    await running?.destroy().catch(() => {});
    await domain?.undefine().catch(() => {});
    throw error;
  }
}

/** What the command line asks for, with nothing wrong that can be seen without a connection. */
interface Request {
  readonly name: string | undefined;
  readonly disks: readonly DiskRequest[];
  readonly method: Method;
  readonly follow: Follow;
}

function requestOf(args: CommandArgs, session: Session): Request {
  const name = nameOf(args);
  const disks = disksOf(args);
  if (args.flag('transient') && args.flag('autostart')) {
    throw new UsageFailure('--transient and --autostart exclude each other');
  }
  const method = methodOf(args, disks);
  return { name, disks, method, follow: followOf(args, method.install !== undefined, session) };
}

/** virt-install's default: the first of vm1, vm2, … that is free. */
async function freeName(connection: Connection): Promise<string> {
  const taken = new Set((await connection.listAllDomains()).map(({ name }) => name));
  for (let number = 1; ; number++) if (!taken.has(`vm${number}`)) return `vm${number}`;
}

async function install(args: CommandArgs, session: Session): Promise<Output | number | undefined> {
  const { name: given, disks, method, follow: how } = requestOf(args, session);
  const checks = parseChecks(args.list('check'));
  const uri = args.text('connect');
  if (uri !== undefined) await session.reconnect(uri, false);
  const connection = await session.connection();
  const network = await defaultNetwork(connection);
  const onlyXml = args.flag('print-xml');
  const plan = onlyXml || args.flag('dry-run');
  const name = given ?? (await freeName(connection));
  if (given === undefined && !onlyXml) session.note(`Using default --name ${name}`);
  if (!onlyXml) {
    const taken = await connection.lookupByName(name).catch(() => undefined);
    if (taken !== undefined) throw new UsageFailure(`--name ${name}: Guest name '${name}' is already in use.`);
  }
  const undos: Undo[] = [];
  const ready: DiskRequest[] = [];
  try {
    const storage = { connection, env: session.context.env, domain: name, plan, taken: new Set<string>() };
    const context = { ...storage, checkSize: checks.diskSize, note: (text: string) => session.note(text) };
    for (const disk of disks) {
      const { disk: made, undo } = await prepareDisk(disk, context);
      ready.push(made);
      if (undo !== undefined) undos.push(undo);
    }
    const steps = stepsOf(args, method, { name, disks: ready, defaultNetwork: network });
    if (onlyXml) return printed(args.list('print-xml')[0] ?? '', steps);
    await checkInUse(connection, steps.final, checks);
    if (plan) return message('Dry run completed successfully', { xml: steps.install ?? steps.final });
    const domain = await attempt(`Failed to create domain '${name}'`, start(connection, steps, args));
    undos.length = 0;
    for (const notice of await domain.getMessages().catch(() => [])) session.note(`warning: ${notice}`);
    return await follow(connection, domain, how, session);
  } finally {
    for (const undo of undos.reverse()) await undo().catch(() => {});
  }
}

/** `install`: virt-install's common options. */
export const installCommand: CommandDef = {
  name: 'install',
  summary: 'create and start a domain from options, and attach its console',
  description: [
    'Options are those of virt-install. A disk with a size is made unless it is there. Ctrl-] leaves the console.',
    'With nodevisor:///embed the domain runs in this process: the command stays until the domain has ended.',
  ].join('\n'),
  options: installOptions,
  run: install,
};
