/** Levels from loudest to quietest; a sink gets everything at or above its own. */
export const LogLevel = { debug: 10, info: 20, warn: 30, error: 40 } as const;
export type LogLevel = keyof typeof LogLevel;

/** Where messages go. Injected everywhere: nothing below `tools` writes to the console. */
export interface Logger {
  log(level: LogLevel, message: string, details?: Record<string, unknown>): void;
}

/** Drops everything. */
export const silentLogger: Logger = { log() {} };
