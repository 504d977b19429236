import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SeededRandom } from '../../src/util/index.ts';
import { eventually, type GuestConnection, type NetGuest, ROUTER } from '../machine/net/user/guest.ts';
import { closeAll, plug, tcpServer } from '../machine/net/user/hosts.ts';

/** $NODEVISOR_TEST_CONNECTIONS: how many, beginning at $NODEVISOR_TEST_FIRST: the million can be run in parts. */
const FULL = process.env['NODEVISOR_TEST_FULL'] ? 1_000_000 : 8000;
const CONNECTIONS = Number(process.env['NODEVISOR_TEST_CONNECTIONS'] ?? FULL);
const FIRST = Number(process.env['NODEVISOR_TEST_FIRST'] ?? 0);
const AT_A_TIME = 64;
const HEADER_BYTES = 4;
/** After so many all tables have their full size: from then on nothing may grow. */
const SETTLED_AFTER = 20_000;
/** How long a connection that is over is remembered, and a little. */
const FORGOTTEN_MS = 5000;
const HEAP_GROWTH_MAX = 16 * 2 ** 20;
/** Longer than any sane one takes, with frames lost. */
const CONNECTION_MS = 60_000;

/** How a connection goes. Data flow both ways in all of them. */
const kinds = ['both', 'half-close', 'guest-reset', 'host-reset', 'slow-host', 'refused'] as const;
type Kind = (typeof kinds)[number];

interface Plan {
  readonly id: number;
  readonly kind: Kind;
  /** From the guest, behind the header, and to it. */
  readonly up: Buffer;
  readonly down: Buffer;
}

function bytesOf(random: SeededRandom): number {
  const size = random.below(1000);
  if (size < 700) return random.below(1500);
  return size < 998 ? random.below(20_000) : random.below(1_000_000);
}

/** The same on both sides: all follows from the connection's number. */
function planOf(id: number): Plan {
  const random = new SeededRandom(id + 1);
  const kind = random.below(10) < 6 ? (random.below(2) === 0 ? 'both' : 'half-close') : random.pick([...kinds]);
  const data = () => {
    const bytes = Buffer.alloc(bytesOf(random));
    // Enough that no byte out of place goes unseen.
    const pattern = new Uint8Array(Math.min(bytes.length, 4093));
    random.fill(pattern);
    for (let at = 0; at < bytes.length; at += pattern.length) bytes.set(pattern.subarray(0, bytes.length - at), at);
    return bytes;
  };
  return { id, kind, up: data(), down: data() };
}

/** What the host's side saw of each connection; undefined: all as planned. */
type Verdicts = Map<number, string | undefined>;

/** The host's side of a connection. */
function serve(socket: Socket, verdicts: Verdicts): void {
  let plan: Plan | undefined;
  const got: Buffer[] = [];
  let failed = false;
  const all = () => Buffer.concat(got).subarray(HEADER_BYTES);
  const verdict = (text?: string) => {
    if (plan !== undefined && !verdicts.has(plan.id)) verdicts.set(plan.id, text);
  };
  const begin = ({ kind, down }: Plan) => {
    if (kind === 'both' || kind === 'guest-reset') socket.write(down);
    if (kind === 'both') socket.end();
    if (kind === 'host-reset') socket.write(down, () => socket.resetAndDestroy());
    if (kind === 'slow-host') {
      socket.pause();
      setTimeout(() => socket.resume(), 20);
    }
  };
  socket.on('data', (data) => {
    got.push(data);
    if (plan !== undefined) return;
    const head = Buffer.concat(got);
    if (head.length < HEADER_BYTES) return;
    plan = planOf(head.readUInt32LE());
    begin(plan);
  });
  socket.on('error', () => {
    failed = true;
  });
  socket.on('end', () => {
    if (plan === undefined) return;
    // What libuv calls an end may be a reset right behind data.
    if (plan.kind === 'guest-reset') socket.destroy();
    else if (!all().equals(plan.up)) verdict(`the host got ${all().length} bytes, other than ${plan.up.length} sent`);
    if (plan.kind === 'half-close' || plan.kind === 'slow-host') socket.end(plan.down);
  });
  socket.on('close', () => {
    if (plan === undefined) return;
    const { kind, up } = plan;
    const resets = kind === 'guest-reset' || kind === 'host-reset';
    if (resets) {
      const got = all().subarray(0, up.length);
      verdict(up.subarray(0, got.length).equals(got) ? undefined : 'the host got other bytes');
    } else verdict(failed ? 'the host saw a reset' : undefined);
  });
}

class Run {
  readonly #guest: NetGuest;
  readonly #port: number;
  readonly #verdicts: Verdicts;
  #waiting: { condition: () => boolean; resolve: () => void }[] = [];
  #ticking = false;

