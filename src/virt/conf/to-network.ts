/** A network's definition as what its gateway is made of. */
import {
  type AddressRange,
  type DhcpHost,
  type DnsRecord,
  type IpAddress,
  LEASE_FOREVER_SECONDS,
  parseIp,
  parseMac,
  serviceRecord,
  textRecord,
  type UserNetOptions,
} from '../../machine/index.ts';
import { extensibles, unsupported } from './domain-refuse.ts';
import { ipPrefix } from './network.ts';
import type { FilledNetworkDef, NetworkDef, NetworkIpDef, NetworkLeaseDef } from './network-def.ts';

/** How long a lease holds, in seconds: dnsmasq's default. */
const LEASE_SECONDS = 3600;

/** What a network is made of. The lists are the gateway's too, and may change while it runs. */
export interface NetworkPlan {
  /** Absent: nobody but the guests is there. */
  gateway?: UserNetOptions;
  hosts: DhcpHost[];
  ranges: AddressRange[];
  /** In lower case. */
  names: Map<string, IpAddress[]>;
  records: DnsRecord[];
}

/** What may be there without a field of ours: it changes nothing that guests could tell. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  network: ['ipv6', 'trustGuestRxFilters'],
  'network/bridge': ['zone', 'macTableManager'],
  'network/ip': ['localPtr'],
};

/**
 * The network of a definition that `validateNetwork` has passed. Throws CONFIG_UNSUPPORTED, with its name, for what can
 * be defined and not be started.
 */
export function networkPlan(def: FilledNetworkDef): NetworkPlan {
  refuseParts(def);
  const [ipv4, second] = def.ips.filter(({ address }) => !address.includes(':'));
  const [ipv6, second6] = def.ips.filter(({ address }) => address.includes(':'));
  if (second !== undefined || second6 !== undefined) throw refused(def, 'several <ip> of a family');
  const plan: NetworkPlan = {
    hosts: hostsOf(ipv4),
    ranges: rangesOf(ipv4),
    names: namesOf(def),
    records: recordsOf(def),
  };
  if (ipv4 === undefined) {
    if (ipv6 !== undefined) throw refused(def, 'an <ip> of IPv6 without one of IPv4');
    return plan;
  }
  return { ...plan, gateway: gatewayOf(def, plan, { ipv4, ...(ipv6 === undefined ? {} : { ipv6 }) }) };
}

/** A bridge of the host's that a network stands for. */
export interface HostBridge {
  readonly bridge: string;
  readonly mtu?: number;
}

/**
 * The bridge of a network of forward mode `bridge`; undefined for any other network. Throws CONFIG_UNSUPPORTED, with its
 * name, for what can be defined and not be started.
 */
export function hostBridge(def: FilledNetworkDef): HostBridge | undefined {
  if (def.forward?.mode !== 'bridge') return undefined;
  refuseExtras(def);
  if (def.forward.dev !== undefined || def.bridge?.name === undefined) {
    throw refused(def, "forward mode 'bridge' without a <bridge name>, by macvtap,");
  }
  return { bridge: def.bridge.name, ...(def.mtu === undefined ? {} : { mtu: def.mtu.size }) };
}

function gatewayOf(
  def: FilledNetworkDef,
  { hosts, ranges, names, records }: NetworkPlan,
  { ipv4, ipv6 }: { ipv4: NetworkIpDef; ipv6?: NetworkIpDef },
): UserNetOptions {
  const router = parseIp(ipv4.address);
  const mac = parseMac(def.mac?.address ?? '');
  const { dhcp, tftp } = ipv4;
  const servers = def.dns?.forwarders.flatMap(({ addr }) => (addr === undefined ? [] : { host: addr, port: 53 })) ?? [];
  return {
    ipv4: { address: router, bits: ipPrefix(ipv4) },
    router,
    dns: router,
    ...ipv6Options(def, ipv6),
    ...(dhcp === undefined ? { range: false } : { ranges, hosts }),
    leaseSeconds: LEASE_SECONDS,
    names,
    records,
    routes: { ipv4: def.forward !== undefined, ipv6: routesIpv6(def) },
    ...(def.domain === undefined ? {} : { domain: def.domain.name, localDomain: def.domain.localOnly ?? false }),
    ...(mac === undefined ? {} : { mac }),
    ...(def.mtu === undefined ? {} : { mtu: def.mtu.size }),
    ...(tftp === undefined ? {} : { tftp: tftp.root }),
    ...(dhcp?.bootp === undefined ? {} : { bootFile: dhcp.bootp.file }),
    ...(dhcp?.bootp?.server === undefined ? {} : { nextServer: parseIp(dhcp.bootp.server) }),
    ...(servers.length === 0 ? {} : { dnsServers: servers }),
  };
}

