import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Connection, connect, DomainLifecycle, VirtError } from '../../../src/index.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { encodePacket, PacketStatus, PacketType, Program } from '../../../src/virt/rpc/packet.ts';
import { needTool } from '../../support/need-tool.ts';
import { until } from '../../virt/backend-contract.ts';
import { domainXml, processesWith } from '../../virt/process/bench.ts';
import { DaemonBench } from './daemon-process.ts';

const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const { STARTED, STOPPED } = DomainLifecycle;

/** What a call may fail with when others work on the same domain. */
const expected = ['OPERATION_INVALID', 'OPERATION_FAILED', 'NO_DOMAIN'];

/** A packet with a call. */
function call(procedure: number, serial: number, payload: Uint8Array): Buffer {
  const header = { program: Program.REMOTE, version: 1, procedure, serial, status: PacketStatus.OK };
  return encodePacket({ ...header, type: PacketType.CALL }, (to) => to.raw(payload));
}

/** What a client says first: who may come, and CONNECT_OPEN of nothing in particular. */
const handshake = Buffer.concat([call(66, 0, new Uint8Array()), call(1, 1, new Uint8Array(8))]);

describe('a daemon under load', function () {
  this.timeout(FULL ? 3_600_000 : 120_000);
  let bench: DaemonBench;
  const sockets = new Set<Socket>();

  before(function () {
    needTool(this, 'virsh', 'libvirt-clients');
  });
  beforeEach(async () => {
    bench = new DaemonBench();
    assert.equal(await bench.start(), 'ready');
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await bench.stop('SIGTERM');
    assert.deepEqual(processesWith(bench.state), []);
    assert.deepEqual(readdirSync(join(bench.state, 'run')), []);
    bench.remove();
  });

  const client = () => connect(bench.uri);
  const tryRaw = (): Promise<Socket | undefined> =>
    new Promise((resolve, reject) => {
      const socket = connectSocket(bench.socket, () => {
        sockets.add(socket);
        resolve(socket);
      });
      // So many wait to be let in already: a little later.
      socket.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EAGAIN' ? resolve(undefined) : reject(error),
      );
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
    });
  const raw = async (): Promise<Socket> => {
    for (;;) {
      const socket = await tryRaw();
      if (socket !== undefined) return socket;
      await setTimeout(1);
    }
  };

  it('keeps ten domains in order that three clients work on at once', async () => {
    const seed = Number(process.env['NODEVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const random = new SeededRandom(seed);
    const names = Array.from({ length: 10 }, (_, index) => `d${index}`);
    const clients = await Promise.all([client(), client()]);
    const history = new Map<string, number[]>();
    clients[0]?.on('lifecycle', (domain, event) => {
      if (event !== STARTED.id && event !== STOPPED.id) return;
      history.set(domain.name, [...(history.get(domain.name) ?? []), event]);
    });
    const acts = ['define', 'start', 'start', 'suspend', 'resume', 'info', 'xml', 'stats', 'destroy', 'undefine'];
    const act = async (connection: Connection, name: string, what: string) => {
      if (what === 'define') return connection.defineXML(domainXml(name));
      if (what === 'stats') return connection.getAllDomainStats();
      const domain = await connection.lookupByName(name);
      switch (what) {
        case 'start':
          return domain.create();
        case 'suspend':
          return domain.suspend();
        case 'resume':
          return domain.resume();
        case 'info':
          return domain.getInfo();
        case 'xml':
          return domain.getXMLDesc();
        case 'destroy':
          return domain.destroy();
        default:
          return domain.undefine();
      }
    };
    const rounds = FULL ? 1000 : 120;
    const work = async (connection: Connection) => {
      for (let round = 0; round < rounds; round++) {
        await act(connection, random.pick(names), random.pick(acts)).catch((error: unknown) => {
          assert.ok(error instanceof VirtError && expected.includes(error.code), `seed ${seed}: ${error}`);
        });
      }
    };
    const script = Array.from({ length: rounds / 4 }, () => {
      const what = random.pick(['start', 'destroy', 'suspend', 'resume', 'dominfo', 'dumpxml', 'domstate', 'domstats']);
      return `${what} ${random.pick(names)}`;
    });
    await Promise.all([...clients.map(work), bench.virsh(script.join(';'))]);
    const [one, other] = clients as [Connection, Connection];
    const standing = async (connection: Connection) => {
      const domains = await connection.listAllDomains();
      const states = await Promise.all(domains.map(async (domain) => [domain.name, (await domain.getState()).state]));
      return states.sort();
    };
    assert.deepEqual(await standing(one), await standing(other), `seed ${seed}`);
    const active = await one.listAllDomains(1);
    assert.ok(processesWith(bench.state).length <= active.length + 1, `seed ${seed}`);
    for (const domain of active) await domain.destroy();
    await until(
      () => [...history.values()].every((events) => events.at(-1) === STOPPED.id),
      `all are off, seed ${seed}`,
    );
    for (const [name, events] of history) {
      const turns = events.map((event, index) => event === (index % 2 === 0 ? STARTED.id : STOPPED.id));
      assert.ok(!turns.includes(false), `${name} starts and stops in turns, seed ${seed}: ${events}`);
    }
    await Promise.all(clients.map((connection) => connection.close()));
  });

  it('serves two hundred connections, each of which hears of everything', async () => {
    const before = bench.rssKib();
    const connections = await Promise.all(Array.from({ length: 200 }, client));
    let heard = 0;
    for (const connection of connections) connection.on('lifecycle', () => heard++);
    // Registrations are calls: what is asked after them is answered after them.
    await Promise.all(connections.map((connection) => connection.listAllDomains()));
    const [first] = connections as [Connection];
    await first.defineXML(domainXml('one'));
    await until(() => heard === 200, 'all have heard of it');
    const lists = await Promise.all(connections.map((connection) => connection.listAllDomains()));
    assert.ok(lists.every((list) => list.length === 1));
    const grown = bench.rssKib() - before;
    console.log(`      ${Math.round(grown / 200)} KiB for each connection`);
    assert.ok(grown < 100 * 1024, `${grown} KiB more for 200 connections`);
    await Promise.all(connections.map((connection) => connection.close()));
  });

  it('serves real clients however many others come and say nothing', async () => {
    const before = bench.rssKib();
    for (let index = 0; index < 600; index++) {
      const socket = await raw();
      // A part of a packet, or of its length, or nothing at all; or a packet that is said to be enormous.
      if (index % 4 > 0)
        socket.write(index % 4 === 3 ? Buffer.from([1, 255, 255, 255, 0]) : handshake.subarray(0, index % 28));
    }
    assert.match((await bench.virsh('list', '--all')).out, /^\s*$/);
    assert.ok(sockets.size <= 251, `${sockets.size} are left`);
    assert.ok(bench.rssKib() - before < 64 * 1024, 'it holds little for them');
    const domain = await (await client()).defineXML(domainXml('one'));
    assert.equal(domain.name, 'one');
  });

  it('has room for so many clients and no more', async () => {
    await bench.stop();
    assert.equal(await bench.start(['--max-clients', '5']), 'ready');
    const five = await Promise.all(Array.from({ length: 5 }, client));
    await assert.rejects(client());
    assert.equal((await five[4]?.listAllDomains())?.length, 0);
    await five[0]?.close();
    await until(async () => {
      try {
        await (await client()).close();
        return true;
      } catch {
        return false;
      }
    }, 'there is room again');
    for (const connection of five) await connection.close();
  });

  it('survives clients that send anything', async () => {
    const seed = Number(process.env['NODEVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const random = new SeededRandom(seed);
    const kept = await client();
    await kept.defineXML(domainXml('kept'));
    const xml = await (await kept.lookupByName('kept')).getXMLDesc();
    const before = bench.rssKib();
    const clients = FULL ? 50_000 : 3000;
    for (let index = 0; index < clients; index++) {
      const socket = await raw();
      socket.resume();
      socket.write(handshake);
      for (let packet = 0; packet < 8; packet++) {
        const payload = Buffer.alloc(random.below(120));
        random.fill(payload);
        // Zeroes are lengths and numbers that there can be, so more is believed.
        if (random.below(2) === 0) payload.fill(0, 0, random.below(payload.length + 1));
        const bytes = call(random.below(450), packet + 2, payload);
        if (random.below(3) === 0 && bytes.length > 4) bytes[random.below(bytes.length)] = random.below(256);
        socket.write(bytes);
      }
      if (index % 3 === 0) socket.destroy();
      else if (sockets.size > 100) for (const one of [...sockets].slice(0, 50)) one.destroy();
    }
    for (const one of sockets) one.destroy();
    await setTimeout(100);
    assert.equal(await (await kept.lookupByName('kept')).getXMLDesc(), xml, `seed ${seed}`);
    const grown = bench.rssKib() - before;
    assert.ok(grown < 96 * 1024, `${grown} KiB more, seed ${seed}`);
    const faults = bench.log.filter(({ level }) => level >= 50);
    assert.deepEqual(faults, [], `seed ${seed}`);
    await kept.close();
  });
});
