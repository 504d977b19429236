import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTimers } from '../../../src/drivers/index.ts';
import { formatIp, type NetBackend, StreamNet } from '../../../src/machine/index.ts';
import { parseDhcp } from '../../../src/machine/net/user/dhcp-message.ts';
import { udpFrame } from '../../../src/machine/net/user/packet.ts';
import { type Logger, SeededRandom } from '../../../src/util/index.ts';
import { type FilledNetworkDef, fillNetworkDefaults, parseNetwork } from '../../../src/virt/conf/index.ts';
import type { RunningNetwork } from '../../../src/virt/local/network-driver.ts';
import { SwitchDriver } from '../../../src/virt/local/switch-driver.ts';
import { dhcpRequest } from '../../machine/net/user/guest.ts';
import { until } from '../backend-contract.ts';

function define(inner = '', uuid = '11111111-2222-4333-8444-555555555501'): FilledNetworkDef {
  const xml = `<network><name>n</name><uuid>${uuid}</uuid><ip address='10.5.0.1' netmask='255.255.255.0'>
    <dhcp><range start='10.5.0.2' end='10.5.0.3'/>${inner}</dhcp></ip></network>`;
  return fillNetworkDefaults(parseNetwork(xml), { random: new SeededRandom(1), bridges: new Set() });
}

const macOf = (last: number) => Uint8Array.of(0x52, 0x54, 0, 0, 0, last);

/** A station at the end of a cable, which asks for an address. */
class Station {
  readonly cable: NetBackend;
  readonly frames: Uint8Array[] = [];
  readonly #mac: Uint8Array;

  constructor(cable: NetBackend, last: number) {
    this.cable = cable;
    this.#mac = macOf(last);
    cable.connect({
      receive: ({ bytes }) => {
        this.frames.push(bytes);
        return true;
      },
      drained() {},
    });
  }

  say(text: string): void {
    const bytes = new Uint8Array(60);
    bytes.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...this.#mac, 0x88, 0xb5, ...Buffer.from(text)]);
    this.cable.send({ bytes });
  }

  heard(text: string): boolean {
    return this.frames.some((bytes) => Buffer.from(bytes).toString('latin1').includes(text));
  }

