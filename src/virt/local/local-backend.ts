import { Emitter, type VirtErrorOptions } from '../../util/index.ts';
import type { Backend, BackendEvents } from '../backend.ts';
import { CloseReason } from '../enums.ts';
import { toVirtError, virtError } from '../errors.ts';
import { refuseForeign } from '../foreign.ts';
import { LocalDomainGuest } from './domain-guest.ts';
import { LocalDomainIo } from './domain-io.ts';
import { LocalDomainLifecycle } from './domain-lifecycle.ts';
import { LocalDomainRead } from './domain-read.ts';
import { LocalDomainResources } from './domain-resources.ts';
import { LocalDomainSave } from './domain-save.ts';
import { LocalDomainTuning } from './domain-tuning.ts';
import { LocalHost } from './host.ts';
import { LocalInterfaces, LocalNodeDevices, LocalSecrets } from './host-objects.ts';
import { LocalNetworkPorts } from './network-ports.ts';
import { LocalNetworks } from './networks.ts';
import { LocalNode } from './node.ts';
import { LocalPools } from './pools.ts';
import { refuseWrite } from './read-only.ts';
import { Session } from './session.ts';
import { LocalSnapshots } from './snapshots.ts';
import { LocalVolumes } from './volumes.ts';
import type { World } from './world.ts';

/** What a local backend is opened with. */
export interface LocalBackendOptions {
  readonly world: World;
  readonly uri: string;
  readonly readOnly: boolean;
  /** Called once, after the connection's own things have been let go of. */
  onClose(): Promise<void>;
}

/** The parts whose errors are from the hypervisor's driver. */
const domainParts = [
  LocalNode,
  LocalDomainRead,
  LocalDomainTuning,
  LocalDomainResources,
  LocalDomainIo,
  LocalDomainSave,
  LocalDomainGuest,
  LocalSnapshots,
];

type Procedure = (...args: unknown[]) => Promise<unknown>;

/**
 * A backend that carries the procedures out in this process. Around each procedure it sees to what they have in common:
 * nothing happens on a closed connection, nothing changes on a read-only one, and every failure is a VirtError.
 */
export function openLocalBackend(options: LocalBackendOptions): Backend {
  const { world, uri, readOnly } = options;
  const session = new Session(world, uri);
  const events = new Emitter<BackendEvents>();
  const unsubscribe = world.subscribe(({ name, args }) => {
    (events as Emitter<Record<string, unknown[]>>).emit(name, ...args);
  });
  const own = world.hypervisor.errorDomain;
  let closing: Promise<void> | undefined;
  const procedures: Record<string, Procedure> = {};
  const carryOut = async (from: VirtErrorOptions['domain'], call: () => Promise<unknown>) => {
    try {
      if (closing !== undefined) throw virtError('INVALID_CONN', 'invalid connection pointer: it is closed');
      return await call();
    } catch (error) {
      throw toVirtError(error, from);
    }
  };
  const add = (part: object, from: VirtErrorOptions['domain']) => {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(part))) {
      const method: unknown = Reflect.get(part, name);
      if (name === 'constructor' || typeof method !== 'function') continue;
      procedures[name] = (...args) =>
        carryOut(from, async () => {
          if (readOnly) refuseWrite(name as Exclude<keyof Backend, 'events'>, args);
          return method.apply(part, args) as Promise<unknown>;
        });
    }
  };
  // Nothing is done, so a connection that only reads hears the same.
  for (const [name, refuse] of Object.entries(refuseForeign())) {
    procedures[name] = () => carryOut(own, refuse as Procedure);
  }
  add(new LocalHost(session), own);
  add(new LocalDomainLifecycle(session), own);
  for (const Part of domainParts) add(new Part(world), own);
  add(new LocalInterfaces(world), 'INTERFACE');
  add(new LocalNodeDevices(world), 'NODEDEV');
  add(new LocalSecrets(), own);
  add(new LocalNetworks(world), 'NETWORK');
  if (world.hypervisor.networks.hasPorts) add(new LocalNetworkPorts(world), 'NETWORK');
  add(new LocalPools(world), 'STORAGE');
  add(new LocalVolumes(world), 'STORAGE');
  procedures['connectClose'] = () => {
    closing ??= close();
    return closing as Promise<void>;
  };
  async function close(): Promise<void> {
    try {
      await session.close();
      await options.onClose();
    } catch (error) {
      throw toVirtError(error, own);
    } finally {
      unsubscribe();
      events.emit('close', CloseReason.CLIENT);
    }
  }
  // The parts together have every procedure: their classes say so.
  return { events, ...procedures } as unknown as Backend;
}
