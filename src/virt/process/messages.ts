/** What a daemon and the process of a machine say to each other. */
import type {
  DiskFailure,
  ExitStatus,
  GuestState,
  MachineOptions,
  MediumOptions,
  PauseReason,
} from '../../drivers/index.ts';
import type { IoTune, NetCounts } from '../../machine/index.ts';
import { LogLevel, type VirErrorName, VirErrorNumber, VirtError } from '../../util/index.ts';
import type { BlockCounts } from '../local/counting-block.ts';
import type { MachineNumbers } from '../local/hypervisor.ts';

/** The calls of a daemon: their arguments and results. */
export interface Calls {
  /** The first one on every connection: who is there. */
  hello: [args: { version: number }, result: Hello];
  /** Makes the machine, powered off; only once. */
  make: [
    args: { options: MachineOptions; disks: string[]; nets?: string[]; title: string },
    result: { consoles: number; hostNames?: [alias: string, name: string][] },
  ];
  /** Switches it on. `outlive`: it goes on when the connection ends; until then it ends with the connection. */
  start: [args: { outlive: boolean }, result: null];
  pause: [args: object, result: null];
  resume: [args: object, result: null];
  reset: [args: object, result: null];
  press: [args: { wish: 'poweroff' | 'reboot' }, result: null];
  numbers: [args: object, result: WireNumbers];
  resizeDisk: [args: { target: string; bytes: number }, result: null];
  /** Sets limits of a disk's I/O. */
  tuneDisk: [args: { target: string; tune: IoTune }, result: null];
  /** Plugs the cable of the interface of an alias in or out. */
  setLink: [args: { alias: string; up: boolean }, result: null];
  /** Connects to a socket, and writes what passes the interface of an alias there as pcapng, until that is closed. */
  captureNet: [args: { alias: string; socket: string }, result: null];
  /** Puts another medium into a drive; absent: none. */
  changeMedium: [args: { target: string; force: boolean; medium?: MediumOptions }, result: null];
  /** Pulls the plug. */
  destroy: [args: object, result: null];
  /** Ends the process: nobody needs what it knows of its machine's end. */
  quit: [args: object, result: null];
}

/** Name of a call. */
export type CallName = keyof Calls;

/** What a machine's process says of itself. */
export interface Hello {
  readonly version: number;
  /** The name that the process was started with. */
  readonly name: string;
  readonly pid: number;
  /** `none`: no machine has been made. */
  readonly state: GuestState | 'none';
  readonly consoles: number;
  /** Why it is paused, if it is. */
  readonly pausedBy?: PauseReason;
  /** How the machine ended, if it has. */
  readonly status?: ExitStatus;
}

/** MachineNumbers as JSON has them. */
export interface WireNumbers {
  readonly vcpus: MachineNumbers['vcpus'];
  readonly disks: readonly (readonly [target: string, counts: BlockCounts])[];
  /** Absent: the process knows of none. */
  readonly nets?: readonly (readonly [alias: string, counts: NetCounts])[];
}

/** A call on the wire. */
export interface CallMessage {
  readonly call: CallName;
  readonly serial: number;
  readonly args: unknown;
}

/** An answer on the wire. */
export type ReplyMessage = { readonly reply: number } & (
  | { readonly result: unknown }
  | { readonly error: { code: VirErrorName; message: string } }
);

/** What a machine's process says unasked. */
export type EventMessage =
  | { readonly event: 'resumed' | 'reset' }
  | { readonly event: 'paused'; readonly reason: PauseReason }
  | { readonly event: 'ioError'; readonly failure: DiskFailure }
  | { readonly event: 'trayMoved'; readonly drive: string; readonly open: boolean }
  | { readonly event: 'ended'; readonly status: ExitStatus; readonly numbers: WireNumbers }
  | { readonly event: 'log'; readonly level: LogLevel; readonly message: string };

const endReasons: readonly string[] = ['poweroff', 'reset', 'fail', 'exit', 'destroyed', 'crashed'];

/** An object as it came from JSON, to look at. */
type Loose = Readonly<Record<string, unknown>>;

/** `value` as an object; throws TypeError for anything else. */
export function looseObject(value: unknown, what: string): Loose {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Loose;
  throw new TypeError(`${what} is no object`);
}

/** Throws TypeError for what is no such message. */
export function readCall(message: unknown): CallMessage {
  const { call, serial, args } = looseObject(message, 'a call');
  if (typeof call !== 'string' || !Number.isSafeInteger(serial)) throw new TypeError('a call has a name and a serial');
  return { call: call as CallName, serial: serial as number, args: looseObject(args, 'the arguments of a call') };
}

/** An answer or an event. Throws TypeError for what is neither. */
export function readAnswer(message: unknown): ReplyMessage | EventMessage {
  const loose = looseObject(message, 'a message');
  if (typeof loose['event'] === 'string') return readEvent(loose);
  if (!Number.isSafeInteger(loose['reply'])) throw new TypeError('a message is an answer or an event');
  if (loose['error'] === undefined) return loose as unknown as ReplyMessage;
  const { code, message: text } = looseObject(loose['error'], 'an error');
  if (typeof code !== 'string' || !(code in VirErrorNumber) || typeof text !== 'string') {
    throw new TypeError('an error has a code and a message');
  }
  return loose as unknown as ReplyMessage;
}

