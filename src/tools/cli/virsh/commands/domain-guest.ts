import type { Domain } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { SILENT, single, table } from '../output.ts';
import { domainOption } from '../shared-options.ts';
import { paramList } from '../typed-params.ts';

const agentDomain = domainOption('active-domain');

/** virDomainGetHostnameFlags. */
const HOSTNAME_SOURCES: Readonly<Record<string, number>> = { lease: 1, agent: 2 };

const domhostnameCommand: CommandDef = {
  name: 'domhostname',
  summary: "print the domain's hostname",
  options: [agentDomain, text('source', 'who is asked: lease or agent', { complete: Object.keys(HOSTNAME_SOURCES) })],
  async run(args, session) {
    const source = args.text('source');
    const flags = source === undefined ? 0 : HOSTNAME_SOURCES[source];
    if (flags === undefined) throw new UsageFailure(`Unknown data source '${source}'`);
    const domain = await findDomain(args, session);
    return single('hostname', await attempt('failed to get hostname', domain.getHostname(flags)));
  },
};

/** virDomainGuestInfoTypes. */
const GUEST_INFO = [
  ['user', 'report active users', 1],
  ['os', 'report operating system information', 2],
  ['timezone', 'report timezone information', 4],
  ['hostname', 'report hostname', 8],
  ['filesystem', 'report filesystem information', 16],
  ['disk', 'report disk information', 32],
  ['interface', 'report interface information', 64],
] as const;

const guestinfoCommand: CommandDef = {
  name: 'guestinfo',
  summary: 'query information about the guest (via agent)',
  options: [agentDomain, ...GUEST_INFO.map(([name, help]) => flag(name, help))],
  async run(args, session) {
    const types = GUEST_INFO.reduce((all, [name, , bit]) => all | (args.flag(name) ? bit : 0), 0);
    const domain = await findDomain(args, session);
    return paramList(await domain.getGuestInfo(types), { width: 20 });
  },
};

const fsinfoCommand: CommandDef = {
  name: 'domfsinfo',
  summary: "information about a domain's mounted file systems (via agent)",
  options: [agentDomain],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const found = await attempt('Unable to get filesystem information', domain.getFSInfo());
    if (found.length === 0) return { text: 'No filesystems are mounted in the domain', json: [] };
    return table(
      [
        { key: 'mountpoint', title: 'Mountpoint' },
        { key: 'name', title: 'Name' },
        { key: 'type', title: 'Type' },
        { key: 'target', title: 'Target' },
      ],
      found.map(({ mountpoint, name, fstype, devAliases }) => ({
        mountpoint,
        name,
        type: fstype,
        target: devAliases.join(','),
      })),
    );
  },
};

const mountpointOption = text('mountpoint', 'path of a mount point', { repeat: true });

/** `domfsfreeze` and `domfsthaw`. */
function freezing(
  name: string,
  verb: string,
  done: string,
  act: (d: Domain, paths: readonly string[]) => Promise<number>,
) {
  return {
    name,
    summary: `${verb} a domain's mounted file systems (via agent)`,
    options: [agentDomain, mountpointOption],
    async run(args, session) {
      const domain = await findDomain(args, session);
      const count = await attempt(`Unable to ${verb} filesystems`, act(domain, args.list('mountpoint')));
      const said = `${done} ${count} filesystem(s)\n`;
      return { text: said, json: { filesystems: count } };
    },
  } satisfies CommandDef;
}

const fstrimCommand: CommandDef = {
  name: 'domfstrim',
  summary: "tell a domain's mounted file systems to give unused blocks back (via agent)",
  options: [
    agentDomain,
    integer('minimum', 'only ranges of at least so many bytes'),
    text('mountpoint', 'which mount point to trim'),
  ],
  async run(args, session) {
    const minimum = BigInt(args.number('minimum') ?? 0);
    const domain = await findDomain(args, session);
    await attempt('Unable to invoke fstrim', domain.fsTrim(args.text('mountpoint'), minimum));
    return SILENT;
  },
};

const PASSWORD_ENCRYPTED = 1;

