import type { DhcpLease, NetworkProcedures, NetworkRef } from '../backend.ts';
import { type FilledNetworkDef, formatNetwork, validateNetwork } from '../conf/index.ts';
import { Affect, NetworkDefine, NetworkEvent, NetworkSection, NetworkUpdateCommand } from '../enums.ts';
import { virtError } from '../errors.ts';
import { checkFlags } from './impact.ts';
import { leasesOf, type NetworkTable } from './network-table.ts';
import { updateNetworkDef } from './network-update.ts';
import type { World } from './world.ts';

/** Networks: definitions with a life cycle. */
export class LocalNetworks implements NetworkProcedures {
  readonly #world: World;
  readonly #table: NetworkTable;

  constructor(world: World) {
    this.#world = world;
    this.#table = world.networks;
  }

  async connectListAllNetworks(flags: number): Promise<NetworkRef[]> {
    checkFlags(flags, 63, 'connectListAllNetworks');
    return this.#table.list(flags).map(({ ref }) => ref);
  }

  async networkLookupByName(name: string): Promise<NetworkRef> {
    return this.#table.byName(name).ref;
  }

  async networkLookupByUuid(uuid: string): Promise<NetworkRef> {
    return this.#table.byUuid(uuid).ref;
  }

  async networkCreateXmlFlags(xml: string, flags: number): Promise<NetworkRef> {
    checkFlags(flags, NetworkDefine.VALIDATE, 'networkCreateXmlFlags');
    if (flags !== 0) await this.#world.schemas.check('network', xml);
    const def = this.#table.complete(xml);
    return this.#table.claimed(def.uuid, def.name, async (network) => {
      if (network.active) throw virtError('OPERATION_INVALID', `network is already active as '${def.name}'`);
      await this.#table.start(network, def);
      return network.ref;
    });
  }

  async networkDefineXmlFlags(xml: string, flags: number): Promise<NetworkRef> {
    checkFlags(flags, NetworkDefine.VALIDATE, 'networkDefineXmlFlags');
    if (flags !== 0) await this.#world.schemas.check('network', xml);
    const def = this.#table.complete(xml);
    return this.#table.claimed(def.uuid, def.name, async (network) => {
      await this.#table.save(def);
      network.config = def;
      this.#table.emit(network, NetworkEvent.DEFINED);
      return network.ref;
    });
  }

  async networkCreate(ref: NetworkRef): Promise<void> {
    return this.#table.job(ref, async (network) => {
      if (network.active) throw virtError('OPERATION_INVALID', 'network is already active');
      await this.#table.start(network, network.current);
    });
  }

  async networkDestroy(ref: NetworkRef): Promise<void> {
    return this.#table.job(ref, async (network) => {
      if (!network.active) throw virtError('OPERATION_INVALID', `network '${network.name}' is not active`);
      await this.#table.stop(network);
    });
  }

  async networkUndefine(ref: NetworkRef): Promise<void> {
    return this.#table.job(ref, async (network) => {
      if (!network.persistent) throw virtError('OPERATION_INVALID', "can't undefine transient network");
      await this.#world.store.remove('networks', network.uuid);
      network.config = undefined;
      network.autostart = false;
      this.#table.emit(network, NetworkEvent.UNDEFINED);
      this.#table.settle(network);
      await this.#world.hypervisor.networks.forget(network.uuid);
    });
  }

  async networkUpdate(
    ref: NetworkRef,
    command: number,
    section: number,
    parentIndex: number,
    xml: string,
    flags: number,
  ): Promise<void> {
    checkFlags(flags, Affect.LIVE | Affect.CONFIG, 'networkUpdate');
    known(NetworkUpdateCommand, command, 'network update command');
    known(NetworkSection, section, 'network update section');
    return this.#table.job(ref, async (network) => {
      const live = flags === Affect.CURRENT ? network.active : (flags & Affect.LIVE) !== 0;
      const config = flags === Affect.CURRENT ? !network.active : (flags & Affect.CONFIG) !== 0;
      if (live && !network.active) throw virtError('OPERATION_INVALID', 'network is not running');
      if (config && !network.persistent) {
        throw virtError('OPERATION_INVALID', 'transient networks do not have any persistent config');
      }
      const update = { command, section, parentIndex, xml };
      const changed = (def: FilledNetworkDef | undefined) => {
        if (def === undefined) return undefined;
        const result = updateNetworkDef(def, update);
        validateNetwork(result);
        return result;
      };
      // Both first: when one refuses, neither is changed.
      const running = live ? changed(network.running) : undefined;
      const kept = config ? changed(network.config) : undefined;
      if (running !== undefined) {
        network.live?.update(running);
        network.running = running;
      }
      if (kept !== undefined) {
        await this.#table.save(kept);
        network.config = kept;
      }
    });
  }

  async networkGetXmlDesc(ref: NetworkRef, flags: number): Promise<string> {
    checkFlags(flags, 1, 'networkGetXmlDesc');
    const network = this.#table.find(ref);
    if ((flags & 1) !== 0 && network.config !== undefined) return formatNetwork(network.config);
    const connections = network.active ? this.#connections(network.name) : 0;
    return formatNetwork(network.current, connections);
  }

  async networkGetBridgeName(ref: NetworkRef): Promise<string> {
    const { current, name } = this.#table.find(ref);
    if (current.bridge?.name !== undefined) return current.bridge.name;
    throw virtError('INTERNAL_ERROR', `network '${name}' does not have a bridge name.`);
  }

  async networkIsActive(ref: NetworkRef): Promise<boolean> {
    return this.#table.find(ref).active;
  }

  async networkIsPersistent(ref: NetworkRef): Promise<boolean> {
    return this.#table.find(ref).persistent;
  }

  async networkGetAutostart(ref: NetworkRef): Promise<boolean> {
    return this.#table.find(ref).autostart;
  }

  async networkSetAutostart(ref: NetworkRef, autostart: boolean): Promise<void> {
    return this.#table.job(ref, async (network) => {
      if (!network.persistent) throw virtError('OPERATION_INVALID', 'cannot set autostart for transient network');
      if (network.autostart === autostart) return;
      await this.#world.store.setAutostart('networks', network.uuid, autostart);
      network.autostart = autostart;
    });
  }

  async networkGetDhcpLeases(ref: NetworkRef, mac: string | undefined, flags: number): Promise<DhcpLease[]> {
    checkFlags(flags, 0, 'networkGetDhcpLeases');
    const network = this.#table.find(ref);
    if (!network.active) throw virtError('OPERATION_INVALID', `network '${ref.name}' is not active`);
    const wanted = mac?.toLowerCase();
    return leasesOf(network).filter((lease) => wanted === undefined || lease.mac === wanted);
  }

  /** How many interfaces of running domains are on a network. */
  #connections(name: string): number {
    const interfaces = this.#world.domains.all.flatMap(({ run }) => run?.def.devices.interfaces ?? []);
    return interfaces.filter(({ type, source }) => type === 'network' && source?.network === name).length;
  }
}

function known(numbers: Readonly<Record<string, number>>, number: number, what: string): void {
  if (number !== 0 && Object.values(numbers).includes(number)) return;
  throw virtError('INVALID_ARG', `unknown ${what} ${number}`);
}