function readEvent(loose: Loose): EventMessage {
  switch (loose['event']) {
    case 'paused':
      return { event: 'paused', reason: loose['reason'] === 'ioError' ? 'ioError' : 'user' };
    case 'ioError':
      return { event: 'ioError', failure: readFailure(loose['failure']) };
    case 'trayMoved': {
      const { drive, open } = loose;
      if (typeof drive !== 'string' || typeof open !== 'boolean') break;
      return { event: 'trayMoved', drive, open };
    }
    case 'resumed':
    case 'reset':
      return { event: loose['event'] };
    case 'ended':
      return { event: 'ended', status: readStatus(loose['status']), numbers: readNumbersMessage(loose['numbers']) };
    case 'log': {
      const { level, message } = loose;
      if (typeof message !== 'string' || typeof level !== 'string' || !(level in LogLevel)) break;
      return { event: 'log', level: level as LogLevel, message };
    }
  }
  throw new TypeError(`the event '${String(loose['event'])}' is unknown`);
}

function readFailure(value: unknown): DiskFailure {
  const failure = looseObject(value, 'a failed request');
  for (const part of ['disk', 'action', 'operation', 'reason', 'detail']) {
    if (typeof failure[part] !== 'string') throw new TypeError(`a failed request has a ${part}`);
  }
  return failure as unknown as DiskFailure;
}

/** Throws TypeError for what says nothing of a machine's end. */
export function readStatus(value: unknown): ExitStatus {
  const { reason, code, detail } = looseObject(value, 'an exit status');
  if (!endReasons.includes(String(reason)) || typeof code !== 'number' || typeof detail !== 'string') {
    throw new TypeError('an exit status has reason, code and detail');
  }
  return { reason: reason as ExitStatus['reason'], code, detail };
}

/** Throws TypeError for what is no answer to `hello`. */
export function readHello(value: unknown): Hello {
  const loose = looseObject(value, 'an answer to hello');
  const { version, name, pid, state, consoles, status, pausedBy } = loose;
  if (version !== undefined && typeof version !== 'number') throw new TypeError('a version is a number');
  if (typeof name !== 'string' || typeof pid !== 'number' || typeof consoles !== 'number' || consoles > 255) {
    throw new TypeError('an answer to hello says who is there');
  }
  if (!['none', 'created', 'running', 'paused', 'ended'].includes(String(state))) {
    throw new TypeError('an answer to hello has a state');
  }
  return {
    version: version ?? 0,
    name,
    pid,
    state: state as Hello['state'],
    consoles,
    ...(pausedBy === undefined ? {} : { pausedBy: pausedBy === 'ioError' ? ('ioError' as const) : ('user' as const) }),
    ...(status === undefined ? {} : { status: readStatus(status) }),
  };
}

function readNumbersMessage(value: unknown): WireNumbers {
  const { vcpus, disks, nets = [] } = looseObject(value, 'numbers');
  if (!Array.isArray(vcpus) || !Array.isArray(disks) || !Array.isArray(nets)) {
    throw new TypeError('numbers are of vCPUs, disks and interfaces');
  }
  for (const vcpu of vcpus) {
    const { id, cpuSeconds } = looseObject(vcpu, 'numbers of a vCPU');
    if (typeof id !== 'number' || typeof cpuSeconds !== 'number') throw new TypeError('a vCPU has an id and a time');
  }
  for (const disk of disks) {
    if (!Array.isArray(disk) || typeof disk[0] !== 'string') throw new TypeError('numbers of a disk have its target');
    readCounts(disk[1]);
  }
  for (const net of nets) {
    if (!Array.isArray(net) || typeof net[0] !== 'string')
      throw new TypeError('numbers of an interface have its alias');
    const counts = looseObject(net[1], 'counts of an interface');
    if (!netCounts.every((count) => Number.isFinite(counts[count]))) throw new TypeError('counts are numbers');
  }
  return { vcpus, disks, nets } as unknown as WireNumbers;
}

const netCounts = ['rxBytes', 'rxPackets', 'rxDrop', 'txBytes', 'txPackets', 'txErrors', 'txDrop'] as const;

function readCounts(value: unknown): void {
  const counts = looseObject(value, 'counts');
  for (const kind of ['read', 'write', 'flush']) {
    const { requests, bytes, ns } = looseObject(counts[kind], 'counts of one kind');
    if (![requests, bytes, ns].every((n) => typeof n === 'number' && Number.isFinite(n))) {
      throw new TypeError('counts are numbers');
    }
  }
}

/** Throws TypeError for what is no answer to `numbers`. */
export function readNumbers(value: unknown): MachineNumbers {
  const { vcpus, disks, nets = [] } = readNumbersMessage(value);
  return { vcpus, disks: new Map(disks), nets: new Map(nets) };
}

/** Numbers as JSON has them: no 64-bit counters, which nobody asks for. */
export function writeNumbers({ vcpus, disks, nets }: MachineNumbers): WireNumbers {
  return {
    vcpus: vcpus.map(({ id, cpuSeconds, threadId }) => ({
      id,
      cpuSeconds,
      ...(threadId === undefined ? {} : { threadId }),
    })),
    disks: [...disks],
    nets: [...nets],
  };
}

/** An error for the wire. */
export function writeError(error: unknown): { code: VirErrorName; message: string } {
  if (error instanceof VirtError) return { code: error.code, message: error.message };
  const { code, message = String(error) } = error as NodeJS.ErrnoException;
  return { code: code === undefined ? 'INTERNAL_ERROR' : 'SYSTEM_ERROR', message };
}
