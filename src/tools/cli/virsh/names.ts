/** virsh's words for libvirt's numbers. */
import { DomainLifecycle, DomainState } from '../../../virt/index.ts';

const states = ['no state', 'running', 'idle', 'paused', 'in shutdown', 'shut off', 'crashed', 'pmsuspended'] as const;

const reasons: Readonly<Record<number, readonly string[]>> = {
  [DomainState.RUNNING]: [
    'unknown',
    'booted',
    'migrated',
    'restored',
    'from snapshot',
    'unpaused',
    'migration canceled',
    'save canceled',
    'event wakeup',
    'crashed',
    'post-copy',
  ],
  [DomainState.PAUSED]: [
    'unknown',
    'user',
    'migrating',
    'saving',
    'dumping',
    'I/O error',
    'watchdog',
    'from snapshot',
    'shutting down',
    'creating snapshot',
    'crashed',
    'starting up',
    'post-copy',
    'post-copy failed',
  ],
  [DomainState.SHUTDOWN]: ['unknown', 'user'],
  [DomainState.SHUTOFF]: [
    'unknown',
    'shutdown',
    'destroyed',
    'crashed',
    'migrated',
    'saved',
    'failed',
    'from snapshot',
    'daemon',
  ],
  [DomainState.CRASHED]: ['unknown', 'panicked'],
};

/** `running`, `shut off` … */
export function stateName(state: number): string {
  return states[state] ?? 'no state';
}

/** Why it is in that state. */
export function reasonName(state: number, reason: number): string {
  return reasons[state]?.[reason] ?? 'unknown';
}

/** Of virStoragePoolState. */
export function poolStateName(state: number): string {
  return ['inactive', 'building', 'running', 'degraded', 'inaccessible'][state] ?? 'unknown';
}

/** Of virStorageVolType. */
export function volumeTypeName(type: number): string {
  return ['file', 'block', 'dir', 'network', 'net-dir', 'ploop'][type] ?? 'unknown';
}

/** Of virVcpuState. */
export function vcpuStateName(state: number): string {
  return ['offline', 'running', 'blocked'][state] ?? 'unknown';
}

const lifecycle: Readonly<Record<number, readonly [name: string, details: readonly string[]]>> = {
  [DomainLifecycle.DEFINED.id]: ['Defined', ['Added', 'Updated', 'Renamed', 'Snapshot']],
  [DomainLifecycle.UNDEFINED.id]: ['Undefined', ['Removed', 'Renamed']],
  [DomainLifecycle.STARTED.id]: ['Started', ['Booted', 'Migrated', 'Restored', 'Snapshot', 'Event wakeup']],
  [DomainLifecycle.SUSPENDED.id]: [
    'Suspended',
    ['Paused', 'Migrated', 'I/O Error', 'Watchdog', 'Restored', 'Snapshot', 'API error', 'Post-copy'],
  ],
  [DomainLifecycle.RESUMED.id]: ['Resumed', ['Unpaused', 'Migrated', 'Snapshot', 'Post-copy']],
  [DomainLifecycle.STOPPED.id]: [
    'Stopped',
    ['Shutdown', 'Destroyed', 'Crashed', 'Migrated', 'Saved', 'Failed', 'Snapshot', 'Daemon'],
  ],
  [DomainLifecycle.SHUTDOWN.id]: [
    'Shutdown',
    ['Finished', 'Finished after guest request', 'Finished after host request'],
  ],
  [DomainLifecycle.PMSUSPENDED.id]: ['PMSuspended', ['Memory', 'Disk']],
  [DomainLifecycle.CRASHED.id]: ['Crashed', ['Panicked']],
};

/** Both halves of a life cycle event. */
export function lifecycleNames(event: number, detail: number): { event: string; detail: string } {
  const [name, details] = lifecycle[event] ?? ['unknown', []];
  return { event: name, detail: details[detail] ?? 'unknown' };
}

/** Of virNetworkEventLifecycleType. */
export function networkEventName(event: number): string {
  return ['Defined', 'Undefined', 'Started', 'Stopped'][event] ?? 'unknown';
}

/** Of virStoragePoolEventLifecycleType. */
export function poolEventName(event: number): string {
  return ['Defined', 'Undefined', 'Started', 'Stopped', 'Created', 'Deleted'][event] ?? 'unknown';
}

/** Of virDomainMemoryStatTags, by number. */
export const memoryStatNames: readonly string[] = [
  'swap_in',
  'swap_out',
  'major_fault',
  'minor_fault',
  'unused',
  'available',
  'actual',
  'rss',
  'usable',
  'last_update',
  'disk_caches',
  'hugetlb_pgalloc',
  'hugetlb_pgfail',
];

/** virDomainBlockJobType. */
const BLOCK_JOBS = ['Unknown job', 'Block Pull', 'Block Copy', 'Block Commit', 'Active Block Commit', 'Backup'];

/** What a job of a disk is called. */
export function blockJobName(type: number): string {
  return BLOCK_JOBS[type] ?? 'Unknown job';
}
