import { closeSync, openSync, writeSync } from 'node:fs';
import { UsageFailure } from './failure.ts';

/** How important a message is: with `--debug N` those of N and more are shown. */
export const LogLevel = { DEBUG: 0, INFO: 1, NOTICE: 2, WARNING: 3, ERROR: 4 } as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

const NAMES = ['DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR'] as const;

function stamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('.');
  return `${day} ${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':')}`;
}

/** What a session says about itself: errors and, as far as asked for, its steps, into the file of `--log` too. */
export class SessionLog {
  readonly #least: LogLevel;
  readonly #show: (text: string) => void;
  #file: number | undefined;

  /**
   * Throws UsageFailure when the file cannot be written.
   * @param least the least important messages that are shown
   * @param show how they are
   */
  constructor(least: LogLevel, path: string | undefined, show: (text: string) => void) {
    this.#least = least;
    this.#show = show;
    if (path === undefined) return;
    try {
      this.#file = openSync(path, 'a', 0o644);
    } catch {
      throw new UsageFailure('failed to open the log file. check the log file path');
    }
  }

  /** A step, for those who want to see it. */
  debug(level: LogLevel, message: string): void {
    if (level < this.#least) return;
    this.#show(`${message}\n`);
    this.#write(level, message);
  }

  /** An error that the user has been told. */
  error(message: string): void {
    this.#write(LogLevel.ERROR, message);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(level: LogLevel, message: string): void {
    if (this.#file === undefined) return;
    try {
      writeSync(this.#file, `[${stamp(new Date())} nodevisor ${process.pid}] ${NAMES[level]} ${message}\n`);
    } catch {
      // A full disk must not end what the user is doing.
      this.close();
    }
  }
}
