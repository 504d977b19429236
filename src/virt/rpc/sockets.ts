/** Where daemons listen, unless told otherwise. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { homeDirectory } from '../../util/index.ts';

/** Whose daemon it is: the host's, or one user's own. */
export type DaemonScope = 'system' | 'session';

/** What of the process's environment says where things are. */
export type Environment = NodeJS.ProcessEnv;

/** A user's directory for what lives as long as the user is logged in; without one, the user's cache. */
export function userRuntimeDirectory(env: Environment): string {
  return env['XDG_RUNTIME_DIR'] || env['XDG_CACHE_HOME'] || join(homeDirectory(env), '.cache');
}

/** Where `nodevisor daemon` listens. */
export function nodevisorSocket(scope: DaemonScope, env: Environment): string {
  const directory = scope === 'system' ? '/run' : userRuntimeDirectory(env);
  return join(directory, 'nodevisor', 'nodevisor-sock');
}

/** Path of the socket for reading only beside a `nodevisor daemon`'s socket. */
export function readOnlySocket(socket: string): string {
  return `${socket}-ro`;
}

/** Where a daemon of libvirt's listens (`libvirtd`, `virtqemud` …). root has one of each only. */
export function libvirtSocket(daemon: string, scope: DaemonScope, readOnly: boolean, env: Environment): string {
  const ofHost = scope === 'system' || userInfo().uid === 0;
  const directory = ofHost ? '/var/run' : userRuntimeDirectory(env);
  const name = daemon === 'libvirtd' ? 'libvirt-sock' : `${daemon}-sock`;
  // Only a host's daemon has one for those who may not write.
  return join(directory, 'libvirt', ofHost && readOnly ? `${name}-ro` : name);
}
