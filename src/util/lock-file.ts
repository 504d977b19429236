import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type ImageLock, lockImage, lockingOpenFlags } from './image-lock.ts';

/**
 * Takes a lock that a file stands for, which is made if it is not there; undefined if another process has it. The system
 * takes the lock back however the process ends. Whoever has the lock may remove the file. Throws what opening it throws.
 */
export async function lockFile(path: string): Promise<ImageLock | undefined> {
  for (;;) {
    const file = await openToLock(path);
    if (file === undefined) return undefined;
    const tried = await tryLock(path, file).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    if (typeof tried !== 'string') return tried;
    await file.close();
    if (tried === 'taken') return undefined;
  }
}

async function openToLock(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT | lockingOpenFlags(true), 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

async function tryLock(path: string, file: FileHandle): Promise<ImageLock | 'taken' | 'removed'> {
  const { dev, ino } = await file.stat({ bigint: true });
  const lock = await lockImage(dev, ino, { exclusive: true, file });
  if (lock === undefined) return 'taken';
  const now = await stat(path, { bigint: true }).catch(() => undefined);
  if (now?.ino !== ino || now.dev !== dev) {
    // Whoever had the lock before has removed the file since it was opened here: this one stands for nothing.
    await lock.release();
    return 'removed';
  }
  return {
    release: async () => {
      await lock.release();
      await file.close();
    },
  };
}