  constructor(guest: NetGuest, port: number, verdicts: Verdicts) {
    this.#guest = guest;
    this.#port = port;
    this.#verdicts = verdicts;
  }

  async connections(first: number, count: number): Promise<void> {
    let next = first;
    const lane = async () => {
      while (next < first + count) await this.#one(planOf(next++));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  }

  async #one(plan: Plan): Promise<void> {
    const { id, kind, up, down } = plan;
    let connection: GuestConnection | undefined;
    const wait = async (what: string, condition: (heard: readonly string[]) => boolean) => {
      const c = connection as GuestConnection;
      const late = () => new Error(`connection ${id} (${kind}): waited in vain for ${what}; ${c.heard}`);
      await this.#until(() => condition(c.heard), late);
    };
    connection = this.#guest.connect(ROUTER, kind === 'refused' ? 1 : this.#port);
    if (kind === 'refused') return wait('refusal', (heard) => heard.includes('reset'));
    await wait('opening', (heard) => heard.length > 0);
    assert.deepEqual(connection.heard, ['opened'], `connection ${id} (${kind})`);
    const { endpoint, heard } = connection;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(id);
    endpoint.write(header);
    endpoint.write(up);
    if (kind === 'guest-reset') {
      await wait('the first bytes', () => heard.includes('reset') || bytesIn(connection) >= Math.min(down.length, 100));
      endpoint.reset();
    } else if (kind === 'host-reset') {
      // Where the reset itself was lost, only another segment brings it again.
      const timer = setInterval(() => endpoint.write(Buffer.of(0)), 500);
      await wait('the reset', () => heard.includes('reset')).finally(() => clearInterval(timer));
    } else {
      endpoint.end();
      await wait('the end', () => heard.includes('ended') || heard.includes('reset'));
      assert.ok(connection.bytes().equals(down), `connection ${id} (${kind}): other bytes, ${heard}`);
    }
    const got = connection.bytes();
    assert.ok(down.subarray(0, got.length).equals(got), `connection ${id} (${kind}): other bytes`);
    connection.drop();
    // A reset that was lost is not sent again: the host hears of it when it next says something.
    if (kind === 'guest-reset' && this.#guest.loss > 0) return;
    await wait("the host's view", () => this.#verdicts.has(id));
    assert.equal(this.#verdicts.get(id), undefined, `connection ${id} (${kind})`);
    this.#verdicts.delete(id);
  }

  async #until(condition: () => boolean, late: () => Error): Promise<void> {
    if (condition()) return;
    const limit = performance.now() + CONNECTION_MS;
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (performance.now() <= limit) return condition();
        reject(late());
        return true;
      };
      this.#waiting.push({ condition: check, resolve });
      this.#tick();
    });
  }

  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    setImmediate(() => {
      this.#ticking = false;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const entry of waiting) {
        if (entry.condition()) entry.resolve();
        else this.#waiting.push(entry);
      }
      if (this.#waiting.length > 0) this.#tick();
    });
  }
}

function bytesIn(connection: GuestConnection | undefined): number {
  return connection?.bytes().length ?? 0;
}

/** Bytes that are in use on the heap and behind buffers, once what is over is forgotten. */
async function usedBytes(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, FORGOTTEN_MS));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What the first frees lets go of memory outside the heap, which the second accounts for.
  for (let turn = 0; turn < 2; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Files and sockets that this process has open; undefined where the host does not tell. */
function openFiles(): number | undefined {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : undefined;
}

describe('fuzz: connections of a user network', function () {
  this.timeout(3_600_000);
  afterEach(closeAll);

  const run = async (first: number, count: number, loss: number): Promise<void> => {
    const verdicts: Verdicts = new Map();
    const port = await tcpServer((socket) => serve(socket, verdicts));
    const guest = await plug({ hostLoopback: true });
    guest.loss = loss;
    const files = openFiles() ?? 0;
    const connections = new Run(guest, port, verdicts);
    const settling = Math.min(count, SETTLED_AFTER);
    await connections.connections(first, settling);
    if (count > settling) {
      const before = await usedBytes();
      await connections.connections(first + settling, count - settling);
      const grown = (await usedBytes()) - before;
      assert.ok(grown < HEAP_GROWTH_MAX, `${count - settling} connections left ${grown} bytes behind`);
    }
    // Where frames are lost a guest's reset may be: the host's socket then waits as it would for a guest that is gone.
    if (loss === 0) await eventually(() => (openFiles() ?? 0) <= files, `no more than ${files} open files`);
  };

  it(`lose and change no byte: ${CONNECTIONS} of all kinds, some at a time`, () => run(FIRST, CONNECTIONS, 0));

  it('lose and change no byte on a wire that loses one frame of fifty', () =>
    run(FIRST, Math.ceil(CONNECTIONS / 50), 20));
});
