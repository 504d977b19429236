import type { Connection, Domain } from '../../virt/index.ts';
import type { CommandArgs } from '../cli/virsh/arguments.ts';
import { attachConsole } from '../cli/virsh/console.ts';
import { type CommandDef, flag, type OptionDef, text } from '../cli/virsh/definition.ts';
import { attempt, UsageFailure } from '../cli/virsh/failure.ts';
import { document, message, type Output } from '../cli/virsh/output.ts';
import type { Session } from '../cli/virsh/session.ts';
import { type DiskRequest, parseDisk } from './devices.ts';
import { bootSettings, domainXml, nameOf } from './domain-xml.ts';
import { plannedDisk, prepareDisk, type Undo } from './storage.ts';

const named = { named: true } as const;
const repeated = { named: true, repeat: true } as const;

const options: readonly OptionDef[] = [
  text('name', 'name of the domain', named),
  text('memory', 'RAM in MiB, or with a unit; also memory=,currentMemory=,maxmemory= (default: 512)', named),
  text('ram', 'the same, as it was called once', named),
  text('vcpus', 'number of vCPUs; also maxvcpus=, cpuset=, sockets=, cores=, threads= (default: 1)', named),
  text('cpuset', 'host CPUs that vCPUs may run on', named),
  text(
    'disk',
    'path=FILE[,size=GiB][,format=raw|qcow2][,readonly=yes]…, vol=POOL/VOLUME, pool=POOL,size=GiB, or none',
    {
      ...repeated,
      complete: 'file',
    },
  ),
  text('cdrom', 'image for a CD drive', { ...named, complete: 'file' }),
  text('network', 'network=NAME, bridge=NAME, user, each with mac=, model=; or none', repeated),
  text('boot', 'kernel=FILE,initrd=FILE,kernel_args=TEXT,dtb=FILE,loader=FILE, or devices: hd,cdrom', named),
  flag('import', 'there is nothing to install: boot from the first disk'),
  text('serial', 'serial port: pty, file,path=FILE or none', repeated),
  text('console', 'console: pty or none', repeated),
  text('rng', 'where random numbers come from: builtin, a device, or none (default: builtin)', named),
  text('graphics', 'none: machines here have no screen', { ...named, complete: ['none'] }),
  text('video', 'none', { ...named, complete: ['none'] }),
  text('sound', 'none', { ...named, complete: ['none'] }),
  text('osinfo', 'operating system, for compatibility: makes no difference', named),
  text('os-variant', 'the same', named),
  text('virt-type', 'kind of virtualization (default: qemu)', { ...named, complete: ['qemu'] }),
  text('arch', 'architecture (default: riscv64)', { ...named, complete: ['riscv64'] }),
  text('machine', 'machine (default: virt)', { ...named, complete: ['virt'] }),
  text('uuid', 'UUID of the domain', named),
  text('metadata', 'name=,uuid=,title=,description=', named),
  text('description', 'description of the domain', named),
  text('events', 'on_poweroff=,on_reboot=,on_crash=', named),
  flag('autostart', 'start the domain with the host from now on'),
  flag('transient', 'keep no definition'),
  flag('noreboot', 'end instead of rebooting'),
  flag('noautoconsole', 'do not attach to the console'),
  text('autoconsole', 'text or none', { ...named, complete: ['text', 'none'] }),
  flag('print-xml', 'print the domain XML and do nothing'),
  flag('dry-run', 'check all, do nothing'),
  text('connect', 'connection URI', named),
];

function disksOf(args: CommandArgs): DiskRequest[] {
  const given = args.list('disk');
  if (given.includes('none') && given.length > 1) throw new UsageFailure('--disk none goes with no other --disk');
  const cdrom = args.text('cdrom');
  return [
    ...given.filter((one) => one !== 'none').map(parseDisk),
    ...(cdrom === undefined ? [] : [parseDisk(`device=cdrom,path=${cdrom.replaceAll(',', ',,')}`)]),
  ];
}

