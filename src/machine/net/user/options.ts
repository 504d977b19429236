import type { Clock, Logger, RandomSource } from '../../../util/index.ts';
import type { Timers } from '../../bus/timers.ts';
import { hostOf, type IpAddress, parseIp, parseSubnet, type Subnet } from '../address.ts';
import type { AddressRange, DhcpHost, Lease } from './dhcp.ts';
import type { DnsServer } from './dns.ts';
import type { DnsRecord } from './dns-records.ts';
import type { PortForward } from './forward.ts';
import { type AllowRule, type UserAddresses, usualAddresses } from './policy.ts';

/** A user network: plain data, everything with a default. */
export interface UserNetOptions {
  /** Default 10.0.2.0/24. */
  readonly ipv4?: Subnet;
  /** Default fec0::/64; false: no IPv6. Its length is 64, as guests make addresses of their own in it. */
  readonly ipv6?: Subnet | false;
  /** Default: the second address of the network. */
  readonly router?: IpAddress;
  /** Default: the third address of the network; the router's own does too. */
  readonly dns?: IpAddress;
  /** The same for IPv6; the router's is also the name server's then. Default: the second and the third. */
  readonly router6?: IpAddress;
  /** First and last address given out; default: the 15th to the 31st. `false`: no DHCP. */
  readonly range?: AddressRange | false;
  /** In place of `range`: several, or none for guests with an address of their own only. */
  readonly ranges?: readonly AddressRange[];
  /** Leases of the network before it was made anew; told through `onLease` when they change. */
  readonly leases?: readonly Lease[];
  readonly onLease?: () => void;
  /** Default a day. */
  readonly leaseSeconds?: number;
  /**
   * Whose packets may leave the network; default both. Without any the name server knows the network's own names and
   * asks nobody.
   */
  readonly routes?: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly hosts?: readonly DhcpHost[];
  /** Name of the guest, if it asks. */
  readonly hostname?: string;
  readonly domain?: string;
  /** The name server asks nobody for names of `domain`. */
  readonly localDomain?: boolean;
  /** Names that the network's DNS knows. */
  readonly names?: ReadonlyMap<string, readonly IpAddress[]>;
  /** What else it knows of names; its owner may change the list. */
  readonly records?: readonly DnsRecord[];
  readonly forwards?: readonly PortForward[];
  /** Nothing but the network itself and what is listed may be reached. */
  readonly restrict?: readonly AllowRule[];
  /** The router's address leads to services on the host's own 127.0.0.1. Default false. */
  readonly hostLoopback?: boolean;
  /** Directory whose files guests may fetch by TFTP. */
  readonly tftp?: string;
  /** Name of the file to boot from. */
  readonly bootFile?: string;
  /** Where that is; default: at the router. */
  readonly nextServer?: IpAddress;
  /** The router's own address on the wire. */
  readonly mac?: Uint8Array;
  /** Largest IP packet; default 1500. */
  readonly mtu?: number;
  /** Default: the host's. */
  readonly dnsServers?: readonly DnsServer[];
}

/** What a user network needs of its host. */
export interface UserNetHost {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly logger: Logger;
}

/** The addresses of a network, its defaults filled in. */
export interface FilledAddresses {
  readonly ipv4: UserAddresses;
  readonly ipv6?: UserAddresses;
  /** Absent: no DHCP. */
  readonly ranges?: readonly AddressRange[];
}

/** The router's address within every link. */
export const LINK_LOCAL_ROUTER = parseIp('fe80::2');

/** Fills in the defaults: QEMU's. */
export function fillAddresses(options: UserNetOptions): FilledAddresses {
  const { ipv4, ipv6, router, router6, dns, range, ranges } = options;
  const usual = usualAddresses(ipv4 ?? parseSubnet('10.0.2.0/24'));
  const filled = { ...usual, ...(router === undefined ? {} : { router }), ...(dns === undefined ? {} : { dns }) };
  return {
    ipv4: filled,
    ...(ipv6 === false ? {} : { ipv6: { ...usual6(ipv6), ...(router6 && { router: router6, dns: router6 }) } }),
    ...(ranges === undefined && range === false
      ? {}
      : { ranges: ranges ?? [range || [hostOf(usual.network, 15), hostOf(usual.network, 31)]] }),
  };
}

function usual6(network: Subnet | undefined): UserAddresses {
  return usualAddresses(network ?? parseSubnet('fec0::/64'));
}
