import type { BackendEvents, DomainRef } from './backend.ts';
import type { Domain } from './domain.ts';
import type { NodeDevice } from './host.ts';
import type { Network } from './network.ts';
import type { StoragePool } from './storage.ts';

/** The object that the API shows for a reference of the backend. */
type Shown<T> = T extends DomainRef ? Domain : T;

type ShownAll<T extends unknown[]> = { [K in keyof T]: Shown<T[K]> };

/** Events that are not of domains, and whose objects the API shows. */
type OwnShown = 'network' | 'pool' | 'poolRefresh' | 'nodeDevice' | 'nodeDeviceUpdate';

/** Events of a connection and their arguments: those of the backend, with objects for references. */
export type ConnectionEvents = {
  [K in Exclude<keyof BackendEvents, OwnShown>]: ShownAll<BackendEvents[K]>;
} & {
  network: [network: Network, event: number, detail: number];
  pool: [pool: StoragePool, event: number, detail: number];
  poolRefresh: [pool: StoragePool];
  nodeDevice: [device: NodeDevice, event: number, detail: number];
  nodeDeviceUpdate: [device: NodeDevice];
};

/** Name of one event. */
export type ConnectionEventName = keyof ConnectionEvents;

/** One event, as the async iterator gives it. */
export type ConnectionEvent = {
  [K in ConnectionEventName]: { readonly name: K; readonly args: ConnectionEvents[K] };
}[ConnectionEventName];

/** Events kept for a reader that has fallen behind; the oldest go first. */
const BACKLOG_MAX = 10_000;

/** Events as an async iterator: what happens between two reads waits; `return()` and the end of the source end it. */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #backlog: T[] = [];
  readonly #readers: ((result: IteratorResult<T>) => void)[] = [];
  readonly #onEnd: () => void;
  #ended = false;

  /** @param onEnd called once when nobody reads any more */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  push(value: T): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ value, done: false });
      return;
    }
    this.#backlog.push(value);
    if (this.#backlog.length > BACKLOG_MAX) this.#backlog.shift();
  }

  /** No more will come; what waits can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T>> {
    const value = this.#backlog.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.#backlog.length = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
