import {
  type BlockBackend,
  type CdDrive,
  type DiskFormat,
  SCSI_QUEUES_MAX,
  ScsiCdrom,
  ScsiDisk,
  VirtioScsi,
} from '../machine/index.ts';
import { type Logger, VirtError } from '../util/index.ts';
import type { DiskControl } from './disk-control.ts';
import { type DiskOptions, type DiskSettings, openDiskFile, writeCaches } from './disk-options.ts';

/** Where a disk or drive is on its SCSI bus; what is not given is chosen. */
export interface ScsiPlace {
  /** Number of the controller, one virtio-scsi device each; default 0. */
  readonly controller?: number;
  /** 0 to 255; default 0. */
  readonly target?: number;
  /** 0 to 16383; default the first that is free. */
  readonly lun?: number;
}

/** An image in a drive: what is on it is read as it is, and never written. */
export interface MediumOptions {
  readonly file: string;
  /** Default raw. */
  readonly format?: DiskFormat;
}

/** A CD-ROM drive, on SCSI; without a file it is empty. */
export interface CdromOptions extends Partial<MediumOptions> {
  /** What its owner calls it; default `cdrom0`, `cdrom1` … */
  readonly name?: string;
  readonly serial?: string;
  readonly place?: ScsiPlace;
  /** Puts something between the drive and each of its media, such as what counts requests; it closes the medium. */
  readonly between?: (medium: BlockBackend) => BlockBackend;
}

/** A drive of a machine, for its owner. */
export interface CdromHandle extends Pick<CdDrive, 'loaded' | 'trayOpen' | 'locked' | 'onTrayMove'> {
  readonly name: string;
  /**
   * Puts a medium in, in place of the one that is there. Throws INVALID_ARG for an image that cannot be opened, and
   * OPERATION_FAILED when the guest holds what is in the drive, unless it is taken by `force`; the guest is then asked
   * to let go of it.
   */
  insert(medium: MediumOptions, options?: { readonly force?: boolean }): Promise<void>;
  /** Takes the medium out and leaves the tray open. Throws OPERATION_FAILED as `insert`. */
  eject(options?: { readonly force?: boolean }): Promise<void>;
}

/** A place in full. */
type Place = Required<ScsiPlace>;

/** A controller with the places of what is on it, by index of disk and drive. */
export interface ScsiPlan {
  /** Controllers in order, with the number of queues of each. */
  readonly controllers: ReadonlyMap<number, number>;
  readonly disks: ReadonlyMap<number, Place>;
  readonly cdroms: readonly Place[];
}

/** Whether a disk is on SCSI. */
export function isOnScsi(disk: DiskOptions): boolean {
  return typeof disk !== 'string' && disk.bus === 'scsi';
}

/** Gives every disk on SCSI and every drive its place. Throws INVALID_ARG for places that cannot be. */
export function planScsi(disks: readonly DiskOptions[], cdroms: readonly CdromOptions[]): ScsiPlan {
  const scsi = disks.flatMap((disk, index) => {
    return typeof disk !== 'string' && disk.bus === 'scsi' ? [{ index, settings: disk as DiskSettings }] : [];
  });
  const taken = new Set<string>();
  const wanted = [...scsi.map(({ settings }) => settings.place), ...cdroms.map(({ place }) => place)];
  // Those that say where they are come first: the others go where there is room.
  for (const place of wanted) if (place?.lun !== undefined) claim(taken, fill(place, place.lun));
  const places = wanted.map((place) => {
    if (place?.lun !== undefined) return fill(place, place.lun);
    let lun = 0;
    while (taken.has(key(fill(place, lun)))) lun++;
    return claim(taken, fill(place, lun));
  });
  const controllers = new Map<number, number>();
  for (const [i, { controller }] of places.entries()) {
    const queues = scsi[i]?.settings.queues ?? 1;
    if (queues > SCSI_QUEUES_MAX) {
      throw new VirtError('INVALID_ARG', `a SCSI disk with ${queues} queues: it has 1 to ${SCSI_QUEUES_MAX}`);
    }
    controllers.set(controller, Math.max(queues, controllers.get(controller) ?? 1));
  }
  return {
    controllers: new Map([...controllers].sort(([a], [b]) => a - b)),
    disks: new Map(scsi.map(({ index }, i) => [index, places[i] as Place])),
    cdroms: places.slice(scsi.length),
  };
}

