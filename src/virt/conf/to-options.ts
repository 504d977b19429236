/** A definition as what `createMachine` takes, and what of it the guest does not get. */
import type { FlashOptions, MachineOptions, NetOptions } from '../../drivers/index.ts';
import type { CharDef } from './device-def.ts';
import { cdromOptions, checkControllers, diskOptions, isDrive, isPluggedIn } from './disk-plan.ts';
import type { FilledDomainDef } from './domain-def.ts';
import { unsupported } from './domain-refuse.ts';
import { interfaceOptions } from './interface-options.ts';
import { listNotices } from './notices.ts';

/** How a machine is made from a definition. */
export interface MachinePlan {
  /** `console` is absent where the serial port is a terminal: its other end is the machine's console stream. */
  options: MachineOptions;
  /** What the guest does not get, one sentence each, for domainGetMessages. */
  notices: string[];
  /** The disks in the machine's order, by their targets: `MachineHandle.disks[i]` is `disks[i]`. */
  disks: string[];
  /** The interfaces in the machine's order, by their aliases: `MachineHandle.nets[i]` is `nets[i]`. */
  nets: string[];
}

/** What a definition leaves to others. */
export interface PlanContext {
  /** Path of a storage volume; throws NO_STORAGE_POOL, NO_STORAGE_VOL. Without it disks of type `volume` are refused. */
  volumePath?: (pool: string, volume: string) => string;
  /** A cable to a virtual network; throws NO_NETWORK, OPERATION_INVALID. Without it type `network` is refused. */
  networkCable?: (name: string) => NetOptions;
  /** Path of our own `<emulator>`: a definition that names another gets a notice. */
  emulator?: string;
}

/**
 * The machine of a definition that `validateDomain` has passed. Throws CONFIG_UNSUPPORTED, with its name, for what
 * could be defined and cannot be started, and when there is nothing to boot.
 */
export function toMachineOptions(def: FilledDomainDef, context: PlanContext = {}): MachinePlan {
  checkControllers(def.devices);
  const disks = def.devices.disks.filter((disk) => isPluggedIn(disk) && !isDrive(disk));
  const cdroms = def.devices.disks.filter(isDrive);
  const { nodevisor } = def;
  const options: MachineOptions = {
    memory: def.memory * 1024,
    vcpus: def.vcpu.current ?? def.vcpu.max,
    ...bootOptions(def),
    disks: disks.map((disk) => diskOptions(disk, context.volumePath)),
    ...(cdroms.length === 0 ? {} : { cdroms: cdroms.map((disk) => cdromOptions(disk, context.volumePath)) }),
    ...netOptions(def, context),
    rng: hasRng(def),
    virtioConsoles: countVirtioConsoles(def),
    ...serialOptions(def),
    onReset: def.on_reboot === 'restart' ? 'restart' : 'exit',
    ...(nodevisor?.clock === undefined ? {} : { clock: nodevisor.clock }),
    ...(nodevisor?.cpuBackend === undefined ? {} : { cpuBackend: nodevisor.cpuBackend }),
    ...(nodevisor?.seed === undefined ? {} : { seed: nodevisor.seed }),
  };
  return {
    options,
    notices: listNotices(def, context.emulator),
    disks: disks.map(({ target }) => target.dev),
    nets: def.devices.interfaces.map(({ alias }, index) => alias?.name ?? `net${index}`),
  };
}

function netOptions({ devices }: FilledDomainDef, context: PlanContext): Pick<MachineOptions, 'nets'> {
  if (devices.interfaces.length === 0) return {};
  return { nets: devices.interfaces.map((one) => interfaceOptions(one, context)) };
}

function bootOptions({ os, nodevisor }: FilledDomainDef): Partial<MachineOptions> {
  const inFlash = os.loader?.type === 'pflash';
  const loader = inFlash ? undefined : os.loader?.path;
  if (os.kernel === undefined && loader === undefined && !inFlash) {
    throw unsupported('there is nothing to boot: give <os> a <kernel>, or a <loader> that starts from a disk');
  }
  if (loader !== undefined && nodevisor?.firmware !== undefined) {
    throw unsupported(`firmware '${nodevisor.firmware}' beside a <loader>`);
  }
  const firmware = loader ?? nodevisor?.firmware;
  return {
    ...(os.kernel === undefined ? {} : { kernel: os.kernel }),
    ...(os.initrd === undefined ? {} : { initrd: os.initrd }),
    ...(os.cmdline === undefined ? {} : { append: os.cmdline }),
    ...(os.dtb === undefined ? {} : { dtb: os.dtb }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(inFlash ? { pflash: flashOptions(os) } : {}),
  };
}

/** The bank of firmware's code, and that of its variables. */
function flashOptions({ loader = {}, nvram }: FilledDomainDef['os']): FlashOptions[] {
  const { path: file, readonly = false, format = 'raw' } = loader;
  if (file === undefined) throw unsupported("<loader type='pflash'> without a file");
  if (format !== 'raw') throw unsupported(`<loader format='${format}'>: there is 'raw'`);
  const code: FlashOptions = { file, readonly };
  if (nvram === undefined) return [code];
  const { path, template } = nvram;
  if (path === undefined) throw unsupported('<nvram> without the path of a file for the variables');
  return [code, { file: path, ...(template === undefined ? {} : { template }) }];
}

function hasRng({ devices }: FilledDomainDef): boolean {
  if (devices.rngs.length > 1) throw unsupported('only one <rng> is supported');
  return devices.rngs.length === 1;
}

function countVirtioConsoles({ devices }: FilledDomainDef): number {
  const others = devices.consoles.filter(({ target }) => target?.type !== 'serial');
  for (const { type, target } of others) {
    if (target?.type !== 'virtio')
      throw unsupported(`console target '${target?.type}': there are 'serial' and 'virtio'`);
    if (type !== 'pty') throw unsupported(`virtio console of type '${type}': there is 'pty'`);
  }
  return others.length;
}

function serialOptions({ devices }: FilledDomainDef): Pick<MachineOptions, 'console'> {
  const [serial, second] = devices.serials;
  if (second !== undefined) throw unsupported('only one <serial> is supported');
  if (serial === undefined) return { console: 'none' };
  const type = serial.target?.type;
  if (type !== 'system-serial') throw unsupported(`serial target '${type}': there is 'system-serial'`);
  return charOptions(serial);
}

function charOptions({ type, sources, log }: CharDef): Pick<MachineOptions, 'console'> {
  if (log !== undefined) throw unsupported('<log> of a serial port is not supported');
  const [source] = sources;
  if (type === 'pty') return {};
  if (type === 'null') return { console: 'none' };
  if (type !== 'file') throw unsupported(`serial port of type '${type}': there are 'pty', 'file' and 'null'`);
  if (source?.path === undefined) throw unsupported("serial port of type 'file' without a <source path>");
  if (source.append) throw unsupported("<source append='on'> of a serial port is not supported");
  return { console: { file: source.path } };
}
