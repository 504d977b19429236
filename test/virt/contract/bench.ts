/** What the contract's suites share. */
import { strict as assert } from 'node:assert';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Connection, type Domain, type VirErrorName, VirErrorNumber, VirtError } from '../../../src/index.ts';

/** A backend under test. */
export interface Subject {
  /** A connection to an empty world of its own; closed by the suite. */
  connection: Connection;
  /** Another connection to the same world. */
  again(options?: { readonly readOnly?: boolean }): Promise<Connection>;
  /** A directory that a pool may use. */
  poolPath: string;
  /** Lines for `<os>`: something that runs until it is stopped. */
  os: string;
  /** `<domain type>`. */
  domainType: string;
  /** Running domains change their memory. */
  hasBalloon: boolean;
  /** Running domains take devices and vCPUs in and give them back. */
  hotplugs: boolean;
  networksStart: boolean;
  /** The driver's own scheduler; absent: the host's runs the vCPUs. */
  scheduler?: string;
  /** Puts away what `make` has made. */
  cleanUp(): Promise<void>;
}

/** Waits until something holds, so many seconds at most. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string),
  seconds = 30,
): Promise<void> {
  for (let tries = 0; tries < seconds * 100; tries++) {
    if (await holds()) return;
    await setTimeout(10);
  }
  assert.fail(`never: ${typeof what === 'string' ? what : what()}`);
}

let foreign = false;

/** Whether errors are those of a driver that has codes and words of its own. */
export function foreignErrors(are: boolean): void {
  foreign = are;
}

/** Asserts that a call fails as libvirt's would. */
export async function rejects(call: Promise<unknown>, code: VirErrorName, message: string | RegExp): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof VirtError, String(error));
    if (foreign) {
      assert.notEqual(error.code, 'RPC', error.message);
      assert.deepEqual([error.level, error.domain > 0], [2, true]);
      return true;
    }
    assert.equal(error.code, code, error.message);
    assert.equal(error.errno, VirErrorNumber[code]);
    assert.equal(error.level, 2);
    assert.notEqual(error.domain, 0, 'an error of a backend says where it is from');
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

/** Lifecycle events of a connection as they come: `name event/detail id`. */
export function record(connection: Connection): string[] {
  const seen: string[] = [];
  connection.on('lifecycle', (domain, event, detail) => {
    seen.push(`${domain.name} ${event}/${detail} ${domain.ref.id === -1 ? '-' : 'id'}`);
  });
  return seen;
}

/** One test's backend, with what the suites ask of it all the time. */
export interface Bench {
  readonly subject: Subject;
  readonly connection: Connection;
  /** Lifecycle events so far: see `record`. */
  readonly events: readonly string[];
  /** Asserts which events there were, from one on; waits for them, as libvirtd may answer a call before it tells of it. */
  heard(expected: readonly string[], from?: number): Promise<void>;
  /** A domain of 32 MiB with two vCPUs. */
  xml(name: string, options?: { uuid?: string; more?: string; devices?: string }): string;
  states(domain: Domain): Promise<number[]>;
  /** Names of the domains that flags ask for, in order. */
  names(flags: number): Promise<string[]>;
}

/** UUIDs for tests. */
export const uuids = {
  one: '11111111-2222-4333-8444-555555555501',
  two: '11111111-2222-4333-8444-555555555502',
} as const;

/** A bench on a backend. */
export function makeBench(subject: Subject): Bench {
  const { connection, os, domainType } = subject;
  const events = record(connection);
  return {
    subject,
    connection,
    events,
    async heard(expected, from = 0) {
      for (let tries = 0; tries < 500; tries++) {
        if (isDeepStrictEqual(events.slice(from), expected)) return;
        await setTimeout(10);
      }
      assert.deepEqual(events.slice(from), expected);
    },
    xml(name, { uuid, more = '', devices = "<console type='pty'/>" } = {}) {
      const id = uuid === undefined ? '' : `<uuid>${uuid}</uuid>`;
      return `<domain type='${domainType}'><name>${name}</name>${id}<memory unit='MiB'>32</memory><vcpu>2</vcpu>
        <os><type arch='riscv64' machine='virt'>hvm</type>${os}</os>${more}<devices>${devices}</devices></domain>`;
    },
    async states(domain) {
      const { state, reason } = await domain.getState();
      return [state, reason];
    },
    names: async (flags) => (await connection.listAllDomains(flags)).map(({ name }) => name).sort(),
  };
}
