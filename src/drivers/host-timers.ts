import type { Timer, Timers } from '../machine/index.ts';

/** Longest delay that a host timer takes, in milliseconds. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** Timers of the host's event loop. They do not keep the process alive. */
export const hostTimers: Timers = {
  after(ns: number, callback: () => void): Timer {
    const timeout = setTimeout(callback, Math.min(Math.ceil(ns / 1e6), DELAY_MAX_MS));
    timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};
