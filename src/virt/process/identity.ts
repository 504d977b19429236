import { readFileSync } from 'node:fs';

/** Tells a process from another that was given its number later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the clock ticks of the host since that was started; absent: this host does not tell. */
  readonly startTime?: number;
  /** Which start of the host that was. */
  readonly bootId?: string;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** State and start of a process by proc(5): fields 3 and 22. */
function procStat(pid: number): { state: string; startTime: number } | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the name in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: Number(fields[19]) };
}

/** Who a running process is. */
export function identify(pid: number): ProcessIdentity {
  const stat = procStat(pid);
  const bootId = readText('/proc/sys/kernel/random/boot_id');
  return {
    pid,
    ...(stat === undefined ? {} : { startTime: stat.startTime }),
    ...(bootId === undefined ? {} : { bootId }),
  };
}

/** Whether that very process still runs; one that has ended and that nobody has asked after does not. */
export function isAlive({ pid, startTime, bootId }: ProcessIdentity): boolean {
  if (startTime !== undefined) {
    if (bootId !== undefined && bootId !== readText('/proc/sys/kernel/random/boot_id')) return false;
    const stat = procStat(pid);
    return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X';
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Kills that very process; one that has gone is no error. */
export function killProcess(identity: ProcessIdentity, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It went in between.
  }
}
