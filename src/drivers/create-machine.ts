import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type EngineKind, usableEngines } from '../cpu/index.ts';
import {
  type BlockBackend,
  type CharBackend,
  FileChar,
  type Image,
  type ImageFile,
  type MachineConfig,
  NullChar,
  StreamChar,
  VirtioConsole,
  type VirtioDevice,
  type VirtioNet,
  VirtioRng,
  validateMachineConfig,
} from '../machine/index.ts';
import { hostRandom, type Logger, type RandomSource, SeededRandom, silentLogger, VirtError } from '../util/index.ts';
import { checkOptions } from './check-options.ts';
import { controlDisk, type DiskControl, noVirtualLimits, ThrottleGroups } from './disk-control.ts';
import { checkDiskSettings, type DiskOptions, type DiskSettings, diskDevice, openDisk } from './disk-options.ts';
import type { Guest, GuestSpec } from './driver.ts';
import { checkFlash, type FlashOptions, type OpenFlash, openFlash } from './flash-options.ts';
import { openImage, readImage } from './image-file.ts';
import { kvmDriver } from './kvm/index.ts';
import { type NetOptions, openNet } from './net-options.ts';
import { type CdromHandle, type CdromOptions, isOnScsi, planScsi, ScsiHosts } from './scsi-options.ts';
import { steppedDriver } from './stepped/index.ts';

/** A file by its path, or its contents. */
export type FileSource = string | URL | Uint8Array;

/** What a machine is made of; everything but something to run has a default. */
export interface MachineOptions {
  /** RAM in bytes, or as text: `512M`, `2G`. Default 512 MiB. */
  readonly memory?: number | string;
  /** vCPUs, 1 to 8; default 1. */
  readonly vcpus?: number;
  /** ELF, Image, Image.gz or EFI zboot. */
  readonly kernel?: FileSource;
  readonly initrd?: FileSource;
  /** Kernel command line. */
  readonly append?: string;
  /** Replaces the device tree that the machine writes. */
  readonly dtb?: FileSource;
  /**
   * `builtin` (default): SBI served by the machine, the kernel starts in S-mode. `none`: the ELF starts in M-mode. A
   * file: M-mode firmware, which starts the kernel, if there is one.
   */
  readonly firmware?: 'builtin' | 'none' | FileSource;
  readonly disks?: readonly DiskOptions[];
  /**
   * Banks of flash, as on QEMU's virt board: firmware's code and its variables; default none, and no flash. Without a
   * kernel what is in the first one is started: in M-mode with firmware `none`, else in S-mode.
   */
  readonly pflash?: readonly FlashOptions[];
  /** CD-ROM drives, on SCSI. */
  readonly cdroms?: readonly CdromOptions[];
  /** Network interfaces, in order; default none. */
  readonly nets?: readonly NetOptions[];
  /** A virtio entropy device; default true. */
  readonly rng?: boolean;
  /** Number of virtio consoles beside the serial port; default 0. */
  readonly virtioConsoles?: number;
  /** What the serial port is connected to: `stream` (default), `none`, a file's path for output, or a backend. */
  readonly console?: 'stream' | 'none' | { readonly file: string } | CharBackend;
  /** `host` (default): real time, a thread per vCPU. `virtual`: one thread, deterministic. */
  readonly clock?: 'host' | 'virtual';
  /** `auto` (default) takes the fastest that works here. */
  readonly cpuBackend?: 'auto' | EngineKind;
  /** Seed of all the machine's randomness; default: the host's randomness, with the virtual clock 0. */
  readonly seed?: number;
  /** What the guest's wish to restart leads to; default `restart`. */
  readonly onReset?: 'restart' | 'exit';
  readonly logger?: Logger;
}

/** A guest, with what only its maker knows of it. */
export interface MachineHandle extends Guest {
  /** The other ends of the virtio consoles. */
  readonly virtioConsoles: readonly Duplex[];
  /** The disks' backends, in order. */
  readonly disks: readonly BlockBackend[];
  /** The same disks by what can be done to them while the guest runs. */
  readonly diskControls: readonly DiskControl[];
  /** The CD-ROM drives, in order. */
  readonly cdroms: readonly CdromHandle[];
  /** The network interfaces, in order: counts, address, link. */
  readonly nets: readonly VirtioNet[];
}

