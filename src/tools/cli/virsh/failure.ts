import { VirtError } from '../../../util/index.ts';

/** A command that could not do what it was asked for. Each line of it is shown behind `error: `. */
export class CommandFailure extends Error {
  /** What was behind it comes last. */
  readonly lines: readonly string[];

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CommandFailure';
    this.lines = cause === undefined ? [message] : [message, ...linesOf(cause)];
  }
}

/** A command that was called in a way that it cannot be: nothing was tried. */
export class UsageFailure extends Error {
  /** What more there is to say, line by line. */
  readonly lines: readonly string[];

  constructor(message: string, ...more: readonly string[]) {
    super(message);
    this.name = 'UsageFailure';
    this.lines = [message, ...more];
  }
}

/** The lines that explain an error to the user; one of ours comes with the place where it happened. */
export function linesOf(error: unknown): readonly string[] {
  if (error instanceof CommandFailure || error instanceof UsageFailure) return error.lines;
  if (error instanceof VirtError) return [error.message];
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
}

/** Gives a failure the line that says what was being tried. */
export async function attempt<T>(message: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new CommandFailure(message, cause);
  }
}

/** Whether a driver refuses because it has no such call. */
export function isUnsupported(error: unknown): boolean {
  return error instanceof VirtError && error.code === 'NO_SUPPORT';
}

/** What libvirt says of a call that a connection has no procedure for. @param call its name in libvirt's API */
export function unsupported(call: string): VirtError {
  return new VirtError('NO_SUPPORT', `this function is not supported by the connection driver: ${call}`);
}
