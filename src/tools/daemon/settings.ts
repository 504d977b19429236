import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { LogLevel } from '../../util/index.ts';
import { sessionPaths } from '../../virt/index.ts';
import { type Args, usageError } from '../cli/command.ts';
import { type ListenAddress, parseAddress } from './address.ts';
import type { LogFormat } from './log.ts';

/** Files for TLS, and whom it lets in. */
export interface TlsSettings {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Common names of clients' certificates; empty: all that the authority has signed. */
  readonly clients: readonly string[];
}

/** What becomes of running guests when the daemon is told to stop. */
export type StopPolicy = 'shutdown' | 'destroy' | 'leave';

/** How a daemon is to be. */
export interface DaemonSettings {
  readonly state: string;
  /** Empty: only what systemd passes. */
  readonly listen: readonly ListenAddress[];
  /** Group that may use the unix sockets, by name or number. */
  readonly group?: string;
  /** Mode of the unix sockets for reading only; absent: that of the others. */
  readonly readOnlyMode?: number;
  readonly tls: TlsSettings;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat; readonly file?: string };
  readonly onStop: StopPolicy;
  /** How long guests may take to switch off. */
  readonly stopTimeoutMs: number;
  /** How long without domains and clients until the daemon ends; absent: for ever. */
  readonly idleTimeoutMs?: number;
  readonly maxClients: number;
  /** Of these, clients that have not opened a connection yet. */
  readonly maxUnopened: number;
  /** Calls of one client at the same time. */
  readonly maxCalls: number;
  readonly spare: boolean;
}

const policies: Readonly<Record<StopPolicy, true>> = { shutdown: true, destroy: true, leave: true };
const formats: Readonly<Record<LogFormat, true>> = { text: true, json: true };

/** Reads the options of a command line. Throws INVALID_ARG. */
export function parseDaemonSettings(args: Args, env: NodeJS.ProcessEnv, activated: boolean): DaemonSettings {
  const defaults = sessionPaths(env);
  const file = args.text('logFile');
  const group = args.text('group');
  const idle = seconds(args, 'idleTimeout', '--idle-timeout');
  const mode = args.text('readOnlyMode');
  const given = args.list('listen').map(parseAddress);
  const fallback: ListenAddress[] = activated ? [] : [{ kind: 'unix', path: defaults.socket }];
  return {
    state: resolve(args.text('state') ?? defaults.state),
    listen: given.length > 0 ? given : fallback,
    ...(group === undefined ? {} : { group }),
    ...(mode === undefined ? {} : { readOnlyMode: octal(mode) }),
    tls: tlsSettings(args),
    log: {
      level: choice(args, 'logLevel', '--log-level', LogLevel, 'info'),
      format: choice(args, 'logFormat', '--log-format', formats, 'text'),
      ...(file === undefined ? {} : { file: resolve(file) }),
    },
    onStop: choice(args, 'onStop', '--on-stop', policies, 'shutdown'),
    stopTimeoutMs: seconds(args, 'stopTimeout', '--stop-timeout') ?? 60_000,
    ...(idle === undefined ? {} : { idleTimeoutMs: idle }),
    maxClients: count(args, 'maxClients', '--max-clients') ?? 1000,
    maxUnopened: count(args, 'maxUnopened', '--max-unopened') ?? 250,
    maxCalls: count(args, 'maxClientCalls', '--max-client-calls') ?? 20,
    spare: args.flag('spare'),
  };
}

/** The user's own certificates where libvirt's clients have theirs, unless others are named. */
function tlsSettings(args: Args): TlsSettings {
  const system = process.getuid?.() === 0;
  const own = join(homedir(), '.pki', 'libvirt');
  return {
    ca: args.text('tlsCa') ?? (system ? '/etc/pki/CA/cacert.pem' : join(own, 'cacert.pem')),
    cert: args.text('tlsCert') ?? (system ? '/etc/pki/libvirt/servercert.pem' : join(own, 'servercert.pem')),
    key: args.text('tlsKey') ?? (system ? '/etc/pki/libvirt/private/serverkey.pem' : join(own, 'serverkey.pem')),
    clients: args.list('tlsClient'),
  };
}

function choice<T extends string>(
  args: Args,
  name: string,
  flag: string,
  known: Readonly<Record<T, unknown>>,
  otherwise: T,
): T {
  const value = args.text(name) ?? otherwise;
  if (Object.hasOwn(known, value)) return value as T;
  throw usageError(`${flag}: '${value}' is none of ${Object.keys(known).join(', ')}`);
}

function count(args: Args, name: string, flag: string): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000_000) throw usageError(`${flag}: '${text}' is no number from 1`);
  return value;
}

function seconds(args: Args, name: string, flag: string): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 1_000_000) throw usageError(`${flag}: '${text}' is no number of seconds`);
  return Math.round(value * 1000);
}

function octal(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw usageError(`--read-only-mode: '${text}' is no mode such as 0666`);
  return Number.parseInt(text, 8);
}
