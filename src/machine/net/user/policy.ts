import { formatIp, hostOf, type IpAddress, inSubnet, parseSubnet, type Subnet, sameIp } from '../address.ts';

/** What a guest may reach, beside the network's own services. */
export interface AllowRule {
  readonly subnet: Subnet;
  /** Absent: all. */
  readonly port?: number;
}

/** Addresses of a user network. */
export interface UserAddresses {
  readonly network: Subnet;
  readonly router: IpAddress;
  readonly dns: IpAddress;
}

/** How a user network treats what guests ask for. */
export interface PolicyOptions {
  readonly ipv4: UserAddresses;
  readonly ipv6?: UserAddresses;
  /** The router's address stands for the host's own loopback. */
  readonly hostLoopback: boolean;
  /** Whose packets may leave at all; default both. */
  readonly routes?: { readonly ipv4: boolean; readonly ipv6: boolean };
  /** Present: nothing else may be reached. */
  readonly allow?: readonly AllowRule[];
}

/**
 * What is never a destination: the host itself under any of its names for itself, what is for one link only, groups,
 * and IPv4 in disguise (RFC 6890).
 */
const NEVER = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
].map(parseSubnet);

/** Decides where on the host's side a guest's packet goes, if anywhere. */
export class Policy {
  readonly #options: PolicyOptions;

  constructor(options: PolicyOptions) {
    this.#options = options;
  }

  /** Where to connect for a destination that a guest named; undefined: it may not. */
  destination(address: IpAddress, port: number): string | undefined {
    const { hostLoopback, allow, routes } = this.#options;
    const [own, routed] =
      address.length === 4 ? [this.#options.ipv4, routes?.ipv4] : [this.#options.ipv6, routes?.ipv6];
    if (own === undefined || routed === false) return undefined;
    if (allow !== undefined && !allow.some((rule) => allows(rule, address, port))) return undefined;
    if (sameIp(address, own.router)) {
      if (!hostLoopback) return undefined;
      return address.length === 4 ? '127.0.0.1' : '::1';
    }
    if (inSubnet(address, own.network) || NEVER.some((subnet) => inSubnet(address, subnet))) return undefined;
    return formatIp(address);
  }

  /** Whether names may be asked for. A name can carry a message anywhere, so a restricted guest may not by itself. */
  allowsDns(address: IpAddress): boolean {
    const { allow } = this.#options;
    return allow === undefined || allow.some((rule) => allows(rule, address, 53));
  }
}

function allows({ subnet, port }: AllowRule, address: IpAddress, wanted: number): boolean {
  return inSubnet(address, subnet) && (port === undefined || port === wanted);
}

/** QEMU's addresses in a network: the router its second, the name server its third. */
export function usualAddresses(network: Subnet): UserAddresses {
  return { network, router: hostOf(network, 2), dns: hostOf(network, 3) };
}
