/** `<interface>`. */
import { attr, type Codec, child, element, opaque } from './codec.ts';
import { boot, common } from './device-codecs.ts';
import type { InterfaceDef, InterfaceSourceDef } from './device-def.ts';
import { mac, nonEmpty, oneOf, str, uint } from './scalar.ts';

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

/** A network interface. */
export const networkInterface: Codec<InterfaceDef> = element<InterfaceDef>({
  type: attr<string>('type', oneOf<string>(...types), 'required'),
  mac: child('mac', element<NonNullable<InterfaceDef['mac']>>({ address: attr('address', mac, 'required') })),
  source: child(
    'source',
    element<InterfaceSourceDef>({
      network: attr('network', str),
      portgroup: attr('portgroup', str),
      bridge: attr('bridge', str),
      dev: attr('dev', str),
      mode: attr('mode', str),
    }),
  ),
  target: child('target', element<NonNullable<InterfaceDef['target']>>({ dev: attr('dev', str) })),
  model: child('model', element<NonNullable<InterfaceDef['model']>>({ type: attr('type', nonEmpty, 'required') })),
  driver: child('driver', opaque),
  boot,
  link: child(
    'link',
    element<NonNullable<InterfaceDef['link']>>({ state: attr('state', oneOf('up', 'down'), 'required') }),
  ),
  mtu: child('mtu', element<NonNullable<InterfaceDef['mtu']>>({ size: attr('size', uint, 'required') })),
  ...common,
});
