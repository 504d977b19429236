import type { ExitStatus, MachineHandle } from '../../drivers/index.ts';
import type { Clock, Logger } from '../../util/index.ts';
import { virtError } from '../errors.ts';
import { type LocalMachine, makeMachine } from '../local/machine-maker.ts';
import { writeTo } from './capture.ts';
import type { Channel, ChannelEvents } from './channel.ts';
import { PROTOCOL_VERSION } from './frames.ts';
import {
  type CallMessage,
  type CallName,
  type Calls,
  type EventMessage,
  type Hello,
  readCall,
  writeError,
  writeNumbers,
} from './messages.ts';
import { OutputRing } from './output-ring.ts';

/** Messages of the log that may wait for a daemon, in bytes: what comes beyond is dropped. */
const LOG_BACKLOG_BYTES = 256 * 1024;

/** What the service does to the process around it. */
export interface ServiceHost {
  readonly clock: Clock;
  readonly name: string;
  /** The machine has been made: shows its title where processes are listed. */
  entitle(title: string): void;
  /** Keeps how the machine ended for a daemon that comes later. */
  keep(status: ExitStatus): Promise<void>;
  /** Nothing is left to do. */
  quit(): void;
}

type Handlers = { [K in CallName]: (args: Calls[K][0]) => Promise<Calls[K][1]> | Calls[K][1] };

/** The machine of this process, as a daemon that connects controls it. One connection counts at a time: the last. */
export class MachineService {
  readonly #host: ServiceHost;
  readonly #calls: Handlers;
  #channel: Channel | undefined;
  #made: LocalMachine | undefined;
  #making = false;
  #rings: OutputRing[] = [];
  #outlive = false;
  #status: ExitStatus | undefined;
  /** Why this process ends its machine by itself. */
  #endDetail: string | undefined;
  /** Done when a daemon has been told of the end. */
  #told: Promise<void> | undefined;

