import type { Duplex } from 'node:stream';
import { Machine, type MachineConfig, type MachineHost, PowerRequest, StreamChar } from '../machine/index.ts';
import {
  type Clock,
  Emitter,
  hostRandom,
  type RandomSource,
  SeededRandom,
  silentLogger,
  VirtError,
} from '../util/index.ts';
import { diskFailure } from './disk-control.ts';
import type {
  ExitKind,
  ExitStatus,
  Guest,
  GuestEvents,
  GuestSpec,
  GuestState,
  GuestStats,
  PauseReason,
  VcpuStats,
} from './driver.ts';
import { SysRqKeys } from './sysrq-keys.ts';

/** Order of the counters in the state block's `exitKinds`. */
const exitKinds: readonly ExitKind[] = ['budget', 'mmio', 'sbi', 'wfi', 'kicked', 'debug', 'fault'];

/** The life of a guest, whatever runs its vCPUs: a driver says how they start, stand still, go on and end. */
export abstract class BaseGuest implements Guest {
  readonly config: MachineConfig;
  readonly events = new Emitter<GuestEvents>();
  protected readonly machine: Machine;
  protected readonly spec: GuestSpec;
  readonly #stream: Duplex | undefined;
  readonly #clock: Clock;
  readonly #ended: Promise<ExitStatus>;
  #resolveEnded: (status: ExitStatus) => void = () => {};
  #state: GuestState = 'created';
  #pausedBy: PauseReason | undefined;
  /** Jobs on the life cycle, one after another. */
  #tail: Promise<unknown> = Promise.resolve();
  #ranNs = 0;
  #runningSinceNs = 0;
  #keys: SysRqKeys | undefined;

  /** @param wall measures `wallSeconds`; `host`: what of the machine's host the driver decides. */
  constructor(spec: GuestSpec, wall: Clock, host: Pick<MachineHost, 'clock' | 'timers'>) {
    const { config } = spec;
    this.spec = spec;
    this.config = config;
    this.#clock = wall;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#watchDisks();
    const stream = spec.serial === undefined ? new StreamChar() : undefined;
    this.#stream = stream?.stream;
    this.machine = new Machine(config, {
      ...host,
      random: machineRandom(spec),
      logger: spec.logger ?? silentLogger,
      serial: spec.serial ?? (stream as StreamChar),
      virtio: spec.virtio,
      ...(spec.flash === undefined ? {} : { flash: spec.flash }),
      onPower: () => this.powerRequested(),
      onFault: (error) => this.crash(`a device failed: ${describe(error)}`),
    });
  }

  get state(): GuestState {
    return this.#state;
  }

  get pausedBy(): PauseReason | undefined {
    return this.#pausedBy;
  }

  get console(): Duplex {
    if (this.#stream === undefined) {
      throw new VirtError('OPERATION_INVALID', "the guest's serial port is connected to something else");
    }
    return this.#stream;
  }

  get dtb(): Uint8Array {
    return this.machine.dtb;
  }

