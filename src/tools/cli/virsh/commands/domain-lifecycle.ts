import type { Domain } from '../../../../virt/index.ts';
import { DestroyFlags, DomainDefine, DomainStart, ShutdownFlags, UndefineFlags } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { attachConsole } from '../console.ts';
import { type CommandDef, type Completion, flag, type OptionDef, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { message } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption, fileOption, validateOption } from '../shared-options.ts';
import { removeStorage, storageOptions } from './undefine-storage.ts';

/** How long a domain of ours lives; help says it wherever one is started. */
const LIFE_TIME = [
  'With nodevisor:///embed a domain runs in this process: the command stays until the domain has ended. Ctrl-C shuts',
  'it down, a second one destroys it. In a shell it runs until the shell ends. With --console and no terminal, what is',
  'piped in goes to the guest and what it says comes out.',
].join('\n');

const startOptions: readonly OptionDef[] = [
  flag('console', 'attach to console after creation'),
  flag('paused', 'leave the guest paused after creation'),
  flag('autodestroy', 'destroy the guest when the connection closes'),
];
const nvramOption = flag('reset-nvram', 'start with the NVRAM as its template has it');

function startFlags(args: CommandArgs): number {
  return (
    (args.flag('paused') ? DomainStart.PAUSED : 0) |
    (args.flag('autodestroy') ? DomainStart.AUTODESTROY : 0) |
    (args.flag('bypass-cache') ? DomainStart.BYPASS_CACHE : 0) |
    (args.flag('force-boot') ? DomainStart.FORCE_BOOT : 0) |
    (args.flag('validate') ? DomainStart.VALIDATE : 0) |
    (args.flag('reset-nvram') ? DomainStart.RESET_NVRAM : 0)
  );
}

async function withConsole(said: string, domain: Domain, args: CommandArgs, session: Session) {
  if (!args.flag('console')) return message(said, { domain: domain.name, uuid: domain.uuid });
  session.note(said);
  await attachConsole(domain, session);
  return undefined;
}

const defineCommand: CommandDef = {
  name: 'define',
  summary: "define (but don't start) a domain from an XML file",
  options: [fileOption('domain'), validateOption],
  async run(args, session) {
    const file = args.need('file');
    const xml = await readTextFile(file);
    const connection = await session.connection();
    const flags = args.flag('validate') ? DomainDefine.VALIDATE : 0;
    const domain = await attempt(`Failed to define domain from ${file}`, connection.defineXML(xml, flags));
    return message(`Domain '${domain.name}' defined from ${file}`, { domain: domain.name, uuid: domain.uuid });
  },
};

const createCommand: CommandDef = {
  name: 'create',
  summary: 'create a domain from an XML file',
  description: LIFE_TIME,
  options: [fileOption('domain'), ...startOptions, validateOption, nvramOption],
  async run(args, session) {
    const file = args.need('file');
    const xml = await readTextFile(file);
    const connection = await session.connection();
    const domain = await attempt(`Failed to create domain from ${file}`, connection.createXML(xml, startFlags(args)));
    return withConsole(`Domain '${domain.name}' created from ${file}`, domain, args, session);
  },
};

const startCommand: CommandDef = {
  name: 'start',
  summary: 'start a (previously defined) inactive domain',
  description: LIFE_TIME,
  options: [
    domainOption('inactive-domain', 'name of the inactive domain'),
    ...startOptions,
    flag('bypass-cache', 'avoid file system cache when loading'),
    flag('force-boot', 'force fresh boot by discarding any managed save'),
    nvramOption,
  ],
  async run(args, session) {
    const domain = await findDomain(args, session, ['uuid', 'name']);
    if (await domain.isActive()) throw new CommandFailure('Domain is already active');
    await attempt(`Failed to start domain '${domain.name}'`, domain.create(startFlags(args)));
    return withConsole(`Domain '${domain.name}' started`, domain, args, session);
  },
};

const modes = ['acpi', 'agent', 'initctl', 'signal', 'paravirt'] as const;
const modeFlags: Readonly<Record<string, number>> = {
  acpi: ShutdownFlags.ACPI_POWER_BTN,
  agent: ShutdownFlags.GUEST_AGENT,
  initctl: ShutdownFlags.INITCTL,
  signal: ShutdownFlags.SIGNAL,
  paravirt: ShutdownFlags.PARAVIRT,
};
const modeOption = text('mode', `how to ask, one or more of: ${modes.join('|')}`, { complete: modes });

/** @param or what virsh has before the last of the modes there are: it differs between commands */
function modeOf(args: CommandArgs, or: string): number {
  let flags = 0;
  for (const mode of args.text('mode')?.split(',') ?? []) {
    const value = modeFlags[mode];
    if (value === undefined) {
      const known = modes.map((one) => `'${one}'`).join(', ');
      throw new UsageFailure(`Unknown mode ${mode} value, expecting ${known.replace(/, ('\w+')$/, `${or} $1`)}`);
    }
    flags |= value;
  }
  return flags;
}

/** What an action on a domain is called, done and said. */
interface Action {
  readonly name: string;
  readonly summary: string;
  readonly complete?: Completion;
  readonly options?: readonly OptionDef[];
  act(domain: Domain, args: CommandArgs): Promise<void>;
  /** What follows `Failed to`; default: the name. */
  readonly verb?: string;
  /** What follows the domain's name. */
  readonly done: string;
}

