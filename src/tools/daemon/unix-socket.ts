import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, chown, lstat, rename, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { type ImageLock, lockFile, makeDirectory, VirtError } from '../../util/index.ts';

/** Longest path of a unix socket that all systems take, less what is added to it while it is made. */
const PATH_MAX = 92;

/** Who may use a socket. */
export interface SocketAccess {
  readonly mode: number;
  /** Number of the group that it belongs to; absent: the user's. */
  readonly gid?: number;
  /** Mode of the directories that are made for it. */
  readonly directoryMode: number;
}

/** Mode of a directory in which those find sockets who may use one of these modes, and nobody else does anything. */
export function passageTo(modes: readonly number[]): number {
  const may = (bits: number) => modes.some((mode) => (mode & bits) !== 0);
  return 0o700 | (may(0o060) ? 0o010 : 0) | (may(0o006) ? 0o001 : 0);
}

/** Makes the directory of a socket, and those above it; what is there stays as it is. */
async function makePassage(directory: string, access: SocketAccess): Promise<void> {
  if ((await lstat(directory).catch(() => undefined)) !== undefined) return;
  await makePassage(dirname(directory), access);
  await makeDirectory(directory, 0o700);
  await openTo(directory, access.directoryMode, access);
}

async function openTo(path: string, mode: number, { gid }: SocketAccess): Promise<void> {
  if (gid !== undefined) await chown(path, process.getuid?.() ?? -1, gid);
  await chmod(path, mode);
}

/** Number of a group by its name, or as text. Throws INVALID_ARG. */
export function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = groups().find((text) => text.startsWith(`${group}:`));
  if (line === undefined) throw new VirtError('INVALID_ARG', `there is no group '${group}'`);
  return Number(line.split(':')[2]);
}

/** Lines of group(5); getent also knows groups of a network. */
function groups(): string[] {
  try {
    return execFileSync('getent', ['group'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
  } catch {
    return readFileSync('/etc/group', 'utf8').split('\n');
  }
}

/** Whether someone listens on the socket at a path. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // In doubt, a full backlog say, yes.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

/** Throws RESOURCE_BUSY if the path is in use, INVALID_ARG if something else than a socket is there. */
async function checkFree(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new VirtError('INVALID_ARG', `cannot listen on '${path}': it is no socket`);
  if (await answers(path)) throw new VirtError('RESOURCE_BUSY', `someone listens on '${path}' already`);
}

/**
 * Lets a server listen on a unix socket. It is made under another name, with its owner and mode, and then put in its
 * place, so at no moment can anyone use it who may not, and a dead one is replaced at once. A lock beside it keeps two
 * processes from doing that at a time. Returns what stops and tidies up. Throws VirtError.
 */
export async function listenOnUnix(server: Server, path: string, access: SocketAccess): Promise<() => Promise<void>> {
  if (Buffer.byteLength(path) > PATH_MAX) {
    throw new VirtError('INVALID_ARG', `the path of the socket '${path}' is longer than ${PATH_MAX} bytes`);
  }
  await makePassage(dirname(path), access);
  const lock = await lockFile(`${path}.lock`);
  if (lock === undefined) throw new VirtError('RESOURCE_BUSY', `another daemon listens on '${path}'`);
  // The lock makes this name ours alone, too: what is there is of one that died at this point.
  const temporary = `${path}.new`;
  try {
    await checkFree(path);
    if ((await lstat(temporary).catch(() => undefined))?.isSocket()) await rm(temporary);
    await listen(server, temporary);
    await openTo(temporary, access.mode, access);
    await rename(temporary, path);
  } catch (error) {
    server.close();
    await rm(temporary, { force: true });
    await release(lock, path);
    throw error;
  }
  return async () => {
    server.close();
    // It is ours as long as we have the lock.
    await rm(path, { force: true });
    await release(lock, path);
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  // Narrow from the first moment: the socket is made within the call.
  const mask = process.umask(0o177);
  try {
    server.listen({ path, exclusive: true });
  } finally {
    process.umask(mask);
  }
  await listening;
}

async function release(lock: ImageLock, path: string): Promise<void> {
  await rm(`${path}.lock`, { force: true });
  await lock.release();
}
