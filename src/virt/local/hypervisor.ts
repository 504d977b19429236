import type { Duplex } from 'node:stream';
import type { ExitStatus, Guest, VcpuStats } from '../../drivers/index.ts';
import type { IoTune, NetCounts } from '../../machine/index.ts';
import type { Clock, Logger, VirtErrorOptions } from '../../util/index.ts';
import type { BlockInfo, NodeInfo, NodeStat, TypedParam } from '../backend.ts';
import type {
  DeviceDef,
  DomainCapabilitiesQuery,
  FilledDomainDef,
  HostCapabilities,
  PlanContext,
} from '../conf/index.ts';
import type { BlockCounts } from './counting-block.ts';
import type { HostInterface } from './host-interfaces.ts';
import type { NetworkDriver } from './network-driver.ts';

/** What a domain needs of its machine, wherever that runs. As with `Guest`, methods queue up. */
export type DomainGuest = Pick<
  Guest,
  'state' | 'pausedBy' | 'events' | 'start' | 'pause' | 'resume' | 'reset' | 'press' | 'destroy'
>;

/** A machine's end of a console's line. */
export interface ConsoleLine extends Duplex {
  /**
   * Somebody begins to read; there with `detach` on a line that keeps recent output itself, within bounds: then what
   * nobody reads is not read from it.
   */
  attach?(): void;
  /** Nobody reads any more. */
  detach?(): void;
}

/** Numbers of a machine since its start, or its last ones if it has ended. */
export interface MachineNumbers {
  readonly vcpus: readonly Pick<VcpuStats, 'id' | 'cpuSeconds' | 'threadId'>[];
  /** What was done to the disks, by target. */
  readonly disks: ReadonlyMap<string, BlockCounts>;
  /** What passed the network interfaces, by alias. */
  readonly nets: ReadonlyMap<string, NetCounts>;
}

/** What a machine finds outside of its definition. */
export type MachineSurroundings = Required<Pick<PlanContext, 'volumePath' | 'networkCable'>>;

/** A change of one device of a running machine, as it is in the live definition: with its defaults and its alias. */
export interface DeviceChange {
  readonly verb: 'attach' | 'detach' | 'update';
  readonly device: DeviceDef;
  /** What an update changes; it differs from `device`. */
  readonly before?: DeviceDef;
  /** What the guest holds is taken from it. */
  readonly force?: boolean;
}

/** A machine made from a definition, with what of it a domain shows. */
export interface MadeGuest {
  readonly guest: DomainGuest;
  /** The serial port if it is a terminal, then the virtio consoles, in the order of the definition. */
  readonly consoles: readonly ConsoleLine[];
  /** What the definition asks for and the guest does not get. */
  readonly notices: readonly string[];
  /** Names of the host's interfaces that its own are, by alias, where they are some of the host's. */
  readonly hostNames?: ReadonlyMap<string, string>;
  numbers(): Promise<MachineNumbers>;
  /** Gives the disk of a target another size in bytes. Throws OPERATION_INVALID if it has no medium. */
  resizeDisk(target: string, bytes: number): Promise<void>;
  /** Limits the I/O of the disk of a target, and of its group. Throws INVALID_ARG, OPERATION_INVALID as above. */
  tuneDisk(target: string, tune: IoTune): Promise<void>;
  /** What passes the interface of an alias from now on, as pcapng; absent: there is nothing to capture. */
  captureNet?(alias: string): Promise<Duplex>;
  /** Plugs a device in, takes it out or changes it. Throws OPERATION_UNSUPPORTED; absent: it can do none of that. */
  changeDevice?(change: DeviceChange): Promise<void>;
  /** Switches vCPUs on and off, up to the definition's maximum; absent: there are as many as there were. */
  setVcpus?(count: number): Promise<void>;
}

/** What is kept of a run beside its machine, for a process that takes it over. */
export interface RunRecord {
  readonly uuid: string;
  readonly name: string;
  readonly id: number;
  /** The live definition, with secrets. */
  readonly xml: string;
  /** Of enums.ts. */
  readonly state: number;
  readonly reason: number;
  /** It ends with the connection that started it. */
  readonly autodestroy: boolean;
  readonly messages: readonly string[];
}

