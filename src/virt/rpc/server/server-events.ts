import type { Backend, BackendEvents } from '../../backend.ts';
import { virtError } from '../../errors.ts';
import { type EventRow, type EventSource, eventIds, eventRows } from '../events.ts';
import { encodePacket, PacketStatus, PacketType, Program } from '../packet.ts';

/** Events of one kind that a client wants. */
interface Registration {
  readonly source: EventSource;
  readonly event: number;
  /** UUID, or a device's name, of the one object that it is for. */
  readonly of: string | undefined;
}

/** Takes a client's registrations and sends it the events that it has registered for, and no others. */
export class ServerEvents {
  readonly #send: (packet: Buffer) => void;
  readonly #max: number;
  readonly #registrations = new Map<number, Registration>();
  /** Event numbers registered without a callback's id. */
  readonly #legacy = new Set<number>();
  #nextId = 0;
  #stop: () => void = () => {};

  /** @param max registrations */
  constructor(send: (packet: Buffer) => void, max: number) {
    this.#send = send;
    this.#max = max;
  }

  /** Listens to a backend from now on. */
  listen({ events }: Backend): void {
    const stops = eventRows.map((row) => {
      const listener = (...args: unknown[]) => this.#emit(row, args);
      events.on(row.name, listener as (...args: BackendEvents[typeof row.name]) => void);
      return () => events.off(row.name, listener as (...args: BackendEvents[typeof row.name]) => void);
    });
    this.#stop = () => {
      for (const stop of stops) stop();
    };
  }

  /** Sends no more. */
  close(): void {
    this.#stop();
    this.#registrations.clear();
    this.#legacy.clear();
  }

  /** Returns the callback's id. Throws INVALID_ARG, RESOURCE_BUSY. */
  register(source: EventSource, event: number, of: string | undefined): number {
    checkEvent(source, event);
    if (this.#registrations.size >= this.#max) {
      throw virtError('RESOURCE_BUSY', `a client may register for ${this.#max} events at most`);
    }
    const id = this.#nextId++;
    this.#registrations.set(id, { source, event, of });
    return id;
  }

  /** Throws INVALID_ARG. */
  deregister(source: EventSource, id: number): void {
    if (this.#registrations.get(id)?.source !== source) {
      throw virtError('INVALID_ARG', `${source} event callback ${id} not registered`);
    }
    this.#registrations.delete(id);
  }

  /** For clients that know of no callback's ids. Throws INVALID_ARG. */
  registerLegacy(event: number): void {
    checkEvent('domain', event);
    if (this.#legacy.has(event)) throw virtError('INVALID_ARG', `domain event ${event} already registered`);
    this.#legacy.add(event);
  }

  /** Throws INVALID_ARG. */
  deregisterLegacy(event: number): void {
    if (!this.#legacy.delete(event)) throw virtError('INVALID_ARG', `domain event ${event} not registered`);
  }

  #emit(row: EventRow, args: readonly unknown[]): void {
    // Devices of the host have no UUID.
    const { uuid, name } = args[0] as { uuid?: string; name?: string };
    const of = uuid ?? name;
    for (const [id, one] of this.#registrations) {
      if (one.source !== row.source || one.event !== row.id || (one.of !== undefined && one.of !== of)) continue;
      this.#send(message(row.message, row, args, id));
    }
    if (row.legacyMessage !== undefined && this.#legacy.has(row.id)) {
      this.#send(message(row.legacyMessage, row, args));
    }
  }
}

function message(procedure: number, row: EventRow, args: readonly unknown[], callback?: number): Buffer {
  const type = PacketType.MESSAGE;
  return encodePacket(
    { program: Program.REMOTE, version: 1, procedure, type, serial: 1, status: PacketStatus.OK },
    (to) => {
      if (callback !== undefined) to.i32(callback);
      row.args.write(to, args);
    },
  );
}

function checkEvent(source: EventSource, event: number): void {
  if (event >= 0 && event < eventIds[source]) return;
  throw virtError('INVALID_ARG', `unsupported ${source} event ID ${event}`);
}
