import { VirtError } from '../../../../util/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { attempt, CommandFailure, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { lines, message, type Output, SILENT } from '../output.ts';
import { domainOption } from '../shared-options.ts';

const active = domainOption('active-domain');
const commandOption = text('cmd', 'command', { required: true, repeat: true });

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new CommandFailure('the answer is no JSON', cause);
  }
}

/** virDomainQemuAgentCommandTimeoutValues. */
const AGENT = { BLOCK: -2, NOWAIT: 0 } as const;

function agentTimeout(args: CommandArgs): number {
  const given = args.signed('timeout');
  if (given !== undefined && given <= 0) throw new UsageFailure('timeout must be positive');
  if (['timeout', 'async', 'block'].filter((name) => args.flag(name)).length > 1) {
    throw new UsageFailure('timeout, async and block options are exclusive');
  }
  return given ?? (args.flag('async') ? AGENT.NOWAIT : AGENT.BLOCK);
}

const agentCommand: CommandDef = {
  name: 'qemu-agent-command',
  summary: 'QEMU guest agent command',
  options: [
    active,
    integer('timeout', 'timeout seconds. must be positive.', { named: true }),
    flag('async', 'execute command without waiting for timeout'),
    flag('block', 'execute command without timeout'),
    flag('pretty', 'pretty-print the output'),
    commandOption,
  ],
  async run(args, session): Promise<Output> {
    const domain = await findDomain(args, session);
    const result = await domain.qemuAgentCommand(args.list('cmd').join(' '), agentTimeout(args));
    if (result === undefined) return SILENT;
    const shown = args.flag('pretty') ? JSON.stringify(parsed(result), undefined, 2) : result;
    return { text: `${shown}\n`, json: parsed(result) };
  },
};

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A command of the monitor as JSON: as it is, or from its name and its arguments, as an object or its members. */
function wrapped(words: readonly string[]): string {
  const whole = words.join(' ');
  if (objectOf(whole) !== undefined) return whole;
  const [execute, ...rest] = words;
  if (rest.length === 0) return JSON.stringify({ execute });
  const members = `{${rest.join(',')}}`;
  const given = objectOf(rest.join(' ')) ?? objectOf(members);
  if (given !== undefined) return JSON.stringify({ execute, arguments: given });
  throw new CommandFailure(
    `failed to wrap arguments '${rest.join(' ')}' into a QMP command wrapper`,
    new VirtError('INTERNAL_ERROR', `internal error: cannot parse json ${members}`),
  );
}

/** virDomainQemuMonitorCommandFlags. */
const HMP = 1;

const monitorCommand: CommandDef = {
  name: 'qemu-monitor-command',
  summary: 'QEMU monitor command',
  options: [
    active,
    flag('hmp', 'command is in human monitor protocol'),
    flag('pretty', 'pretty-print any qemu monitor protocol output'),
    flag('return-value', "extract the value of the 'return' key from the returned string"),
    commandOption,
  ],
  async run(args, session): Promise<Output> {
    args.exclusive('hmp', 'pretty');
    args.exclusive('hmp', 'return-value');
    const domain = await findDomain(args, session);
    const hmp = args.flag('hmp');
    const words = args.list('cmd');
    const result = await domain.qemuMonitorCommand(hmp ? words.join(' ') : wrapped(words), hmp ? HMP : 0);
    if (hmp) return { text: `${result}\n`, json: { result } };
    const json = parsed(result);
    if (!args.flag('pretty') && !args.flag('return-value')) return { text: `${result}\n`, json };
    const { return: value } = json as { readonly return?: unknown };
    if (args.flag('return-value') && value === undefined) {
      throw new CommandFailure("'return' member missing");
    }
    const wanted = args.flag('return-value') ? value : json;
    return { text: JSON.stringify(wanted, undefined, args.flag('pretty') ? 2 : 0), json: wanted };
  },
};

const attachCommand: CommandDef = {
  name: 'qemu-attach',
  summary: 'take over a QEMU that runs on the host',
  options: [text('pid', 'its process', { required: true })],
  async run(args, session) {
    const pid = args.number('pid') ?? 0;
    const domain = await attempt(`Failed to attach to pid ${pid}`, (await session.connection()).qemuAttach(pid));
    return message(`Domain '${domain.name}' attached to pid ${pid}`, { domain: domain.name, pid });
  },
};

const timeoutCommand: CommandDef = {
  name: 'guest-agent-timeout',
  summary: 'set the guest agent timeout',
  options: [active, integer('timeout', 'timeout seconds', { named: true })],
  async run(args, session) {
    const domain = await findDomain(args, session);
    await domain.agentSetResponseTimeout(args.signed('timeout') ?? AGENT.BLOCK);
    return SILENT;
  },
};

const getKeysCommand: CommandDef = {
  name: 'get-user-sshkeys',
  summary: 'list authorized SSH keys for given user (via agent)',
  options: [active, text('user', 'user to list authorized keys for', { required: true })],
  async run(args, session) {
    const domain = await findDomain(args, session);
    return lines(await domain.authorizedSSHKeysGet(args.need('user')));
  },
};

/** virDomainAuthorizedSSHKeysSetFlags. */
const KEYS_APPEND = 1;
const KEYS_REMOVE = 2;

async function keysIn(file: string): Promise<readonly string[]> {
  const keys = (await readTextFile(file)).split('\n').filter((line) => line !== '');
  if (keys.length === 0) throw new CommandFailure(`File ${file} contains no keys`);
  return keys;
}

const setKeysCommand: CommandDef = {
  name: 'set-user-sshkeys',
  summary: 'manipulate authorized SSH keys file for given user (via agent)',
  options: [
    active,
    text('user', 'user to set authorized keys for', { required: true }),
    text('file', 'optional file to read keys from', { complete: 'file' }),
    flag('reset', 'clear out authorized keys file before adding new keys'),
    flag('remove', 'remove keys from the authorized keys file'),
  ],
  async run(args, session) {
    args.exclusive('reset', 'remove');
    args.requires('remove', 'file');
    const file = args.text('file');
    if (file === undefined && !args.flag('reset')) args.requires('user', 'file');
    const domain = await findDomain(args, session);
    const flags = args.flag('remove') ? KEYS_REMOVE : args.flag('reset') ? 0 : KEYS_APPEND;
    await domain.authorizedSSHKeysSet(args.need('user'), file === undefined ? [] : await keysIn(file), flags);
    return SILENT;
  },
};

/** Commands to a guest's agent and to the monitor of QEMU's. */
export const agentCommands: readonly CommandDef[] = [
  agentCommand,
  attachCommand,
  getKeysCommand,
  monitorCommand,
  setKeysCommand,
  timeoutCommand,
];