/** A run that was kept. */
export interface Survivor {
  readonly record: RunRecord;
  readonly made: MadeGuest;
  /** How the machine ended meanwhile; absent: it runs, or is paused. */
  readonly status?: ExitStatus;
}

/** Keeps runs of machines that outlive this process. */
export interface RunKeeper {
  /** Keeps the run of a machine that is about to start, or replaces what is kept of it. */
  keep(made: MadeGuest, record: RunRecord): Promise<void>;
  /** The run has ended. What fails is logged. */
  forget(uuid: string): Promise<void>;
  /** Runs that were kept before this process, once. */
  find(): Promise<Survivor[]>;
  /** Lets go of the machines, which go on, and closes. */
  release(): Promise<void>;
  /** Lets go of what is not a machine's. */
  close(): Promise<void>;
}

/** Sort of schedulers that a driver has, with the parameters that domains begin with. */
export interface SchedulerFace {
  readonly type: string;
  readonly params: readonly TypedParam[];
  /** Gives a domain other parameters, one of each name; absent: they stay as they are. Throws INVALID_ARG. */
  tune?(made: MadeGuest | undefined, params: readonly TypedParam[]): Promise<void>;
}

/** What runs the domains of a world, and the host it is on. */
export interface Hypervisor {
  /** What its errors are from. */
  readonly errorDomain: VirtErrorOptions['domain'];
  /** virConnectGetType. */
  readonly type: string;
  /** `<domain type>` of its domains. */
  readonly domainType: string;
  /** virConnectGetVersion. */
  readonly version: bigint;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly host: HostCapabilities;
  /** Running domains give memory back when asked: their size is `currentMemory`. */
  readonly hasBalloon: boolean;
  readonly scheduler: SchedulerFace | undefined;
  /** Where machines outlive this process: how runs are kept. */
  readonly runs?: RunKeeper;
  /** Runs networks. */
  readonly networks: NetworkDriver;
  /** Checks a parsed definition and fills in its defaults. Throws CONFIG_UNSUPPORTED, XML_ERROR. */
  complete(xml: string): FilledDomainDef;
  /** The definition of the running domain, with aliases. */
  live(def: FilledDomainDef): FilledDomainDef;
  /** Makes the machine, powered off. Nothing is left open when it throws. */
  make(def: FilledDomainDef, surroundings: MachineSurroundings): Promise<MadeGuest>;
  /** The machine has started: what else its definition asks for. Throws; then the machine ends. */
  started(made: MadeGuest, def: FilledDomainDef): Promise<void>;
  /** Asks the guest to switch off or restart, as a power button does. Throws OPERATION_UNSUPPORTED. */
  press(guest: DomainGuest, wish: 'poweroff' | 'reboot'): Promise<void>;
  /** Lets a vCPU run on some host CPUs only. Throws OPERATION_UNSUPPORTED. */
  pin(made: MadeGuest, vcpu: number, cpus: readonly number[]): Promise<void>;
  /** Lets all of a machine but its vCPUs run on some host CPUs only; absent: it has no threads of its own for that. */
  pinEmulator?(made: MadeGuest, cpus: readonly number[]): Promise<void>;
  /** The network interfaces to show; absent: the host's own. */
  hostInterfaces?(): HostInterface[];
  /** Sizes of the image at a path. */
  imageInfo(path: string): Promise<BlockInfo>;
  capabilities(): string;
  domainCapabilities(query: DomainCapabilitiesQuery): string;
  sysinfo(): string;
  /** The guests' clock in nanoseconds since 1970, where the host can tell without an agent in the guest. */
  guestTimeNs?(): bigint;
  nodeInfo(): NodeInfo;
  freeMemory(): bigint;
  /** The same by NUMA cell; absent: there is one. */
  cellsFreeMemory?(): bigint[];
  cpuStats(cpuNum: number): NodeStat[];
  /** @param cell −1: all together */
  memoryStats(cell: number): NodeStat[];
}
