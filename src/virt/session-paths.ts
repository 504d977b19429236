import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a user's own daemon has its things. */
export interface SessionPaths {
  /** Definitions and what runs. */
  readonly state: string;
  /** Its unix socket; the one for reading only is beside it, with `-ro` behind. */
  readonly socket: string;
}

/**
 * Where the daemon behind `nodevisor:///session` has its things: as the XDG base directories say, the socket in the
 * user's runtime directory, or where there is none in the cache.
 */
export function sessionPaths(env: NodeJS.ProcessEnv): SessionPaths {
  const directory = (variable: string): string | undefined => {
    const path = env[variable];
    // Relative ones are to be passed over (XDG Base Directory Specification).
    return path?.startsWith('/') ? path : undefined;
  };
  const state = directory('XDG_STATE_HOME') ?? join(homedir(), '.local', 'state');
  const runtime = directory('XDG_RUNTIME_DIR');
  const run =
    runtime === undefined
      ? join(directory('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'nodevisor', 'run')
      : join(runtime, 'nodevisor');
  return { state: join(state, 'nodevisor'), socket: join(run, 'nodevisor-sock') };
}

/** Path of the socket for reading only beside a daemon's socket. */
export function readOnlySocket(socket: string): string {
  return `${socket}-ro`;
}
