import { boardConfig } from '../../machine/index.ts';
import { HostClock } from '../../util/index.ts';
import { BaseGuest } from '../base-guest.ts';
import type { Driver, GuestSpec, VcpuStats } from '../driver.ts';
import { hostTimers } from '../host-timers.ts';
import { HostScheduler } from './host-scheduler.ts';

/** A guest whose vCPUs are threads of the host, in parallel, on the host's clock. */
class KvmGuest extends BaseGuest {
  readonly #scheduler: HostScheduler;

  constructor(spec: GuestSpec) {
    const clock = new HostClock();
    super(spec, clock, { clock, timers: hostTimers });
    this.#scheduler = new HostScheduler(this.machine.vm, {
      debug: (vcpu) => this.debugStop(vcpu),
      exit: (code) => this.programExited(code),
      fault: (vcpu, detail) => this.crash(`vCPU ${vcpu}: ${detail}`),
    });
  }

  protected override async launch(): Promise<void> {
    const { config, machine } = this;
    const { tohost, fromhost } = machine.symbols;
    await this.#scheduler.launch({
      shared: machine.vm.shared,
      backend: this.spec.backend,
      board: boardConfig(config),
      builtinFirmware: config.firmware.kind === 'builtin',
      htif: tohost === undefined ? undefined : { tohost, fromhost },
    });
  }

  protected override go(): void {
    this.machine.listener.start();
    this.#scheduler.go();
  }

  protected override standStill(): Promise<void> {
    return this.#scheduler.standStill();
  }

  protected override quit(): Promise<void> {
    return this.#scheduler.quit();
  }

  protected override threadId(id: number): number | undefined {
    return this.#scheduler.threadId(id);
  }

  protected override cpuTime(id: number): { ns: number; source: VcpuStats['cpuSource'] } {
    const { ns } = super.cpuTime(id);
    const live = this.#scheduler.cpuNs(id);
    // A thread that has ended left its last account in the state block.
    return live === undefined ? { ns, source: 'loop' } : { ns: Math.max(ns, live), source: 'thread' };
  }
}

/** Each vCPU a thread of the host, which schedules them. */
export const kvmDriver: Driver = {
  scheme: 'kvm',
  create: (spec) => new KvmGuest(spec),
};
