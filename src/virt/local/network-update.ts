import {
  dhcpHost,
  dhcpRange,
  dnsHost,
  type NetworkDef,
  type NetworkDhcpDef,
  type NetworkDhcpHostDef,
  type NetworkDnsHostDef,
} from '../conf/index.ts';
import { parseXml } from '../conf/xml.ts';
import { NetworkSection, NetworkUpdateCommand } from '../enums.ts';
import { virtError } from '../errors.ts';

/** A change to one list in a network's definition. */
export interface NetworkUpdate {
  readonly command: number;
  readonly section: number;
  /** Which `<ip>`; −1: the first that has a `<dhcp>`, or else the first. */
  readonly parentIndex: number;
  readonly xml: string;
}

type DhcpRangeDef = NetworkDhcpDef['ranges'][number];

/** The definition with the change made. Throws OPERATION_UNSUPPORTED for a section that cannot be changed alone. */
export function updateNetworkDef<D extends NetworkDef>(def: D, update: NetworkUpdate): D {
  const { section, command, xml } = update;
  if (section === NetworkSection.IP_DHCP_HOST) {
    const host = dhcpHost.read(parseXml(xml, 'host'));
    return withDhcp(def, update, (dhcp) => ({
      ...dhcp,
      hosts: change(dhcp.hosts, host, command, sameHost, 'dhcp host'),
    }));
  }
  if (section === NetworkSection.IP_DHCP_RANGE) {
    if (command === NetworkUpdateCommand.MODIFY) {
      throw virtError('OPERATION_INVALID', 'dhcp ranges cannot be modified, only added or deleted');
    }
    const range = dhcpRange.read(parseXml(xml, 'range'));
    return withDhcp(def, update, (dhcp) => ({
      ...dhcp,
      ranges: change(dhcp.ranges, range, command, sameRange, 'dhcp range'),
    }));
  }
  if (section === NetworkSection.DNS_HOST) {
    if (command === NetworkUpdateCommand.MODIFY) {
      throw virtError('OPERATION_INVALID', 'DNS HOST records cannot be modified, only added or deleted');
    }
    const host = dnsHost.read(parseXml(xml, 'host'));
    const dns = def.dns ?? { forwarders: [], hosts: [] };
    return { ...def, dns: { ...dns, hosts: change(dns.hosts, host, command, sameDnsHost, 'DNS HOST') } };
  }
  const name = Object.entries(NetworkSection).find(([, number]) => number === section)?.[0] ?? section;
  throw virtError('OPERATION_UNSUPPORTED', `can't update '${name}' section of network '${def.name}'`);
}

function withDhcp<D extends NetworkDef>(
  def: D,
  { parentIndex }: NetworkUpdate,
  edit: (dhcp: NetworkDhcpDef) => NetworkDhcpDef,
): D {
  const withOne = def.ips.findIndex(({ dhcp }) => dhcp !== undefined);
  const index = parentIndex >= 0 ? parentIndex : Math.max(withOne, 0);
  if (def.ips[index] === undefined) {
    throw virtError(
      'OPERATION_INVALID',
      `couldn't update dhcp entry - no <ip> element found at index ${index} in network '${def.name}'`,
    );
  }
  const ips = def.ips.map((ip, at) =>
    at === index ? { ...ip, dhcp: edit(ip.dhcp ?? { ranges: [], hosts: [] }) } : ip,
  );
  return { ...def, ips };
}

function change<T>(list: T[], one: T, command: number, same: (a: T, b: T) => boolean, what: string): T[] {
  const index = list.findIndex((other) => same(other, one));
  if (command === NetworkUpdateCommand.ADD_FIRST || command === NetworkUpdateCommand.ADD_LAST) {
    if (index >= 0) throw virtError('OPERATION_INVALID', `there is an existing ${what} entry that matches`);
    return command === NetworkUpdateCommand.ADD_FIRST ? [one, ...list] : [...list, one];
  }
  if (index < 0) throw virtError('OPERATION_INVALID', `couldn't locate a matching ${what} entry`);
  return command === NetworkUpdateCommand.DELETE ? list.toSpliced(index, 1) : list.toSpliced(index, 1, one);
}

function sameHost(a: NetworkDhcpHostDef, b: NetworkDhcpHostDef): boolean {
  if (a.mac !== undefined && b.mac !== undefined) return a.mac === b.mac;
  if (a.ip !== undefined && b.ip !== undefined) return a.ip === b.ip;
  return a.name !== undefined && a.name === b.name;
}

function sameDnsHost(a: NetworkDnsHostDef, b: NetworkDnsHostDef): boolean {
  return a.ip === b.ip;
}

function sameRange(a: DhcpRangeDef, b: DhcpRangeDef): boolean {
  return a.start === b.start && a.end === b.end;
}
