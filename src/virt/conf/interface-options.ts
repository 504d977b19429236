/** An `<interface>` as what a machine is made with. */
import type { ForwardOptions, NetOptions, UserNetworkOptions } from '../../drivers/index.ts';
import { NET_QUEUE_PAIRS_MAX } from '../../machine/index.ts';
import type { InterfaceDef, PortForwardDef } from './device-def.ts';
import { unsupported } from './domain-refuse.ts';
import type { PlanContext } from './to-options.ts';

/** Most ports that one interface forwards: each is a socket of the host. */
const FORWARDS_MAX = 1024;

/**
 * The interface of a definition that has its defaults. Throws CONFIG_UNSUPPORTED for what there can be no such interface
 * of, and what `networkCable` throws.
 */
export function interfaceOptions(def: InterfaceDef, context: PlanContext): NetOptions {
  const { mac, model, driver, link, mtu } = def;
  const where = `interface '${mac?.address ?? def.type}'`;
  if (model !== undefined && model.type !== 'virtio') {
    throw unsupported(`${where}: model '${model.type}' is not supported, 'virtio' is`);
  }
  const queues = driver?.queues ?? 1;
  if (queues > NET_QUEUE_PAIRS_MAX) {
    throw unsupported(`${where}: ${queues} queues, there can be ${NET_QUEUE_PAIRS_MAX}`);
  }
  if (driver?.name === 'vhost') throw unsupported(`${where}: driver 'vhost' is not supported`);
  if (mtu !== undefined && (mtu.size < 68 || mtu.size > 65_535)) throw unsupported(`${where}: mtu ${mtu.size}`);
  checkParts(def, where);
  return {
    ...cableOptions(def, where, context),
    ...(mac === undefined ? {} : { mac: mac.address }),
    ...(queues === 1 ? {} : { queues }),
    ...(link?.state === 'down' ? { linkUp: false } : {}),
    ...(mtu === undefined ? {} : { mtu: mtu.size }),
  };
}

/** What only some types have. */
function checkParts({ type, ips, portForwards, backend }: InterfaceDef, where: string): void {
  if (type !== 'user') {
    const extra = ips.length > 0 ? 'ip' : portForwards.length > 0 ? 'portForward' : undefined;
    if (extra !== undefined) throw unsupported(`${where}: element '${extra}' with type '${type}'`);
    if (backend?.type !== undefined) throw unsupported(`${where}: backend '${backend.type}' with type '${type}'`);
  }
}

function cableOptions(def: InterfaceDef, where: string, { networkCable }: PlanContext): NetOptions {
  const { type, source = {}, backend, target } = def;
  const name = target?.dev === undefined ? {} : { name: target.dev };
  const host = source.address ?? '127.0.0.1';
  switch (type) {
    case 'user':
      if (backend?.type === undefined) return userOptions(def, where);
      if (backend.type === 'passt') return { type: 'passt', args: passtArguments(def) };
      throw unsupported(`${where}: backend '${backend.type}' is not supported, 'passt' is`);
    case 'network':
      if (source.portgroup !== undefined)
        throw unsupported(`${where}: portgroup '${source.portgroup}' is not supported`);
      if (networkCable === undefined) throw unsupported(`${where}: type 'network' is not supported`);
      return onHost(networkCable(source.network ?? ''), name);
    case 'bridge':
      if (source.bridge === undefined) throw unsupported(`${where}: its source has no bridge`);
      return { type: 'bridge', bridge: source.bridge, ...name };
    case 'ethernet':
      if (target?.managed !== false) return { type: 'tap', ...name };
      if (target.dev === undefined) throw unsupported(`${where}: a target that is not managed has no dev`);
      return { type: 'tap', name: target.dev, managed: false };
    case 'server':
    case 'client':
      return { type: 'stream', host, port: portOf(source.port, where), ...(type === 'server' ? { server: true } : {}) };
    case 'udp': {
      const { local } = source;
      if (local === undefined) throw unsupported(`${where}: type 'udp' without a <local> end in its source`);
      return {
        type: 'dgram',
        local: { host: local.address, port: local.port },
        remote: { host, port: portOf(source.port, where) },
      };
    }
    case 'null':
      return { type: 'none' };
    default:
      throw unsupported(`${where}: type '${type}' is not supported`);
  }
}

