import type { DhcpLease, NetworkProcedures, NetworkRef } from '../backend.ts';
import { formatNetwork } from '../conf/index.ts';
import { Affect, NetworkDefine, NetworkEvent, NetworkSection, NetworkUpdateCommand } from '../enums.ts';
import { virtError } from '../errors.ts';
import { checkFlags } from './impact.ts';
import type { LocalNetwork, NetworkTable } from './network-table.ts';
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
      this.#refuseStart(def.name);
      network.running = def;
      this.#emit(network, NetworkEvent.STARTED);
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
      this.#emit(network, NetworkEvent.DEFINED);
      return network.ref;
    });
  }

  async networkCreate(ref: NetworkRef): Promise<void> {
    return this.#table.job(ref, async (network) => {
      if (network.active) throw virtError('OPERATION_INVALID', 'network is already active');
      this.#refuseStart(network.name);
      network.running = network.current;
      this.#emit(network, NetworkEvent.STARTED);
    });
  }

  async networkDestroy(ref: NetworkRef): Promise<void> {
    return this.#table.job(ref, async (network) => {
      if (!network.active) throw virtError('OPERATION_INVALID', `network '${network.name}' is not active`);
      network.running = undefined;
      this.#emit(network, NetworkEvent.STOPPED);
      this.#table.settle(network);
    });
  }

  async networkUndefine(ref: NetworkRef): Promise<void> {
    return this.#table.job(ref, async (network) => {
      if (!network.persistent) throw virtError('OPERATION_INVALID', "can't undefine transient network");
      await this.#world.store.remove('networks', network.uuid);
      network.config = undefined;
      network.autostart = false;
      this.#emit(network, NetworkEvent.UNDEFINED);
      this.#table.settle(network);
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
      const running =
        live && network.running !== undefined ? updateNetworkDef(network.running, update) : network.running;
      if (config && network.config !== undefined) {
        const def = updateNetworkDef(network.config, update);
        await this.#table.save(def);
        network.config = def;
      }
      network.running = running;
    });
  }

  async networkGetXmlDesc(ref: NetworkRef, flags: number): Promise<string> {
    checkFlags(flags, 1, 'networkGetXmlDesc');
    const network = this.#table.find(ref);
    return formatNetwork((flags & 1) !== 0 ? (network.config ?? network.current) : network.current);
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

  async networkGetDhcpLeases(ref: NetworkRef, _mac: string | undefined, flags: number): Promise<DhcpLease[]> {
    checkFlags(flags, 0, 'networkGetDhcpLeases');
    if (this.#table.find(ref).active) return [];
    throw virtError('OPERATION_INVALID', `network '${ref.name}' is not active`);
  }

  #refuseStart(name: string): void {
    const { noNetworks } = this.#world.hypervisor;
    if (noNetworks !== undefined)
      throw virtError('OPERATION_UNSUPPORTED', `network '${name}' cannot start: ${noNetworks}`);
  }

  #emit(network: LocalNetwork, event: number): void {
    this.#world.emit('network', network.ref, event, 0);
  }
}

function known(numbers: Readonly<Record<string, number>>, number: number, what: string): void {
  if (number !== 0 && Object.values(numbers).includes(number)) return;
  throw virtError('INVALID_ARG', `unknown ${what} ${number}`);
}
