import type { Duplex } from 'node:stream';
import {
  type CdromOptions,
  createMachine,
  type DiskOptions,
  type MachineHandle,
  type MachineOptions,
  type MediumOptions,
  openDiskFile,
} from '../../drivers/index.ts';
import { captureStream, type DiskImage, type IoTune } from '../../machine/index.ts';
import type { Clock, Logger } from '../../util/index.ts';
import type { MachinePlan } from '../conf/index.ts';
import { virtError } from '../errors.ts';
import { type BlockCounts, CountingBlock, noCounts } from './counting-block.ts';
import type { MachineNumbers } from './hypervisor.ts';

/** What a machine is made with besides its plan. */
export interface MakerHost {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A machine in this process, whose disks are counted. */
export interface LocalMachine {
  readonly machine: MachineHandle;
  /** The serial port, if it is a stream, then the virtio consoles. */
  readonly consoles: MachineHandle['virtioConsoles'];
  /** Names of the host's interfaces that its own are, by alias. */
  readonly hostNames: ReadonlyMap<string, string>;
  numbers(): MachineNumbers;
  /** Throws OPERATION_INVALID if the target has no medium. */
  resizeDisk(target: string, bytes: number): Promise<void>;
  /** The same; and INVALID_ARG for limits that cannot be. */
  tuneDisk(target: string, tune: IoTune): void;
  /** Plugs the cable of an interface in or out. Throws OPERATION_INVALID if there is none of the alias. */
  setLink(alias: string, up: boolean): void;
  /** What passes the interface of an alias from now on, as pcapng. Throws OPERATION_INVALID if there is none. */
  captureNet(alias: string): Duplex;
  /**
   * Puts another medium into the drive of a target, or none. Throws OPERATION_INVALID if there is none of the target,
   * OPERATION_FAILED when the guest holds the medium and it is not taken by `force`, INVALID_ARG for an unusable image.
   */
  changeMedium(target: string, medium: MediumOptions | undefined, force: boolean): Promise<void>;
}

/** Makes the machine of a plan, powered off. Nothing is left open when it throws. */
export async function makeMachine(
  plan: Pick<MachinePlan, 'options' | 'disks' | 'nets'>,
  host: MakerHost,
): Promise<LocalMachine> {
  const disks = await OpenDisks.open(plan.options.disks ?? [], plan.disks, host);
  const cdroms = (plan.options.cdroms ?? []).map((cdrom) => disks.counted(cdrom, host.clock));
  const machine = await create({ ...plan.options, disks: disks.options, cdroms, logger: host.logger }, disks);
  const hasTerminal = (plan.options.console ?? 'stream') === 'stream';
  return {
    machine,
    consoles: [...(hasTerminal ? [machine.console] : []), ...machine.virtioConsoles],
    hostNames: new Map(
      machine.nets.flatMap(({ cable }, index) =>
        cable.hostName === undefined ? [] : [[plan.nets[index] ?? '', cable.hostName] as const],
      ),
    ),
    numbers: () => ({
      vcpus: machine.stats().vcpus,
      disks: disks.counts,
      nets: new Map(machine.nets.map(({ counts }, index) => [plan.nets[index] ?? '', { ...counts }])),
    }),
    resizeDisk: (target, bytes) => disks.resize(target, bytes),
    tuneDisk: (target, tune) => {
      const control = machine.diskControls.find(({ name }) => name === target);
      if (control === undefined) throw virtError('OPERATION_INVALID', `disk ${target} has no medium`);
      control.tune = tune;
    },
    setLink: (alias, up) => {
      const net = machine.nets[plan.nets.indexOf(alias)];
      if (net === undefined) throw virtError('OPERATION_INVALID', `there is no interface ${alias}`);
      net.setLink(up);
    },
    captureNet: (alias) => {
      const net = machine.nets[plan.nets.indexOf(alias)];
      if (net === undefined) throw virtError('OPERATION_INVALID', `there is no interface ${alias}`);
      return captureStream(net.cable, alias, host.clock);
    },
    changeMedium: async (target, medium, force) => {
      const drive = machine.cdroms.find(({ name }) => name === target);
      if (drive === undefined) throw virtError('OPERATION_INVALID', `there is no drive ${target}`);
      if (medium === undefined) await drive.eject({ force });
      else await drive.insert(medium, { force });
    },
  };
}

/** A machine on opened disks; they are closed when there will be none. */
async function create(options: MachineOptions, disks: OpenDisks): Promise<MachineHandle> {
  try {
    return await createMachine(options);
  } catch (error) {
    await disks.close();
    throw error;
  }
}

/** Disks of a machine while they are opened: those that are open are closed if another cannot be. */
class OpenDisks {
  readonly options: DiskOptions[] = [];
  readonly counts = new Map<string, BlockCounts>();
  readonly #files = new Map<string, DiskImage>();
  readonly #open: CountingBlock[] = [];

  static async open(wanted: readonly DiskOptions[], targets: readonly string[], host: MakerHost): Promise<OpenDisks> {
    const disks = new OpenDisks();
    try {
      for (const [index, disk] of wanted.entries()) await disks.#add(disk, targets[index] ?? '', host);
      return disks;
    } catch (error) {
      await disks.close();
      throw error;
    }
  }

  /** The same drive, what is read from its media being counted. */
  counted(cdrom: CdromOptions, clock: Clock): CdromOptions {
    const counts = noCounts();
    this.counts.set(cdrom.name ?? '', counts);
    return { ...cdrom, between: (medium) => new CountingBlock(medium, clock, counts) };
  }

  async resize(target: string, bytes: number): Promise<void> {
    const file = this.#files.get(target);
    if (file === undefined) throw virtError('OPERATION_INVALID', `disk ${target} has no medium`);
    await file.resize(bytes);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#open.map((disk) => disk.close()));
  }

  async #add(disk: DiskOptions, target: string, { clock, logger }: MakerHost): Promise<void> {
    if (typeof disk === 'string' || 'backend' in disk) throw new TypeError('a disk of a definition has a file');
    const { file: _file, format: _format, readonly: _readonly, ...settings } = disk;
    const file = await openDiskFile(disk, logger);
    const backend = new CountingBlock(file, clock);
    this.#open.push(backend);
    this.options.push({ ...settings, backend, name: target });
    this.counts.set(target, backend.counts);
    this.#files.set(target, file);
  }
}
