import {
  dhcpHost,
  dhcpRange,
  dnsHost,
  dnsSrv,
  dnsTxt,
  type NetworkDef,
  type NetworkDhcpDef,
  type NetworkDhcpHostDef,
  type NetworkDnsHostDef,
  type NetworkDnsSrvDef,
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

const NO_DNS = { forwarders: [], txts: [], srvs: [], hosts: [] };

type DhcpRangeDef = NetworkDhcpDef['ranges'][number];

/** The definition with the change made. Throws OPERATION_UNSUPPORTED for a section that cannot be changed alone. */
export function updateNetworkDef<D extends NetworkDef>(def: D, update: NetworkUpdate): D {
  const { section, command, xml } = update;
  if (section === NetworkSection.IP_DHCP_HOST) {
    const host = dhcpHost.read(parseXml(xml, 'host'));
    return withDhcp(def, update, 'dhcp host', (dhcp) => ({
      ...dhcp,
      hosts: change(dhcp.hosts, host, command, sameHost, hostWords(def.name, host, command)),
    }));
  }
  if (section === NetworkSection.IP_DHCP_RANGE) {
    if (command === NetworkUpdateCommand.MODIFY) {
      throw virtError('OPERATION_INVALID', 'dhcp ranges cannot be modified, only added or deleted');
    }
    const range = dhcpRange.read(parseXml(xml, 'range'));
    return withDhcp(def, update, 'dhcp range', (dhcp) => ({
      ...dhcp,
      ranges: change(dhcp.ranges, range, command, sameRange, rangeWords(def.name, range)),
    }));
  }
  if (section === NetworkSection.DNS_HOST) {
    if (command === NetworkUpdateCommand.MODIFY) {
      throw virtError('OPERATION_INVALID', 'DNS HOST records cannot be modified, only added or deleted');
    }
    const host = dnsHost.read(parseXml(xml, 'host'));
    const dns = def.dns ?? NO_DNS;
    const words = dnsWords(def.name, 'HOST');
    return { ...def, dns: { ...dns, hosts: change(dns.hosts, host, command, sameDnsHost, words) } };
  }
  if (section === NetworkSection.DNS_TXT || section === NetworkSection.DNS_SRV) return updateRecord(def, update);
  const name = Object.entries(NetworkSection).find(([, number]) => number === section)?.[0] ?? section;
  throw virtError('OPERATION_UNSUPPORTED', `can't update '${name}' section of network '${def.name}'`);
}

/** A change to a record of texts or services. */
function updateRecord<D extends NetworkDef>(def: D, { section, command, xml }: NetworkUpdate): D {
  const kind = section === NetworkSection.DNS_TXT ? 'TXT' : 'SRV';
  if (command === NetworkUpdateCommand.MODIFY) {
    throw virtError('OPERATION_INVALID', `DNS ${kind} records cannot be modified, only added or deleted`);
  }
  const dns = def.dns ?? NO_DNS;
  const words = dnsWords(def.name, kind);
  if (kind === 'TXT') {
    const txt = dnsTxt.read(parseXml(xml, 'txt'));
    return { ...def, dns: { ...dns, txts: change(dns.txts, txt, command, (a, b) => a.name === b.name, words) } };
  }
  const srv = dnsSrv.read(parseXml(xml, 'srv'));
  return { ...def, dns: { ...dns, srvs: change(dns.srvs, srv, command, sameSrv, words) } };
}

/** What is not named in what is to be deleted may be anything. */
function sameSrv(a: NetworkDnsSrvDef, b: NetworkDnsSrvDef): boolean {
  const same = (key: 'domain' | 'target' | 'port') => b[key] === undefined || a[key] === b[key];
  return a.service === b.service && a.protocol === b.protocol && same('domain') && same('target') && same('port');
}

function withDhcp<D extends NetworkDef>(
  def: D,
  { parentIndex }: NetworkUpdate,
  what: string,
  edit: (dhcp: NetworkDhcpDef) => NetworkDhcpDef,
): D {
  const withOne = def.ips.findIndex(({ dhcp }) => dhcp !== undefined);
  const index = parentIndex >= 0 ? parentIndex : Math.max(withOne, 0);
  if (def.ips[index] === undefined) {
    throw virtError(
      'OPERATION_INVALID',
      `couldn't update ${what} entry - no <ip> element found at index ${index} in network '${def.name}'`,
    );
  }
  const ips = def.ips.map((ip, at) =>
    at === index ? { ...ip, dhcp: edit(ip.dhcp ?? { ranges: [], hosts: [] }) } : ip,
  );
  return { ...def, ips };
}

/** What is said about an entry that is there already, and about one that is not. */
interface Words {
  readonly exists: string;
  readonly missing: string;
}

function hostWords(network: string, { mac, name, ip }: NetworkDhcpHostDef, command: number): Words {
  const [m, n, i] = [mac, name, ip].map((value) => value ?? '(null)');
  const existing = `couldn't locate an existing dhcp host entry with "mac='${m}'" "name='${n}'" "ip='${i}'"`;
  const matching = "couldn't locate a matching dhcp host entry";
  return {
    exists: `there is an existing dhcp host entry in network '${network}' that matches "<host mac='${m}' name='${n}' ip='${i}'/>"`,
    missing: `${command === NetworkUpdateCommand.MODIFY ? existing : matching} in network '${network}'`,
  };
}

function rangeWords(network: string, { start, end }: DhcpRangeDef): Words {
  return {
    exists: `there is an existing dhcp range entry in network '${network}' that matches "<range start='${start}' end='${end}'/>"`,
    missing: `couldn't locate a matching dhcp range entry in network '${network}'`,
  };
}

function dnsWords(network: string, kind: 'HOST' | 'TXT' | 'SRV'): Words {
  return {
    exists: `there is already at least one DNS ${kind} record with a matching field in network ${network}`,
    missing: `couldn't locate a matching DNS ${kind} record in network ${network}`,
  };
}

function change<T>(list: T[], one: T, command: number, same: (a: T, b: T) => boolean, words: Words): T[] {
  const index = list.findIndex((other) => same(other, one));
  if (command === NetworkUpdateCommand.ADD_FIRST || command === NetworkUpdateCommand.ADD_LAST) {
    if (index >= 0) throw virtError('OPERATION_INVALID', words.exists);
    return command === NetworkUpdateCommand.ADD_FIRST ? [one, ...list] : [...list, one];
  }
  if (index < 0) throw virtError('OPERATION_INVALID', words.missing);
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
