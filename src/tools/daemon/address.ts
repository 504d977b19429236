import { isIP, isIPv4 } from 'node:net';
import { usageError } from '../cli/command.ts';

/** Where a daemon listens. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number };

/** libvirt's ports. */
const defaultPorts = { tcp: 16509, tls: 16514 } as const;

/** An address as people read it, and `parseAddress` too. */
export function formatAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const { kind, host, port } = address;
  return `${kind}:${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Reads `unix:PATH`, `tcp:HOST[:PORT]` or `tls:HOST[:PORT]`; an IPv6 address stands in brackets. Throws INVALID_ARG. */
export function parseAddress(text: string): ListenAddress {
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (kind === 'unix') {
    if (!rest.startsWith('/')) throw usageError(`'${text}': the path of a socket begins with '/'`);
    return { kind, path: rest };
  }
  if (kind !== 'tcp' && kind !== 'tls') {
    throw usageError(`'${text}' is no address to listen on: there are unix:PATH, tcp:HOST:PORT and tls:HOST:PORT`);
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(rest);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined)
    throw usageError(`'${text}': after ${kind}: comes a host, and perhaps a port`);
  const port = match[3] === undefined ? defaultPorts[kind] : Number(match[3]);
  if (port > 65_535) throw usageError(`'${text}': a port is at most 65535`);
  if (kind === 'tcp' && !isLoopback(host)) {
    throw usageError(
      `'${text}': whoever reaches a TCP port has all machines, so it can only be on a loopback address; use tls:`,
    );
  }
  return { kind, host, port };
}

/** Whether only this host reaches an address. */
function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost';
  return isIPv4(host) ? host.startsWith('127.') : /^(0*:)*0*1$/.test(host);
}
