/** Graphics, video, sound and input. */
import { attr, type Codec, child, element, list } from './codec.ts';
import { common } from './device-codecs.ts';
import type { AudioDef, GraphicsDef, InputDef, ModelDef, VideoDef } from './device-def.ts';
import { int, nonEmpty, oneOf, str, uint, yesNo } from './scalar.ts';

const port = int(-1, 65535);

/** A way to see the screen. */
export const graphics: Codec<GraphicsDef> = element<GraphicsDef>({
  type: attr<string>(
    'type',
    oneOf<string>('sdl', 'vnc', 'rdp', 'desktop', 'spice', 'egl-headless', 'dbus'),
    'required',
  ),
  port: attr('port', port),
  tlsPort: attr('tlsPort', port),
  autoport: attr('autoport', yesNo),
  websocket: attr('websocket', port),
  listen: attr('listen', str),
  keymap: attr('keymap', str),
  passwd: attr('passwd', str),
  passwdValidTo: attr('passwdValidTo', str),
  listens: list(
    'listen',
    element<GraphicsDef['listens'][number]>({
      type: attr<string>('type', oneOf<string>('none', 'address', 'network', 'socket'), 'required'),
      address: attr('address', str),
      network: attr('network', str),
      socket: attr('socket', str),
    }),
  ),
});

/** A video card. */
export const video: Codec<VideoDef> = element<VideoDef>({
  model: child(
    'model',
    element<NonNullable<VideoDef['model']>>({
      type: attr('type', nonEmpty, 'required'),
      ram: attr('ram', uint),
      vram: attr('vram', uint),
      heads: attr('heads', uint),
      primary: attr('primary', yesNo),
    }),
  ),
  ...common,
});

/** A host side of sound. */
export const audio: Codec<AudioDef> = element<AudioDef>({
  id: attr('id', int(1, 0xffff_ffff), 'required'),
  type: attr('type', nonEmpty, 'required'),
});

/** An input device. */
export const input: Codec<InputDef> = element<InputDef>({
  type: attr<string>('type', oneOf<string>('mouse', 'tablet', 'keyboard', 'passthrough', 'evdev'), 'required'),
  bus: attr('bus', str),
  model: attr('model', str),
  ...common,
});

/** A device of which only the model is read. */
export const model: Codec<ModelDef> = element<ModelDef>({ model: attr('model', str), ...common });
