export { type ImageLock, type LockKind, lockImage, lockingOpenFlags, lockKind } from '../../util/index.ts';