  /** Takes whatever address it is given, or the one it wants. */
  lease(wanted: number[]): void {
    const message = dhcpRequest(3, [[50, wanted]], this.#mac);
    const none = new Uint8Array(4);
    const frame = udpFrame({ from: none, to: none.slice().fill(255), protocol: 17 }, { from: 68, to: 67 }, message);
    frame.bytes.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...this.#mac]);
    this.cable.send(frame);
  }
}

describe('virtual networks', () => {
  let directory: string;
  let logged: string[];
  let driver: SwitchDriver;
  const closers: (() => Promise<void>)[] = [];

  const logger: Logger = { log: (level, message) => logged.push(`${level} ${message}`) };
  const reopen = async () => {
    driver = await SwitchDriver.open({ directory, logger });
  };
  const leased = (network: RunningNetwork) => network.leases().map(({ mac, ip }) => `${mac} ${formatIp(ip)}`);

  async function plug(network: RunningNetwork, last: number): Promise<Station> {
    const options = network.cable();
    assert.ok('type' in options && options.type === 'stream' && 'path' in options);
    const { path } = options;
    const reconnect = { everyNs: 10e6, timers: hostTimers };
    const cable = await StreamNet.open({ address: { path }, reconnect });
    closers.push(() => cable.close());
    return new Station(cable, last);
  }

  beforeEach(async () => {
    logged = [];
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-networks-'));
    await reopen();
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    await driver.release();
    rmSync(directory, { recursive: true });
  });

  it('join stations of other processes, whoever of them goes, and give them addresses', async () => {
    const network = await driver.start(define());
    const [one, two, three] = [await plug(network, 1), await plug(network, 2), await plug(network, 3)];
    // A cable is connected before the network has taken it in: what is said until then reaches nobody, as on any wire.
    await until(() => {
      one.say('hello');
      return two.heard('hello') && three.heard('hello');
    }, 'both hear');
    await two.cable.close();
    three.say('still here');
    await until(() => one.heard('still here'), 'the others hear each other');
    one.lease([10, 5, 0, 2]);
    three.lease([10, 5, 0, 3]);
    await until(() => network.leases().length === 2, 'both have addresses');
    assert.deepEqual(leased(network).sort(), ['52:54:00:00:00:01 10.5.0.2', '52:54:00:00:00:03 10.5.0.3']);
    const answer = one.frames.map((bytes) => parseReply(bytes)).find((reply) => reply !== undefined);
    assert.equal(answer, '10.5.0.2');
  });

  it('are taken up by another driver on the directory, with their leases and their stations', async () => {
    const first = await driver.start(define());
    const [one, two] = [await plug(first, 1), await plug(first, 2)];
    one.lease([10, 5, 0, 2]);
    await until(() => first.leases().length === 1, 'it has an address');
    await driver.release();
    await reopen();
    const [xml = ''] = await driver.find();
    assert.equal(parseNetwork(xml).name, 'n');
    const second = await driver.start(define());
    assert.deepEqual(leased(second), ['52:54:00:00:00:01 10.5.0.2']);
    await until(() => {
      two.say('again');
      return one.heard('again');
    }, 'they hear each other again');
    await second.close();
    assert.deepEqual(await new SwitchDriver({ logger }).find(), []);
    await reopen();
    assert.deepEqual(await driver.find(), [], 'what was stopped does not come back');
    const third = await driver.start(define());
    assert.equal(third.leases().length, 1, 'but its leases hold');
    await third.close();
    await driver.forget(define().uuid);
    assert.deepEqual(
      readdirSync(directory).filter((file) => file.endsWith('.json')),
      [],
    );
  });

  it('without a directory cut their stations off when they stop, and have them again when they start', async () => {
    const own = new SwitchDriver({ logger });
    closers.push(() => own.release());
    const join = (network: RunningNetwork, last: number) => {
      const options = network.cable();
      assert.ok('backend' in options && options.backend !== undefined);
      return new Station(options.backend, last);
    };
    const first = await own.start(define());
    const [one, two] = [join(first, 1), join(first, 2)];
    one.say('hello');
    assert.ok(two.heard('hello'));
    const other = await own.start(define('', '11111111-2222-4333-8444-555555555502'));
    const stranger = join(other, 3);
    await first.close();
    one.say('anybody');
    assert.ok(!two.heard('anybody'), 'a network that is stopped carries nothing');
    one.lease([10, 5, 0, 2]);
    await own.forget(define().uuid);
    const again = await own.start(define());
    one.say('again');
    assert.ok(two.heard('again'));
    one.frames.splice(0);
    one.lease([10, 5, 0, 2]);
    await until(() => one.frames.length > 0, 'it is given an address');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(one.frames.map(parseReply).filter((reply) => reply === '10.5.0.2').length, 1, 'by one gateway');
    assert.deepEqual(leased(again), ['52:54:00:00:00:01 10.5.0.2']);
    assert.ok(!stranger.frames.some((bytes) => parseReply(bytes) !== undefined) && !stranger.heard('again'));
  });

  it('take changes of their hosts while they run', async () => {
    const network = await driver.start(define());
    network.update(define("<host mac='52:54:00:00:00:07' ip='10.5.0.99'/>"));
    const station = await plug(network, 7);
    station.lease([10, 5, 0, 99]);
    await until(() => network.leases().length === 1, 'it has its own address');
    assert.deepEqual(leased(network), ['52:54:00:00:00:07 10.5.0.99']);
  });

  it('shut out whoever does not speak in frames, and pass over files that are none of theirs', async () => {
    const network = await driver.start(define());
    const options = network.cable();
    assert.ok('path' in options);
    const socket: Socket = connect(options.path as string);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(Buffer.alloc(64, 0xff));
    await closed;
    const one = await plug(network, 1);
    one.lease([10, 5, 0, 2]);
    await until(() => network.leases().length === 1, 'the network lives');
    await driver.release();
    writeFileSync(join(directory, '11111111-2222-4333-8444-555555555502.json'), '{"version":1,"leases":[{"mac":"x"}]}');
    writeFileSync(join(directory, 'notes.txt'), 'not ours');
    await reopen();
    assert.equal((await driver.find()).length, 1);
    assert.match(logged.join('\n'), /network 11111111-2222-4333-8444-555555555502 cannot be read/);
  });
});

/** The address in a DHCP answer. */
function parseReply(bytes: Uint8Array): string | undefined {
  const at = 14 + 20 + 8;
  if (bytes.length < at + 240 || bytes[at] !== 2) return undefined;
  assert.equal(parseDhcp(bytes.subarray(at)), undefined, 'an answer is no request');
  return formatIp(bytes.slice(at + 16, at + 20));
}
