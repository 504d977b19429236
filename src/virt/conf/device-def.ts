/** What is in `<devices>`, as plain data. */
import type { IoTune } from '../../machine/index.ts';
import type { Extensible } from './xml-node.ts';

/** All of a domain's devices, by kind, in document order within a kind. */
export interface DeviceDefs extends Extensible {
  /** Path of the program that runs the machine. */
  emulator?: string;
  disks: DiskDef[];
  controllers: ControllerDef[];
  filesystems: FilesystemDef[];
  interfaces: InterfaceDef[];
  serials: SerialDef[];
  parallels: SerialDef[];
  consoles: ConsoleDef[];
  channels: ChannelDef[];
  inputs: InputDef[];
  tpms: ModelDef[];
  graphics: GraphicsDef[];
  sounds: ModelDef[];
  audios: AudioDef[];
  videos: VideoDef[];
  hostdevs: HostdevDef[];
  redirdevs: RedirdevDef[];
  watchdogs: WatchdogDef[];
  memballoons: MemballoonDef[];
  rngs: RngDef[];
  panics: ModelDef[];
  vsocks: VsockDef[];
}

/** What every device may have. */
export interface DeviceCommon extends Extensible {
  alias?: { name: string } & Extensible;
  address?: AddressDef;
}

/** `<address>`: where the guest finds the device; the numbers as text, `0x01`. */
export interface AddressDef extends Extensible {
  /** `virtio-mmio`, `pci`, `drive`, `usb`, `virtio-serial` … */
  type: string;
  domain?: string;
  bus?: string;
  slot?: string;
  function?: string;
  multifunction?: 'on' | 'off';
  controller?: string;
  target?: string;
  unit?: string;
  port?: string;
}

/** `<disk>`. */
export interface DiskDef extends DeviceCommon {
  type: 'file' | 'block' | 'volume' | 'network' | 'dir' | 'nvme' | 'vhostuser';
  device: 'disk' | 'cdrom' | 'lun' | 'floppy';
  model?: string;
  snapshot?: string;
  driver?: DiskDriverDef;
  source?: DiskSourceDef;
  backingStore?: { type?: string } & Extensible;
  target: { dev: string; bus?: string; tray?: 'open' | 'closed'; removable?: boolean } & Extensible;
  readonly?: true;
  shareable?: true;
  transient?: true;
  serial?: string;
  boot?: BootOrderDef;
  iotune?: IotuneDef;
}

/** `<driver>` of a disk. */
export interface DiskDriverDef extends Extensible {
  name?: string;
  /** Format of the image: `raw`, `qcow2` … */
  type?: string;
  cache?: string;
  io?: string;
  discard?: 'unmap' | 'ignore';
  /** Number of request queues. */
  queues?: number;
  error_policy?: 'stop' | 'report' | 'ignore' | 'enospace';
  rerror_policy?: 'stop' | 'report' | 'ignore';
}

/** `<iotune>`: limits of a disk's I/O. */
export interface IotuneDef extends IoTune, Extensible {
  /** Disks of one group share the limits. */
  group_name?: string;
}

/** `<source>` of a disk. */
export interface DiskSourceDef extends Extensible {
  file?: string;
  dev?: string;
  dir?: string;
  pool?: string;
  volume?: string;
  protocol?: string;
  name?: string;
  startupPolicy?: string;
}

/** `<boot order>` of a device. */
export interface BootOrderDef extends Extensible {
  order: number;
}

/** `<controller>`. */
export interface ControllerDef extends DeviceCommon {
  type: string;
  index?: number;
  model?: string;
  ports?: number;
  /** `<model name>`. */
  modelName?: { name: string } & Extensible;
  target?: { chassis?: string; port?: string; index?: string } & Extensible;
}

/** `<filesystem>`. */
export interface FilesystemDef extends DeviceCommon {
  type?: string;
  accessmode?: string;
  driver?: { type?: string } & Extensible;
  source?: { dir?: string } & Extensible;
  target?: { dir: string } & Extensible;
  readonly?: true;
}

/** `<interface>`. */
export interface InterfaceDef extends DeviceCommon {
  type: string;
  mac?: { address: string } & Extensible;
  source?: InterfaceSourceDef;
  /** Addresses that the guest gets; of type `user` only. */
  ips: InterfaceIpDef[];
  /** Ports of the host that lead to the guest; of type `user` only. */
  portForwards: PortForwardDef[];
  /** Its name on the host; `managed` false: of type `ethernet`, the device is there, and stays as it is. */
  target?: { dev?: string; managed?: boolean } & Extensible;
  model?: { type: string } & Extensible;
  driver?: { name?: string; queues?: number } & Extensible;
  /** What is behind type `user`: `passt`; absent: the machine itself. */
  backend?: { type?: string; logFile?: string } & Extensible;
  link?: { state: 'up' | 'down' } & Extensible;
  mtu?: { size: number } & Extensible;
  boot?: BootOrderDef;
}

