/** Where libvirt's programs keep certificates for TLS. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { virtError } from '../../errors.ts';
import type { Environment } from '../sockets.ts';
import { systemWords } from './system-words.ts';

/** Files of a client: whom it trusts, and who it is. */
export interface PkiFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The files below a directory that is given, else the user's own, else the host's. */
export function pkiFiles(directory: string | null, env: Environment): PkiFiles {
  if (directory !== null) return inDirectory(directory);
  const own = inDirectory(join(env['HOME'] || homedir(), '.pki', 'libvirt'));
  const ofHost = {
    ca: '/etc/pki/CA/cacert.pem',
    cert: '/etc/pki/libvirt/clientcert.pem',
    key: '/etc/pki/libvirt/private/clientkey.pem',
  };
  if (userInfo().uid === 0) return ofHost;
  const hasOwn = existsSync(own.cert) && existsSync(own.key);
  return {
    ca: existsSync(own.ca) ? own.ca : ofHost.ca,
    cert: hasOwn ? own.cert : ofHost.cert,
    key: hasOwn ? own.key : ofHost.key,
  };
}

function inDirectory(directory: string): PkiFiles {
  const [ca, cert, key] = ['cacert.pem', 'clientcert.pem', 'clientkey.pem'].map((name) => join(directory, name));
  return { ca: ca as string, cert: cert as string, key: key as string };
}

/** Reads the files. The client's own may be missing: a server that asks for none takes it all the same. */
export async function readPki({ ca, cert, key }: PkiFiles): Promise<{ ca: Buffer; cert?: Buffer; key?: Buffer }> {
  const authority = await readFile(ca).catch((cause: NodeJS.ErrnoException) => {
    throw virtError('SYSTEM_ERROR', `Cannot read CA certificate '${ca}': ${systemWords(cause)}`, {
      cause,
      domain: 'RPC',
      data: { errno: cause.code, path: ca },
    });
  });
  if (!existsSync(cert) || !existsSync(key)) return { ca: authority };
  return { ca: authority, cert: await readFile(cert), key: await readFile(key) };
}
