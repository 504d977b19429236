/** Notes which procedures of a backend and which verbs of the API's objects a suite has called. */
import {
  type Backend,
  Connection,
  Domain,
  DomainSnapshot,
  Interface,
  Network,
  NodeDevice,
  StoragePool,
  StorageVolume,
} from '../../../src/index.ts';
import { procedures } from './calls.ts';

const faces = [Connection, Domain, DomainSnapshot, Interface, Network, NodeDevice, StoragePool, StorageVolume];

/** Who has what verb: `Domain.create`; a verb that a class inherits is its own. */
function verbs(): { name: string; holder: object; key: string }[] {
  return faces.flatMap((face) => {
    const found: { name: string; holder: object; key: string }[] = [];
    for (let holder = face.prototype as object; holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
      for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
        if (key === 'constructor' || typeof value !== 'function') continue;
        found.push({ name: `${face.name}.${key}`, holder, key });
      }
    }
    return found;
  });
}

/** What has been called between `start` and `stop`. */
export class Coverage {
  readonly #called = new Set<string>();
  readonly #restore: (() => void)[] = [];

  start(): void {
    for (const { name, holder, key } of verbs()) {
      const own = Reflect.get(holder, key) as (...args: unknown[]) => unknown;
      const called = this.#called;
      Reflect.set(holder, key, function (this: object, ...args: unknown[]) {
        called.add(name);
        return own.apply(this, args);
      });
      this.#restore.push(() => Reflect.set(holder, key, own));
    }
  }

  stop(): void {
    for (const restore of this.#restore.splice(0).reverse()) restore();
  }

  /** Notes the calls of one backend's procedures, for as long as it lives. */
  watch(backend: Backend): void {
    for (const name of procedures) {
      const own = backend[name] as (...args: unknown[]) => Promise<unknown>;
      Reflect.set(backend, name, (...args: unknown[]) => {
        this.#called.add(name);
        return own.apply(backend, args);
      });
    }
  }

  /** Procedures and verbs that nothing has called. */
  get missing(): string[] {
    const all = [...procedures, ...new Set(verbs().map(({ name }) => name))];
    return all.filter((name) => !this.#called.has(name));
  }
}
