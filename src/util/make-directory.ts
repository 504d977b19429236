import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(path)).isDirectory();
    if (!there) throw error;
  }
}

/**
 * Makes a directory and those above it that are not there. Fails as mkdir(2) does: Node's own `recursive` never comes
 * back where a file system takes no directories and says that there is no such file, as /proc does.
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  try {
    await makeOne(path, mode);
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    await makeDirectory(above, mode);
    await makeOne(path, mode);
  }
}