function fill({ controller = 0, target = 0 }: ScsiPlace = {}, lun: number): Place {
  return { controller, target, lun };
}

function key({ controller, target, lun }: Place): string {
  return `${controller}:${target}:${lun}`;
}

function claim(taken: Set<string>, place: Place): Place {
  const { controller, target, lun } = place;
  const where = `SCSI controller ${controller}, target ${target}, unit ${lun}`;
  for (const [value, max] of [
    [controller, 255],
    [target, 255],
    [lun, 16_383],
  ] as const) {
    if (!Number.isInteger(value) || value < 0 || value > max)
      throw new VirtError('INVALID_ARG', `${where}: no such place`);
  }
  if (taken.has(key(place))) throw new VirtError('INVALID_ARG', `${where}: it is taken already`);
  taken.add(key(place));
  return place;
}

/** The controllers of a machine while they are filled. */
export class ScsiHosts {
  /** In order. */
  readonly devices: readonly VirtioScsi[];
  readonly cdroms: CdromHandle[] = [];
  readonly #plan: ScsiPlan;
  readonly #byNumber: ReadonlyMap<number, VirtioScsi>;
  readonly #logger: { readonly logger?: Logger };

  constructor(plan: ScsiPlan, logger: Logger | undefined) {
    this.#plan = plan;
    this.#logger = logger === undefined ? {} : { logger };
    this.#byNumber = new Map(
      [...plan.controllers].map(([n, queues]) => [n, new VirtioScsi([], { queues, ...this.#logger })]),
    );
    this.devices = [...this.#byNumber.values()];
  }

  /** Plugs the disk of index `index` in, which is the controller's to close from now on. */
  addDisk(index: number, control: DiskControl, settings: DiskSettings): void {
    const { serial, cache } = settings;
    const unit = new ScsiDisk(control.backend, {
      name: control.name,
      ...(serial === undefined ? {} : { serial }),
      ...(cache === undefined ? {} : { cache: writeCaches[cache] }),
      ...this.#logger,
    });
    this.#plug(this.#plan.disks.get(index), unit);
  }

  /** Opens the medium of a drive, if it has one, and plugs the drive in. */
  async addCdrom(index: number, options: CdromOptions): Promise<void> {
    const { file, format, serial, between = (medium) => medium, name = `cdrom${index}` } = options;
    const { logger } = this.#logger;
    const open = async (medium: MediumOptions) => between(await openDiskFile({ ...medium, readonly: true }, logger));
    const medium = file === undefined ? undefined : await open({ file, ...(format === undefined ? {} : { format }) });
    const unit = new ScsiCdrom(medium, { name, ...(serial === undefined ? {} : { serial }), ...this.#logger });
    this.#plug(this.#plan.cdroms[index], unit);
    this.cdroms.push(cdromHandle(name, unit, open));
  }

  /** Closes what has been plugged in. */
  async close(): Promise<void> {
    await Promise.allSettled(this.devices.map((device) => device.close()));
  }

  #plug(place: Place | undefined, unit: ScsiDisk | ScsiCdrom): void {
    // The plan is of the same lists.
    const { controller, target, lun } = place as Place;
    (this.#byNumber.get(controller) as VirtioScsi).bus.plug({ target, lun, unit });
  }
}

function cdromHandle(
  name: string,
  drive: ScsiCdrom,
  open: (medium: MediumOptions) => Promise<BlockBackend>,
): CdromHandle {
  return {
    name,
    get loaded() {
      return drive.loaded;
    },
    get trayOpen() {
      return drive.trayOpen;
    },
    get locked() {
      return drive.locked;
    },
    onTrayMove: (callback) => drive.onTrayMove(callback),
    async insert({ file, format }, options) {
      // Exactly these: what else the caller's object holds is not for the image.
      const medium = await open({ file, ...(format === undefined ? {} : { format }) });
      try {
        await drive.change(medium, options);
      } catch (error) {
        await medium.close();
        throw error;
      }
    },
    eject: (options) => drive.change(undefined, options),
  };
}
