/** systemd's side of a service: sockets that it passes, and word to it (sd_listen_fds(3), sd_notify(3)). */
import { spawnSync } from 'node:child_process';

/** First file descriptor that is passed. */
const LISTEN_FDS_START = 3;

/** A socket that systemd has opened for us. */
export interface PassedSocket {
  readonly fd: number;
  /** Its name says that it is for reading only. */
  readonly readOnly: boolean;
}

/** The sockets that are passed to this process; a name that ends with `-ro` is one for reading only. */
export function passedSockets(env: NodeJS.ProcessEnv, pid: number): PassedSocket[] {
  if (env['LISTEN_PID'] !== String(pid)) return [];
  const count = Number(env['LISTEN_FDS']);
  if (!Number.isInteger(count) || count < 0 || count > 64) return [];
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  return Array.from({ length: count }, (_, index) => ({
    fd: LISTEN_FDS_START + index,
    readOnly: /-ro(\.socket)?$/.test(names[index] ?? ''),
  }));
}

/**
 * Tells systemd how the service stands (`READY=1`, `STOPPING=1`), where it wants to know. Node has no datagram sockets of
 * the unix family, so systemd's own tool speaks for us: the unit needs `NotifyAccess=all`.
 */
export function notifySystemd(env: NodeJS.ProcessEnv, ...states: string[]): void {
  if (env['NOTIFY_SOCKET'] === undefined) return;
  spawnSync('systemd-notify', states, { stdio: 'ignore', timeout: 5000, env });
}
