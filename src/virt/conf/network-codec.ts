/** `<network>`: every element of it that has a field, in the order in which libvirt writes them. */
import { attr, attrOr, type Codec, child, element, leaf, list, textChild } from './codec.ts';
import { ipAddress } from './ip.ts';
import { metadataField } from './metadata.ts';
import type {
  NetworkDef,
  NetworkDhcpDef,
  NetworkDhcpHostDef,
  NetworkDnsDef,
  NetworkDnsHostDef,
  NetworkDnsSrvDef,
  NetworkDnsTxtDef,
  NetworkIpDef,
  NetworkLeaseDef,
} from './network-def.ts';
import { int, mac, nonEmpty, oneOf, onOff, str, uint, uuid, yesNo } from './scalar.ts';

const lease: Codec<NetworkLeaseDef> = element<NetworkLeaseDef>({
  expiry: attr('expiry', uint, 'required'),
  unit: attrOr('unit', oneOf('seconds', 'minutes', 'hours'), 'minutes'),
});

/** A range of addresses that DHCP gives out. */
export const dhcpRange = element<NetworkDhcpDef['ranges'][number]>({
  start: attr('start', ipAddress, 'required'),
  end: attr('end', ipAddress, 'required'),
  lease: child('lease', lease),
});

/** A guest's address by DHCP. */
export const dhcpHost: Codec<NetworkDhcpHostDef> = element<NetworkDhcpHostDef>({
  mac: attr('mac', mac),
  id: attr('id', nonEmpty),
  name: attr('name', nonEmpty),
  ip: attr('ip', ipAddress),
  lease: child('lease', lease),
});

/** A text of a name. */
export const dnsTxt: Codec<NetworkDnsTxtDef> = element<NetworkDnsTxtDef>({
  name: attr('name', nonEmpty, 'required'),
  value: attr('value', str),
});

/** Where a service is. */
export const dnsSrv: Codec<NetworkDnsSrvDef> = element<NetworkDnsSrvDef>({
  service: attr('service', nonEmpty, 'required'),
  protocol: attr('protocol', nonEmpty, 'required'),
  domain: attr('domain', nonEmpty),
  target: attr('target', nonEmpty),
  port: attr('port', int(1, 65535)),
  priority: attr('priority', int(0, 65535)),
  weight: attr('weight', int(0, 65535)),
});

/** Names of an address. */
export const dnsHost: Codec<NetworkDnsHostDef> = element<NetworkDnsHostDef>({
  ip: attr('ip', ipAddress, 'required'),
  hostnames: list('hostname', leaf(nonEmpty)),
});

const ip: Codec<NetworkIpDef> = element<NetworkIpDef>({
  family: attr('family', oneOf('ipv4', 'ipv6')),
  address: attr('address', ipAddress, 'required'),
  netmask: attr('netmask', ipAddress),
  prefix: attr('prefix', int(0, 128)),
  tftp: child('tftp', element<NonNullable<NetworkIpDef['tftp']>>({ root: attr('root', nonEmpty, 'required') })),
  dhcp: child(
    'dhcp',
    element<NetworkDhcpDef>({
      ranges: list('range', dhcpRange),
      hosts: list('host', dhcpHost),
      bootp: child(
        'bootp',
        element<NonNullable<NetworkDhcpDef['bootp']>>({
          file: attr('file', nonEmpty, 'required'),
          server: attr('server', ipAddress),
        }),
      ),
    }),
  ),
});

const dns: Codec<NetworkDnsDef> = element<NetworkDnsDef>({
  enable: attr('enable', yesNo),
  forwarders: list(
    'forwarder',
    element<NetworkDnsDef['forwarders'][number]>({ domain: attr('domain', nonEmpty), addr: attr('addr', ipAddress) }),
  ),
  txts: list('txt', dnsTxt),
  srvs: list('srv', dnsSrv),
  hosts: list('host', dnsHost),
});

/** The whole of it. */
export const network: Codec<NetworkDef> = element<NetworkDef>({
  name: textChild('name', str, 'required'),
  uuid: textChild('uuid', uuid),
  title: textChild('title', str),
  description: textChild('description', str),
  metadata: metadataField,
  forward: child(
    'forward',
    element<NonNullable<NetworkDef['forward']>>({ dev: attr('dev', nonEmpty), mode: attrOr('mode', nonEmpty, 'nat') }),
  ),
  bridge: child(
    'bridge',
    element<NonNullable<NetworkDef['bridge']>>({
      name: attr('name', nonEmpty),
      stp: attr('stp', onOff),
      delay: attr('delay', uint),
    }),
  ),
  mtu: child('mtu', element<NonNullable<NetworkDef['mtu']>>({ size: attr('size', int(68, 65535), 'required') })),
  mac: child('mac', element<NonNullable<NetworkDef['mac']>>({ address: attr('address', mac, 'required') })),
  domain: child(
    'domain',
    element<NonNullable<NetworkDef['domain']>>({
      name: attr('name', nonEmpty, 'required'),
      localOnly: attr('localOnly', yesNo),
    }),
  ),
  dns: child('dns', dns),
  ips: list('ip', ip),
});
