import { readFile } from 'node:fs/promises';
import { CommandFailure } from './failure.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  ENOSPC: 'No space left on device',
  EROFS: 'Read-only file system',
};

/** The system's reason in its own words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}

/** A text file named on the command line. */
export async function readTextFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const what = (error as NodeJS.ErrnoException).code === 'EISDIR' ? 'read' : 'open';
    throw new CommandFailure(`Failed to ${what} file '${file}': ${reasonOf(error)}`);
  }
}
