import { ScsiOp } from '../scsi/spec.ts';
import type { ScsiUnit } from '../scsi/unit.ts';
import type { ScsiAddress, ScsiBus } from './scsi-bus.ts';
import { ScsiResponse, TaskAttribute } from './scsi-spec.ts';
import type { ScsiTask } from './scsi-task.ts';

/** Which tasks a management function is about. */
export interface TaskFilter {
  readonly target: number;
  readonly lun?: number;
  readonly tag?: bigint;
}

const synchronizing: ReadonlySet<number> = new Set([ScsiOp.SYNCHRONIZE_CACHE_10, ScsiOp.SYNCHRONIZE_CACHE_16]);

/**
 * All tasks that the driver has handed over: those that wait and those under way, a number of them side by side. A
 * synchronization waits for the changes that came before it; an ordered task for all, and all for it.
 */
export class TaskSet {
  readonly #bus: ScsiBus;
  readonly #limit: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #waiting: ScsiTask[] = [];
  readonly #running = new Set<ScsiTask>();
  /** Changes under way, by unit. */
  readonly #changes = new Map<ScsiUnit, Set<Promise<void>>>();
  #ordered = false;

  /** @param limit tasks under way at a time; `onFailure`: told of a fault of ours */
  constructor(bus: ScsiBus, limit: number, onFailure: (error: unknown) => void) {
    this.#bus = bus;
    this.#limit = limit;
    this.#onFailure = onFailure;
  }

  add(task: ScsiTask): void {
    if (task.attribute === TaskAttribute.HEAD) this.#waiting.unshift(task);
    else this.#waiting.push(task);
    this.#start();
  }

  /** Whether there is a task like this. */
  has(filter: TaskFilter): boolean {
    return this.#waiting.some((task) => matches(task, filter)) || this.#under(filter).length > 0;
  }

  /** Answers tasks that wait with `response`; those under way cannot be stopped: resolves when they have ended. */
  async abort(filter: TaskFilter, response: ScsiResponse): Promise<void> {
    const waiting = this.#waiting.filter((task) => matches(task, filter));
    for (const task of waiting) {
      this.#waiting.splice(this.#waiting.indexOf(task), 1);
      task.refuse(response);
    }
    await Promise.all(this.#under(filter).map((task) => task.ended));
  }

  #under(filter: TaskFilter): ScsiTask[] {
    return [...this.#running].filter((task) => matches(task, filter));
  }

  #start(): void {
    while (!this.#ordered && this.#running.size < this.#limit) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const ordered = next.attribute === TaskAttribute.ORDERED;
      if (ordered && this.#running.size > 0) return;
      this.#waiting.shift();
      this.#ordered = ordered;
      this.#running.add(next);
      void this.#run(next).then(() => {
        this.#running.delete(next);
        if (ordered) this.#ordered = false;
        this.#start();
      });
    }
  }

  async #run(task: ScsiTask): Promise<void> {
    const unit = task.unit(this.#bus);
    const changes = unit === undefined ? undefined : this.#changesOf(unit);
    // Those begun before: later ones may go on side by side.
    if (synchronizing.has(task.cdb.op)) await Promise.all(changes ?? []);
    const done = task.run(this.#bus).catch((error: unknown) => {
      this.#onFailure(error);
      task.refuse(ScsiResponse.FAILURE);
    });
    if (unit?.changes(task.cdb)) {
      changes?.add(done);
      await done;
      changes?.delete(done);
    }
    await done;
  }

  #changesOf(unit: ScsiUnit): Set<Promise<void>> {
    const known = this.#changes.get(unit) ?? new Set();
    this.#changes.set(unit, known);
    return known;
  }
}

function matches({ address, tag }: ScsiTask, filter: TaskFilter): boolean {
  if (address?.target !== filter.target) return false;
  return (filter.lun === undefined || filter.lun === address.lun) && (filter.tag === undefined || filter.tag === tag);
}

/** The tasks of one logical unit, or one of them. */
export function tasksOf(address: ScsiAddress, tag?: bigint): TaskFilter {
  return { target: address.target, lun: address.lun, ...(tag === undefined ? {} : { tag }) };
}
