import {
  type BlockBackend,
  type BlockFailure,
  type IoTune,
  KeptBlock,
  PolicyBlock,
  type ReadErrorAction,
  Throttle,
  ThrottledBlock,
} from '../machine/index.ts';
import { HostClock, VirtError } from '../util/index.ts';
import type { DiskSettings } from './disk-options.ts';
import { hostTimers } from './host-timers.ts';

/** A disk of a guest, as who runs the guest deals with it. */
export interface DiskControl {
  /** What events call it. */
  readonly name: string;
  /** What the device works on: the backend, throttled, with the policy for its errors on top. */
  readonly backend: BlockBackend;
  /** Failed requests that wait for the guest to go on. */
  readonly holding: number;
  /** Limits of its I/O, those of its group. Setting them throws INVALID_ARG for what cannot be. */
  tune: IoTune;
  /** Calls back at every request that fails on the host. */
  onFailure(callback: (failure: BlockFailure) => void): void;
  /** The guest goes on: failed requests are tried again. */
  retry(): void;
  /** The guest is reset, or `forGood` ends: nothing is held any more, nor in the end slowed down. */
  giveUp(forGood?: boolean): void;
}

/** Throttles of a machine's disks: a group's disks share one. */
export class ThrottleGroups {
  readonly #groups = new Map<string, Throttle>();
  readonly #clock = new HostClock();

  /** The throttle of a disk. Throws INVALID_ARG for limits that cannot be; the last ones of a group count. */
  of({ iotune = {}, iotuneGroup }: DiskSettings): Throttle {
    const known = iotuneGroup === undefined ? undefined : this.#groups.get(iotuneGroup);
    if (known === undefined) {
      const made = new Throttle(iotune, this.#clock, hostTimers);
      if (iotuneGroup !== undefined) this.#groups.set(iotuneGroup, made);
      return made;
    }
    if (Object.keys(iotune).length > 0) known.tune = iotune;
    return known;
  }
}

/** Puts throttle and error policy on a backend. */
export function controlDisk(
  disk: BlockBackend,
  settings: DiskSettings,
  options: { name: string; throttle: Throttle; virtual: boolean },
): DiskControl {
  const { werror = 'enospc', rerror = 'report', discard = 'unmap' } = settings;
  const { throttle, name, virtual } = options;
  const kept = discard === 'ignore' ? new KeptBlock(disk) : disk;
  const policy = new PolicyBlock(new ThrottledBlock(kept, throttle), name, { read: rerror, write: werror });
  return {
    name,
    backend: policy,
    get holding() {
      return policy.holding;
    },
    get tune() {
      return throttle.tune;
    },
    set tune(tune) {
      if (virtual && Object.values(tune).some((limit) => limit > 0)) throw noVirtualLimits();
      throttle.tune = tune;
    },
    onFailure: (callback) => policy.onFailure(callback),
    retry: () => policy.retry(),
    giveUp: (forGood = false) => {
      policy.giveUp(forGood);
      if (forGood) throttle.tune = {};
    },
  };
}

/** On virtual time no time passes while a device waits for its disk. */
export function noVirtualLimits(): VirtError {
  return new VirtError('CONFIG_UNSUPPORTED', "I/O limits need a machine on the host's clock");
}

/** A failed request as guests' events have it. */
export interface DiskFailure {
  readonly disk: string;
  readonly action: ReadErrorAction;
  readonly operation: 'read' | 'write';
  /** `enospc`, or nothing: as libvirt's events have it. */
  readonly reason: string;
  /** One sentence for people. */
  readonly detail: string;
}

/** The event of a failure. */
export function diskFailure(disk: string, failure: BlockFailure): DiskFailure {
  const { operation, action, noSpace, error } = failure;
  const detail = error instanceof Error ? error.message : String(error);
  return { disk, action, operation, reason: noSpace ? 'enospc' : '', detail };
}
