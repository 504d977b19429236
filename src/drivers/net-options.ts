import { stat } from 'node:fs/promises';
import {
  CapturedNet,
  DgramNet,
  inSubnet,
  NET_QUEUE_PAIRS_MAX,
  type NetBackend,
  NullNet,
  PasstNet,
  parseIp,
  parseMac,
  parseSubnet,
  StreamNet,
  TapNet,
  UserNet,
  type UserNetOptions,
  VirtioNet,
} from '../machine/index.ts';
import { HostClock, type Logger, type RandomSource, VirtError } from '../util/index.ts';
import { hostTimers } from './host-timers.ts';

/** A port of the host that leads to one of the guest's (QEMU: hostfwd). */
export interface ForwardOptions {
  /** Default `tcp`. */
  readonly protocol?: 'tcp' | 'udp';
  /** Where the host listens; default 127.0.0.1. */
  readonly hostAddress?: string;
  readonly hostPort: number;
  /** Default: the guest's first address. */
  readonly guestAddress?: string;
  readonly guestPort: number;
}

/**
 * A network of the guest's own without privileges: router at 10.0.2.2, name server at 10.0.2.3, the guest gets
 * 10.0.2.15, as under QEMU.
 */
export interface UserNetworkOptions {
  readonly type: 'user';
  /** IPv4 network; default `10.0.2.0/24`. */
  readonly network?: string;
  /** IPv6 network of 64 bits; default `fec0::/64`. `false`: none. */
  readonly ipv6?: string | false;
  /** First address given out. */
  readonly dhcpStart?: string;
  readonly hostname?: string;
  readonly domain?: string;
  readonly forwards?: readonly ForwardOptions[];
  /** The guest reaches nothing but this network, and `ADDRESS[/BITS][:PORT]` of this list. */
  readonly restrict?: readonly string[];
  /** Services on the host's own 127.0.0.1 answer at the router's address. Default false. */
  readonly hostLoopback?: boolean;
  /** Directory with files to fetch by TFTP, and the one to boot from. */
  readonly tftp?: string;
  readonly bootFile?: string;
}

/** What is at the other end of an interface's cable. */
export type NetworkOptions =
  | UserNetworkOptions
  /**
   * Frames in a stream, as QEMU's -netdev stream has them. `reconnect`: so many seconds after its peer has gone, and
   * again until it succeeds, a client tries to reach one.
   */
  | ({ readonly type: 'stream'; readonly server?: boolean; readonly reconnect?: number } & (
      | { readonly path: string }
      | { readonly host: string; readonly port: number }
    ))
  /** Frames in datagrams, as QEMU's -netdev dgram has them. */
  | {
      readonly type: 'dgram';
      readonly local: { readonly host: string; readonly port: number };
      readonly remote: { readonly host: string; readonly port: number };
    }
  /**
   * A tap device of the host's, on Linux. One that is there is used, which its owner may without privileges; else it is
   * made, with privileges, for as long as the machine is there. Its name may hold `%d`, for a number that is free;
   * default `tap%d`. `managed` false: it must be there, and is not set up.
   */
  | { readonly type: 'tap'; readonly name?: string; readonly managed?: boolean }
  /**
   * A tap device in a bridge of the host's: with privileges, or by QEMU's bridge helper where that is permitted to; then
   * that chooses the name.
   */
  | { readonly type: 'bridge'; readonly bridge: string; readonly name?: string }
  /** The host's program passt, with arguments for it. */
  | { readonly type: 'passt'; readonly args?: readonly string[] }
  /** Nothing. */
  | { readonly type: 'none' }
  /** A backend of the caller's, which the machine closes. */
  | { readonly backend: NetBackend };

/** A network interface. */
export type NetOptions = NetworkOptions & {
  /** `52:54:00:…`; default: one made from the machine's randomness, under QEMU's prefix. */
  readonly mac?: string;
  /** Pairs of queues, 1 to 7; default 1. */
  readonly queues?: number;
  /** Whether the cable is in; default true. */
  readonly linkUp?: boolean;
  /**
   * Largest packet that the guest's driver is told to send, 68 to 65535; default: it keeps its own, mostly 1500, on a tap
   * device that has another the device's. One that is made has it too; default: its bridge's.
   */
  readonly mtu?: number;
  /** File that all frames are written to, in pcapng. */
  readonly capture?: string;
};

/** What interfaces have of their machine. */
export interface NetContext {
  readonly random: RandomSource;
  readonly logger: Logger;
  /** Names the interface in captures. */
  readonly name: string;
}

/** Largest packet of Ethernet, in bytes. */
const ETHER_MTU = 1500;

/** First half of the addresses that QEMU's machines have. */
const MAC_PREFIX = [0x52, 0x54, 0x00] as const;

/** Opens the cable and makes the device. Throws INVALID_ARG and OPERATION_FAILED; then nothing is left open. */
export async function openNet(options: NetOptions, context: NetContext): Promise<VirtioNet> {
  const { queues = 1, linkUp = true, capture, mtu } = options;
  const mac = macOf(options.mac, context.random);
  if (mtu !== undefined && (!Number.isInteger(mtu) || mtu < 68 || mtu > 65_535)) {
    throw new VirtError('INVALID_ARG', `an MTU of ${mtu}: a network interface has 68 to 65535`);
  }
  if (!Number.isInteger(queues) || queues < 1 || queues > NET_QUEUE_PAIRS_MAX) {
    throw new VirtError('INVALID_ARG', `${queues} queues: a network interface has 1 to ${NET_QUEUE_PAIRS_MAX}`);
  }
  const cable = await openCable(options, mac, context);
  const told = mtu ?? mtuOf(cable);
  const backend = capture === undefined ? cable : await CapturedNet.open(cable, capture, context.name, new HostClock());
  return new VirtioNet(backend, { mac, pairs: queues, linkUp, ...(told === undefined ? {} : { mtu: told }) });
}

