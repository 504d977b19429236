import type { DomainRef, TypedParam } from '../backend.ts';
import type { FilledDomainDef } from '../conf/index.ts';
import { DomainState, ShutoffReason } from '../enums.ts';
import { virtError } from '../errors.ts';
import { ConsoleBroker } from './console-broker.ts';
import type { DomainGuest, MadeGuest } from './hypervisor.ts';
import { JobQueue } from './job-queue.ts';

/** A running domain's machine and what belongs to this run. */
export interface Run {
  made: MadeGuest;
  /** The definition it runs with. */
  def: FilledDomainDef;
  /** Consoles by alias, the first one first. */
  readonly consoles: Map<string, ConsoleBroker>;
  /** It ends with the connection that started it. */
  readonly autodestroy: boolean;
  /** Disks whose failed requests it waits for, with libvirt's reason. */
  readonly diskErrors: Map<string, string>;
  /** It does not start again by itself. */
  last?: boolean;
  /** A job of ours is ending the machine: what it says of it is no news. */
  ending: boolean;
}

/** State and reason, of enums.ts. */
export interface StateReason {
  readonly state: number;
  readonly reason: number;
}

/**
 * A domain's standing in the world: its definitions, its state, its run. It only keeps them consistent; what happens
 * when is DomainLife's.
 */
export class LocalDomain {
  readonly uuid: string;
  readonly jobs = new JobQueue();
  name: string;
  id = -1;
  /** The definition that is kept; absent: transient. */
  config: FilledDomainDef | undefined;
  /** The definition of a start under way, until there is a machine. */
  starting: FilledDomainDef | undefined;
  run: Run | undefined;
  autostart = false;
  /** The definition has changed since the start. */
  updated = false;
  /** No longer in the table; whoever waited for it looks it up again. */
  removed = false;
  messages: string[] = [];
  /** Parameters of the scheduler that it was given. */
  scheduling: readonly TypedParam[] = [];
  /** When the state was entered, in nanoseconds of the monotonic clock. */
  sinceNs = 0;
  #state: StateReason = { state: DomainState.SHUTOFF, reason: ShutoffReason.UNKNOWN };

  constructor(uuid: string, name: string) {
    this.uuid = uuid;
    this.name = name;
  }

  get ref(): DomainRef {
    return { name: this.name, uuid: this.uuid, id: this.id };
  }

  get state(): StateReason {
    return this.#state;
  }

  get active(): boolean {
    return this.id !== -1;
  }

  get persistent(): boolean {
    return this.config !== undefined;
  }

  /** It has been defined or started: others may see it. */
  get visible(): boolean {
    return !this.removed && (this.persistent || this.active);
  }

  /** The definition that holds now. */
  get current(): FilledDomainDef {
    const def = this.run?.def ?? this.starting ?? this.config;
    if (def === undefined) throw new Error(`domain '${this.name}' has no definition`);
    return def;
  }

  enter(state: number, reason: number, nowNs: number): void {
    this.#state = { state, reason };
    this.sinceNs = nowNs;
  }

  /** The run; throws OPERATION_INVALID if it does not run. */
  activeRun(): Run {
    if (this.run === undefined) throw virtError('OPERATION_INVALID', 'domain is not running');
    return this.run;
  }

  /** The machine; throws OPERATION_INVALID if there is none, or it has ended and the domain is preserved. */
  liveGuest(): DomainGuest {
    const { guest } = this.activeRun().made;
    if (guest.state === 'ended') throw virtError('OPERATION_INVALID', 'domain is not running');
    return guest;
  }
}

/** A run's consoles: the serial port if it is a stream, then the virtio consoles, by the aliases of its definition. */
export function runConsoles(def: FilledDomainDef): Map<string, ConsoleBroker> {
  const consoles = new Map<string, ConsoleBroker>();
  const [serial] = def.devices.serials;
  if (serial !== undefined && streamed(serial.type)) consoles.set(serial.alias?.name ?? 'serial0', new ConsoleBroker());
  for (const [index, console] of virtioConsoles(def).entries()) {
    consoles.set(console.alias?.name ?? `console${index}`, new ConsoleBroker());
  }
  return consoles;
}

/** Connects the consoles to the machine's ends of the lines. */
export function connectConsoles({ consoles, made }: Run): void {
  for (const [index, broker] of [...consoles.values()].entries()) {
    const line = made.consoles[index];
    if (line !== undefined) broker.connect(line);
  }
}

function virtioConsoles(def: FilledDomainDef): FilledDomainDef['devices']['consoles'] {
  return def.devices.consoles.filter(({ target }) => target?.type === 'virtio');
}

function streamed(type: string): boolean {
  return type === 'pty';
}