/**
 * Makes a machine, powered off: `start()` switches it on, `wait()` tells how it ended. Throws VirtError with one clear
 * sentence when something is wrong with the options or with a file they name; then nothing is left open.
 */
export async function createMachine(options: MachineOptions): Promise<MachineHandle> {
  checkOptions(options);
  const parts = new Parts(options);
  try {
    return await parts.build();
  } catch (error) {
    await parts.close();
    throw error;
  }
}

/** Bytes of a size like `512M`: a number with K, M, G (powers of 1024) or nothing. Throws INVALID_ARG. */
export function parseSize(size: number | string): number {
  if (typeof size === 'number') return size;
  const match = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(size.trim());
  if (match === null) throw new VirtError('INVALID_ARG', `'${size}' is no size: write it like 512M or 2G`);
  const [, digits = '', unit = ''] = match;
  return Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit.toUpperCase());
}

/** The backend that a name stands for here. Throws INVALID_ARG for one that is unknown or does not work. */
export function pickBackend(name: 'auto' | EngineKind): EngineKind {
  const engines = usableEngines();
  const found = engines.find((engine) => (name === 'auto' ? engine.usable : engine.kind === name));
  if (found === undefined) {
    const known = engines.map(({ kind }) => kind).join(', ');
    throw new VirtError('INVALID_ARG', `unknown CPU backend '${name}': there are auto, ${known}`);
  }
  if (!found.usable) throw new VirtError('CONFIG_UNSUPPORTED', `CPU backend '${found.kind}': ${found.reason}`);
  return found.kind;
}

async function imageOf<Found extends Image | ImageFile>(
  what: string,
  source: FileSource,
  read: (what: string, path: string) => Promise<Found>,
): Promise<Image | Found> {
  if (source instanceof Uint8Array) return { name: what, bytes: source };
  return read(what, source instanceof URL ? fileURLToPath(source) : source);
}

/** A machine's parts while it is put together: what has been opened is closed if the rest fails. */
class Parts {
  readonly #options: MachineOptions;
  readonly #random: RandomSource;
  readonly #virtio: VirtioDevice[] = [];
  readonly #disks: BlockBackend[] = [];
  readonly #controls: DiskControl[] = [];
  readonly #nets: VirtioNet[] = [];
  readonly #consoles: Duplex[] = [];
  readonly #images: (Image | ImageFile)[] = [];
  readonly #scsi: ScsiHosts;
  readonly #flash: OpenFlash[] = [];
  #serial: CharBackend | undefined;

  /** Throws INVALID_ARG for disks and drives that cannot be where they are to be. */
  constructor(options: MachineOptions) {
    this.#options = options;
    const { disks = [], cdroms = [], logger } = options;
    this.#scsi = new ScsiHosts(planScsi(disks, cdroms), logger);
    const seed = options.seed ?? (options.clock === 'virtual' ? 0 : undefined);
    this.#random = seed === undefined ? hostRandom : new SeededRandom(seed);
  }