  start(): Promise<void> {
    return this.#exclusive(async () => {
      this.#require('created');
      // Both take their time: the vCPUs' threads begin while images are loaded.
      const launched = this.launch();
      try {
        this.machine.powerOn();
      } finally {
        await launched;
      }
      this.#go();
      this.events.emit('started');
    });
  }

  pause(): Promise<void> {
    return this.#exclusive(async () => {
      this.#require('running', 'paused');
      if (this.#state === 'running') await this.#pause('user');
    });
  }

  resume(): Promise<void> {
    return this.#exclusive(async () => {
      this.#require('running', 'paused');
      if (this.#state === 'running') return;
      // What the guest asked for just before it was paused comes first.
      if (this.machine.powerRequest.request !== PowerRequest.NONE) return this.#servePower();
      this.#go();
      this.events.emit('resumed');
    });
  }

  reset(): Promise<void> {
    return this.#exclusive(() => {
      this.#require('running', 'paused');
      return this.#restart();
    });
  }

  press(wish: 'poweroff' | 'reboot'): Promise<void> {
    return this.#exclusive(async () => {
      this.#require('running');
      this.#keys?.stop();
      this.#keys = new SysRqKeys((key) => this.machine.sendBreak(key), wish);
    });
  }

  destroy(): Promise<void> {
    return this.#exclusive(() => this.#end({ reason: 'destroyed', code: 0, detail: 'the machine was destroyed' }));
  }

  wait(): Promise<ExitStatus> {
    return this.#ended;
  }

  signature(): string {
    return this.machine.signature();
  }

  stats(): GuestStats {
    const { vm } = this.machine;
    const running = this.#state === 'running' ? this.#clock.nowNs() - this.#runningSinceNs : 0;
    return {
      backend: this.spec.backend,
      wallSeconds: (this.#ranNs + running) / 1e9,
      mtime: vm.clock.read(),
      timebaseHz: vm.clock.timebaseHz,
      vcpus: vm.harts.map((hart): VcpuStats => {
        const cpu = this.cpuTime(hart.id);
        const threadId = this.threadId(hart.id);
        return {
          id: hart.id,
          instructions: hart.get('retired'),
          cpuSeconds: cpu.ns / 1e9,
          cpuSource: cpu.source,
          ...(threadId === undefined ? {} : { threadId }),
          exits: Object.fromEntries(exitKinds.map((kind, i) => [kind, hart.get('exitKinds', i)])) as Record<
            ExitKind,
            bigint
          >,
        };
      }),
    };
  }

  /** Makes what runs the vCPUs; the machine is paused and is being powered on meanwhile. */
  protected abstract launch(): Promise<void>;
  /** Lets the vCPUs run. */
  protected abstract go(): void;
  /** Stops the vCPUs; resolves once none is in the guest. */
  protected abstract standStill(): Promise<void>;
  /** Ends what runs the vCPUs, in whatever state it is. */
  protected abstract quit(): Promise<void>;

  /** The host's id of a vCPU's thread. */
  protected threadId(_id: number): number | undefined {
    return undefined;
  }

  /** CPU time of one vCPU so far. */
  protected cpuTime(id: number): { ns: number; source: VcpuStats['cpuSource'] } {
    return { ns: Number(this.machine.vm.harts[id].get('cpuTimeNs')), source: 'loop' };
  }

  /** The guest has asked for something: acts on it. */
  protected powerRequested(): void {
    this.#background(() => this.#servePower());
  }

  /** A program ended with its own exit code. */
  protected programExited(code: number): void {
    this.#background(() => this.#end({ reason: 'exit', code, detail: `the program exited with code ${code}` }));
  }

  /** A vCPU stands at a step or breakpoint. */
  protected debugStop(vcpu: number): void {
    this.#background(async () => {
      if (this.#state !== 'running') return;
      await this.#stand();
      this.events.emit('debug', vcpu);
    });
  }

  /** A fault of ours: this guest cannot go on. */
  protected crash(detail: string): void {
    this.spec.logger?.log('error', `machine crashed: ${detail}`);
    this.#background(() => this.#end({ reason: 'crashed', code: 1, detail }));
  }

  /** Disks whose policy is to stop hold their failed requests until the guest goes on. */
  #watchDisks(): void {
    for (const disk of this.spec.disks ?? []) {
      disk.onFailure((failure) => {
        this.events.emit('ioError', diskFailure(disk.name, failure));
        if (failure.action !== 'stop') return;
        this.spec.logger?.log('warn', `disk ${disk.name} failed, the machine stops: ${describe(failure.error)}`);
        // Resumed meanwhile, it tries again already.
        this.#background(async () => {
          if (this.#state === 'running' && disk.holding > 0) await this.#pause('ioError');
        });
      });
    }
  }

  async #pause(reason: PauseReason): Promise<void> {
    await this.#stand();
    this.#pausedBy = reason;
    this.events.emit('paused', reason);
  }

  async #servePower(): Promise<void> {
    if (this.#state !== 'running' && this.#state !== 'paused') return;
    const { request, code } = this.machine.powerRequest;
    switch (request) {
      case PowerRequest.NONE:
        return;
      case PowerRequest.RESET:
        if (this.spec.onReset !== 'exit') return this.#restart();
        return this.#end({ reason: 'reset', code: 0, detail: 'the guest asked for a reset' });
      case PowerRequest.FAIL:
        return this.#end({ reason: 'fail', code, detail: `the guest powered off with failure code ${code}` });
      case PowerRequest.SHUTDOWN:
        return this.#end({ reason: 'poweroff', code: 0, detail: 'the guest powered off' });
    }
  }

  async #restart(): Promise<void> {
    const running = this.#state === 'running';
    if (running) await this.#stand();
    for (const disk of this.spec.disks ?? []) disk.giveUp();
    this.machine.powerOn();
    if (running) this.#go();
    this.events.emit('reset');
  }

  async #end(status: ExitStatus): Promise<void> {
    if (this.#state === 'ended') return;
    this.#account();
    this.#keys?.stop();
    this.#state = 'ended';
    this.machine.vm.clock.pause();
    for (const disk of this.spec.disks ?? []) disk.giveUp(true);
    // The guest has ended even if a part of it cannot be put away in order.
    for (const step of [() => this.quit(), () => this.machine.close()]) {
      await step().catch((error: unknown) => this.spec.logger?.log('error', `ending the machine: ${describe(error)}`));
    }
    this.events.emit('ended', status);
    this.#resolveEnded(status);
  }

  #go(): void {
    this.#state = 'running';
    this.#runningSinceNs = this.#clock.nowNs();
    this.#pausedBy = undefined;
    this.machine.vm.clock.resume();
    this.go();
    for (const disk of this.spec.disks ?? []) disk.retry();
  }

  async #stand(): Promise<void> {
    await this.standStill();
    this.machine.vm.clock.pause();
    this.#account();
    this.#state = 'paused';
  }

  #account(): void {
    if (this.#state === 'running') this.#ranNs += this.#clock.nowNs() - this.#runningSinceNs;
  }

  #require(...states: GuestState[]): void {
    if (states.includes(this.#state)) return;
    throw new VirtError('OPERATION_INVALID', `the guest is ${this.#state}, it would have to be ${states.join(' or ')}`);
  }

  /** A job that nobody waits for: when it fails, the guest has crashed. */
  #background(job: () => Promise<void>): void {
    this.#exclusive(job).catch((error: unknown) => {
      this.crash(describe(error));
    });
  }

  #exclusive(job: () => Promise<void>): Promise<void> {
    const mine = this.#tail.then(job);
    this.#tail = mine.catch(() => undefined);
    return mine;
  }
}

function machineRandom(spec: GuestSpec): RandomSource {
  if (spec.random !== undefined) return spec.random;
  return spec.config.seed === undefined ? hostRandom : new SeededRandom(spec.config.seed);
}

function describe(error: unknown): string {
  if (error instanceof VirtError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
