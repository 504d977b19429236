/** Network interfaces of the host, as they are shown. */
import { networkInterfaces } from 'node:os';
import { formatXml, type XmlElement } from '../conf/index.ts';

/** One interface with its addresses. */
export interface HostInterface {
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly {
    readonly family: 'ipv4' | 'ipv6';
    readonly address: string;
    readonly prefix: number;
  }[];
}

/** The interfaces that this host has in use, as far as Node tells. */
export function ownInterfaces(): HostInterface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, all = []]) => {
    const [first] = all;
    if (first === undefined) return [];
    const addresses = all.map(({ family, address, cidr }) => ({
      family: family === 'IPv6' ? ('ipv6' as const) : ('ipv4' as const),
      address,
      prefix: Number(cidr?.split('/')[1] ?? (family === 'IPv6' ? 128 : 32)),
    }));
    return [{ name, mac: first.mac, addresses }];
  });
}

/** `<interface>`. */
export function formatInterface({ name, mac, addresses }: HostInterface): string {
  const families = (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const own = addresses.filter((one) => one.family === family);
    if (own.length === 0) return [];
    const ips = own.map(({ address, prefix }) => element('ip', { address, prefix: String(prefix) }));
    return [element('protocol', { family }, ips)];
  });
  return formatXml(
    element('interface', { type: 'ethernet', name }, [
      ...families,
      element('link', { state: 'up' }),
      element('mac', { address: mac }),
    ]),
  );
}

/** Name of the device of an interface. */
export function netDeviceName({ name, mac }: HostInterface): string {
  return `net_${name}_${mac}`.replace(/[^A-Za-z0-9]/g, '_');
}

/** `<device>` of an interface. */
export function formatNetDevice(iface: HostInterface): string {
  return formatXml(
    element('device', {}, [
      element('name', {}, [netDeviceName(iface)]),
      element('parent', {}, [COMPUTER]),
      element('capability', { type: 'net' }, [
        element('interface', {}, [iface.name]),
        element('address', {}, [iface.mac]),
        element('link', { state: 'up' }),
      ]),
    ]),
  );
}

/** Name of the device that is the host itself. */
export const COMPUTER = 'computer';

/** `<device>` of the host itself. */
export function formatComputer(uuid: string): string {
  return formatXml(
    element('device', {}, [
      element('name', {}, [COMPUTER]),
      element('capability', { type: 'system' }, [
        element('hardware', {}, [element('uuid', {}, [uuid])]),
        element('firmware', {}),
      ]),
    ]),
  );
}

function element(name: string, attributes: Record<string, string>, children: XmlElement['children'] = []): XmlElement {
  return { name, attributes, ...(children.length === 0 ? {} : { children }) };
}
