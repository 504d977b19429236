/** Controllers, shared folders, host devices and the small paravirtual devices. */
import { attr, type Codec, child, element, flag, text } from './codec.ts';
import { common } from './device-codecs.ts';
import type {
  ControllerDef,
  FilesystemDef,
  HostdevDef,
  MemballoonDef,
  RedirdevDef,
  RngDef,
  VsockDef,
  WatchdogDef,
} from './device-def.ts';
import { int, nonEmpty, oneOf, str, uint, yesNo } from './scalar.ts';

/** A controller. */
export const controller: Codec<ControllerDef> = element<ControllerDef>({
  type: attr<string>(
    'type',
    oneOf<string>('ide', 'fdc', 'scsi', 'sata', 'virtio-serial', 'ccid', 'usb', 'pci', 'xenbus', 'isa'),
    'required',
  ),
  index: attr('index', uint),
  model: attr('model', str),
  ports: attr('ports', uint),
  modelName: child(
    'model',
    element<NonNullable<ControllerDef['modelName']>>({ name: attr('name', nonEmpty, 'required') }),
  ),
  target: child(
    'target',
    element<NonNullable<ControllerDef['target']>>({
      chassis: attr('chassis', str),
      port: attr('port', str),
      index: attr('index', str),
    }),
  ),
  ...common,
});

/** A shared folder. */
export const filesystem: Codec<FilesystemDef> = element<FilesystemDef>({
  type: attr('type', str),
  accessmode: attr('accessmode', str),
  driver: child('driver', element<NonNullable<FilesystemDef['driver']>>({ type: attr('type', str) })),
  source: child('source', element<NonNullable<FilesystemDef['source']>>({ dir: attr('dir', str) })),
  target: child('target', element<NonNullable<FilesystemDef['target']>>({ dir: attr('dir', nonEmpty, 'required') })),
  readonly: flag('readonly'),
  ...common,
});

/** A device of the host. */
export const hostdev: Codec<HostdevDef> = element<HostdevDef>({
  mode: attr('mode', str),
  type: attr('type', str),
  managed: attr('managed', yesNo),
  ...common,
});

/** A device redirected over a connection. */
export const redirdev: Codec<RedirdevDef> = element<RedirdevDef>({
  bus: attr('bus', str),
  type: attr('type', str),
  ...common,
});

/** A watchdog. */
export const watchdog: Codec<WatchdogDef> = element<WatchdogDef>({
  model: attr('model', nonEmpty, 'required'),
  action: attr('action', str),
  ...common,
});

/** A memory balloon. */
export const memballoon: Codec<MemballoonDef> = element<MemballoonDef>({
  model: attr('model', nonEmpty, 'required'),
  stats: child('stats', element<NonNullable<MemballoonDef['stats']>>({ period: attr('period', uint, 'required') })),
  ...common,
});

/** A source of entropy. */
export const rng: Codec<RngDef> = element<RngDef>({
  model: attr('model', nonEmpty, 'required'),
  rate: child(
    'rate',
    element<NonNullable<RngDef['rate']>>({ bytes: attr('bytes', uint, 'required'), period: attr('period', uint) }),
  ),
  backend: child(
    'backend',
    element<RngDef['backend']>({
      model: attr<string>('model', oneOf<string>('random', 'egd', 'builtin'), 'required'),
      type: attr('type', str),
      path: text(str),
    }),
    'required',
  ),
  ...common,
});

/** A socket to the host. */
export const vsock: Codec<VsockDef> = element<VsockDef>({
  model: attr('model', str),
  cid: child(
    'cid',
    element<NonNullable<VsockDef['cid']>>({
      auto: attr('auto', yesNo),
      address: attr('address', int(3, 0xffff_ffff)),
    }),
  ),
  ...common,
});
