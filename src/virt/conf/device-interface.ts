/** `<interface>`. */
import { attr, type Codec, child, element, list } from './codec.ts';
import { boot, common } from './device-codecs.ts';
import type { InterfaceDef, InterfaceIpDef, InterfaceSourceDef, PortForwardDef } from './device-def.ts';
import { ipAddress } from './ip.ts';
import { int, mac, nonEmpty, oneOf, str, uint, uuid, yesNo } from './scalar.ts';

const types = [
  'user',
  'ethernet',
  'vhostuser',
  'server',
  'client',
  'mcast',
  'network',
  'bridge',
  'internal',
  'direct',
  'hostdev',
  'udp',
  'vdpa',
  'null',
  'vds',
] as const;

const port = int(1, 65_535);

const ip = element<InterfaceIpDef>({
  family: attr('family', oneOf('ipv4', 'ipv6')),
  address: attr('address', ipAddress, 'required'),
  prefix: attr('prefix', int(0, 128)),
});

const portForward = element<PortForwardDef>({
  proto: attr('proto', oneOf('tcp', 'udp'), 'required'),
  address: attr('address', ipAddress),
  dev: attr('dev', nonEmpty),
  ranges: list(
    'range',
    element<PortForwardDef['ranges'][number]>({
      start: attr('start', port, 'required'),
      end: attr('end', port),
      to: attr('to', port),
      exclude: attr('exclude', yesNo),
    }),
  ),
});

/** A network interface. */
export const networkInterface: Codec<InterfaceDef> = element<InterfaceDef>({
  type: attr<string>('type', oneOf<string>(...types), 'required'),
  mac: child('mac', element<NonNullable<InterfaceDef['mac']>>({ address: attr('address', mac, 'required') })),
  source: child(
    'source',
    element<InterfaceSourceDef>({
      network: attr('network', str),
      portgroup: attr('portgroup', str),
      portid: attr('portid', uuid),
      bridge: attr('bridge', str),
      dev: attr('dev', str),
      mode: attr('mode', str),
      address: attr('address', str),
      port: attr('port', port),
      local: child(
        'local',
        element<NonNullable<InterfaceSourceDef['local']>>({
          address: attr('address', str, 'required'),
          port: attr('port', port, 'required'),
        }),
      ),
    }),
  ),
  ips: list('ip', ip),
  portForwards: list('portForward', portForward),
  target: child(
    'target',
    element<NonNullable<InterfaceDef['target']>>({ dev: attr('dev', str), managed: attr('managed', yesNo) }),
  ),
  model: child('model', element<NonNullable<InterfaceDef['model']>>({ type: attr('type', nonEmpty, 'required') })),
  driver: child(
    'driver',
    element<NonNullable<InterfaceDef['driver']>>({ name: attr('name', nonEmpty), queues: attr('queues', int(1, 256)) }),
  ),
  backend: child(
    'backend',
    element<NonNullable<InterfaceDef['backend']>>({ type: attr('type', nonEmpty), logFile: attr('logFile', nonEmpty) }),
  ),
  boot,
  link: child(
    'link',
    element<NonNullable<InterfaceDef['link']>>({ state: attr('state', oneOf('up', 'down'), 'required') }),
  ),
  mtu: child('mtu', element<NonNullable<InterfaceDef['mtu']>>({ size: attr('size', uint, 'required') })),
  ...common,
});