/** What a driver must know of the host's end; undefined: it is as drivers expect. */
function mtuOf(cable: NetBackend): number | undefined {
  return cable instanceof TapNet && cable.mtu !== ETHER_MTU ? cable.mtu : undefined;
}

function macOf(text: string | undefined, random: RandomSource): Uint8Array {
  if (text === undefined) {
    const made = new Uint8Array(6);
    random.fill(made);
    made.set(MAC_PREFIX);
    return made;
  }
  const mac = parseMac(text);
  // Drivers take neither a group's address nor one of all zeros.
  if (mac?.some((byte) => byte !== 0) && ((mac[0] as number) & 1) === 0) return mac;
  throw new VirtError('INVALID_ARG', `'${text}' is no address of a network interface: write it like 52:54:00:12:34:56`);
}

function openCable(
  options: NetOptions,
  mac: Uint8Array,
  { random, logger }: NetContext,
): Promise<NetBackend> | NetBackend {
  if ('backend' in options) return options.backend;
  switch (options.type) {
    case 'none':
      return new NullNet();
    case 'stream': {
      const { server = false, reconnect } = options;
      const address = 'path' in options ? { path: options.path } : { host: options.host, port: options.port };
      if (reconnect === undefined) return StreamNet.open({ address, server });
      if (!(reconnect > 0)) throw new VirtError('INVALID_ARG', `reconnect ${reconnect} is no time in seconds`);
      return StreamNet.open({ address, server, reconnect: { everyNs: reconnect * 1e9, timers: hostTimers } });
    }
    case 'dgram':
      return DgramNet.open(options);
    case 'tap':
    case 'bridge': {
      const { type: _type, queues: _queues, linkUp: _linkUp, capture: _capture, ...tap } = options;
      return TapNet.open({ ...tap, mac }, logger);
    }
    case 'passt':
      return PasstNet.open(options.args ?? [], hostTimers, (detail) => logger.log('error', `passt: ${detail}`));
    case 'user':
      return openUser(options, random, logger);
  }
}

async function openUser(options: UserNetworkOptions, random: RandomSource, logger: Logger): Promise<NetBackend> {
  const host = { clock: new HostClock(), timers: hostTimers, random, logger };
  await checkTftp(options.tftp);
  const net = await UserNet.open(userNetOptions(options), host);
  return net.backend();
}

/** Throws INVALID_ARG where a guest would look for its files in vain. */
async function checkTftp(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) return;
  throw new VirtError(
    'INVALID_ARG',
    `tftp=${path}: ${there === undefined ? 'there is no such' : 'it is no'} directory`,
  );
}

/** A user network from its options in text. Throws INVALID_ARG. */
export function userNetOptions(options: UserNetworkOptions): UserNetOptions {
  const { network, ipv6, dhcpStart, hostname, domain, forwards = [], restrict, tftp, bootFile } = options;
  const ipv4 = network === undefined ? undefined : checked(network, parseSubnet);
  if (ipv4 !== undefined && (ipv4.address.length !== 4 || ipv4.bits < 8 || ipv4.bits > 27)) {
    throw new VirtError('INVALID_ARG', `network ${network}: it must be one of IPv4, of 8 to 27 bits`);
  }
  const prefix = typeof ipv6 === 'string' ? checked(ipv6, parseSubnet) : ipv6;
  if (prefix !== undefined && prefix !== false && (prefix.address.length !== 16 || prefix.bits !== 64)) {
    throw new VirtError('INVALID_ARG', `network ${ipv6}: it must be one of IPv6, of 64 bits`);
  }
  return {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(prefix === undefined ? {} : { ipv6: prefix }),
    ...(dhcpStart === undefined ? {} : { range: rangeFrom(dhcpStart, ipv4 ?? parseSubnet('10.0.2.0/24')) }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(domain === undefined ? {} : { domain }),
    ...(tftp === undefined ? {} : { tftp }),
    ...(bootFile === undefined ? {} : { bootFile }),
    ...(restrict === undefined ? {} : { restrict: restrict.map(allowRule) }),
    hostLoopback: options.hostLoopback ?? false,
    forwards: forwards.map(({ protocol = 'tcp', guestAddress, ...forward }) => ({
      ...forward,
      protocol,
      ...(guestAddress === undefined ? {} : { guestAddress: checked(guestAddress, parseIp) }),
    })),
  };
}

/** Sixteen addresses, or as many as the network has. */
function rangeFrom(start: string, network: ReturnType<typeof parseSubnet>): [Uint8Array, Uint8Array] {
  const first = checked(start, parseIp);
  if (!inSubnet(first, network)) throw new VirtError('INVALID_ARG', `${start} is not in the network`);
  const last = first.slice();
  last[3] = Math.min((first[3] as number) + 15, 254);
  return [first, last];
}

/** `ADDRESS[/BITS][:PORT]`, an IPv6 address with a port in brackets. */
function allowRule(text: string): { subnet: ReturnType<typeof parseSubnet>; port?: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)|([0-9a-f:./]+))(?::(\d+))?$/i.exec(text);
  const subnet = checked(match?.[1] ?? match?.[2] ?? match?.[3] ?? text, parseSubnet);
  const port = match?.[4];
  return { subnet, ...(port === undefined ? {} : { port: Number(port) }) };
}

function checked<T>(text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (cause) {
    throw new VirtError('INVALID_ARG', (cause as Error).message, { cause });
  }
}
