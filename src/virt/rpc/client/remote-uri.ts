/** URIs of servers, as libvirt reads them: which socket they lead to, and what the server is asked to open. */
import { virtError } from '../../errors.ts';
import type { ConnectionUri } from '../../uri.ts';

/** Ways to a server. */
export type TransportName = 'unix' | 'tcp' | 'tls' | 'ssh';

const transports: readonly string[] = ['unix', 'tcp', 'tls', 'ssh'] satisfies TransportName[];

/** The server that a URI names. */
export interface RemoteUri {
  readonly text: string;
  readonly driver: string;
  readonly transport: TransportName;
  readonly user?: string;
  /** '' for this host. */
  readonly host: string;
  readonly port?: number;
  readonly path: string;
  readonly params: URLSearchParams;
  /** What the server is asked to open; '' leaves it the choice. */
  readonly name: string;
}

/** Parameters that say how to get to the server; all others are the server's. */
const ownParams: readonly string[] = [
  'name',
  'socket',
  'mode',
  'command',
  'netcat',
  'proxy',
  'keyfile',
  'no_tty',
  'no_verify',
  'pkipath',
  'tls_priority',
  'sshauth',
  'known_hosts',
  'known_hosts_verify',
  'no_sanity',
  'auth',
];

/** Whether a URI leads to a server: it says how to get there, or has a host, or its driver is in servers only. */
export function isRemote({ driver, transport, host, path }: ConnectionUri): boolean {
  if (transport !== undefined || host !== '') return true;
  return driver !== 'test' && !(driver === 'nodevisor' && path === '/embed');
}

/** Reads a server's URI. Throws INVALID_ARG. */
export function parseRemoteUri(uri: ConnectionUri): RemoteUri {
  const { text, driver, path, params } = uri;
  const authority = parseAuthority(uri);
  const transport = uri.transport ?? (authority.host === '' ? 'unix' : 'tls');
  if (!isTransport(transport)) {
    throw virtError(
      'INVALID_ARG',
      `remote_open: transport in URL not recognised in '${text}' (should be ${transports.join('|')})`,
    );
  }
  if (transport === 'unix' && authority.host !== '') {
    throw virtError('INVALID_ARG', `using unix socket and remote server '${authority.host}' is not supported.`);
  }
  if (transport === 'ssh' && authority.host === '') {
    throw virtError('INVALID_ARG', `'${text}' names no host to go to with ssh`);
  }
  const host = authority.host === '' && transport !== 'unix' ? 'localhost' : authority.host;
  return { text, driver, transport, ...authority, host, path, params, name: nameFor(uri) };
}

/** What the server is asked to open: the URI as it would be on the server's own host. */
function nameFor({ text, driver, path, params }: ConnectionUri): string {
  const given = params.get('name');
  if (given !== null) return given;
  if (driver === 'remote') return '';
  const rest = (/\?(.*)$/.exec(text)?.[1] ?? '').split('&').filter((param) => {
    const [name = ''] = param.split('=');
    return param !== '' && !ownParams.includes(name);
  });
  return `${driver}://${encodeURI(path)}${rest.length === 0 ? '' : `?${rest.join('&')}`}`;
}

function isTransport(name: string): name is TransportName {
  return transports.includes(name);
}

/** `[user@]host[:port]`, the host in brackets when it is an IPv6 address. Throws INVALID_ARG. */
function parseAuthority({ text, host: authority }: ConnectionUri): { user?: string; host: string; port?: number } {
  const match = /^(?:([^@]*)@)?(\[[0-9a-f:.%]+\]|[^:@[\]]*)(?::(\d{1,5}))?$/i.exec(authority);
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (match === null || (port !== undefined && (port === 0 || port > 65_535))) {
    throw virtError('INVALID_ARG', `'${authority}' in '${text}' is no host: write it like user@host:port`);
  }
  const [, user, host = ''] = match;
  // What begins like an option would be one to ssh.
  if (host.startsWith('-') || user?.startsWith('-')) {
    throw virtError('INVALID_ARG', `'${authority}' in '${text}' is no host: it begins with a hyphen`);
  }
  return {
    ...(user === undefined ? {} : { user: decodeURIComponent(user) }),
    host: host.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port }),
  };
}
