/** Network XML: read, completed, checked, written. */
import type { RandomSource } from '../../util/index.ts';
import { VirtError } from '../../util/index.ts';
import { randomMac, randomUuid } from './domain-postparse.ts';
import { unsupported } from './domain-refuse.ts';
import type { NetworkInput } from './input.ts';
import { ipv4Bits, netmaskPrefix } from './ip.ts';
import { network } from './network-codec.ts';
import type { FilledNetworkDef, NetworkDef, NetworkIpDef, NetworkLeaseDef } from './network-def.ts';
import { parseXml } from './xml.ts';
import { formatXml } from './xml-format.ts';

/** The definition in a `<network>` document. Throws XML_ERROR, CONFIG_UNSUPPORTED. */
export function parseNetwork(xml: string): NetworkDef {
  const { extra, ...def } = network.read(parseXml(xml, 'network'));
  const { connections: _live, ...attributes } = extra?.attributes ?? {};
  const kept = {
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...(extra?.elements === undefined ? {} : { elements: extra.elements }),
  };
  return Object.keys(kept).length === 0 ? def : { ...def, extra: kept };
}

/** A definition with what libvirt fills in; `bridges` are the names of bridges that are taken. */
export function fillNetworkDefaults(
  def: NetworkDef,
  context: { random: RandomSource; bridges: ReadonlySet<string> },
): FilledNetworkDef {
  // The bridge is the host's, and has whatever it has.
  if (def.forward?.mode === 'bridge') return { ...def, uuid: def.uuid ?? randomUuid(context.random) };
  const { stp = true, delay = 0 } = def.bridge ?? {};
  const name = def.bridge?.name ?? freeBridge(context.bridges);
  return {
    ...def,
    uuid: def.uuid ?? randomUuid(context.random),
    bridge: { ...def.bridge, name, stp, delay },
    mac: def.mac ?? { address: randomMac(context.random) },
  };
}

function freeBridge(taken: ReadonlySet<string>): string {
  let index = 0;
  while (taken.has(`virbr${index}`)) index++;
  return `virbr${index}`;
}

/** Throws XML_ERROR for a definition that contradicts itself, CONFIG_UNSUPPORTED for what no network of ours can be. */
export function validateNetwork(def: FilledNetworkDef): void {
  if (def.name.trim() === '') throw xmlError('missing name information');
  if (/[/\n\r]/.test(def.name)) throw xmlError(`name ${def.name} cannot contain '/' or newlines`);
  const { forward } = def;
  if (forward?.mode === 'bridge') {
    validateHostBridge(def);
  } else if (forward !== undefined && !['nat', 'route', 'open'].includes(forward.mode)) {
    const known = ['none', 'private', 'vepa', 'passthrough', 'hostdev'].includes(forward.mode);
    throw unsupported(known ? `forward mode '${forward.mode}'` : `unknown forwarding type '${forward.mode}'`);
  }
  for (const ip of def.ips) checkIp(ip, def.name);
  for (const { ip, hostnames } of def.dns?.hosts ?? []) {
    if (hostnames.length === 0)
      throw xmlError(`Missing hostname for IP '${ip}' in network '${def.name}' DNS HOST record`);
  }
}

/** What only networks have that are made here. */
function validateHostBridge({ name, bridge, mac, ips, dns, domain, forward }: FilledNetworkDef): void {
  if (bridge?.stp !== undefined || bridge?.delay !== undefined) {
    const where = `in route, nat, and isolated mode, not in bridge (network '${name}')`;
    throw xmlError(`bridge delay/stp options only allowed ${where}`);
  }
  if (bridge?.name !== undefined && forward?.dev !== undefined) {
    const what = 'can specify a bridge name or a forward dev, but not both';
    throw xmlError(`A network with forward mode='bridge' ${what} (network '${name}')`);
  }
  const parts = { mac, ip: ips[0], dns, domain };
  for (const [part, there] of Object.entries(parts)) {
    if (there !== undefined)
      throw unsupported(`Unsupported <${part}> element in network ${name} with forward mode='bridge'`);
  }
}

function xmlError(message: string): VirtError {
  return new VirtError('XML_ERROR', `XML error: ${message}`, { domain: 'NETWORK' });
}

function checkIp(ip: NetworkIpDef, name: string): void {
  const isV6 = ip.address.includes(':');
  if ((ip.family === 'ipv6') !== isV6 && ip.family !== undefined) {
    throw xmlError(`family '${ip.family}' specified for address '${ip.address}' in network '${name}'`);
  }
  if (isV6) return;
  const { netmask } = ip;
  const prefix = netmask === undefined ? ip.prefix : netmaskPrefix(netmask);
  if ((prefix ?? 0) > 32) throw xmlError(`Invalid prefix ${prefix} for IPv4 address in network '${name}'`);
  if (netmask !== undefined && (prefix === undefined || ip.prefix !== undefined)) {
    throw xmlError(`network '${name}' has an invalid netmask '${netmask}', or both netmask and prefix`);
  }
  for (const { start, end } of ip.dhcp?.ranges ?? []) checkRange(ip.address, ipPrefix(ip), start, end);
  for (const { lease } of [...(ip.dhcp?.ranges ?? []), ...(ip.dhcp?.hosts ?? [])]) checkLease(lease);
  for (const host of ip.dhcp?.hosts ?? []) {
    if (host.mac === undefined && host.name === undefined) {
      throw xmlError(`Static host definition in IPv4 network '${name}' must have mac or name attribute`);
    }
  }
}

/** Guests begin to renew at half of it: shorter ones they would hardly keep up with, and dnsmasq has none. */
function checkLease(lease: NetworkLeaseDef | undefined): void {
  if (lease === undefined || lease.expiry === 0) return;
  const { expiry, unit } = lease;
  if ((unit === 'seconds' && expiry < 120) || (unit === 'minutes' && expiry < 2)) {
    throw xmlError(`The expiry of a lease, ${expiry} ${unit}, is below the least of two minutes`);
  }
}

/** Bits of the network of an IPv4 address: as said, or by the address's class. */
export function ipPrefix({ address, netmask, prefix }: NetworkIpDef): number {
  const [first = 0] = address.split('.').map(Number);
  const byClass = first < 128 ? 8 : first < 192 ? 16 : 24;
  return (netmask === undefined ? prefix : netmaskPrefix(netmask)) ?? byClass;
}

function checkRange(address: string, prefix: number, start: string, end: string): void {
  const [low, high, own] = [ipv4Bits(start), ipv4Bits(end), ipv4Bits(address)];
  if (low === undefined || high === undefined || own === undefined || low > high) {
    throw xmlError(`Invalid range: ${start} - ${end}`);
  }
  const size = 2 ** (32 - prefix);
  if (Math.floor(low / size) !== Math.floor(own / size) || Math.floor(high / size) !== Math.floor(own / size)) {
    throw xmlError(`range ${start} - ${end} is not entirely within network ${address}/${prefix}`);
  }
}

/** The `<network>` document of a definition; `connections`: of an active one, how many interfaces are on it. */
export function formatNetwork(def: NetworkInput, connections = 0): string {
  // Lists that are absent are written as empty ones.
  const written = network.write(def as NetworkDef, 'network');
  if (connections === 0) return formatXml(written);
  return formatXml({ ...written, attributes: { connections: String(connections), ...written.attributes } });
}
