/** A virtual network as plain data. */
import type { Extensible, XmlElement } from './xml-node.ts';

/** `<network>`. */
export interface NetworkDef extends Extensible {
  name: string;
  uuid?: string;
  title?: string;
  description?: string;
  metadata?: XmlElement[];
  /** Absent: guests reach each other and the host only. */
  forward?: { mode: string; dev?: string } & Extensible;
  bridge?: { name?: string; stp?: boolean; delay?: number } & Extensible;
  mtu?: { size: number } & Extensible;
  mac?: { address: string } & Extensible;
  domain?: { name: string; localOnly?: boolean } & Extensible;
  dns?: NetworkDnsDef;
  ips: NetworkIpDef[];
}

/** A definition with what `fillNetworkDefaults` fills in. */
export type FilledNetworkDef = NetworkDef & Required<Pick<NetworkDef, 'uuid'>>;

/** `<ip>`. */
export interface NetworkIpDef extends Extensible {
  family?: 'ipv4' | 'ipv6';
  address: string;
  netmask?: string;
  prefix?: number;
  /** Directory of files that guests may fetch. */
  tftp?: { root: string } & Extensible;
  dhcp?: NetworkDhcpDef;
}

/** `<dhcp>`. */
export interface NetworkDhcpDef extends Extensible {
  ranges: ({ start: string; end: string; lease?: NetworkLeaseDef } & Extensible)[];
  hosts: NetworkDhcpHostDef[];
  /** What guests boot from. */
  bootp?: { file: string; server?: string } & Extensible;
}

/** `<host>` of `<dhcp>`: the address of one guest. */
export interface NetworkDhcpHostDef extends Extensible {
  mac?: string;
  id?: string;
  name?: string;
  ip?: string;
  lease?: NetworkLeaseDef;
}

/** `<lease>`: how long an address is given for; an expiry of 0: for ever. */
export interface NetworkLeaseDef extends Extensible {
  expiry: number;
  unit: 'seconds' | 'minutes' | 'hours';
}

/** `<dns>`. */
export interface NetworkDnsDef extends Extensible {
  enable?: boolean;
  forwarders: ({ addr?: string; domain?: string } & Extensible)[];
  txts: NetworkDnsTxtDef[];
  srvs: NetworkDnsSrvDef[];
  hosts: NetworkDnsHostDef[];
}

/** `<txt>` of `<dns>`. */
export interface NetworkDnsTxtDef extends Extensible {
  name: string;
  value?: string;
}

/** `<srv>` of `<dns>`: where a service is. */
export interface NetworkDnsSrvDef extends Extensible {
  service: string;
  protocol: string;
  domain?: string;
  target?: string;
  port?: number;
  priority?: number;
  weight?: number;
}

/** `<host>` of `<dns>`: names of an address. */
export interface NetworkDnsHostDef extends Extensible {
  ip: string;
  hostnames: string[];
}