/** `<source>` of an interface. */
export interface InterfaceSourceDef extends Extensible {
  network?: string;
  portgroup?: string;
  /** Of a running domain: UUID of the network's port. */
  portid?: string;
  /** Of type `bridge`; of a running domain: the bridge of the network. */
  bridge?: string;
  dev?: string;
  mode?: string;
  /** Of types `server`, `client` and `udp`, with `port`. */
  address?: string;
  port?: number;
  /** The own end of type `udp`. */
  local?: { address: string; port: number } & Extensible;
}

/** `<ip>` of an interface. */
export interface InterfaceIpDef extends Extensible {
  address: string;
  family?: 'ipv4' | 'ipv6';
  prefix?: number;
}

/** `<portForward>` of an interface. */
export interface PortForwardDef extends Extensible {
  proto: 'tcp' | 'udp';
  /** Where the host listens; absent: everywhere. */
  address?: string;
  dev?: string;
  ranges: ({ start: number; end?: number; to?: number; exclude?: boolean } & Extensible)[];
}

/** What serial ports, consoles and channels are connected to. */
export interface CharDef extends DeviceCommon {
  /** `pty`, `file`, `null`, `stdio`, `tcp`, `unix` … */
  type: string;
  /** Two with `udp`, otherwise at most one. A pty's `path` is there while the domain runs. */
  sources: CharSourceDef[];
  protocol?: { type: string } & Extensible;
  log?: { file: string; append?: boolean } & Extensible;
}

/** `<source>` of a character device. */
export interface CharSourceDef extends Extensible {
  path?: string;
  mode?: 'bind' | 'connect';
  host?: string;
  service?: string;
  append?: boolean;
}

/** `<serial>` and `<parallel>`. */
export interface SerialDef extends CharDef {
  target?: { type?: string; port?: number; model?: { name: string } & Extensible } & Extensible;
}

/** `<console>`. */
export interface ConsoleDef extends CharDef {
  /** Path of the host's terminal while the domain runs. */
  tty?: string;
  target?: { type?: string; port?: number } & Extensible;
}

/** `<channel>`. */
export interface ChannelDef extends CharDef {
  target?: { type: string; name?: string; state?: string } & Extensible;
}

/** `<input>`. */
export interface InputDef extends DeviceCommon {
  type: string;
  bus?: string;
  model?: string;
}

/** A device of which only the model is ours to read: `<sound>`, `<tpm>`, `<panic>`. */
export interface ModelDef extends DeviceCommon {
  model?: string;
}

/** `<graphics>`. */
export interface GraphicsDef extends Extensible {
  type: string;
  /** −1: chosen at start. */
  port?: number;
  tlsPort?: number;
  autoport?: boolean;
  websocket?: number;
  listen?: string;
  keymap?: string;
  /** Formatted only when asked for with the secrets. */
  passwd?: string;
  passwdValidTo?: string;
  listens: ({ type: string; address?: string; network?: string; socket?: string } & Extensible)[];
}

/** `<audio>`. */
export interface AudioDef extends Extensible {
  id: number;
  type: string;
}

/** `<video>`. */
export interface VideoDef extends DeviceCommon {
  model?: { type: string; heads?: number; ram?: number; vram?: number; primary?: boolean } & Extensible;
}

/** `<hostdev>`. */
export interface HostdevDef extends DeviceCommon {
  mode?: string;
  type?: string;
  managed?: boolean;
}

/** `<redirdev>`. */
export interface RedirdevDef extends DeviceCommon {
  bus?: string;
  type?: string;
}

/** `<watchdog>`. */
export interface WatchdogDef extends DeviceCommon {
  model: string;
  action?: string;
}

/** `<memballoon>`. */
export interface MemballoonDef extends DeviceCommon {
  model: string;
  stats?: { period: number } & Extensible;
}

/** `<rng>`. */
export interface RngDef extends DeviceCommon {
  model: string;
  rate?: { bytes: number; period?: number } & Extensible;
  backend: { model: string; path?: string; type?: string } & Extensible;
}

/** `<vsock>`. */
export interface VsockDef extends DeviceCommon {
  model?: string;
  cid?: { auto?: boolean; address?: number } & Extensible;
}
