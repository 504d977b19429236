/** `<devices>`, and one device alone as it is attached and detached. */
import { type Codec, element, type Field, list, textChild } from './codec.ts';
import { channel, consoleDevice, serial } from './device-char.ts';
import type { DeviceDefs } from './device-def.ts';
import { disk } from './device-disk.ts';
import { audio, graphics, input, model, video } from './device-display.ts';
import { networkInterface } from './device-interface.ts';
import { controller, filesystem, hostdev, memballoon, redirdev, rng, vsock, watchdog } from './device-misc.ts';
import { nonEmpty } from './scalar.ts';

/** Name of one of the lists in `DeviceDefs`. */
export type DeviceKind = Exclude<keyof DeviceDefs, 'emulator' | 'extra'>;

/** One device with its kind: `{ kind: 'disks', def }`. */
export type DeviceDef = { [K in DeviceKind]: { kind: K; def: DeviceDefs[K][number] } }[DeviceKind];

/** How the devices of a kind are called and read. */
export type DeviceType<K extends DeviceKind> = { readonly name: string; readonly codec: Codec<DeviceDefs[K][number]> };

/** All kinds of devices, in the order in which they are written. */
export const deviceTypes: { readonly [K in DeviceKind]: DeviceType<K> } = {
  disks: { name: 'disk', codec: disk },
  controllers: { name: 'controller', codec: controller },
  filesystems: { name: 'filesystem', codec: filesystem },
  interfaces: { name: 'interface', codec: networkInterface },
  serials: { name: 'serial', codec: serial },
  parallels: { name: 'parallel', codec: serial },
  consoles: { name: 'console', codec: consoleDevice },
  channels: { name: 'channel', codec: channel },
  inputs: { name: 'input', codec: input },
  tpms: { name: 'tpm', codec: model },
  graphics: { name: 'graphics', codec: graphics },
  sounds: { name: 'sound', codec: model },
  audios: { name: 'audio', codec: audio },
  videos: { name: 'video', codec: video },
  hostdevs: { name: 'hostdev', codec: hostdev },
  redirdevs: { name: 'redirdev', codec: redirdev },
  watchdogs: { name: 'watchdog', codec: watchdog },
  memballoons: { name: 'memballoon', codec: memballoon },
  rngs: { name: 'rng', codec: rng },
  panics: { name: 'panic', codec: model },
  vsocks: { name: 'vsock', codec: vsock },
};

/** The kinds, in the order in which they are written. */
export const deviceKinds = Object.keys(deviceTypes) as readonly DeviceKind[];

/** Every kind with an empty list. */
export function noDevices(): DeviceDefs {
  return {
    disks: [],
    controllers: [],
    filesystems: [],
    interfaces: [],
    serials: [],
    parallels: [],
    consoles: [],
    channels: [],
    inputs: [],
    tpms: [],
    graphics: [],
    sounds: [],
    audios: [],
    videos: [],
    hostdevs: [],
    redirdevs: [],
    watchdogs: [],
    memballoons: [],
    rngs: [],
    panics: [],
    vsocks: [],
  };
}

function deviceList<K extends DeviceKind>(kind: K): Field<DeviceDefs[K][number][]> {
  const { name, codec } = deviceTypes[kind];
  return list<DeviceDefs[K][number]>(name, codec);
}

/** `<devices>`. */
export const devices: Codec<DeviceDefs> = element<DeviceDefs>({
  emulator: textChild('emulator', nonEmpty),
  disks: deviceList('disks'),
  controllers: deviceList('controllers'),
  filesystems: deviceList('filesystems'),
  interfaces: deviceList('interfaces'),
  serials: deviceList('serials'),
  parallels: deviceList('parallels'),
  consoles: deviceList('consoles'),
  channels: deviceList('channels'),
  inputs: deviceList('inputs'),
  tpms: deviceList('tpms'),
  graphics: deviceList('graphics'),
  sounds: deviceList('sounds'),
  audios: deviceList('audios'),
  videos: deviceList('videos'),
  hostdevs: deviceList('hostdevs'),
  redirdevs: deviceList('redirdevs'),
  watchdogs: deviceList('watchdogs'),
  memballoons: deviceList('memballoons'),
  rngs: deviceList('rngs'),
  panics: deviceList('panics'),
  vsocks: deviceList('vsocks'),
});
