import { readdirSync } from 'node:fs';

/** Ids of the processes of this host that `is` says yes to; a process that it throws for has gone meanwhile, say. */
export function processes(is: (pid: number) => boolean): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return is(pid);
      } catch {
        return false;
      }
    });
}
