/** What a client of a daemon knows of its domains, while daemons and machines are killed under it. */

/** What is known of a domain; undefined: a call was under way when the daemon died, so it may be either. */
export interface Known {
  readonly defined: boolean | undefined;
  /** Process of its machine; undefined: not known; 0: it is off. */
  readonly pid: number | undefined;
}

/** A call that changes domains. */
export type Change = 'define' | 'undefine' | 'start' | 'create' | 'destroy' | 'suspend' | 'resume';

/** How a call ended: as asked, with an answer that nothing has changed, or with the daemon. */
export type Outcome = 'done' | 'refused' | 'lost';

const changesDefinition: readonly Change[] = ['define', 'undefine'];
const changesRun: readonly Change[] = ['start', 'create', 'destroy'];

/** What was acknowledged, by domain. A domain has one call under way at a time. */
export class Ledger {
  readonly #known = new Map<string, Known>();
  readonly #killed = new Set<number>();

  /** What counts as known: nothing of how a machine runs that was killed, whoever said that it runs and when. */
  known(name: string): Known {
    const { defined, pid } = this.#known.get(name) ?? { defined: false, pid: 0 };
    return { defined, pid: pid !== undefined && this.#killed.has(pid) ? undefined : pid };
  }

  /** What was found after a restart. */
  found(name: string, known: Known): void {
    this.#known.set(name, known);
  }

  /** A machine is about to be killed. */
  killed(pid: number): void {
    this.#killed.add(pid);
  }

  /**
   * A call goes out, and while it is under way nobody can know what it changes. Returns what to call with its outcome,
   * and with the process that runs the domain then, if any.
   */
  begin(name: string, call: Change): (outcome: Outcome, pid?: number) => void {
    const before = this.known(name);
    const definition = changesDefinition.includes(call);
    const run = changesRun.includes(call);
    this.#known.set(name, {
      defined: definition ? undefined : before.defined,
      pid: run ? undefined : before.pid,
    });
    return (outcome, pid) => {
      if (outcome === 'refused') this.#known.set(name, before);
      if (outcome !== 'done') return;
      this.#known.set(name, {
        defined: definition ? call === 'define' : before.defined,
        pid: run ? (call === 'destroy' ? 0 : pid) : before.pid,
      });
    };
  }
}
