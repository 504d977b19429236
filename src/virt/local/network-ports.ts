import type { NetworkPortRef, NetworkRef, TypedParam } from '../backend.ts';
import type { ForeignProcedures } from '../backend-foreign.ts';
import { formatXml, type InterfaceDef, type XmlElement } from '../conf/index.ts';
import { virtError } from '../errors.ts';
import type { LocalDomain } from './domain.ts';
import { checkFlags } from './impact.ts';
import type { LocalNetwork } from './network-table.ts';
import type { World } from './world.ts';

/** An interface of a running domain, on its network. */
interface Port {
  readonly uuid: string;
  readonly domain: LocalDomain;
  readonly interface: InterfaceDef;
}

type PortProcedures = Pick<
  ForeignProcedures,
  | 'networkListAllPorts'
  | 'networkPortLookupByUuid'
  | 'networkPortGetXmlDesc'
  | 'networkPortGetParameters'
  | 'networkPortCreateXml'
  | 'networkPortSetParameters'
  | 'networkPortDelete'
>;

/** Ports of networks: each is an interface of a running domain, comes with it and goes with it. */
export class LocalNetworkPorts implements PortProcedures {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async networkListAllPorts(ref: NetworkRef, flags: number): Promise<NetworkPortRef[]> {
    checkFlags(flags, 0, 'networkListAllPorts');
    const network = this.#active(ref);
    return this.#portsOf(network).map(({ uuid }) => ({ network: network.ref, uuid }));
  }

  async networkPortLookupByUuid(ref: NetworkRef, uuid: string): Promise<NetworkPortRef> {
    const { network, port } = this.#find({ network: ref, uuid });
    return { network: network.ref, uuid: port.uuid };
  }

  async networkPortGetXmlDesc(ref: NetworkPortRef, flags: number): Promise<string> {
    checkFlags(flags, 0, 'networkPortGetXmlDesc');
    const { network, port } = this.#find(ref);
    const { forward, bridge } = network.current;
    const type = forward?.mode === 'bridge' ? 'bridge' : 'network';
    const text = (name: string, value: string): XmlElement => ({ name, children: [value] });
    return formatXml({
      name: 'networkport',
      children: [
        text('uuid', port.uuid),
        { name: 'owner', children: [text('name', port.domain.name), text('uuid', port.domain.uuid)] },
        { name: 'mac', attributes: { address: port.interface.mac?.address ?? '' } },
        { name: 'plug', attributes: { type, bridge: bridge?.name ?? '' } },
      ],
    });
  }

  /** Bandwidths, of which there are none: a definition with limits is refused. */
  async networkPortGetParameters(ref: NetworkPortRef, flags: number): Promise<TypedParam[]> {
    checkFlags(flags, 0, 'networkPortGetParameters');
    this.#find(ref);
    return [];
  }

  async networkPortSetParameters(ref: NetworkPortRef): Promise<void> {
    this.#find(ref);
    throw virtError('OPERATION_UNSUPPORTED', 'limits of what passes a network port');
  }

  async networkPortCreateXml(ref: NetworkRef): Promise<NetworkPortRef> {
    this.#active(ref);
    throw virtError('OPERATION_UNSUPPORTED', 'network ports come with the interfaces of domains that start');
  }

  async networkPortDelete(ref: NetworkPortRef): Promise<void> {
    const { port } = this.#find(ref);
    throw virtError('OPERATION_UNSUPPORTED', `domain '${port.domain.name}' is plugged in: the port goes with it`);
  }

  #portsOf({ name }: LocalNetwork): Port[] {
    return this.#world.domains.all.flatMap((domain) =>
      (domain.run?.def.devices.interfaces ?? []).flatMap((one) => {
        const { network, portid } = one.type === 'network' ? (one.source ?? {}) : {};
        return network === name && portid !== undefined ? [{ uuid: portid, domain, interface: one }] : [];
      }),
    );
  }

  #find({ network: ref, uuid }: NetworkPortRef): { network: LocalNetwork; port: Port } {
    const network = this.#active(ref);
    const port = this.#portsOf(network).find((one) => one.uuid === uuid);
    if (port === undefined) throw virtError('NO_NETWORK_PORT', `Network port with UUID ${uuid} does not exist`);
    return { network, port };
  }

  #active(ref: NetworkRef): LocalNetwork {
    const network = this.#world.networks.find(ref);
    if (!network.active) throw virtError('OPERATION_INVALID', `network '${network.name}' is not active`);
    return network;
  }
}
