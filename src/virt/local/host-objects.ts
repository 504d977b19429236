import type {
  InterfaceProcedures,
  InterfaceRef,
  NodeDeviceProcedures,
  NodeDeviceRef,
  NwfilterRef,
  SecretProcedures,
  SecretRef,
} from '../backend.ts';
import { ListInterfaces, ListNodeDevices, ListSecrets } from '../enums.ts';
import { virtError } from '../errors.ts';
import {
  COMPUTER,
  formatComputer,
  formatInterface,
  formatNetDevice,
  type HostInterface,
  netDeviceName,
  ownInterfaces,
} from './host-interfaces.ts';
import type { Hypervisor } from './hypervisor.ts';
import { checkFlags } from './impact.ts';
import type { World } from './world.ts';

/** Network interfaces of the host; all that are shown are in use. */
export class LocalInterfaces implements InterfaceProcedures {
  readonly #hypervisor: Hypervisor;

  constructor({ hypervisor }: World) {
    this.#hypervisor = hypervisor;
  }

  async connectListAllInterfaces(flags: number): Promise<InterfaceRef[]> {
    checkFlags(flags, ListInterfaces.ACTIVE | ListInterfaces.INACTIVE, 'connectListAllInterfaces');
    if (flags === ListInterfaces.INACTIVE) return [];
    return interfacesOf(this.#hypervisor).map(refOf);
  }

  async interfaceLookupByName(name: string): Promise<InterfaceRef> {
    return refOf(this.#find(name));
  }

  async interfaceLookupByMacString(mac: string): Promise<InterfaceRef> {
    const [found, other] = interfacesOf(this.#hypervisor).filter((one) => one.mac === mac.toLowerCase());
    if (found === undefined) throw virtError('NO_INTERFACE', `couldn't find interface with MAC address '${mac}'`);
    if (other !== undefined) throw virtError('MULTIPLE_INTERFACES', `interfaces with MAC address '${mac}'`);
    return refOf(found);
  }

  async interfaceGetXmlDesc({ name }: InterfaceRef, flags: number): Promise<string> {
    // VIR_INTERFACE_XML_INACTIVE: what is configured, which is not known apart from what is.
    checkFlags(flags, 1, 'interfaceGetXmlDesc');
    return formatInterface(this.#find(name));
  }

  async interfaceIsActive({ name }: InterfaceRef): Promise<boolean> {
    this.#find(name);
    return true;
  }

  #find(name: string): HostInterface {
    const found = interfacesOf(this.#hypervisor).find((one) => one.name === name);
    if (found === undefined) throw virtError('NO_INTERFACE', `couldn't find interface named '${name}'`);
    return found;
  }
}

/** A device of the host as it is shown. */
interface ShownDevice {
  readonly name: string;
  readonly cap: 'system' | 'net';
  readonly parent?: string;
  format(): string;
}

/** VIR_CONNECT_LIST_NODE_DEVICES_CAP_*: kinds of devices; none of them means all. */
const kindFlags = 2 ** 22 - 1;
const stateFlags = ListNodeDevices.INACTIVE | ListNodeDevices.ACTIVE;

/** Devices of the host: the computer and its network interfaces. */
export class LocalNodeDevices implements NodeDeviceProcedures {
  readonly #hypervisor: Hypervisor;

  constructor({ hypervisor }: World) {
    this.#hypervisor = hypervisor;
  }

  async connectListAllNodeDevices(flags: number): Promise<NodeDeviceRef[]> {
    checkFlags(flags, kindFlags | stateFlags, 'connectListAllNodeDevices');
    if ((flags & stateFlags) === ListNodeDevices.INACTIVE) return [];
    const kinds = flags & kindFlags;
    const bits = { system: ListNodeDevices.SYSTEM, net: ListNodeDevices.NET };
    return this.#all()
      .filter(({ cap }) => kinds === 0 || (kinds & bits[cap]) !== 0)
      .map(({ name }) => ({ name }));
  }

  async nodeDeviceLookupByName(name: string): Promise<NodeDeviceRef> {
    return { name: this.#find({ name }).name };
  }

  async nodeDeviceGetXmlDesc(ref: NodeDeviceRef, flags: number): Promise<string> {
    // VIR_NODE_DEVICE_XML_INACTIVE.
    checkFlags(flags, 1, 'nodeDeviceGetXmlDesc');
    return this.#find(ref).format();
  }

  async nodeDeviceGetParent(ref: NodeDeviceRef): Promise<string | undefined> {
    return this.#find(ref).parent;
  }

  async nodeDeviceListCaps(ref: NodeDeviceRef): Promise<string[]> {
    return [this.#find(ref).cap];
  }

  async nodeDeviceIsActive(ref: NodeDeviceRef): Promise<boolean> {
    this.#find(ref);
    return true;
  }

  async nodeDeviceIsPersistent(ref: NodeDeviceRef): Promise<boolean> {
    this.#find(ref);
    return false;
  }

  async nodeDeviceGetAutostart(ref: NodeDeviceRef): Promise<boolean> {
    this.#find(ref);
    return false;
  }

  #all(): ShownDevice[] {
    const { uuid } = this.#hypervisor.host;
    return [
      { name: COMPUTER, cap: 'system', format: () => formatComputer(uuid) },
      ...interfacesOf(this.#hypervisor).map(
        (iface): ShownDevice => ({
          name: netDeviceName(iface),
          cap: 'net',
          parent: COMPUTER,
          format: () => formatNetDevice(iface),
        }),
      ),
    ];
  }

  #find({ name }: NodeDeviceRef): ShownDevice {
    const found = this.#all().find((one) => one.name === name);
    if (found === undefined) throw virtError('NO_NODE_DEVICE', `no node device with matching name '${name}'`);
    return found;
  }
}

/** Secrets and network filters: nothing here asks for one, so none are kept. */
export class LocalSecrets implements SecretProcedures {
  async connectListAllSecrets(flags: number): Promise<SecretRef[]> {
    const { EPHEMERAL, NO_EPHEMERAL, PRIVATE, NO_PRIVATE } = ListSecrets;
    checkFlags(flags, EPHEMERAL | NO_EPHEMERAL | PRIVATE | NO_PRIVATE, 'connectListAllSecrets');
    return [];
  }

  async secretLookupByUuid(uuid: string): Promise<SecretRef> {
    throw virtError('NO_SECRET', `no secret with matching uuid '${uuid}'`, { domain: 'SECRET' });
  }

  async secretLookupByUsage(usageType: number, usageId: string): Promise<SecretRef> {
    throw virtError('NO_SECRET', `no secret with matching usage '${usageType}:${usageId}'`, { domain: 'SECRET' });
  }

  async secretDefineXml(_xml: string, flags: number): Promise<SecretRef> {
    // VIR_SECRET_DEFINE_VALIDATE.
    checkFlags(flags, 1, 'secretDefineXml');
    throw virtError('OPERATION_UNSUPPORTED', 'secrets are not kept: no disk or volume can use one', {
      domain: 'SECRET',
    });
  }

  async connectListAllNwfilters(flags: number): Promise<NwfilterRef[]> {
    checkFlags(flags, 0, 'connectListAllNwfilters');
    return [];
  }

  async nwfilterLookupByName(name: string): Promise<NwfilterRef> {
    throw virtError('NO_NWFILTER', `no nwfilter with matching name '${name}'`, { domain: 'NWFILTER' });
  }

  async nwfilterLookupByUuid(uuid: string): Promise<NwfilterRef> {
    throw virtError('NO_NWFILTER', `no nwfilter with matching uuid '${uuid}'`, { domain: 'NWFILTER' });
  }

  async nwfilterDefineXml(_xml: string): Promise<NwfilterRef> {
    throw virtError('OPERATION_UNSUPPORTED', 'network filters are not kept: no interface can use one', {
      domain: 'NWFILTER',
    });
  }
}

function interfacesOf(hypervisor: Hypervisor): HostInterface[] {
  return hypervisor.hostInterfaces?.() ?? ownInterfaces();
}

function refOf({ name, mac }: HostInterface): InterfaceRef {
  return { name, mac };
}
