import type { Clock } from '../../../util/index.ts';
import { formatIp, hostOf, type IpAddress, sameIp } from '../address.ts';
import { setU16, setU32, u32 } from '../checksum.ts';
import { formatMac } from '../ether.ts';
import { DhcpOption, type DhcpReply, type DhcpRequest, DhcpType, formatDhcp } from './dhcp-message.ts';
import type { UserAddresses } from './policy.ts';

/** Default time that a lease holds, in seconds: QEMU's. */
const LEASE_SECONDS = 86_400;

/** A host whose address is fixed. */
export interface DhcpHost {
  /** With colons. */
  readonly mac?: string;
  readonly name?: string;
  readonly ip?: IpAddress;
  /** How long its lease holds, if not as long as others. */
  readonly leaseSeconds?: number;
}

/** First and last of some addresses of IPv4, and how long leases of them hold, if not as long as others. */
export type AddressRange = readonly [first: IpAddress, last: IpAddress, leaseSeconds?: number];

/** The time of a lease that does not end (RFC 2131, 3.3). */
export const LEASE_FOREVER_SECONDS = 0xffff_ffff;

/** What the server gives out; it looks at its lists anew each time, so their owner may change them. */
export interface DhcpOptions {
  readonly addresses: UserAddresses;
  /** What may be leased; none: hosts with an address of their own get that, others nothing. */
  readonly ranges: readonly AddressRange[];
  readonly hosts: readonly DhcpHost[];
  readonly domain?: string;
  /** Name given to every guest that has none of its own. */
  readonly hostname?: string;
  readonly mtu: number;
  readonly bootFile?: string;
  /** Where boot files are, if not at the router. */
  readonly nextServer?: IpAddress;
  readonly leaseSeconds?: number;
  /** Guests are told of a router, not only of a name server. */
  readonly routed: boolean;
  /** What had been given out before. */
  readonly leases?: readonly Lease[];
  /** Told when a lease is given, renewed or given back. */
  readonly onLease?: () => void;
}

/** An address that a guest has. */
export interface Lease {
  readonly mac: string;
  readonly ip: IpAddress;
  readonly hostname?: string;
  /** Hexadecimal. */
  readonly clientId?: string;
  /** Wall-clock time in nanoseconds since 1970. */
  readonly expiryNs: bigint;
}

/** A DHCP server over one range of addresses. */
export class DhcpServer {
  readonly #options: DhcpOptions;
  readonly #clock: Clock;
  /** By MAC. */
  readonly #leases = new Map<string, Lease>();
  /** Addresses that a guest found to be in use. */
  readonly #declined = new Set<string>();

  constructor(options: DhcpOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    for (const lease of options.leases ?? []) this.#leases.set(lease.mac, lease);
  }

  /** What has been given out and holds. */
  leases(): Lease[] {
    const now = this.#clock.wallNs();
    return [...this.#leases.values()].filter(({ expiryNs }) => expiryNs > now);
  }

  /** The answer to a request; undefined: none is due. */
  answer(request: DhcpRequest): Uint8Array | undefined {
    const { type, options } = request;
    const server = options.get(DhcpOption.SERVER_ID);
    const { router } = this.#options.addresses;
    if (server !== undefined && !sameIp(server, router)) return undefined;
    if (type === undefined) return this.#reply(request, this.#lease(request), undefined);
    if (type === DhcpType.DISCOVER) return this.#reply(request, this.#choose(request), DhcpType.OFFER);
    if (type === DhcpType.REQUEST) return this.#request(request);
    if (type === DhcpType.INFORM) return this.#reply(request, new Uint8Array(4), DhcpType.ACK);
    if (type === DhcpType.RELEASE) this.#giveBack(formatMac(request.mac));
    if (type === DhcpType.DECLINE) this.#decline(request);
    return undefined;
  }

  #request(request: DhcpRequest): Uint8Array | undefined {
    const wanted = request.options.get(DhcpOption.REQUESTED_IP) ?? request.clientIp;
    const ip = this.#choose(request);
    if (ip === undefined || !sameIp(ip, wanted)) return this.#reply(request, new Uint8Array(4), DhcpType.NAK);
    return this.#reply(request, this.#lease(request), DhcpType.ACK);
  }

  #giveBack(mac: string): void {
    if (this.#leases.delete(mac)) this.#options.onLease?.();
  }

  #decline({ mac, options }: DhcpRequest): void {
    this.#giveBack(formatMac(mac));
    const ip = options.get(DhcpOption.REQUESTED_IP);
    const size = this.#options.ranges.reduce((sum, range) => sum + sizeOf(range), 0);
    if (ip !== undefined && ip.length === 4 && this.#declined.size < size / 2) this.#declined.add(formatIp(ip));
  }

