import { readFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { platform } from 'node:os';
import { VirtError } from './errors.ts';

/**
 * Locks on disk images between the machines of a host: one writer, or any number of readers (up to READERS_MAX).
 *
 * Node has no flock, and a lock file would outlive a killed process. What the system itself takes back the moment a
 * process dies, however it dies, is a listening local socket: one in Linux's abstract name space, or a named pipe on
 * Windows. Its name is made from the image's device and inode, so that links lead to the same lock. On other systems
 * open(2) itself can lock, by flags (BSD, macOS). Neither is seen by other hosts that share a file system, nor are
 * abstract sockets by other network name spaces; and programs other than this one do not ask. Where there are better ones,
 * src/machine/backend takes them too.
 */

/** Highest number of machines that may read one image at a time. */
const READERS_MAX = 64;

/** A lock that is held. */
export interface ImageLock {
  release(): Promise<void>;
}

/** Flags of open(2) that lock a file until it is closed (sys/fcntl.h of macOS and the BSDs), for `wants`. */
const openLock = { shared: 0x10, exclusive: 0x20, nonBlocking: 0x4 } as const;

/** How this system locks images. */
export type LockKind = 'abstract-socket' | 'named-pipe' | 'open-flags';

/** How images are locked on a system, by Node's name of it. */
export function lockKind(system: string = platform()): LockKind {
  if (system === 'linux' || system === 'android') return 'abstract-socket';
  return system === 'win32' ? 'named-pipe' : 'open-flags';
}

/** What to add to the flags of open(2) where that takes the lock (it fails with EAGAIN if it cannot); else nothing. */
export function lockingOpenFlags(exclusive: boolean, kind: LockKind = lockKind()): number {
  if (kind !== 'open-flags') return 0;
  return openLock.nonBlocking | (exclusive ? openLock.exclusive : openLock.shared);
}

/** How to take a lock on an image. */
export interface LockOptions {
  readonly exclusive: boolean;
  /** There is another lock already, which tells most who come: who reads is looked up in a list, and not asked for. */
  readonly second?: boolean;
  /** The open file, kept from being closed as garbage: a file that is made later may get the numbers of a closed one. */
  readonly file?: object;
}

/**
 * Takes the lock on the file with these numbers, or returns undefined if it is taken; where open(2) has locked it
 * already, there is nothing to do. Throws SYSTEM_ERROR if the system refuses for another reason.
 */
export async function lockImage(
  dev: bigint,
  ino: bigint,
  { exclusive, second = false, file }: LockOptions,
): Promise<ImageLock | undefined> {
  const kind = lockKind();
  if (kind === 'open-flags') return { release: async () => {} };
  const name = `${kind === 'named-pipe' ? '\\\\.\\pipe\\' : '\0'}nodevisor-image-${dev}-${ino}`;
  return exclusive ? lockForWriting(name, second, file) : lockForReading(name, file);
}

/** Only for who locks: every thread of a machine loads this module, and none of them does. */
function net(): Promise<typeof import('node:net')> {
  return import('node:net');
}

function readerName(name: string, reader: number | ''): string {
  return `${name}-reader-${reader}`;
}

/**
 * Writers and readers first put up their own name, then look for the other's: of two that come at the same time, at
 * least one sees the other, so both may be refused but never both admitted.
 */
async function lockForWriting(name: string, quick: boolean, file?: object): Promise<ImageLock | undefined> {
  const server = await occupy(name, file);
  if (server === undefined) return undefined;
  const listed = quick ? await listedReaders(name) : undefined;
  if (listed ?? (await hasReaders(name))) {
    await vacate(server);
    return undefined;
  }
  return { release: () => vacate(server) };
}

async function hasReaders(name: string): Promise<boolean> {
  const readers = Array.from({ length: READERS_MAX }, (_, reader) => occupied(readerName(name, reader)));
  return (await Promise.all(readers)).includes(true);
}

/**
 * Whether the system lists a reader; undefined if it has no such list. It is read in one go, where asking for every name
 * takes 10 ms; but the system may leave out a socket when others go while it makes the list.
 */
async function listedReaders(name: string): Promise<boolean | undefined> {
  const list = await readFile('/proc/net/unix', 'latin1').catch(() => undefined);
  // It shows the zero that abstract names begin with as an @.
  return list?.includes(readerName(`@${name.slice(1)}`, ''));
}

async function lockForReading(name: string, file?: object): Promise<ImageLock | undefined> {
  for (let reader = 0; reader < READERS_MAX; reader++) {
    const server = await occupy(readerName(name, reader), file);
    if (server === undefined) continue;
    if (await occupied(name)) {
      await vacate(server);
      return undefined;
    }
    return { release: () => vacate(server) };
  }
  return undefined;
}

/** Listens under `name` without keeping the process alive, but `file`; undefined if someone else does. */
async function occupy(name: string, file: object | undefined): Promise<Server | undefined> {
  const { createServer } = await net();
  return new Promise((resolve, reject) => {
    const server = Object.assign(
      createServer((socket) => socket.destroy()),
      { file },
    );
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(new VirtError('SYSTEM_ERROR', `cannot lock a disk image: ${error.message}`, { cause: error }));
    });
    // Exclusive: a cluster's worker would else be given its primary's socket, and share it with its siblings.
    server.listen({ path: name, exclusive: true }, () => resolve(server));
    server.unref();
  });
}

function vacate(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Whether someone listens under `name`. In doubt (a full backlog, say) yes. */
async function occupied(name: string): Promise<boolean> {
  const { connect } = await net();
  return new Promise((resolve) => {
    const socket = connect({ path: name });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
