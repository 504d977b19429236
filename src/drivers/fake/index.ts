import { Duplex } from 'node:stream';
import type { MachineConfig } from '../../machine/index.ts';
import { TIMEBASE_HZ } from '../../machine/index.ts';
import { type Clock, Emitter, HostClock, VirtError } from '../../util/index.ts';
import type {
  Driver,
  ExitStatus,
  Guest,
  GuestEvents,
  GuestSpec,
  GuestState,
  GuestStats,
  PauseReason,
} from '../driver.ts';

/** What a fake guest can be told to do, as a real one does it by itself. */
export type FakeGuestAct = 'poweroff' | 'reset' | 'panic' | 'crash';

const ends: Readonly<Record<FakeGuestAct, ExitStatus>> = {
  poweroff: { reason: 'poweroff', code: 0, detail: 'the guest powered off' },
  reset: { reason: 'reset', code: 0, detail: 'the guest asked for a reset' },
  panic: { reason: 'fail', code: 1, detail: 'the guest powered off with failure code 1' },
  crash: { reason: 'crashed', code: 1, detail: 'vCPU 0: the fake machine was told to crash' },
};

/**
 * A guest without a CPU: it has the life cycle of a real one, its console says back what it is told, and its vCPUs use
 * no time. What a guest does by itself it does when told, by `act()`.
 */
export class FakeGuest implements Guest {
  readonly config: MachineConfig;
  readonly events = new Emitter<GuestEvents>();
  readonly console: Duplex;
  readonly dtb = new Uint8Array();
  readonly #spec: GuestSpec;
  readonly #clock: Clock;
  readonly #ended: Promise<ExitStatus>;
  #resolveEnded: (status: ExitStatus) => void = () => {};
  #state: GuestState = 'created';
  #ranNs = 0;
  #runningSinceNs = 0;

  constructor(spec: GuestSpec, clock: Clock = new HostClock()) {
    this.#spec = spec;
    this.#clock = clock;
    this.config = spec.config;
    this.console = echo();
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get state(): GuestState {
    return this.#state;
  }

  get pausedBy(): PauseReason | undefined {
    return this.#state === 'paused' ? 'user' : undefined;
  }

  async start(): Promise<void> {
    this.#require('created');
    this.#go();
    this.events.emit('started');
  }

  async pause(): Promise<void> {
    this.#require('running', 'paused');
    if (this.#state === 'paused') return;
    this.#account();
    this.#state = 'paused';
    this.events.emit('paused', 'user');
  }

  async resume(): Promise<void> {
    this.#require('running', 'paused');
    if (this.#state === 'running') return;
    this.#go();
    this.events.emit('resumed');
  }

  async reset(): Promise<void> {
    this.#require('running', 'paused');
    this.events.emit('reset');
  }

  /** A fake guest follows at once. */
  async press(wish: 'poweroff' | 'reboot'): Promise<void> {
    await this.act(wish === 'reboot' ? 'reset' : wish);
  }

  destroy(): Promise<void> {
    return this.#end({ reason: 'destroyed', code: 0, detail: 'the machine was destroyed' });
  }

  wait(): Promise<ExitStatus> {
    return this.#ended;
  }

  /** The guest does what a real one does by itself. Throws OPERATION_INVALID unless it runs. */
  async act(act: FakeGuestAct): Promise<void> {
    this.#require('running');
    if (act === 'reset' && this.#spec.onReset !== 'exit') this.events.emit('reset');
    else await this.#end(ends[act]);
  }

  stats(): GuestStats {
    const running = this.#state === 'running' ? this.#clock.nowNs() - this.#runningSinceNs : 0;
    const wallSeconds = (this.#ranNs + running) / 1e9;
    const exits = { budget: 0n, mmio: 0n, sbi: 0n, wfi: 0n, kicked: 0n, debug: 0n, fault: 0n };
    return {
      backend: this.#spec.backend,
      wallSeconds,
      mtime: BigInt(Math.floor(wallSeconds * TIMEBASE_HZ)),
      timebaseHz: TIMEBASE_HZ,
      vcpus: Array.from({ length: this.config.vcpus }, (_, id) => ({
        id,
        instructions: 0n,
        cpuSeconds: 0,
        cpuSource: 'loop' as const,
        exits,
      })),
    };
  }

  signature(): string {
    throw new VirtError('INVALID_ARG', 'the guest leaves no signature: it has no program');
  }

  async #end(status: ExitStatus): Promise<void> {
    if (this.#state === 'ended') return;
    this.#account();
    this.#state = 'ended';
    this.console.push(null);
    await Promise.all(this.#spec.virtio.map((device) => device.close()));
    await this.#spec.serial?.close();
    this.events.emit('ended', status);
    this.#resolveEnded(status);
  }

  #go(): void {
    this.#state = 'running';
    this.#runningSinceNs = this.#clock.nowNs();
  }

  #account(): void {
    if (this.#state === 'running') this.#ranNs += this.#clock.nowNs() - this.#runningSinceNs;
  }

  #require(...states: GuestState[]): void {
    if (states.includes(this.#state)) return;
    throw new VirtError('OPERATION_INVALID', `the guest is ${this.#state}, it would have to be ${states.join(' or ')}`);
  }
}

/** What is written can be read. */
function echo(): Duplex {
  const line: Duplex = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      if (!line.readableEnded) line.push(chunk);
      done();
    },
  });
  return line;
}

/** Guests without a CPU, for tests of all that is above. */
export const fakeDriver: Driver = {
  scheme: 'fake',
  create: (spec): FakeGuest => new FakeGuest(spec),
};
