import { join } from 'node:path';
import { homeDirectory } from '../util/index.ts';
import { type Environment, nodevisorSocket } from './rpc/sockets.ts';

/** Where a user's own daemon has its things. */
export interface SessionPaths {
  /** Definitions and what runs. */
  readonly state: string;
  /** Its unix socket; the one for reading only is beside it, with `-ro` behind. */
  readonly socket: string;
}

/** Where the daemon behind `nodevisor:///session` has its things. */
export function sessionPaths(env: Environment): SessionPaths {
  const given = env['XDG_STATE_HOME'];
  // A relative one is to be passed over (XDG Base Directory Specification).
  const state = given?.startsWith('/') ? given : join(homeDirectory(env), '.local', 'state');
  return { state: join(state, 'nodevisor'), socket: nodevisorSocket('session', env) };
}
