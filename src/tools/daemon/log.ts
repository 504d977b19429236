import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { type DestinationStream, type Level, pino } from 'pino';
import type { Logger, LogLevel } from '../../util/index.ts';

/** How lines of the log look. */
export type LogFormat = 'json' | 'text';

/** Where the log goes, and how. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Absent: `stream`. */
  readonly file?: string;
  readonly stream: Writable;
}

/** A log with its end. */
export interface DaemonLog extends Logger {
  /** Opens its file anew: it has been moved away. */
  reopen(): void;
  close(): Promise<void>;
}

const levelNames: Readonly<Record<number, Level>> = pino.levels.labels as Record<number, Level>;

/** A line of pino's as people read it: time, level, message, and the rest as `name=value`. */
export function formatLine(line: string): string {
  const { level, time, msg, ...rest } = JSON.parse(line) as { level: number; time: number; msg: string };
  const details = Object.entries(rest).map(([name, value]) => ` ${name}=${quote(value)}`);
  const name = (levelNames[level] ?? `${level}`).padEnd(5);
  // One line for one event, whatever is in it.
  return `${new Date(time).toISOString()} ${name} ${escapeControls(msg ?? '')}${details.join('')}\n`;
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? escapeControls(text) : JSON.stringify(text);
}

function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => JSON.stringify(control).slice(1, -1));
}

/** A file that is appended to, and can be opened anew under its name. */
class LogFile {
  readonly #path: string;
  #file: Writable;

  constructor(path: string) {
    this.#path = path;
    this.#file = this.#open();
  }

  write(line: string): void {
    this.#file.write(line);
  }

  reopen(): void {
    this.#file.end();
    this.#file = this.#open();
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }

  #open(): Writable {
    const file = createWriteStream(this.#path, { flags: 'a', mode: 0o600 });
    // A log that cannot be written is no reason to stop.
    file.on('error', () => {});
    return file;
  }
}

/** Opens the log. */
export function openLog({ level, format, file, stream }: LogOptions): DaemonLog {
  const target = file === undefined ? undefined : new LogFile(file);
  const write = (line: string) => void (target ?? stream).write(line);
  const destination: DestinationStream = { write: format === 'json' ? write : (line) => write(formatLine(line)) };
  const logger = pino({ level, base: { pid: process.pid } }, destination);
  return {
    log: (at, message, details = {}) => logger[at](details, message),
    reopen: () => target?.reopen(),
    close: async () => target?.close(),
  };
}
