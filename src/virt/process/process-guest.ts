import type { Duplex } from 'node:stream';
import type { ExitStatus, GuestEvents, GuestState, MediumOptions, PauseReason } from '../../drivers/index.ts';
import type { IoTune } from '../../machine/index.ts';
import { Emitter, type Logger } from '../../util/index.ts';
import type { DomainGuest, MachineNumbers } from '../local/hypervisor.ts';
import { socketFrom } from './capture.ts';
import type { MachineProcess } from './machine-process.ts';
import type { Hello } from './messages.ts';

/** How long, in milliseconds, a machine may take to put its disks away before its process is killed. */
const DESTROY_MS = 15_000;
/** How long, in milliseconds, old numbers will do rather than none. */
const NUMBERS_MS = 5000;

/** Numbers before there are any. */
export const noNumbers: MachineNumbers = { vcpus: [], disks: new Map(), nets: new Map() };

/** A machine in a process of its own. When that dies, however, the guest has ended. */
export class ProcessGuest implements DomainGuest {
  readonly events = new Emitter<GuestEvents>();
  readonly process: MachineProcess;
  /** Whether the machine goes on when its daemon ends; counts at the start. */
  outlive = true;
  #state: GuestState;
  #pausedBy: PauseReason | undefined;
  #numbers = noNumbers;
  #asked: Promise<MachineNumbers> | undefined;
  #end: Promise<void> | undefined;
  #released = false;

  /** @param hello how its process described itself: a machine that has not ended */
  constructor(process: MachineProcess, hello: Pick<Hello, 'state' | 'pausedBy'>, logger: Logger) {
    this.process = process;
    this.#state = hello.state === 'none' ? 'created' : hello.state;
    this.#pausedBy = hello.pausedBy;
    const { events } = process.link;
    events.on('paused', (reason) => {
      this.#state = 'paused';
      this.#pausedBy = reason;
      this.events.emit('paused', reason);
    });
    events.on('ioError', (failure) => this.events.emit('ioError', failure));
    events.on('trayMoved', (drive, open) => this.events.emit('trayMoved', drive, open));
    events.on('resumed', () => {
      this.#state = 'running';
      this.#pausedBy = undefined;
      this.events.emit('resumed');
    });
    events.on('reset', () => this.events.emit('reset'));
    events.on('log', (level, message) => logger.log(level, message, { pid: process.identity.pid }));
    events.on('ended', (status, numbers) => {
      this.#numbers = numbers;
      this.#finish(async () => {
        await process.quit();
        return status;
      });
    });
    events.on('closed', () => this.#finish(() => process.autopsy()));
  }

  get state(): GuestState {
    return this.#state;
  }

  get pausedBy(): PauseReason | undefined {
    return this.#pausedBy;
  }

  async start(): Promise<void> {
    await this.process.link.call('start', { outlive: this.outlive });
    if (this.#state === 'created') this.#state = 'running';
    this.events.emit('started');
  }

  async pause(): Promise<void> {
    await this.process.link.call('pause', {});
  }

  async resume(): Promise<void> {
    await this.process.link.call('resume', {});
  }

  async reset(): Promise<void> {
    await this.process.link.call('reset', {});
  }

  async press(wish: 'poweroff' | 'reboot'): Promise<void> {
    await this.process.link.call('press', { wish });
  }

  async destroy(): Promise<void> {
    if (this.#end === undefined) {
      // Whether it answers, has gone already or does not answer at all: in the end it has gone.
      await this.process.link.call('destroy', {}, DESTROY_MS).catch(() => this.process.kill());
      this.#finish(() => this.process.autopsy());
    }
    await this.#end;
  }

  /** Its numbers, or the last ones that are known. */
  async numbers(): Promise<MachineNumbers> {
    if (this.#end !== undefined) return this.#numbers;
    // Who asks while an answer is on its way gets that.
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  async resizeDisk(target: string, bytes: number): Promise<void> {
    await this.process.link.call('resizeDisk', { target, bytes });
  }

  async tuneDisk(target: string, tune: IoTune): Promise<void> {
    await this.process.link.call('tuneDisk', { target, tune });
  }

  async setLink(alias: string, up: boolean): Promise<void> {
    await this.process.link.call('setLink', { alias, up });
  }

  captureNet(alias: string): Promise<Duplex> {
    return socketFrom((socket) => this.process.link.call('captureNet', { alias, socket }));
  }

  async changeMedium(target: string, medium: MediumOptions | undefined, force: boolean): Promise<void> {
    await this.process.link.call('changeMedium', { target, force, ...(medium === undefined ? {} : { medium }) });
  }

  /** Lets go of the machine, which goes on. */
  release(): void {
    this.#released = true;
    this.process.link.close();
  }

  async #ask(): Promise<MachineNumbers> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, NUMBERS_MS, undefined);
      });
      const numbers = await Promise.race([this.process.link.numbers(), late]);
      if (numbers !== undefined && this.#end === undefined) this.#numbers = numbers;
    } catch {
      // It has gone in between, and its end is told otherwise.
    } finally {
      clearTimeout(timer);
      this.#asked = undefined;
    }
    return this.#numbers;
  }

  #finish(how: () => Promise<ExitStatus>): void {
    if (this.#released || this.#end !== undefined) return;
    this.#end = how().then((status) => {
      this.#state = 'ended';
      this.events.emit('ended', status);
    });
  }
}
