/** `<disk>`. */
import { IO_LIMIT_MAX, type IoTune, ioTuneNames } from '../../machine/index.ts';
import { attr, attrOr, type Codec, child, element, type Fields, flag, textChild } from './codec.ts';
import { boot, common } from './device-codecs.ts';
import type { DiskDef, DiskDriverDef, DiskSourceDef, IotuneDef } from './device-def.ts';
import { int, matching, nonEmpty, oneOf, onOff, str, uint } from './scalar.ts';

const serial = matching(/^[\w.+ -]+$/, 'letters, digits, spaces and _.+-');

/** A disk. */
export const disk: Codec<DiskDef> = element<DiskDef>({
  type: attrOr('type', oneOf('file', 'block', 'volume', 'network', 'dir', 'nvme', 'vhostuser'), 'file'),
  device: attrOr('device', oneOf('disk', 'cdrom', 'lun', 'floppy'), 'disk'),
  model: attr('model', str),
  snapshot: attr('snapshot', str),
  driver: child(
    'driver',
    element<DiskDriverDef>({
      name: attr('name', str),
      type: attr('type', str),
      cache: attr('cache', str),
      io: attr('io', str),
      discard: attr('discard', oneOf('unmap', 'ignore')),
      error_policy: attr('error_policy', oneOf('stop', 'report', 'ignore', 'enospace')),
      rerror_policy: attr('rerror_policy', oneOf('stop', 'report', 'ignore')),
      queues: attr('queues', uint),
    }),
  ),
  source: child(
    'source',
    element<DiskSourceDef>({
      file: attr('file', str),
      dev: attr('dev', str),
      dir: attr('dir', str),
      pool: attr('pool', str),
      volume: attr('volume', str),
      protocol: attr('protocol', str),
      name: attr('name', str),
      startupPolicy: attr('startupPolicy', str),
    }),
  ),
  backingStore: child('backingStore', element<NonNullable<DiskDef['backingStore']>>({ type: attr('type', str) })),
  target: child(
    'target',
    element<DiskDef['target']>({
      dev: attr('dev', nonEmpty, 'required'),
      bus: attr('bus', str),
      tray: attr('tray', oneOf('open', 'closed')),
      removable: attr('removable', onOff),
    }),
    'required',
  ),
  iotune: child(
    'iotune',
    element<IotuneDef>({
      ...(Object.fromEntries(
        ioTuneNames.map((name) => [name, textChild(name, int(0, IO_LIMIT_MAX))]),
      ) as Fields<IoTune>),
      group_name: textChild('group_name', nonEmpty),
    }),
  ),
  readonly: flag('readonly'),
  shareable: flag('shareable'),
  transient: flag('transient'),
  serial: textChild('serial', serial),
  boot,
  ...common,
});
