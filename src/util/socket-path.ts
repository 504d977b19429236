import { type FileHandle, open } from 'node:fs/promises';
import { platform } from 'node:os';
import { basename, dirname } from 'node:path';
import { VirtError } from './errors.ts';

/** Longest path of a local socket (sockaddr_un of Linux; other systems have a few bytes less). */
const PATH_MAX = platform() === 'linux' ? 107 : 103;

/** A local socket's path in a form that the system takes. */
export interface ReachablePath {
  readonly path: string;
  /** Lets go of what the path needs. */
  close(): Promise<void>;
}

/**
 * A way to a local socket whatever the length of its path: through its opened directory, where the system shows open
 * files as paths. Throws CONFIG_UNSUPPORTED where it does not.
 */
export async function reachablePath(path: string): Promise<ReachablePath> {
  if (Buffer.byteLength(path) <= PATH_MAX) return { path, close: async () => {} };
  if (platform() !== 'linux') {
    throw new VirtError('CONFIG_UNSUPPORTED', `the path of the socket '${path}' is longer than ${PATH_MAX} bytes`);
  }
  const directory: FileHandle = await open(dirname(path), 'r');
  return { path: `/proc/self/fd/${directory.fd}/${basename(path)}`, close: () => directory.close() };
}
