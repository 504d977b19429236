import type { DiskFailure, ExitStatus } from '../../drivers/index.ts';
import { type FilledDomainDef, formatDomain, sourceOf, withTray } from '../conf/index.ts';
import {
  CrashedReason,
  DomainLifecycle,
  DomainState,
  IoErrorAction,
  PausedReason,
  RunningReason,
  ShutoffReason,
  TrayChange,
} from '../enums.ts';
import { virtError } from '../errors.ts';
import { connectConsoles, type LocalDomain, type Run, runConsoles, type StateReason } from './domain.ts';
import type { MadeGuest, Survivor } from './hypervisor.ts';
import { nameInterfaces, takeHostNames } from './interface-names.ts';
import type { World } from './world.ts';

/** What the end of a guest leads to, by its definition. */
type Action = 'destroy' | 'restart' | 'preserve';

/** How a domain starts. */
export interface StartOptions {
  readonly paused: boolean;
  /** It ends with the connection that starts it. */
  readonly autodestroy?: boolean;
}

/**
 * How domains start, stand still, go on and end, with libvirt's states, reasons and events in libvirt's order. Every
 * method is a job of its domain: call it within `domain.jobs.run`.
 */
export class DomainLife {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Starts a domain that is not active. Nothing of it is left when that fails. */
  async start(domain: LocalDomain, def: FilledDomainDef, options: StartOptions): Promise<void> {
    if (domain.active) throw virtError('OPERATION_INVALID', 'domain is already running');
    const { hypervisor, domains } = this.#world;
    const planned = nameInterfaces(this.#world, hypervisor.live(def));
    domain.starting = planned;
    domain.id = domains.nextId();
    this.#enter(domain, DomainState.PAUSED, PausedReason.STARTING_UP);
    try {
      const made = await this.#make(planned);
      const prepared = takeHostNames(planned, made.hostNames);
      const { autodestroy = false } = options;
      const run = newRun(made, prepared, autodestroy);
      domain.run = run;
      domain.updated = false;
      domain.messages = [...made.notices];
      this.#watch(domain, run);
      await this.#keep(domain, run);
      await made.guest.start();
      await hypervisor.started(made, prepared);
      if (options.paused) await made.guest.pause();
    } catch (error) {
      await this.#abandon(domain);
      throw error;
    } finally {
      domain.starting = undefined;
    }
    this.#announceStart(domain, options.paused);
  }

  /** Takes over a run of a process before this one: it goes on, or how it ended takes its course. */
  async adopt(domain: LocalDomain, def: FilledDomainDef, { record, made, status }: Survivor): Promise<void> {
    const { autodestroy, state, reason } = record;
    const run = newRun(made, def, autodestroy);
    this.#world.domains.reserveId(record.id);
    domain.id = record.id;
    domain.messages = [...record.messages];
    domain.run = run;
    if (status !== undefined) return this.#endedUnwatched(domain, run, status, record);
    this.#watch(domain, run);
    const paused = made.guest.state === 'paused';
    const kept = paused ? DomainState.PAUSED : DomainState.RUNNING;
    const known = made.guest.pausedBy === 'ioError' ? PausedReason.IOERROR : PausedReason.UNKNOWN;
    const otherwise = paused ? known : RunningReason.BOOTED;
    this.#enter(domain, kept, state === kept && reason !== PausedReason.STARTING_UP ? reason : otherwise);
    // Whoever it belonged to has gone with the process before.
    if (autodestroy) await this.destroy(domain);
  }

  /** The definition of a run has changed. */
  redefined(domain: LocalDomain): void {
    this.#note(domain);
  }

  /** Stops the vCPUs; harmless when they stand. */
  async suspend(domain: LocalDomain): Promise<void> {
    const guest = domain.liveGuest();
    if (domain.state.state === DomainState.PAUSED) return;
    await guest.pause();
    this.#enter(domain, DomainState.PAUSED, PausedReason.USER);
    this.#emit(domain, DomainLifecycle.SUSPENDED.id, DomainLifecycle.SUSPENDED.PAUSED);
  }

  async resume(domain: LocalDomain): Promise<void> {
    const guest = domain.liveGuest();
    if (domain.state.state === DomainState.RUNNING) {
      throw virtError('OPERATION_INVALID', 'domain is already running');
    }
    domain.run?.diskErrors.clear();
    await guest.resume();
    this.#enter(domain, DomainState.RUNNING, RunningReason.UNPAUSED);
    this.#emit(domain, DomainLifecycle.RESUMED.id, DomainLifecycle.RESUMED.UNPAUSED);
  }

  /** The reset button; whether it runs or stands stays as it is. */
  async reset(domain: LocalDomain): Promise<void> {
    await domain.liveGuest().reset();
  }

  /** Asks a guest to switch off, for good: it does not start again whatever its definition says. */
  async shutDown(domain: LocalDomain): Promise<void> {
    const run = domain.activeRun();
    run.last = true;
    await this.#world.hypervisor.press(domain.liveGuest(), 'poweroff');
  }

  /** Pulls the plug. */
  async destroy(domain: LocalDomain): Promise<void> {
    const run = domain.activeRun();
    run.ending = true;
    await run.made.guest.destroy();
    this.#emit(domain, DomainLifecycle.SHUTDOWN.id, DomainLifecycle.SHUTDOWN.HOST);
    await this.#stop(domain, ShutoffReason.DESTROYED, DomainLifecycle.STOPPED.DESTROYED);
  }

  #watch(domain: LocalDomain, run: Run): void {
    const { guest } = run.made;
    connectConsoles(run);
    guest.events.on('reset', () => {
      if (domain.run === run) this.#world.emit('reboot', domain.ref);
    });
    guest.events.on('ioError', (failure) => {
      if (domain.run === run && run.made.guest === guest) this.#diskFailed(domain, run, failure);
    });
    guest.events.on('trayMoved', (drive, open) => {
      if (domain.run === run && run.made.guest === guest) this.#trayMoved(domain, run, drive, open);
    });
    guest.events.on('paused', (reason) => {
      if (reason === 'ioError') this.#unattended(domain, () => this.#stopped(domain, run));
    });
    guest.events.on('ended', (status) => {
      if (run.ending || run.made.guest !== guest) return;
      this.#unattended(domain, async () => {
        if (!run.ending && domain.run === run) await this.#ended(domain, run, status);
      });
    });
  }

  /** A job that follows from what a machine did by itself. */
  #unattended(domain: LocalDomain, job: () => Promise<void>): void {
    domain.jobs.run(job).catch((error: unknown) => {
      this.#world.hypervisor.logger.log('error', `domain '${domain.name}', unattended: ${String(error)}`);
    });
  }

  /** A request of a disk failed on the host: what libvirt tells of that. */
  #diskFailed(domain: LocalDomain, run: Run, { disk, action, reason, detail }: DiskFailure): void {
    const def = run.def.devices.disks.find(({ target }) => target.dev === disk);
    if (action === 'stop') {
      if (!run.diskErrors.has(disk)) domain.messages.push(`disk '${disk}' failed: ${detail}`);
      run.diskErrors.set(disk, reason);
    }
    const source = def === undefined ? '' : sourceOf(def);
    this.#world.emit('ioError', domain.ref, source, def?.alias?.name ?? '', IoErrorAction[action], reason);
  }

  #trayMoved(domain: LocalDomain, run: Run, drive: string, open: boolean): void {
    const def = run.def.devices.disks.find(({ target }) => target.dev === drive);
    run.def = withTray(run.def, drive, open);
    this.#note(domain);
    this.#world.emit('trayChange', domain.ref, def?.alias?.name ?? '', open ? TrayChange.OPEN : TrayChange.CLOSE);
  }

  /** The machine has stopped because a request failed; unless somebody has resumed it already. */
  async #stopped(domain: LocalDomain, run: Run): Promise<void> {
    if (run.ending || domain.run !== run || run.made.guest.pausedBy !== 'ioError') return;
    if (domain.state.state === DomainState.PAUSED && domain.state.reason === PausedReason.IOERROR) return;
    this.#enter(domain, DomainState.PAUSED, PausedReason.IOERROR);
    this.#emit(domain, DomainLifecycle.SUSPENDED.id, DomainLifecycle.SUSPENDED.IOERROR);
  }

  /** The guest has ended by itself. */
  async #ended(domain: LocalDomain, run: Run, status: ExitStatus): Promise<void> {
    const { def } = run;
    switch (status.reason) {
      case 'crashed':
        domain.messages.push(`the domain crashed: ${status.detail}`);
        this.#world.hypervisor.logger.log('error', `domain '${domain.name}' crashed: ${status.detail}`);
        return this.#stop(domain, ShutoffReason.CRASHED, DomainLifecycle.STOPPED.FAILED);
      case 'fail':
        domain.messages.push(`the guest panicked: ${status.detail}`);
        return this.#panicked(domain, run, actionOf(def.on_crash));
      case 'destroyed':
        // By someone else than a job of ours: the system that stops, say.
        domain.messages.push(`the domain was destroyed: ${status.detail}`);
        return this.#stop(domain, ShutoffReason.DESTROYED, DomainLifecycle.STOPPED.DESTROYED);
      case 'reset':
        return this.#switchedOff(domain, run, actionOf(def.on_reboot));
      default:
        if (status.reason === 'exit') domain.messages.push(status.detail);
        return this.#switchedOff(domain, run, actionOf(def.on_poweroff));
    }
  }

  async #endedUnwatched(domain: LocalDomain, run: Run, status: ExitStatus, before: StateReason): Promise<void> {
    if (before.state === DomainState.PAUSED && before.reason === PausedReason.STARTING_UP) {
      domain.messages.push(`the domain did not start: ${status.detail}`);
      return this.#stop(domain, ShutoffReason.FAILED, DomainLifecycle.STOPPED.FAILED);
    }
    if (run.autodestroy) return this.#stop(domain, ShutoffReason.DESTROYED, DomainLifecycle.STOPPED.DESTROYED);
    return this.#ended(domain, run, status);
  }

  async #switchedOff(domain: LocalDomain, run: Run, action: Action): Promise<void> {
    this.#enter(domain, DomainState.SHUTDOWN, 0);
    this.#emit(domain, DomainLifecycle.SHUTDOWN.id, DomainLifecycle.SHUTDOWN.GUEST);
    if (action === 'restart' && !run.last) return this.#again(domain, run);
    if (action !== 'preserve') await this.#stop(domain, ShutoffReason.SHUTDOWN, DomainLifecycle.STOPPED.SHUTDOWN);
  }

  async #panicked(domain: LocalDomain, run: Run, action: Action): Promise<void> {
    this.#enter(domain, DomainState.CRASHED, CrashedReason.PANICKED);
    this.#emit(domain, DomainLifecycle.CRASHED.id, DomainLifecycle.CRASHED.PANICKED);
    if (action === 'restart') return this.#again(domain, run);
    if (action === 'destroy') await this.#stop(domain, ShutoffReason.CRASHED, DomainLifecycle.STOPPED.CRASHED);
  }

  /** A new machine in place of the one that has ended; to its user the same domain, with the same id and consoles. */
  async #again(domain: LocalDomain, run: Run): Promise<void> {
    try {
      run.made = await this.#make(run.def);
      run.def = takeHostNames(run.def, run.made.hostNames);
      this.#watch(domain, run);
      await this.#keep(domain, run);
      await run.made.guest.start();
      await this.#world.hypervisor.started(run.made, run.def);
    } catch (error) {
      domain.messages.push(`the domain did not start again: ${error instanceof Error ? error.message : String(error)}`);
      run.ending = true;
      await run.made.guest.destroy();
      await this.#stop(domain, ShutoffReason.FAILED, DomainLifecycle.STOPPED.FAILED);
      return;
    }
    this.#world.emit('reboot', domain.ref);
    this.#enter(domain, DomainState.RUNNING, RunningReason.BOOTED);
    this.#emit(domain, DomainLifecycle.RESUMED.id, DomainLifecycle.RESUMED.UNPAUSED);
  }

  #make(def: FilledDomainDef): Promise<MadeGuest> {
    const { hypervisor, pools, networks } = this.#world;
    return hypervisor.make(def, {
      volumePath: (pool, volume) => pools.volumePath(pool, volume),
      networkCable: (name) => networks.cable(name),
    });
  }

  #announceStart(domain: LocalDomain, paused: boolean): void {
    const { STARTED, RESUMED, SUSPENDED } = DomainLifecycle;
    if (paused) {
      this.#enter(domain, DomainState.PAUSED, PausedReason.USER);
      this.#emit(domain, STARTED.id, STARTED.BOOTED);
      this.#emit(domain, SUSPENDED.id, SUSPENDED.PAUSED);
      return;
    }
    this.#enter(domain, DomainState.RUNNING, RunningReason.BOOTED);
    this.#emit(domain, RESUMED.id, RESUMED.UNPAUSED);
    this.#emit(domain, STARTED.id, STARTED.BOOTED);
  }

  async #stop(domain: LocalDomain, reason: number, detail: number): Promise<void> {
    for (const console of domain.run?.consoles.values() ?? []) console.end();
    domain.run = undefined;
    domain.id = -1;
    domain.updated = false;
    this.#enter(domain, DomainState.SHUTOFF, reason);
    this.#emit(domain, DomainLifecycle.STOPPED.id, detail);
    this.#world.domains.settle(domain);
    await this.#world.hypervisor.runs?.forget(domain.uuid);
  }

  /** A start that failed: what there is of the machine ends, silently. */
  async #abandon(domain: LocalDomain): Promise<void> {
    const { run } = domain;
    if (run !== undefined) {
      run.ending = true;
      await run.made.guest.destroy();
      for (const console of run.consoles.values()) console.end();
    }
    domain.run = undefined;
    domain.id = -1;
    this.#enter(domain, DomainState.SHUTOFF, ShutoffReason.FAILED);
    this.#world.domains.settle(domain);
    await this.#world.hypervisor.runs?.forget(domain.uuid);
  }

  #enter(domain: LocalDomain, state: number, reason: number): void {
    domain.enter(state, reason, this.#world.hypervisor.clock.nowNs());
    this.#note(domain);
  }

  /** Keeps how a run stands, in its own time: its machine knows better whether it runs. */
  #note(domain: LocalDomain): void {
    const { run } = domain;
    if (run === undefined) return;
    this.#keep(domain, run).catch((error: unknown) => {
      this.#world.hypervisor.logger.log('error', `how domain '${domain.name}' stands is not kept: ${String(error)}`);
    });
  }

  /** Keeps a run for a process that comes after this one. */
  async #keep(domain: LocalDomain, { made, def, autodestroy }: Run): Promise<void> {
    const { runs } = this.#world.hypervisor;
    if (runs === undefined || made.guest.state === 'ended') return;
    const { uuid, name, id, messages, state } = domain;
    const xml = formatDomain(def, { secure: true, id });
    await runs.keep(made, { uuid, name, id, xml, ...state, autodestroy, messages });
  }

  #emit(domain: LocalDomain, event: number, detail: number): void {
    this.#world.emitLifecycle(domain, event, detail);
  }
}

function newRun(made: MadeGuest, def: FilledDomainDef, autodestroy: boolean): Run {
  return { made, def, consoles: runConsoles(def), diskErrors: new Map(), autodestroy, ending: false };
}

/** Dumps are not written, so what asks for one leaves only what comes after it; validation has refused the others. */
function actionOf(action: string): Action {
  return action === 'restart' || action === 'preserve' ? action : 'destroy';
}