/** A domain without anything to start from is a mistake. */
function checkMethod(args: CommandArgs, disks: readonly DiskRequest[]): void {
  const boot = bootSettings(args);
  const kernel = boot.text('kernel') ?? boot.text('loader');
  if (args.flag('import') && disks.length === 0 && kernel === undefined) {
    throw new UsageFailure('--import needs a --disk or a --boot kernel=');
  }
  if (!args.flag('import') && args.text('boot') === undefined && args.text('cdrom') === undefined) {
    throw new UsageFailure('An install method must be specified (--boot kernel=…, --import, --cdrom …)');
  }
}

/** virt-install's default: the network of that name where it runs, else none of the host's. */
async function defaultNetwork(connection: Connection): Promise<string> {
  const network = await connection.networkLookupByName('default').catch(() => undefined);
  const active = await network?.isActive().catch(() => false);
  return active === true ? 'network=default' : 'user';
}

function wantsConsole(args: CommandArgs): boolean {
  const how = args.text('autoconsole') ?? 'text';
  if (how !== 'text' && how !== 'none') throw new UsageFailure(`--autoconsole ${how}: neither text nor none`);
  const has = !args.list('console').includes('none') || args.list('serial').some((one) => one !== 'none');
  return how === 'text' && has && !args.flag('noautoconsole');
}

async function start(connection: Connection, xml: string, args: CommandArgs): Promise<Domain> {
  if (args.flag('transient')) return connection.createXML(xml);
  const domain = await connection.defineXML(xml);
  try {
    if (args.flag('autostart')) await domain.setAutostart(true);
    await domain.create();
    return domain;
  } catch (error) {
    // All or nothing: the name is free again for the next try.
    await domain.undefine().catch(() => {});
    throw error;
  }
}

async function install(args: CommandArgs, session: Session): Promise<Output | undefined> {
  const name = nameOf(args);
  const disks = disksOf(args);
  const attach = wantsConsole(args);
  checkMethod(args, disks);
  if (args.flag('transient') && args.flag('autostart')) {
    throw new UsageFailure('--transient and --autostart exclude each other');
  }
  const uri = args.text('connect');
  if (uri !== undefined) await session.reconnect(uri, false);
  const connection = await session.connection();
  const network = await defaultNetwork(connection);
  const planned = domainXml(
    args,
    disks.map((disk) => plannedDisk(disk, name)),
    network,
  );
  if (args.flag('print-xml')) return document(planned);
  const taken = await connection.lookupByName(name).catch(() => undefined);
  if (taken !== undefined) throw new UsageFailure(`--name ${name}: Guest name '${name}' is already in use.`);
  if (args.flag('dry-run')) return message('Dry run completed successfully', { xml: planned });
  const undos: Undo[] = [];
  try {
    const ready: DiskRequest[] = [];
    for (const disk of disks) {
      const { disk: made, undo } = await prepareDisk(connection, disk, name);
      ready.push(made);
      if (undo !== undefined) undos.push(undo);
    }
    const xml = domainXml(args, ready, network);
    const domain = await attempt(`Failed to create domain '${name}'`, start(connection, xml, args));
    undos.length = 0;
    return await finish(domain, attach, session);
  } finally {
    for (const undo of undos.reverse()) await undo().catch(() => {});
  }
}

async function finish(domain: Domain, attach: boolean, session: Session): Promise<Output | undefined> {
  for (const notice of await domain.getMessages().catch(() => [])) session.note(`warning: ${notice}`);
  const said = `Domain '${domain.name}' created`;
  if (!attach) return message(said, { domain: domain.name, uuid: domain.uuid });
  session.note(said);
  await attachConsole(domain, session);
  return undefined;
}

/** `install`: virt-install's common options. */
export const installCommand: CommandDef = {
  name: 'install',
  summary: 'create and start a domain from options, and attach its console',
  description: [
    'Options are those of virt-install. A disk with a size is made unless it is there. Ctrl-] leaves the console.',
    'With nodevisor:///embed the domain runs in this process: the command stays until the domain has ended.',
  ].join('\n'),
  options,
  run: install,
};
