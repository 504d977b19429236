/** Serial and parallel ports, consoles and channels. */
import { attr, attrOr, type Codec, child, element, type Fields, list } from './codec.ts';
import { common } from './device-codecs.ts';
import type { ChannelDef, CharDef, CharSourceDef, ConsoleDef, SerialDef } from './device-def.ts';
import { nonEmpty, oneOf, onOff, str, uint } from './scalar.ts';

const types = [
  'null',
  'vc',
  'pty',
  'dev',
  'file',
  'pipe',
  'stdio',
  'udp',
  'tcp',
  'unix',
  'spicevmc',
  'spiceport',
  'nmdm',
  'qemu-vdagent',
  'dbus',
];

const source: Codec<CharSourceDef> = element<CharSourceDef>({
  path: attr('path', str),
  mode: attr('mode', oneOf('bind', 'connect')),
  host: attr('host', str),
  service: attr('service', str),
  append: attr('append', onOff),
});

const charFields: Omit<Fields<CharDef>, 'alias' | 'address'> = {
  type: attrOr('type', oneOf(...types), 'null'),
  sources: list('source', source),
  protocol: child('protocol', element<NonNullable<CharDef['protocol']>>({ type: attr('type', nonEmpty, 'required') })),
  log: child(
    'log',
    element<NonNullable<CharDef['log']>>({
      file: attr('file', nonEmpty, 'required'),
      append: attr('append', onOff),
    }),
  ),
};

const { alias, address } = common;

/** A serial or parallel port. */
export const serial: Codec<SerialDef> = element<SerialDef>({
  ...charFields,
  target: child(
    'target',
    element<NonNullable<SerialDef['target']>>({
      type: attr('type', str),
      port: attr('port', uint),
      model: child(
        'model',
        element<NonNullable<NonNullable<SerialDef['target']>['model']>>({ name: attr('name', nonEmpty, 'required') }),
      ),
    }),
  ),
  alias,
  address,
});

/** A console. */
export const consoleDevice: Codec<ConsoleDef> = element<ConsoleDef>({
  type: charFields.type,
  tty: attr('tty', str),
  sources: charFields.sources,
  protocol: charFields.protocol,
  log: charFields.log,
  target: child(
    'target',
    element<NonNullable<ConsoleDef['target']>>({ type: attr('type', str), port: attr('port', uint) }),
  ),
  alias,
  address,
});

/** A channel. */
export const channel: Codec<ChannelDef> = element<ChannelDef>({
  ...charFields,
  target: child(
    'target',
    element<NonNullable<ChannelDef['target']>>({
      type: attr('type', nonEmpty, 'required'),
      name: attr('name', str),
      state: attr('state', str),
    }),
  ),
  alias,
  address,
});
