export { type Clock, HostClock, ManualClock } from './clock.ts';
export { Emitter } from './emitter.ts';
export {
  VirErrorDomain,
  type VirErrorDomainName,
  VirErrorLevel,
  type VirErrorName,
  VirErrorNumber,
  VirtError,
  type VirtErrorOptions,
} from './errors.ts';
export { homeDirectory } from './home-directory.ts';
export { hostRandom } from './host-random.ts';
export { type ImageLock, type LockKind, lockImage, lockingOpenFlags, lockKind } from './image-lock.ts';
export { lockFile } from './lock-file.ts';
export { type Logger, LogLevel, silentLogger } from './log.ts';
export { makeDirectory } from './make-directory.ts';
export { type RandomSource, SeededRandom } from './random.ts';
export { SharedLock } from './shared-lock.ts';
export { type ReachablePath, reachablePath } from './socket-path.ts';
export { tlsReason } from './tls-reason.ts';
