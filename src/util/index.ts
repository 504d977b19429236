export { type Clock, HostClock, ManualClock } from './clock.ts';
export { Emitter } from './emitter.ts';
export { type VirErrorName, VirErrorNumber, VirtError } from './errors.ts';
export { type Logger, LogLevel, silentLogger } from './log.ts';
export { type RandomSource, SeededRandom } from './random.ts';
export { SharedLock } from './shared-lock.ts';