  async build(): Promise<MachineHandle> {
    const { clock = 'host', onReset, logger } = this.#options;
    const backend = pickBackend(this.#options.cpuBackend ?? 'auto');
    checkFlash(this.#options.pflash ?? []);
    for (const bank of this.#options.pflash ?? []) this.#flash.push(await openFlash(bank));
    const config = await this.#config();
    // Before anything is opened.
    validateMachineConfig(config);
    for (const disk of this.#options.disks ?? []) {
      checkDiskSettings(disk);
      if (clock === 'virtual' && isLimited(disk)) throw noVirtualLimits();
    }
    await this.#openDevices();
    this.#serial = await this.#openSerial();
    const spec: GuestSpec = {
      config,
      backend,
      virtio: this.#virtio,
      disks: this.#controls,
      flash: this.#flash.map(({ store }) => store),
      random: this.#random,
      ...(this.#serial === undefined ? {} : { serial: this.#serial }),
      ...(onReset === undefined ? {} : { onReset }),
      ...(logger === undefined ? {} : { logger }),
    };
    const guest = (clock === 'virtual' ? steppedDriver : kvmDriver).create(spec);
    for (const { name, onTrayMove } of this.#scsi.cdroms) {
      onTrayMove((open) => guest.events.emit('trayMoved', name, open));
    }
    return Object.assign(guest, {
      virtioConsoles: this.#consoles,
      disks: this.#disks,
      diskControls: this.#controls,
      cdroms: this.#scsi.cdroms,
      nets: this.#nets,
    });
  }

  /** Closes what has been opened. */
  async close(): Promise<void> {
    for (const image of this.#images) if ('close' in image) image.close();
    // Controllers are filled before they are among the devices.
    const devices = new Set([...this.#virtio, ...this.#scsi.devices]);
    const parts = [...devices, ...this.#flash.map(({ store }) => store), this.#serial];
    await Promise.allSettled(parts.map((part) => part?.close()));
  }

  async #config(): Promise<MachineConfig> {
    const { memory = '512M', vcpus = 1, append, clock = 'host', seed, firmware = 'builtin' } = this.#options;
    const { disks = [], nets = [], rng = true, virtioConsoles = 0 } = this.#options;
    const { kernel, initrd, dtb } = this.#options;
    const open = async (what: 'kernel' | 'initrd', source: FileSource | undefined) => {
      if (source === undefined) return {};
      const image = await imageOf(what, source, openImage);
      this.#images.push(image);
      return { [what]: image };
    };
    return {
      ramBytes: parseSize(memory),
      vcpus,
      firmware:
        firmware === 'builtin' || firmware === 'none'
          ? { kind: firmware }
          : { kind: 'file', image: await imageOf('firmware', firmware, readImage) },
      ...(await open('kernel', kernel)),
      ...(await open('initrd', initrd)),
      ...(dtb === undefined ? {} : { dtb: await imageOf('dtb', dtb, readImage) }),
      ...(append === undefined ? {} : { append }),
      ...(this.#flash.length === 0 ? {} : { flash: this.#flash.map(({ config }) => config) }),
      virtio: [
        ...disks.filter((disk) => !isOnScsi(disk)).map(() => ({ type: 'blk' }) as const),
        ...this.#scsi.devices.map(() => ({ type: 'scsi' }) as const),
        ...nets.map(() => ({ type: 'net' }) as const),
        ...Array.from({ length: virtioConsoles }, () => ({ type: 'console' }) as const),
        ...(rng ? [{ type: 'rng' } as const] : []),
      ],
      clock,
      ...(seed === undefined ? {} : { seed }),
    };
  }

  /** In the order of the configuration's slots. */
  async #openDevices(): Promise<void> {
    const { nets = [], rng = true, virtioConsoles = 0, logger } = this.#options;
    await this.#openDisks();
    for (const [index, cdrom] of (this.#options.cdroms ?? []).entries()) await this.#scsi.addCdrom(index, cdrom);
    this.#virtio.push(...this.#scsi.devices);
    for (const [index, net] of nets.entries()) {
      const device = await openNet(net, { random: this.#random, logger: logger ?? silentLogger, name: `net${index}` });
      this.#nets.push(device);
      this.#virtio.push(device);
    }
    for (let i = 0; i < virtioConsoles; i++) {
      const line = new StreamChar();
      this.#consoles.push(line.stream);
      this.#virtio.push(new VirtioConsole(line));
    }
    if (rng) this.#virtio.push(new VirtioRng(this.#random));
  }

  async #openDisks(): Promise<void> {
    const { disks = [], logger } = this.#options;
    const groups = new ThrottleGroups();
    for (const [index, disk] of disks.entries()) {
      const opened = await openDisk(disk, logger);
      const settings: DiskSettings = typeof disk === 'string' ? {} : disk;
      const control = controlDisk(opened, settings, {
        name: settings.name ?? `disk${index}`,
        throttle: groups.of(settings),
        virtual: this.#options.clock === 'virtual',
      });
      this.#disks.push(opened);
      this.#controls.push(control);
      if (isOnScsi(disk)) this.#scsi.addDisk(index, control, settings);
      else this.#virtio.push(diskDevice(control.backend, disk, logger));
    }
  }

  async #openSerial(): Promise<CharBackend | undefined> {
    const { console = 'stream', logger } = this.#options;
    if (console === 'stream') return undefined;
    if (console === 'none') return new NullChar();
    return 'file' in console ? FileChar.open(console.file, logger === undefined ? {} : { logger }) : console;
  }
}

function isLimited(disk: DiskOptions): boolean {
  return typeof disk !== 'string' && Object.values(disk.iotune ?? {}).some((limit) => limit > 0);
}