/** A cable to a network, with the name of the host's end where that has one. */
function onHost(cable: NetOptions, name: { name?: string }): NetOptions {
  return 'type' in cable && cable.type === 'bridge' ? { ...cable, ...name } : cable;
}

function portOf(port: number | undefined, where: string): number {
  if (port !== undefined) return port;
  throw unsupported(`${where}: its source has no port`);
}

function userOptions({ ips, source, portForwards }: InterfaceDef, where: string): UserNetworkOptions {
  if (source?.dev !== undefined) throw unsupported(`${where}: <source dev> without the backend 'passt'`);
  const [ip, second] = ips.filter(({ address }) => !address.includes(':'));
  const [ip6, second6] = ips.filter(({ address }) => address.includes(':'));
  if (second !== undefined || second6 !== undefined) throw unsupported(`${where}: several addresses of a family`);
  if (ip6 !== undefined && (ip6.prefix ?? 64) !== 64)
    throw unsupported(`${where}: an IPv6 prefix that is not of 64 bits`);
  const forwards = portForwards.flatMap((one) => forwardsOf(one, where));
  if (forwards.length > FORWARDS_MAX) throw unsupported(`${where}: more than ${FORWARDS_MAX} forwarded ports`);
  return {
    type: 'user',
    ...(ip === undefined ? {} : { network: `${ip.address}/${ip.prefix ?? 24}`, dhcpStart: ip.address }),
    ...(ip6 === undefined ? {} : { ipv6: `${ip6.address}/64` }),
    ...(forwards.length === 0 ? {} : { forwards }),
  };
}

/** Ports one by one; those of ranges that are excluded are left out. */
function forwardsOf({ proto, address = '0.0.0.0', dev, ranges }: PortForwardDef, where: string): ForwardOptions[] {
  if (dev !== undefined) throw unsupported(`${where}: <portForward dev> without the backend 'passt'`);
  const all = ranges.filter(({ exclude }) => exclude !== true);
  const excluded = ranges.filter(({ exclude }) => exclude === true);
  if (all.length === 0) throw unsupported(`${where}: a <portForward> of all ports without the backend 'passt'`);
  const forwards: ForwardOptions[] = [];
  for (const { start, end = start, to = start } of all) {
    if (end < start || to + end - start > 65_535)
      throw unsupported(`${where}: no range of ports from ${start} to ${end}`);
    if (end - start >= FORWARDS_MAX) throw unsupported(`${where}: more than ${FORWARDS_MAX} forwarded ports`);
    for (let port = start; port <= end; port++) {
      if (excluded.some((one) => port >= one.start && port <= (one.end ?? one.start))) continue;
      forwards.push({ protocol: proto, hostAddress: address, hostPort: port, guestPort: to + port - start });
    }
  }
  return forwards;
}

/** As libvirt starts passt. */
function passtArguments({ source, ips, portForwards, backend }: InterfaceDef): string[] {
  const args: string[] = [];
  if (backend?.logFile !== undefined) args.push('--log-file', backend.logFile);
  if (source?.dev !== undefined) args.push('--interface', source.dev);
  for (const { address, prefix } of ips) {
    args.push('--address', address);
    if (prefix !== undefined) args.push('--netmask', String(prefix));
  }
  for (const { proto, address, dev, ranges } of portForwards) {
    const at = `${address ?? ''}${dev === undefined ? '' : `%${dev}`}`;
    const ports = ranges.map(({ start, end, to, exclude }) => {
      const span = end === undefined ? `${start}` : `${start}-${end}`;
      const target = to === undefined ? '' : `:${to}${end === undefined ? '' : `-${to + end - start}`}`;
      return `${exclude === true ? '~' : ''}${span}${target}`;
    });
    args.push(`--${proto}-ports`, `${at === '' ? '' : `${at}/`}${ports.length === 0 ? 'all' : ports.join(',')}`);
  }
  return args;
}
