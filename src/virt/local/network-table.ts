import type { NetOptions } from '../../drivers/index.ts';
import { formatIp } from '../../machine/index.ts';
import { hostRandom } from '../../util/index.ts';
import type { DhcpLease } from '../backend.ts';
import {
  type FilledNetworkDef,
  fillNetworkDefaults,
  formatNetwork,
  ipPrefix,
  parseNetwork,
  validateNetwork,
} from '../conf/index.ts';
import { NetworkEvent } from '../enums.ts';
import { virtError } from '../errors.ts';
import { NamedObject, NamedTable } from './named-table.ts';
import type { RunningNetwork } from './network-driver.ts';
import type { World } from './world.ts';

/** A network of a world. */
export class LocalNetwork extends NamedObject<FilledNetworkDef> {
  /** What runs it; there as long as `running` is. */
  live: RunningNetwork | undefined;
}

/** What an active network has given out. */
export function leasesOf({ current, live }: LocalNetwork): DhcpLease[] {
  const ip = current.ips.find(({ address }) => !address.includes(':'));
  return (live?.leases() ?? []).map((lease) => ({
    iface: current.bridge?.name ?? '',
    expirytime: lease.expiryNs / 1_000_000_000n,
    type: 0,
    mac: lease.mac,
    ipaddr: formatIp(lease.ip),
    prefix: ip === undefined ? 0 : ipPrefix(ip),
    ...(lease.hostname === undefined ? {} : { hostname: lease.hostname }),
    ...(lease.clientId === undefined ? {} : { clientid: lease.clientId.replace(/(..)(?=.)/g, '$1:') }),
  }));
}

/** The networks of a world. */
export class NetworkTable extends NamedTable<LocalNetwork> {
  readonly #world: World;

  constructor(world: World) {
    const names = { missing: 'NO_NETWORK', what: 'network', short: 'network' } as const;
    super(names, (uuid, name) => new LocalNetwork(uuid, name));
    this.#world = world;
  }

  /** Reads a definition, fills in its defaults and checks it. Throws XML_ERROR, CONFIG_UNSUPPORTED. */
  complete(xml: string): FilledNetworkDef {
    const parsed = parseNetwork(xml);
    const namesake = this.all.find(({ name }) => name === parsed.name);
    const others = this.all.filter((one) => one !== namesake).flatMap(({ current }) => current.bridge?.name ?? []);
    const mac = parsed.mac ?? (parsed.forward?.mode === 'bridge' ? undefined : namesake?.current.mac);
    const def = fillNetworkDefaults(
      { ...parsed, ...(mac === undefined ? {} : { mac }) },
      { random: hostRandom, bridges: new Set(others) },
    );
    validateNetwork(def);
    return def;
  }

  async load(): Promise<void> {
    const { logger } = this.#world.hypervisor;
    for (const { uuid, xml, autostart } of await this.#world.store.load('networks')) {
      try {
        const def = this.complete(xml);
        const network = this.claim(def.uuid, def.name);
        network.config = def;
        network.autostart = autostart;
      } catch (error) {
        logger.log('error', `the kept definition of network ${uuid} cannot be read: ${String(error)}`);
      }
    }
    await this.#resume();
  }

  /** Starts a network that is not active. Throws what its driver throws. */
  async start(network: LocalNetwork, def: FilledNetworkDef): Promise<void> {
    network.live = await this.#world.hypervisor.networks.start(def);
    network.running = def;
    this.emit(network, NetworkEvent.STARTED);
  }

  /** Stops a network that is active; one that is not kept is gone then. */
  async stop(network: LocalNetwork): Promise<void> {
    const { live } = network;
    network.live = undefined;
    network.running = undefined;
    await live?.close();
    if (!network.persistent) await this.#world.hypervisor.networks.forget(network.uuid);
    this.emit(network, NetworkEvent.STOPPED);
    this.settle(network);
  }

  /** A cable to the network of a name. Throws NO_NETWORK, OPERATION_INVALID if it is not active. */
  cable(name: string): NetOptions {
    const { live } = this.byName(name);
    if (live === undefined) throw virtError('OPERATION_INVALID', `network '${name}' is not active`);
    return live.cable();
  }

  /** Tells of what has happened to a network. */
  emit(network: LocalNetwork, event: number): void {
    this.#world.emit('network', network.ref, event, 0);
  }

  /** Starts what ran when the process before this one ended, as it ran, and what starts by itself. */
  async #resume(): Promise<void> {
    const { logger, networks } = this.#world.hypervisor;
    const attempt = async (name: string, start: () => Promise<void>) => {
      try {
        await start();
      } catch (error) {
        logger.log('error', `cannot start network '${name}': ${String(error)}`);
      }
    };
    for (const xml of await networks.find()) {
      await attempt('', async () => {
        const def = this.complete(xml);
        const network = this.claim(def.uuid, def.name);
        await attempt(def.name, () => this.start(network, def));
        this.settle(network);
      });
    }
    for (const network of this.all.filter(({ autostart, active }) => autostart && !active)) {
      await attempt(network.name, () => this.start(network, network.current));
    }
  }

  save(def: FilledNetworkDef): Promise<void> {
    return this.#world.store.save('networks', def.uuid, () => formatNetwork(def));
  }
}
