import type { EngineKind } from '../../src/cpu/index.ts';
import { BaseGuest } from '../../src/drivers/base-guest.ts';
import { hostTimers } from '../../src/drivers/host-timers.ts';
import type { GuestSpec } from '../../src/drivers/index.ts';
import { HostScheduler } from '../../src/drivers/kvm/host-scheduler.ts';
import { boardConfig } from '../../src/machine/index.ts';
import { HostClock } from '../../src/util/index.ts';

/** A guest on threads that, while it is paused, can be given to threads with another CPU backend. */
export class ChangingGuest extends BaseGuest {
  #scheduler: HostScheduler;

  constructor(spec: GuestSpec) {
    const clock = new HostClock();
    super(spec, clock, { clock, timers: hostTimers });
    this.#scheduler = this.#makeScheduler();
  }

  /** Ends the paused guest's threads and starts others, which stand until it is resumed. */
  async changeBackend(backend: EngineKind): Promise<void> {
    await this.#scheduler.quit();
    this.#scheduler = this.#makeScheduler();
    await this.#start(backend);
  }

  protected override async launch(): Promise<void> {
    this.machine.listener.start();
    await this.#start(this.spec.backend);
  }

  protected override go(): void {
    this.#scheduler.go();
  }

  protected override standStill(): Promise<void> {
    return this.#scheduler.standStill();
  }

  protected override quit(): Promise<void> {
    return this.#scheduler.quit();
  }

  #makeScheduler(): HostScheduler {
    return new HostScheduler(this.machine.vm, {
      debug: (vcpu) => this.debugStop(vcpu),
      exit: (code) => this.programExited(code),
      fault: (vcpu, detail) => this.crash(`vCPU ${vcpu}: ${detail}`),
    });
  }

  #start(backend: EngineKind): Promise<void> {
    return this.#scheduler.launch({
      shared: this.machine.vm.shared,
      backend,
      board: boardConfig(this.config),
      builtinFirmware: this.config.firmware.kind === 'builtin',
      htif: undefined,
    });
  }
}
