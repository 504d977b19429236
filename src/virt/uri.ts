import { virtError } from './errors.ts';

/** A connection's URI, taken apart. */
export interface ConnectionUri {
  readonly text: string;
  /** `nodevisor`, `test` … without the transport. */
  readonly driver: string;
  /** `tcp` of `nodevisor+tcp`; absent: none given. */
  readonly transport?: string;
  /** With user and port; '' for none. */
  readonly host: string;
  readonly path: string;
  readonly params: URLSearchParams;
}

/**
 * The URI for those who give none: `$NODEVISOR_URI`, else `$LIBVIRT_DEFAULT_URI`, which all clients of libvirt heed, else
 * the user's own daemon.
 */
export function defaultUri(env: Readonly<Record<string, string | undefined>>): string {
  // Empty is the same as unset, as with libvirt.
  return env['NODEVISOR_URI'] || env['LIBVIRT_DEFAULT_URI'] || 'nodevisor:///session';
}

/** Takes a URI apart: `driver[+transport]://[host]/[path][?params]`. Throws INVALID_ARG. */
export function parseConnectionUri(text: string): ConnectionUri {
  const match = /^([a-z][a-z0-9.-]*)(?:\+([a-z0-9]+))?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(text);
  if (match === null) {
    throw virtError('INVALID_ARG', `'${text}' is no connection URI: write it like nodevisor:///embed`);
  }
  const [, driver = '', transport, host = '', path = '/', query = ''] = match;
  return {
    text,
    driver: driver.toLowerCase(),
    ...(transport === undefined ? {} : { transport: transport.toLowerCase() }),
    host,
    path: decode(path, text),
    params: new URLSearchParams(query),
  };
}

function decode(path: string, text: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw virtError('INVALID_ARG', `'${text}' is no connection URI: a % must start an escape`, { cause });
  }
}
