import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SeededRandom } from '../../../src/util/index.ts';
import { needTool } from '../../support/need-tool.ts';
import { until } from '../../virt/backend-contract.ts';
import { domainXml, processesWith } from '../../virt/process/bench.ts';
import { DaemonBench } from './daemon-process.ts';
import { Ledger } from './ledger.ts';

const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const ROUNDS = Number(process.env['NODEVISOR_TEST_ROUNDS'] ?? (FULL ? 1000 : 50));
const NAMES = ['a', 'b', 'c', 'd', 'e'];
/** Clients that work while the killing goes on. */
const WORKERS = 2;

/** Seconds that a process may take to find that its daemon has gone. */
const SETTLE_S = 15;

/** What virsh says when its call has changed nothing. */
const REFUSED = /Requested operation is not valid|Domain not found|already exists|already active|not running/;

/** Kills daemons and machines, and keeps account of what must have survived. */
class Ordeal {
  readonly bench = new DaemonBench();
  readonly random: SeededRandom;
  readonly ledger = new Ledger();
  calls = 0;
  #dead = false;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** A daemon is started, clients work with it, and at a random moment it or a machine is killed. */
  async round(): Promise<void> {
    if (this.random.below(4) === 0) await this.#stillborn();
    assert.equal(await this.bench.start(), 'ready');
    await this.check();
    this.#dead = false;
    const workers = Array.from({ length: WORKERS }, (_, index) => this.#work(index));
    await setTimeout(this.random.below(300));
    const victims = this.#pids();
    const what = this.random.below(4);
    if (what > 0 && victims.length > 0) this.#killMachine(this.random.pick(victims));
    if (what === 1) await setTimeout(this.random.below(50));
    this.#dead = true;
    await this.bench.stop('SIGKILL');
    await Promise.all(workers);
  }

  /** A daemon that is killed while it takes over what runs. */
  async #stillborn(): Promise<void> {
    void this.bench.start();
    await setTimeout(100 + this.random.below(400));
    await this.bench.stop('SIGKILL');
  }

  /** Everything that was acknowledged is there, and what there is of processes and files belongs to something. */
  async check(): Promise<void> {
    const list = await this.#virsh('list', '--all', '--name');
    const names = list.out.split('\n').filter((name) => name !== '');
    const running = (await this.#virsh('list', '--name')).out.split('\n').filter((name) => name !== '');
    const pids = this.#pidsByName();
    for (const name of NAMES) {
      const known = this.ledger.known(name);
      if (known.defined !== undefined) {
        assert.equal(names.includes(name) && (await this.#isPersistent(name)), known.defined, `${name} is defined`);
      }
      if (known.pid !== undefined && known.pid > 0) {
        assert.equal(pids.get(name), known.pid, `${name} still runs in the process that it had`);
      }
      if (known.pid === 0) assert.ok(!running.includes(name), `${name} is off`);
      this.ledger.found(name, {
        defined: names.includes(name) && (await this.#isPersistent(name)),
        pid: pids.get(name) ?? 0,
      });
    }
    assert.deepEqual([...pids.keys()].sort(), [...running].sort(), 'what runs is what is kept of runs');
    await this.#nothingStrange(pids);
  }

  /**
   * What there is of processes and files belongs to machines, and to a process for the next one. Processes that a dead
   * daemon had just begun find out when they are up, and end.
   */
  async #nothingStrange(pids: ReadonlyMap<string, number>): Promise<void> {
    const machines = [...pids.values()];
    const strange = () => {
      const alive = processesWith(this.bench.state);
      const missing = machines.filter((pid) => !alive.includes(pid));
      const spares = alive.filter((pid) => !machines.includes(pid));
      const files = readdirSync(join(this.bench.state, 'run'));
      const processes = new Set(files.flatMap((file) => /^(m-.*)\.(?:sock|err|end)$/.exec(file)?.[1] ?? []));
      const others = files.filter((file) => !/^(m-[0-9a-f]+\.(sock|err|end)|[0-9a-f-]{36}\.json)$/.test(file));
      const inOrder = spares.length <= 1 && processes.size <= pids.size + 1 && others.length === 0;
      return missing.length === 0 && inOrder ? undefined : { missing, spares, files };
    };
    await until(
      () => strange() === undefined,
      `what there is belongs to ${machines.length} machines: ${JSON.stringify(strange())}`,
      SETTLE_S,
    );
  }

  async #isPersistent(name: string): Promise<boolean> {
    return /Persistent:\s+yes/.test((await this.#virsh('dominfo', name)).out);
  }

  /** Calls of one client until the daemon is dead. Each has domains of its own, so that it knows how they stand. */
  async #work(worker: number): Promise<void> {
    const own = NAMES.filter((_, index) => index % WORKERS === worker);
    while (!this.#dead) {
      const name = this.random.pick(own);
      const call = this.random.pick(['define', 'start', 'destroy', 'undefine', 'suspend', 'resume', 'create'] as const);
      const end = this.ledger.begin(name, call);
      const file = join(this.bench.directory, `${name}.xml`);
      const { code, err } = await this.#virsh(call, call === 'define' || call === 'create' ? file : name);
      this.calls++;
      if (code === 0) end('done', this.#pidsByName().get(name));
      else end(REFUSED.test(err) ? 'refused' : 'lost');
    }
  }

  #virsh(...args: string[]): ReturnType<DaemonBench['virsh']> {
    return this.bench.virsh(...args);
  }

  #killMachine(pid: number): void {
    this.ledger.killed(pid);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }

  #pids(): number[] {
    return [...this.#pidsByName().values()];
  }

  /** What is kept of runs. */
  #pidsByName(): Map<string, number> {
    const directory = join(this.bench.state, 'run');
    const runs = readdirSync(directory).flatMap((file) => {
      if (!file.endsWith('.json')) return [];
      try {
        const { name, process } = JSON.parse(readFileSync(join(directory, file), 'utf8'));
        return [[name as string, process.pid as number] as const];
      } catch (error) {
        // It was removed between the two calls: never half a file.
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT');
        return [];
      }
    });
    return new Map(runs);
  }
}

describe('a daemon that is killed', function () {
  this.timeout(FULL ? 3_600_000 : 420_000);

  it(`loses nothing and leaves nothing, killed ${ROUNDS} times at random points with its machines`, async function () {
    needTool(this, 'virsh', 'libvirt-clients');
    const seed = Number(process.env['NODEVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const ordeal = new Ordeal(seed);
    const { bench } = ordeal;
    for (const name of NAMES) writeFileSync(join(bench.directory, `${name}.xml`), domainXml(name));
    try {
      for (let round = 0; round < ROUNDS; round++) await ordeal.round();
      assert.equal(await bench.start(), 'ready');
      await ordeal.check();
      assert.equal(await bench.stop('SIGTERM'), 0);
      assert.deepEqual(processesWith(bench.state), []);
      assert.deepEqual(readdirSync(join(bench.state, 'run')), []);
      assert.deepEqual(readdirSync(join(bench.directory, 'run')), []);
    } catch (error) {
      console.log(`      seed ${seed}, after ${ordeal.calls} calls; the end of the log:`);
      for (const line of bench.log.slice(-20)) console.log(`      ${JSON.stringify(line)}`);
      await bench.stop('SIGKILL');
      for (const pid of processesWith(bench.state)) process.kill(pid, 'SIGKILL');
      throw error;
    } finally {
      bench.remove();
    }
    console.log(`      ${ordeal.calls} calls of virsh while ${ROUNDS} daemons were killed`);
  });
});
