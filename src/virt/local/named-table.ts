import type { VirErrorName } from '../../util/index.ts';
import { ListObjects } from '../enums.ts';
import { virtError } from '../errors.ts';
import { JobQueue } from './job-queue.ts';
import { selects } from './list-filter.ts';

/** What networks and pools have in common. */
export class NamedObject<Def extends { name: string }> {
  readonly uuid: string;
  readonly name: string;
  readonly jobs = new JobQueue();
  /** The definition that is kept; absent: transient. */
  config: Def | undefined;
  /** The definition that it runs with; absent: not active. */
  running: Def | undefined;
  autostart = false;
  removed = false;

  constructor(uuid: string, name: string) {
    this.uuid = uuid;
    this.name = name;
  }

  get ref(): { name: string; uuid: string } {
    return { name: this.name, uuid: this.uuid };
  }

  get active(): boolean {
    return this.running !== undefined;
  }

  get persistent(): boolean {
    return this.config !== undefined;
  }

  get visible(): boolean {
    return !this.removed && (this.active || this.persistent);
  }

  /** The definition that holds now. */
  get current(): Def {
    const def = this.running ?? this.config;
    if (def === undefined) throw new Error(`'${this.name}' has no definition`);
    return def;
  }
}

/** How a kind of objects is called in messages. */
export interface KindNames {
  readonly missing: VirErrorName;
  /** `network`, `storage pool`. */
  readonly what: string;
  /** The same where a definition is refused: `network`, `pool`. */
  readonly short: string;
}

/** Networks or pools: names and UUIDs are unique. */
export class NamedTable<O extends NamedObject<{ name: string }>> {
  readonly #names: KindNames;
  readonly #make: (uuid: string, name: string) => O;
  readonly #byUuid = new Map<string, O>();

  constructor(names: KindNames, make: (uuid: string, name: string) => O) {
    this.#names = names;
    this.#make = make;
  }

  get all(): O[] {
    return [...this.#byUuid.values()].filter(({ visible }) => visible);
  }

  /** @param flags of ListObjects, other bits ignored */
  list(flags: number): O[] {
    return this.all.filter((one) =>
      selects(flags, [
        [ListObjects.ACTIVE, one.active, ListObjects.INACTIVE],
        [ListObjects.PERSISTENT, one.persistent, ListObjects.TRANSIENT],
        [ListObjects.AUTOSTART, one.autostart, ListObjects.NO_AUTOSTART],
      ]),
    );
  }

  /** Resolves when none has a job under way. */
  async idle(): Promise<void> {
    await Promise.all([...this.#byUuid.values()].map(({ jobs }) => jobs.idle()));
  }

  find({ uuid, name }: { uuid: string; name: string }): O {
    return this.#found(
      this.all.find((one) => one.uuid === uuid),
      `uuid '${uuid}' (${name})`,
    );
  }

  byUuid(uuid: string): O {
    return this.#found(
      this.all.find((one) => one.uuid === uuid.toLowerCase()),
      `uuid '${uuid}'`,
    );
  }

  byName(name: string): O {
    return this.#found(
      this.all.find((one) => one.name === name),
      `name '${name}'`,
    );
  }

  /** Runs a job on one that there is, after those before it. */
  job<T>(ref: { uuid: string; name: string }, job: (one: O) => Promise<T>): Promise<T> {
    const one = this.find(ref);
    return one.jobs.run(() => {
      this.find(ref);
      return job(one);
    });
  }

  /** Runs a job on the one that a definition is about, which the job may bring into being. */
  async claimed<T>(uuid: string, name: string, job: (one: O) => Promise<T>): Promise<T> {
    for (;;) {
      const one = this.claim(uuid, name);
      const done = await one.jobs.run(async () => {
        if (one.removed) return undefined;
        try {
          return { result: await job(one) };
        } finally {
          this.settle(one);
        }
      });
      if (done !== undefined) return done.result;
    }
  }

  /** The one of this UUID and name, or a new one. Throws OPERATION_FAILED when only one of the two fits. */
  claim(uuid: string, name: string): O {
    const { short } = this.#names;
    const known = this.#byUuid.get(uuid);
    if (known !== undefined) {
      if (known.name === name) return known;
      throw virtError('OPERATION_FAILED', `${short} '${known.name}' is already defined with uuid ${uuid}`);
    }
    const namesake = [...this.#byUuid.values()].find((one) => one.name === name);
    if (namesake !== undefined) {
      throw virtError('OPERATION_FAILED', `${short} '${name}' already exists with uuid ${namesake.uuid}`);
    }
    const one = this.#make(uuid, name);
    this.#byUuid.set(uuid, one);
    return one;
  }

  /** Takes away one that is neither kept nor running. */
  settle(one: O): void {
    if (one.active || one.persistent || one.removed) return;
    one.removed = true;
    this.#byUuid.delete(one.uuid);
  }

  #found(one: O | undefined, by: string): O {
    if (one !== undefined) return one;
    const { missing, what } = this.#names;
    throw virtError(missing, `no ${what} with matching ${by}`);
  }
}