function ipv6Options(def: NetworkDef, ip: NetworkIpDef | undefined): Pick<UserNetOptions, 'ipv6' | 'router6'> {
  if (ip === undefined) return { ipv6: false };
  if ((ip.prefix ?? 64) !== 64) throw refused(def, `<ip address='${ip.address}'> with a prefix that is not of 64 bits`);
  if (ip.dhcp !== undefined) throw refused(def, '<dhcp> of IPv6: guests make their addresses themselves');
  const router6 = parseIp(ip.address);
  return { ipv6: { address: router6, bits: 64 }, router6 };
}

/** NAT of IPv6 is only done where it is asked for. */
function routesIpv6({ forward }: NetworkDef): boolean {
  const nat = forward?.extra?.elements?.find(({ name }) => name === 'nat');
  return nat?.attributes?.['ipv6'] === 'yes';
}

function hostsOf(ip: NetworkIpDef | undefined): DhcpHost[] {
  return (ip?.dhcp?.hosts ?? []).map(({ mac, name, ip: address, lease }) => ({
    ...(mac === undefined ? {} : { mac }),
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { ip: parseIp(address) }),
    ...(lease === undefined ? {} : { leaseSeconds: leaseSeconds(lease) }),
  }));
}

function rangesOf(ip: NetworkIpDef | undefined): AddressRange[] {
  return (ip?.dhcp?.ranges ?? []).map(({ start, end, lease }) => [
    parseIp(start),
    parseIp(end),
    ...(lease === undefined ? ([] as const) : ([leaseSeconds(lease)] as const)),
  ]);
}

function leaseSeconds({ expiry, unit }: NetworkLeaseDef): number {
  const seconds = expiry * { seconds: 1, minutes: 60, hours: 3600 }[unit];
  return seconds === 0 ? LEASE_FOREVER_SECONDS : Math.min(seconds, LEASE_FOREVER_SECONDS);
}

function namesOf({ dns, ips }: NetworkDef): Map<string, IpAddress[]> {
  const names = new Map<string, IpAddress[]>();
  const add = (name: string, address: string) => {
    const key = name.toLowerCase();
    names.set(key, [...(names.get(key) ?? []), parseIp(address)]);
  };
  for (const { ip, hostnames } of dns?.hosts ?? []) for (const name of hostnames) add(name, ip);
  for (const { dhcp } of ips) {
    for (const { name, ip } of dhcp?.hosts ?? []) if (name !== undefined && ip !== undefined) add(name, ip);
  }
  return names;
}

/** Records of texts and services; a service is one of the network's own domain where it names none, as dnsmasq has it. */
function recordsOf(def: NetworkDef): DnsRecord[] {
  const texts = def.dns?.txts ?? [];
  const services = def.dns?.srvs ?? [];
  const own = def.domain?.name;
  return [
    ...texts.map(({ name, value = '' }) => {
      const record = textRecord(name, value);
      if (record === undefined) throw refused(def, `a DNS TXT record of '${name}' of so many bytes`);
      return record;
    }),
    ...services.map(({ service, protocol, domain = own, target = '', port, priority = 0, weight = 0 }) => {
      const name = [`_${service}`, `_${protocol}`, ...(domain === undefined ? [] : [domain])].join('.');
      const record = serviceRecord(name, { target, port: port ?? (target === '' ? 0 : 1), priority, weight });
      if (record === undefined) throw refused(def, `a DNS SRV record with '${target}', which is no name`);
      return record;
    }),
  ];
}

function refuseParts(def: FilledNetworkDef): void {
  const { forward, dns } = def;
  if (forward !== undefined && forward.mode !== 'nat') {
    throw refused(
      def,
      `forward mode '${forward.mode}': it takes privileges on the host; there are 'nat', 'bridge' and none`,
    );
  }
  if (forward?.dev !== undefined) throw refused(def, `forward dev '${forward.dev}': the host's routes are taken`);
  if (dns?.enable === false) throw refused(def, '<dns enable>: the gateway always answers for names');
  const domain = dns?.forwarders.find((one) => one.domain !== undefined)?.domain;
  if (domain !== undefined) throw refused(def, `a DNS forwarder of the domain '${domain}' alone`);
  refuseExtras(def);
}

function refuseExtras(def: FilledNetworkDef): void {
  for (const { place, at } of extensibles(def, 'network')) {
    for (const name of Object.keys(at.extra?.attributes ?? {})) {
      if (!harmless[place]?.includes(name)) throw refused(def, `attribute '${name}' in '${place}'`);
    }
    for (const { name, children = [], attributes = {} } of at.extra?.elements ?? []) {
      const plainNat =
        place === 'network/forward' && name === 'nat' && children.every((one) => typeof one === 'string');
      if (!plainNat || Object.keys(attributes).some((one) => one !== 'ipv6')) {
        throw refused(def, `element '${name}' in '${place}'`);
      }
    }
  }
}

function refused({ name }: NetworkDef, what: string): Error {
  return unsupported(`network '${name}' cannot start: ${what} is not supported`);
}
