import { constants } from 'node:os';
import { fileLocks } from '../../cpu/index.ts';
import { type ImageLock, lockImage } from './image-lock.ts';

/**
 * Locks on open images that QEMU and its tools see, and theirs that are seen here. QEMU says with a shared lock on one
 * byte of the file each what it does with an image, and with one on another byte what it lets nobody else do meanwhile.
 * Whoever wants to do something first takes its own locks, then looks whether anybody forbids it, or does what it
 * forbids: of two that come at the same time at least one sees the other. The locks go when the file is closed, however
 * that comes about.
 */

/** What is done with an image, by the byte behind the first one of each of two rows (QEMU's BLK_PERM_…). */
const permissions = { 'consistent read': 0, write: 1, resize: 3 } as const;
type Permission = keyof typeof permissions;

/** First bytes of the rows: what the holder does, and what it forbids to others. */
const USED = 100;
const FORBIDDEN = 200;

/** Who writes also makes the file longer, and who reads needs it to stay as it is; neither shares that. */
const usedBy = {
  writer: ['consistent read', 'write', 'resize'],
  reader: ['consistent read'],
} as const satisfies Record<string, readonly Permission[]>;
const forbiddenByAll = ['write', 'resize'] as const satisfies readonly Permission[];

const refusals: readonly number[] = [constants.errno.EAGAIN, constants.errno.EACCES];

/** An image that somebody else has, so that it cannot be locked. */
export interface Refusal {
  /** The lock that was not to be had, as QEMU says it. */
  readonly refused: string;
}

/** Takes the locks on an open file, which go when it is closed. False: this system, or file system, has no such locks. */
function takePermissions(fd: number, exclusive: boolean): Refusal | boolean {
  const locks = fileLocks();
  if (locks === undefined) return false;
  const used: readonly Permission[] = usedBy[exclusive ? 'writer' : 'reader'];
  const bytes = [
    ...used.map((one) => USED + permissions[one]),
    ...forbiddenByAll.map((one) => FORBIDDEN + permissions[one]),
  ];
  for (const byte of bytes) {
    const errno = locks.lockByte(fd, byte);
    if (refusals.includes(errno)) return { refused: `byte ${byte}` };
    // Nobody has such locks here.
    if (errno !== 0) return false;
  }
  const hindered = used.find((one) => locks.byteTaken(fd, FORBIDDEN + permissions[one]) === 1);
  if (hindered !== undefined) return { refused: `"${hindered}" lock` };
  const done = forbiddenByAll.find((one) => locks.byteTaken(fd, USED + permissions[one]) === 1);
  return done === undefined ? true : { refused: `shared "${done}" lock` };
}

/** What there is to know about an open file for it to be locked. */
export interface LockedFile {
  readonly file: { readonly fd: number };
  readonly dev: bigint;
  readonly ino: bigint;
  /** Of a whole disk of the host: its own number, since two files may name one disk. */
  readonly rdev?: bigint;
}

/**
 * Locks an open image against everyone: one may write it, or any number read it. Besides the locks that QEMU knows there
 * is always the one of a process without the addon.
 */
export async function lockOpenImage(
  { file, dev, ino, rdev }: LockedFile,
  exclusive: boolean,
): Promise<ImageLock | Refusal> {
  const held = takePermissions(file.fd, exclusive);
  if (typeof held !== 'boolean') return held;
  // Of two names of one disk each has locks of its own. No file system has the device number −1.
  const own = await (rdev === undefined
    ? lockImage(dev, ino, { exclusive, second: held, file })
    : lockImage(-1n, rdev, { exclusive, file }));
  return own ?? { refused: exclusive ? '"write" lock' : 'shared "write" lock' };
}