const passwordCommand: CommandDef = {
  name: 'set-user-password',
  summary: 'set the user password inside the domain (via agent)',
  options: [
    agentDomain,
    text('user', 'the username', { required: true }),
    text('password', 'the new password', { required: true }),
    flag('encrypted', 'the password is already encrypted'),
  ],
  async run(args, session) {
    const [user, password] = [args.need('user'), args.need('password')];
    const domain = await findDomain(args, session);
    await domain.setUserPassword(user, password, args.flag('encrypted') ? PASSWORD_ENCRYPTED : 0);
    const said = `Password set successfully for ${user} in ${domain.name}`;
    return { text: said, json: { message: said, domain: domain.name, user } };
  },
};

/** virNodeSuspendTarget. */
const SUSPEND_TARGETS = ['mem', 'disk', 'hybrid'];

const pmsuspendCommand: CommandDef = {
  name: 'dompmsuspend',
  summary: 'suspend a domain gracefully using power management functions',
  options: [
    agentDomain,
    text('target', SUSPEND_TARGETS.join(', '), { required: true, complete: SUSPEND_TARGETS }),
    integer('duration', 'duration in seconds'),
  ],
  async run(args, session) {
    const duration = BigInt(args.number('duration') ?? 0);
    const target = SUSPEND_TARGETS.indexOf(args.need('target'));
    const domain = await findDomain(args, session);
    if (target < 0) throw new UsageFailure('Invalid target');
    const failed = `Domain '${domain.name}' could not be suspended`;
    await attempt(failed, domain.pmSuspendForDuration(target, duration));
    const said = `Domain '${domain.name}' successfully suspended`;
    return { text: said, json: { message: said, domain: domain.name } };
  },
};

const pmwakeupCommand: CommandDef = {
  name: 'dompmwakeup',
  summary: 'wakeup a domain from pmsuspended state',
  options: [agentDomain],
  async run(args, session) {
    const domain = await findDomain(args, session);
    await attempt(`Domain '${domain.name}' could not be woken up`, domain.pmWakeup());
    const said = `Domain '${domain.name}' successfully woken up`;
    return { text: said, json: { message: said, domain: domain.name } };
  },
};

const nmiCommand: CommandDef = {
  name: 'inject-nmi',
  summary: 'inject a non-maskable interrupt to the guest',
  options: [agentDomain],
  async run(args, session) {
    await (await findDomain(args, session)).injectNMI();
    return SILENT;
  },
};

function vcpuChange(args: CommandArgs): boolean {
  args.exclusive('enable', 'disable');
  args.requires('enable', 'cpulist');
  args.requires('disable', 'cpulist');
  if (args.flag('cpulist') && !args.flag('enable') && !args.flag('disable')) {
    throw new UsageFailure('One of options --enable or --disable is required by option --cpulist');
  }
  return args.flag('cpulist');
}

const guestvcpusCommand: CommandDef = {
  name: 'guestvcpus',
  summary: 'query or modify state of vcpu in the guest (via agent)',
  options: [
    agentDomain,
    text('cpulist', 'list of cpus to enable or disable'),
    flag('enable', 'enable cpus specified by cpulist'),
    flag('disable', 'disable cpus specified by cpulist'),
  ],
  async run(args, session) {
    const change = vcpuChange(args);
    const domain = await findDomain(args, session);
    if (change) {
      await domain.setGuestVcpus(args.need('cpulist'), args.flag('enable'));
      return SILENT;
    }
    return paramList(await domain.getGuestVcpus(), { width: 20 });
  },
};

/** Commands that need the guest's help. */
export const guestCommands: readonly CommandDef[] = [
  domhostnameCommand,
  freezing('domfsfreeze', 'freeze', 'Froze', (domain, paths) => domain.fsFreeze(paths)),
  freezing('domfsthaw', 'thaw', 'Thawed', (domain, paths) => domain.fsThaw(paths)),
  fsinfoCommand,
  fstrimCommand,
  guestinfoCommand,
  guestvcpusCommand,
  nmiCommand,
  passwordCommand,
  pmsuspendCommand,
  pmwakeupCommand,
];
