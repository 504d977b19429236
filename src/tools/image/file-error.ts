import { VirtError } from '../../util/index.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the disk; make room and run the same command again',
  EDQUOT: 'the disk quota is used up; make room and run the same command again',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of its path is not a directory',
  EISDIR: 'is a directory',
};

/** What the operating system said about a file, as one line that names it. */
export function fileError(path: string, cause: unknown): VirtError {
  const { code = '', message = String(cause) } = cause as NodeJS.ErrnoException;
  return new VirtError('SYSTEM_ERROR', `${path}: ${REASONS[code] ?? message}`, { cause, data: { code } });
}