function actionCommand({ name, summary, complete, options = [], act, verb = name, done }: Action): CommandDef {
  return {
    name,
    summary,
    options: [domainOption(complete), ...options],
    async run(args, session) {
      const domain = await findDomain(args, session);
      await attempt(`Failed to ${verb} domain '${domain.name}'`, act(domain, args));
      return message(`Domain '${domain.name}' ${done}`, { domain: domain.name });
    },
  };
}

const actions: readonly Action[] = [
  {
    name: 'shutdown',
    summary: 'gracefully shutdown a domain',
    complete: 'active-domain',
    options: [modeOption],
    act: (domain, args) => domain.shutdown(modeOf(args, ', or')),
    done: 'is being shutdown',
  },
  {
    name: 'reboot',
    summary: 'reboot a domain',
    complete: 'active-domain',
    options: [modeOption],
    act: (domain, args) => domain.reboot(modeOf(args, ' or')),
    done: 'is being rebooted',
  },
  {
    name: 'reset',
    summary: 'reset a domain, as by its reset button',
    complete: 'active-domain',
    act: (domain) => domain.reset(),
    done: 'was reset',
  },
  {
    name: 'suspend',
    summary: 'suspend a domain',
    complete: 'active-domain',
    act: (domain) => domain.suspend(),
    done: 'suspended',
  },
  {
    name: 'resume',
    summary: 'resume a domain',
    complete: 'active-domain',
    act: (domain) => domain.resume(),
    done: 'resumed',
  },
  {
    name: 'destroy',
    summary: 'destroy (stop) a domain',
    complete: 'active-domain',
    options: [flag('graceful', 'terminate gracefully'), flag('remove-logs', 'remove logs of its devices too')],
    act: (domain, args) =>
      domain.destroy(
        (args.flag('graceful') ? DestroyFlags.GRACEFUL : 0) | (args.flag('remove-logs') ? DestroyFlags.REMOVE_LOGS : 0),
      ),
    done: 'destroyed',
  },
];

const undefineCommand: CommandDef = {
  name: 'undefine',
  summary: 'undefine a domain',
  description: 'Forgets an inactive domain, or makes a running one transient.',
  options: [
    domainOption(),
    flag('managed-save', 'remove domain managed state file'),
    ...storageOptions,
    flag('snapshots-metadata', 'remove all domain snapshot metadata (vm must be inactive)'),
    flag('checkpoints-metadata', 'remove all domain checkpoint metadata (vm must be inactive)'),
    flag('nvram', 'remove nvram file'),
    flag('keep-nvram', 'keep nvram file'),
    flag('tpm', 'remove TPM state'),
    flag('keep-tpm', 'keep TPM state'),
  ],
  async run(args, session) {
    args.exclusive('nvram', 'keep-nvram');
    args.exclusive('tpm', 'keep-tpm');
    const domain = await findDomain(args, session);
    const remove = await removeStorage(domain, args, session);
    const flags =
      (args.flag('managed-save') ? UndefineFlags.MANAGED_SAVE : 0) |
      (args.flag('snapshots-metadata') ? UndefineFlags.SNAPSHOTS_METADATA : 0) |
      (args.flag('checkpoints-metadata') ? UndefineFlags.CHECKPOINTS_METADATA : 0) |
      (args.flag('nvram') ? UndefineFlags.NVRAM : 0) |
      (args.flag('keep-nvram') ? UndefineFlags.KEEP_NVRAM : 0) |
      (args.flag('tpm') ? UndefineFlags.TPM : 0) |
      (args.flag('keep-tpm') ? UndefineFlags.KEEP_TPM : 0);
    await attempt(`Failed to undefine domain '${domain.name}'`, domain.undefine(flags));
    const said = message(`Domain '${domain.name}' has been undefined`, { domain: domain.name });
    return remove === undefined ? said : remove(said);
  },
};

const autostartCommand: CommandDef = {
  name: 'autostart',
  summary: 'autostart a domain',
  options: [domainOption(), flag('disable', 'disable autostarting')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const on = !args.flag('disable');
    const how = on ? 'mark' : 'unmark';
    await attempt(`Failed to ${how} domain '${domain.name}' as autostarted`, domain.setAutostart(on));
    return message(`Domain '${domain.name}' ${how}ed as autostarted`, { domain: domain.name, autostart: on });
  },
};

const renameCommand: CommandDef = {
  name: 'domrename',
  summary: 'rename an inactive domain',
  options: [
    domainOption('inactive-domain', 'domain name or uuid'),
    text('new-name', 'new domain name', { required: true }),
  ],
  async run(args, session) {
    const domain = await findDomain(args, session, ['uuid', 'name']);
    await domain.rename(args.need('new-name'));
    return message('Domain successfully renamed', { domain: domain.name });
  },
};

/** Commands that change what a domain does. */
export const lifecycleCommands: readonly CommandDef[] = [
  defineCommand,
  createCommand,
  startCommand,
  ...actions.map(actionCommand),
  undefineCommand,
  autostartCommand,
  renameCommand,
];