  constructor(host: ServiceHost) {
    this.#host = host;
    const machine =
      <R>(use: (machine: MachineHandle) => Promise<R>) =>
      async () => {
        await use(this.#machine().machine);
        return null;
      };
    this.#calls = {
      hello: ({ version }) => this.#hello(version),
      make: (args) => this.#make(args),
      start: async ({ outlive }) => {
        await this.#start(outlive === true);
        return null;
      },
      pause: machine((one) => one.pause()),
      resume: machine((one) => one.resume()),
      reset: machine((one) => one.reset()),
      press: async ({ wish }) => {
        await this.#machine().machine.press(wish === 'reboot' ? 'reboot' : 'poweroff');
        return null;
      },
      numbers: () => writeNumbers(this.#machine().numbers()),
      resizeDisk: async ({ target, bytes }) => {
        await this.#machine().resizeDisk(target, bytes);
        return null;
      },
      tuneDisk: ({ target, tune }) => {
        this.#machine().tuneDisk(target, tune);
        return null;
      },
      setLink: ({ alias, up }) => {
        this.#machine().setLink(alias, up);
        return null;
      },
      captureNet: async ({ alias, socket }) => {
        await writeTo(socket, this.#machine().captureNet(alias));
        return null;
      },
      changeMedium: async ({ target, medium, force }) => {
        await this.#machine().changeMedium(target, medium, force);
        return null;
      },
      destroy: async () => {
        await this.#machine().machine.destroy();
        await this.#told;
        return null;
      },
      quit: () => {
        this.#host.quit();
        return null;
      },
    };
  }

  /** Somebody will ask how the machine ended. */
  get outlives(): boolean {
    return this.#outlive;
  }

  /** What to do with a connection that has come; the one before it ends. */
  connected(open: (events: ChannelEvents) => Channel): void {
    this.#channel?.destroy();
    const isCurrent = () => this.#channel === channel;
    const ring = (line: number) => {
      const found = this.#rings[line];
      if (found === undefined) throw new RangeError(`there is no console ${line}`);
      return found;
    };
    const channel: Channel = open({
      message: (message) => void this.#serve(channel, readCall(message)),
      data: (line, bytes) => this.#typed(channel, line, bytes),
      taken: (line, bytes) => ring(line).taken(bytes),
      attach: (line) => ring(line).attach(),
      detach: (line) => ring(line).detach(),
      drained: () => {
        if (isCurrent()) for (const one of this.#rings) one.pump();
      },
      closed: () => {
        if (isCurrent()) this.#lost();
      },
    });
    this.#channel = channel;
  }

  /** The process is to end: the machine's disks are closed in order first, and a daemon that is there gets word. */
  async end(detail: string): Promise<void> {
    if (this.#made === undefined || this.#status !== undefined) return this.#host.quit();
    this.#endDetail = detail;
    await this.#made.machine.destroy();
  }

  #machine(): LocalMachine {
    if (this.#made === undefined) throw virtError('OPERATION_INVALID', 'there is no machine');
    return this.#made;
  }

  #hello(version: number): Hello {
    if (version !== PROTOCOL_VERSION) {
      throw virtError('OPERATION_UNSUPPORTED', `version ${PROTOCOL_VERSION} is spoken here, not ${version}`);
    }
    const pausedBy = this.#made?.machine.pausedBy;
    return {
      version: PROTOCOL_VERSION,
      name: this.#host.name,
      pid: process.pid,
      state: this.#made?.machine.state ?? 'none',
      consoles: this.#rings.length,
      ...(pausedBy === undefined ? {} : { pausedBy }),
      ...(this.#status === undefined ? {} : { status: this.#status }),
    };
  }

  async #make({ options, disks, nets = [], title }: Calls['make'][0]): Promise<Calls['make'][1]> {
    if (this.#making) throw virtError('OPERATION_INVALID', 'there is a machine already');
    this.#making = true;
    try {
      const { clock } = this.#host;
      this.#made = await makeMachine({ options, disks, nets }, { clock, logger: this.#logger() });
    } catch (error) {
      this.#making = false;
      throw error;
    }
    this.#host.entitle(title);
    this.#watch(this.#made);
    return { consoles: this.#rings.length, hostNames: [...this.#made.hostNames] };
  }

  async #start(outlive: boolean): Promise<void> {
    const { machine } = this.#machine();
    // Before it runs: it may end at once.
    this.#outlive = outlive;
    try {
      await machine.start();
    } catch (error) {
      this.#outlive = false;
      if (this.#channel === undefined) this.#host.quit();
      throw error;
    }
  }

  #watch({ machine, consoles }: LocalMachine): void {
    this.#rings = consoles.map((stream, line) => {
      const ring = new OutputRing({
        send: (bytes) => this.#channel?.data(line, bytes) ?? false,
        hold: (held) => (held ? stream.pause() : stream.resume()),
      });
      stream.on('data', (chunk: Buffer) => ring.append(chunk));
      // A line that breaks has ended; the machine tells why.
      stream.on('error', () => {});
      return ring;
    });
    machine.events.on('paused', (reason) => this.#tell({ event: 'paused', reason }));
    machine.events.on('ioError', (failure) => this.#tell({ event: 'ioError', failure }));
    machine.events.on('trayMoved', (drive, open) => this.#tell({ event: 'trayMoved', drive, open }));
    for (const event of ['resumed', 'reset'] as const) machine.events.on(event, () => this.#tell({ event }));
    machine.events.on('ended', (status) => {
      this.#told = this.#ended(status);
    });
  }

  async #ended(how: ExitStatus): Promise<void> {
    const status = how.reason === 'destroyed' ? { ...how, detail: this.#endDetail ?? how.detail } : how;
    // Of one that ends with its daemon nobody will ask, and what it left nobody would remove.
    if (this.#outlive) await this.#host.keep(status);
    this.#status = status;
    if (this.#channel === undefined) return this.#host.quit();
    // What the streams still hold comes before the end.
    await new Promise((resolve) => setImmediate(resolve));
    for (const [line, ring] of this.#rings.entries()) {
      for (const bytes of ring.rest()) this.#channel.data(line, bytes);
    }
    this.#tell({ event: 'ended', status, numbers: writeNumbers(this.#machine().numbers()) });
  }

  /** Bytes for the guest. */
  #typed(channel: Channel, line: number, bytes: Buffer): void {
    const stream = this.#made?.consoles[line];
    if (stream === undefined) throw new RangeError(`there is no console ${line}`);
    const taken = () => {
      if (this.#channel === channel) channel.taken(line, bytes.length);
    };
    if (stream.destroyed || stream.writableEnded) taken();
    // A copy: the bytes lie in a buffer that the frames after it share.
    else stream.write(Buffer.from(bytes), taken);
  }

  async #serve(channel: Channel, { call, serial, args }: CallMessage): Promise<void> {
    const reply = await this.#answer(call, args);
    if (this.#channel === channel) channel.send({ reply: serial, ...reply });
  }

  async #answer(call: CallName, args: unknown): Promise<object> {
    try {
      if (!Object.hasOwn(this.#calls, call)) throw virtError('NO_SUPPORT', `the call '${call}' is unknown`);
      const handler = this.#calls[call] as (args: unknown) => unknown;
      return { result: await handler(args) };
    } catch (error) {
      return { error: writeError(error) };
    }
  }

  #tell(event: EventMessage): void {
    this.#channel?.send(event);
  }

  #logger(): Logger {
    return {
      log: (level, message) => {
        if ((this.#channel?.backlog ?? 0) > LOG_BACKLOG_BYTES) return;
        this.#tell({ event: 'log', level, message: message.slice(0, 4096) });
      },
    };
  }

  /** The daemon has gone. */
  #lost(): void {
    this.#channel = undefined;
    for (const ring of this.#rings) ring.lose();
    if (this.#status !== undefined) this.#host.quit();
    else if (!this.#outlive) void this.end('the daemon that it belonged to has gone').catch(() => this.#host.quit());
  }
}