  /** Notes that the guest has its address from now on. */
  #lease(request: DhcpRequest): IpAddress | undefined {
    const ip = this.#choose(request);
    if (ip === undefined) return undefined;
    const mac = formatMac(request.mac);
    const name = hostName(request.options.get(DhcpOption.HOST_NAME)) ?? this.#host(mac)?.name;
    const clientId = request.options.get(DhcpOption.CLIENT_ID);
    const seconds = this.#leaseSeconds(mac, ip);
    this.#leases.set(mac, {
      mac,
      ip,
      ...(name === undefined ? {} : { hostname: name }),
      ...(clientId === undefined ? {} : { clientId: Buffer.from(clientId).toString('hex') }),
      expiryNs: this.#clock.wallNs() + BigInt(seconds) * 1_000_000_000n,
    });
    this.#options.onLease?.();
    return ip;
  }

  /** The address for a guest: the one fixed for it, the one it has, or one that is free, the first or the oldest. */
  #choose({ mac: address }: DhcpRequest): IpAddress | undefined {
    const mac = formatMac(address);
    const fixed = this.#host(mac)?.ip;
    if (fixed !== undefined) return fixed;
    const own = this.#leases.get(mac);
    if (own !== undefined) return own.ip;
    const held = new Map([...this.#leases.values()].map((lease) => [formatIp(lease.ip), lease]));
    const kept = new Set(this.#options.hosts.flatMap(({ ip }) => (ip === undefined ? [] : [formatIp(ip)])));
    const now = this.#clock.wallNs();
    for (const ip of addressesOf(this.#options.ranges)) {
      const text = formatIp(ip);
      const lease = held.get(text);
      if (kept.has(text) || this.#declined.has(text) || (lease !== undefined && lease.expiryNs > now)) continue;
      if (lease !== undefined) this.#leases.delete(lease.mac);
      return ip;
    }
    return undefined;
  }

  #host(mac: string): DhcpHost | undefined {
    return this.#options.hosts.find((host) => host.mac?.toLowerCase() === mac);
  }

  /** How long a guest may have an address. */
  #leaseSeconds(mac: string, ip: IpAddress): number {
    const { ranges, leaseSeconds = LEASE_SECONDS } = this.#options;
    const at = u32(ip, 0);
    const range = ranges.find(([first, last]) => at >= u32(first, 0) && at <= u32(last, 0));
    return this.#host(mac)?.leaseSeconds ?? range?.[2] ?? leaseSeconds;
  }

  #reply(request: DhcpRequest, ip: IpAddress | undefined, type: number | undefined): Uint8Array | undefined {
    if (ip === undefined) return undefined;
    const { addresses, bootFile, nextServer } = this.#options;
    const reply: DhcpReply = {
      request,
      yourIp: ip,
      serverIp: nextServer ?? addresses.router,
      ...(bootFile === undefined ? {} : { bootFile }),
      options: this.#replyOptions(request, ip, type),
    };
    return formatDhcp(reply);
  }

  #replyOptions(request: DhcpRequest, ip: IpAddress, type: number | undefined): (readonly [number, Uint8Array])[] {
    const { addresses, domain, mtu, routed } = this.#options;
    const { router, dns, network } = addresses;
    const head = type === undefined ? [] : [[DhcpOption.MESSAGE_TYPE, Uint8Array.of(type)] as const];
    const identity = [DhcpOption.SERVER_ID, router] as const;
    if (type === DhcpType.NAK) return [...head, identity];
    const all = hostOf(network, 2 ** (32 - network.bits) - 1);
    const mask = new Uint8Array(4);
    setU32(mask, 0, network.bits === 0 ? 0 : (~0 << (32 - network.bits)) >>> 0);
    const number = (value: number, size: 2 | 4) => {
      const bytes = new Uint8Array(size);
      if (size === 2) setU16(bytes, 0, value);
      else setU32(bytes, 0, value);
      return bytes;
    };
    const text = (value: string) => new TextEncoder().encode(value);
    const mac = formatMac(request.mac);
    const name = this.#host(mac)?.name ?? this.#options.hostname;
    return [
      ...head,
      identity,
      [DhcpOption.SUBNET_MASK, mask],
      ...(routed ? ([[DhcpOption.ROUTER, router]] as const) : []),
      [DhcpOption.DNS, dns],
      [DhcpOption.BROADCAST, all],
      [DhcpOption.MTU, number(mtu, 2)],
      ...(type === DhcpType.INFORM ? [] : ([[DhcpOption.LEASE_TIME, number(this.#leaseSeconds(mac, ip), 4)]] as const)),
      ...(name === undefined ? [] : ([[DhcpOption.HOST_NAME, text(name)]] as const)),
      ...(domain === undefined ? [] : ([[DhcpOption.DOMAIN_NAME, text(domain)]] as const)),
      ...(this.#options.bootFile === undefined
        ? []
        : ([[DhcpOption.BOOT_FILE, text(this.#options.bootFile)]] as const)),
    ];
  }
}

/** A guest may have as many addresses as it likes to make up: so many leases are kept of a range, no more. */
function sizeOf([first, last]: AddressRange): number {
  return Math.min(u32(last, 0) - u32(first, 0) + 1, 4096);
}

function* addressesOf(ranges: readonly AddressRange[]): Generator<IpAddress> {
  for (const range of ranges) {
    for (let n = 0; n < sizeOf(range); n++) yield hostOf({ address: range[0], bits: 32 }, n);
  }
}

/** A name that a guest gave itself, if it is one that can be shown and looked up. */
function hostName(bytes: Uint8Array | undefined): string | undefined {
  const name = bytes === undefined ? '' : Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name) ? name : undefined;
}
