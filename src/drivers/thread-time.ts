import { readFileSync, readlinkSync } from 'node:fs';

/**
 * The calling thread's id where the host tells it (Linux), else undefined: `process.cpuUsage()` counts all threads of
 * the process together, /proc keeps an account of each.
 */
export function ownThreadId(): number | undefined {
  try {
    const tid = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    return threadCpuNs(tid) === undefined ? undefined : tid;
  } catch {
    return undefined;
  }
}

/** CPU time of a thread of this process in nanoseconds; undefined when it has ended or the host does not tell. */
export function threadCpuNs(tid: number): number | undefined {
  try {
    // First field: time spent on the CPU (Linux, Documentation/scheduler/sched-stats.rst).
    const ns = Number(readFileSync(`/proc/self/task/${tid}/schedstat`, 'latin1').split(' ')[0]);
    return Number.isFinite(ns) ? ns : undefined;
  } catch {
    return undefined;
  }
}
