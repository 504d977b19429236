import { strict as assert } from 'node:assert';
import { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { type Backend, type Connection, connect, type RpcServerOptions, VirErrorNumber } from '../../../src/index.ts';
import { CONNECTION_CLOSED_MESSAGE } from '../../../src/virt/rpc/events.ts';
import { Keepalive, PacketStatus, PacketType, Program } from '../../../src/virt/rpc/packet.ts';
import { procedures } from '../../../src/virt/rpc/procedures/index.ts';
import { XdrReader } from '../../../src/virt/rpc/xdr.ts';
import { until } from '../contract/bench.ts';
import { OPEN, RawClient } from './raw-client.ts';
import { openTestWorld } from './support.ts';

const AUTH_LIST = 66;
const FEATURE = 60;
const LOOKUP = 23;
const GET_XML = 14;
const HOSTNAME = 59;
const REGISTER = 316;

/** A backend of the test world with some methods of the test's own. */
function withMethods(methods: Partial<Backend>): RpcServerOptions['open'] {
  return async (uri, readOnly) => ({ ...(await openTestWorld(uri, readOnly)), ...methods });
}

describe('RPC server', () => {
  let own: Connection;
  let client: RawClient;
  const start = (options: Partial<RpcServerOptions> = {}) => {
    client = new RawClient(options);
    return client;
  };
  beforeEach(async () => {
    own = await connect('test:///default');
  });
  afterEach(async () => {
    await client.close();
    await own.close();
  });

  describe('handshake', () => {
    it('asks for no authentication, and says what it can do', async () => {
      start();
      assert.deepEqual(await client.call(AUTH_LIST), [0]);
      const features = await Promise.all(Array.from({ length: 20 }, (_, feature) => client.call(FEATURE, feature)));
      const yes = features.flatMap((supported, feature) => (supported === true ? [feature] : []));
      // 8, passing file descriptors, is none of them: Node cannot.
      assert.deepEqual(yes, [9, 10, 14, 15, 16]);
      assert.equal(await client.call(FEATURE, -7), false);
    });

    it('does nothing else before the connection is open, and opens it once', async () => {
      start();
      await assert.rejects(client.call(HOSTNAME), { code: 'INTERNAL_ERROR', message: /connection not open/ });
      await assert.rejects(client.call(REGISTER, 0, undefined), /connection not open/);
      await client.open();
      assert.equal(typeof (await client.call(HOSTNAME)), 'string');
      await assert.rejects(client.open(), /connection already open/);
    });

    it('lets the server choose what to open when the client names nothing', async () => {
      const asked: (string | undefined)[] = [];
      start({
        open: (uri, readOnly) => {
          asked.push(uri);
          return openTestWorld(uri, readOnly);
        },
      });
      await client.call(OPEN, '', 6);
      assert.deepEqual(asked, [undefined]);
      assert.equal(client.served.readOnly, false);
    });

    it('tells why a connection cannot be opened', async () => {
      start({ open: async () => Promise.reject(new Error('no such world')) });
      await assert.rejects(client.open(), { code: 'INTERNAL_ERROR', message: 'internal error: no such world' });
    });

    it('closes after the answer to CONNECT_CLOSE, and lets go of the backend before', async () => {
      let closed = false;
      start({
        open: async (uri, readOnly) => {
          const backend = await openTestWorld(uri, readOnly);
          return {
            ...backend,
            connectClose: async () => {
              await backend.connectClose();
              closed = true;
            },
          };
        },
      });
      await client.open();
      await client.call(2);
      assert.equal(closed, true);
      await until(() => client.closed, 'the socket closes');
    });
  });

  describe('calls', () => {
    it('are answered once each, whatever is wrong with them', async () => {
      start();
      await client.open();
      const cases: [Parameters<RawClient['send']>[0], Uint8Array, number, RegExp][] = [
        [{ procedure: 9999 }, Buffer.alloc(0), VirErrorNumber.RPC, /^unknown procedure: 9999$/],
        [{ procedure: 0 }, Buffer.alloc(0), VirErrorNumber.RPC, /^unknown procedure: 0$/],
        [{ procedure: 347 }, Buffer.alloc(0), VirErrorNumber.NO_SUPPORT, /virNodeAllocPages$/],
        [{ program: 7, procedure: 1 }, Buffer.alloc(0), VirErrorNumber.RPC, /^Cannot find program 7 version 1$/],
        [{ version: 2, procedure: 1 }, Buffer.alloc(0), VirErrorNumber.RPC, /^Cannot find program \d+ version 2$/],
        [{ program: Program.QEMU, procedure: 1 }, Buffer.alloc(0), VirErrorNumber.RPC, /^unknown procedure: 1$/],
        [{ procedure: HOSTNAME, status: 1 }, Buffer.alloc(0), VirErrorNumber.RPC, /^Unexpected message status 1$/],
        [{ procedure: LOOKUP }, Buffer.alloc(0), VirErrorNumber.RPC, /^Unable to decode message payload/],
        [{ procedure: LOOKUP }, Buffer.from('ffffffff', 'hex'), VirErrorNumber.RPC, /^Unable to decode/],
        [{ procedure: HOSTNAME, type: PacketType.CALL_WITH_FDS }, Buffer.alloc(8), VirErrorNumber.NO_SUPPORT, /desc/],
      ];
      for (const [index, [header, payload, code, message]] of cases.entries()) {
        const serial = 1000 + index;
        client.send({ ...header, serial }, payload);
        const error = await client.errorOf(serial);
        assert.equal(error.errno, code, error.message);
        assert.match(error.message, message);
        assert.notEqual(error.domain, 0);
      }
      await client.call(HOSTNAME);
      for (const index of cases.keys()) assert.equal(client.of(1000 + index).length, 1);
    });

    it('fail with an error when the backend breaks, or gives what cannot be sent', async () => {
      start({
        open: withMethods({
          connectGetHostname: () => {
            throw new TypeError('broken');
          },
          connectGetType: async () => 'a\0b',
          connectGetLibVersion: async () => -1n,
          domainGetXmlDesc: async () => 'x'.repeat(4 * 1024 * 1024 + 1),
        }),
      });
      await client.open();
      await assert.rejects(client.call(HOSTNAME), { code: 'INTERNAL_ERROR', message: /broken/ });
      for (const number of [3, 157]) {
        await assert.rejects(client.call(number), { code: 'RPC', message: /^Unable to encode message payload/ });
      }
      const domain = await client.call(LOOKUP, 'test');
      await assert.rejects(client.call(GET_XML, domain, 0), { code: 'RPC', message: /^Unable to encode/ });
    });

    it('carry libvirt’s number, domain and text of an error', async () => {
      start();
      await client.open();
      const error = await client.errorOf(client.begin(LOOKUP, 'nope'));
      assert.deepEqual(
        [error.code, error.domain, error.level, error.message],
        ['NO_DOMAIN', 12, 2, "Domain not found: no domain with matching name 'nope'"],
      );
    });

    it('run at the same time, and keepalive waits for none of them', async () => {
      let release = () => {};
      const held = new Promise<string>((resolve) => {
        release = () => resolve('late');
      });
      start({ open: withMethods({ connectGetHostname: () => held }) });
      await client.open();
      const slow = client.begin(HOSTNAME);
      assert.equal(await client.call(3), 'TEST');
      client.ping();
      await until(() => client.keepalives(Keepalive.PONG) === 1, 'an answer');
      assert.equal(client.of(slow).length, 0);
      release();
      await client.reply(slow);
    });

    it('begin as many at a time as the limit says, and no more are read than may wait', async () => {
      let running = 0;
      let most = 0;
      const releases: (() => void)[] = [];
      start({
        limits: { calls: 3, queuedCalls: 5 },
        open: withMethods({
          connectGetHostname: async () => {
            running++;
            most = Math.max(most, running);
            await new Promise<void>((resolve) => releases.push(resolve));
            running--;
            return 'host';
          },
        }),
      });
      await client.open();
      const serials = Array.from({ length: 40 }, () => client.begin(HOSTNAME));
      await until(() => running === 3, 'three run');
      await setTimeout(30);
      assert.ok(client.far.readableLength > 0, 'what may not wait is not read');
      while (serials.some((serial) => client.of(serial).length === 0)) {
        releases.shift()?.();
        await setTimeout(1);
      }
      assert.equal(most, 3);
      assert.deepEqual(
        serials.map((serial) => client.of(serial).length),
        serials.map(() => 1),
      );
    });

    it('may only read where the connection may', async () => {
      for (const options of [{ flags: 1 }, { flags: 0, readOnly: true }]) {
        start(options.readOnly === true ? { readOnly: true } : {});
        await client.open(options.flags);
        assert.equal(client.served.readOnly, true);
        const domain = (await client.call(LOOKUP, 'test')) as object;
        await client.call(GET_XML, domain, 0);
        await assert.rejects(client.call(GET_XML, domain, 1), { code: 'OPERATION_DENIED' });
        await assert.rejects(client.call(12, domain), {
          code: 'OPERATION_DENIED',
          message: 'operation forbidden: read only access prevents domainDestroyFlags',
        });
        await assert.rejects(client.call(201, domain, undefined, 0), { code: 'OPERATION_DENIED' });
        await client.close();
      }
      start();
      await client.open();
      const writing = procedures.filter(({ writes }) => writes([])).map(({ name }) => name);
      for (const name of ['DOMAIN_CREATE', 'STORAGE_VOL_UPLOAD', 'NETWORK_UPDATE', 'DOMAIN_OPEN_CONSOLE']) {
        assert.ok(writing.includes(name), name);
      }
      for (const name of writing) assert.doesNotMatch(name, /LOOKUP|LIST_ALL|_IS_|NUM_OF/);
    });

    it('of a list give the number alone when that is all that is wanted', async () => {
      start();
      await client.open();
      assert.deepEqual(await client.call(273, 0, 0), { objects: [], ret: 1 });
      const { objects, ret } = (await client.call(273, 1, 0)) as { objects: { name: string }[]; ret: number };
      assert.deepEqual([objects.map(({ name }) => name), ret], [['test'], 1]);
      const domain = objects[0];
      const asked = (await client.call(198, domain, 0, 4)) as { params: unknown[]; nparams: number };
      assert.deepEqual(asked.params, []);
      const got = (await client.call(198, domain, asked.nparams, 4)) as { params: unknown[]; nparams: number };
      assert.equal(got.params.length, asked.nparams);
    });

    it('of older clients work too', async () => {
      start();
      await client.open();
      assert.equal(await client.call(51), 1);
      const [id] = (await client.call(37, 10)) as number[];
      const domain = (await client.call(22, id)) as { uuid: string };
      await client.call(12, domain);
      assert.deepEqual([await client.call(51), await client.call(25)], [0, 1]);
      assert.deepEqual(await client.call(21, 10), ['test']);
      assert.deepEqual(await client.call(21, 0), []);
      await client.call(9, domain);
      assert.equal(await client.call(150, domain), true);
      await client.call(33, domain);
    });
  });

  describe('events', () => {
    const events = (procedure: number) =>
      client.packets.filter(({ type, procedure: number }) => type === PacketType.MESSAGE && number === procedure);

    it('come to those who have registered, with the id that they were given, and to no others', async () => {
      start();
      await client.open();
      const domain = await own.lookupByName('test');
      await domain.suspend();
      const other = '00000000-0000-0000-0000-000000000001';
      const ids = [
        await client.call(REGISTER, 0, undefined),
        await client.call(REGISTER, 0, domain.ref),
        await client.call(REGISTER, 0, { name: 'x', uuid: other, id: -1 }),
        await client.call(REGISTER, 1, undefined),
      ];
      assert.equal(new Set(ids).size, 4);
      await domain.resume();
      await until(() => events(318).length === 2, 'two events');
      const seen = events(318).map(({ payload }) => new XdrReader(payload).i32());
      assert.deepEqual(seen, ids.slice(0, 2));
      await client.call(317, ids[0]);
      await assert.rejects(client.call(317, ids[0]), { code: 'INVALID_ARG' });
      await domain.suspend();
      await until(() => events(318).length === 3, 'one more');
      assert.equal(client.packets.filter(({ type }) => type === PacketType.MESSAGE).length, 3);
    });

    it('come without ids to clients that know none', async () => {
      start();
      await client.open();
      assert.equal(await client.call(105), true);
      await client.call(167, 13);
      await assert.rejects(client.call(167, 13), { code: 'INVALID_ARG' });
      const domain = await own.lookupByName('test');
      await domain.suspend();
      await domain.setMemory(1_048_576n);
      await until(() => events(107).length === 1 && events(276).length === 1, 'both events');
      assert.equal(await client.call(106), false);
      await client.call(168, 13);
      await domain.resume();
      await client.call(HOSTNAME);
      assert.equal(events(107).length, 1);
    });

    it('of kinds that there are not cannot be registered for, nor endlessly many', async () => {
      start({ limits: { eventRegistrations: 30 } });
      await client.open();
      for (let event = 0; event < 27; event++) await client.call(REGISTER, event, undefined);
      await assert.rejects(client.call(REGISTER, 27, undefined), { code: 'INVALID_ARG' });
      await assert.rejects(client.call(REGISTER, -1, undefined), { code: 'INVALID_ARG' });
      await assert.rejects(client.call(313, 1, undefined), { code: 'INVALID_ARG' });
      for (const number of [313, 368, 374]) await client.call(number, 0, undefined);
      await assert.rejects(client.call(380, 0, undefined), { code: 'RESOURCE_BUSY' });
    });
  });

  describe('streams', () => {
    const CONSOLE = 201;
    const UPLOAD = 208;
    const DOWNLOAD = 209;
    const { CONTINUE, OK, ERROR } = PacketStatus;

    async function openConsole(flags = 0): Promise<number> {
      const serial = client.begin(CONSOLE, (await own.lookupByName('test')).ref, undefined, flags);
      assert.equal((await client.reply(serial)).status, OK);
      return serial;
    }

    it('carry a console both ways, and end when the client says so', async () => {
      start();
      await client.open();
      const serial = await openConsole();
      client.streamPacket(CONSOLE, serial, CONTINUE, Buffer.from('echo'));
      await until(() => client.stream(serial).bytes.toString() === 'echo', 'the console answers');
      client.streamPacket(CONSOLE, serial, OK);
      await until(() => client.stream(serial).last?.status === OK, 'the end is confirmed');
      assert.equal(client.stream(serial).last?.payload.length, 0);
      // What comes late is dropped.
      client.streamPacket(CONSOLE, serial, CONTINUE, Buffer.from('late'));
      client.streamPacket(CONSOLE, serial, OK);
      const again = await openConsole();
      client.streamPacket(CONSOLE, again, ERROR);
      await until(() => client.stream(again).last?.status === OK, 'the abort is confirmed');
      assert.equal(client.of(serial, PacketType.STREAM).filter(({ status }) => status === OK).length, 1);
    });

    it('have one owner each, until another takes over', async () => {
      start();
      await client.open();
      const first = await openConsole();
      const domain = (await own.lookupByName('test')).ref;
      await assert.rejects(client.call(CONSOLE, domain, undefined, 0), {
        code: 'OPERATION_FAILED',
        message: 'operation failed: Active console session exists for this domain',
      });
      const second = await openConsole(1);
      await until(() => client.stream(first).ended, 'the first one ends');
      assert.equal(client.stream(second).ended, false);
      client.streamPacket(CONSOLE, first, OK);
      await until(() => client.stream(first).last?.status === OK, 'its end is confirmed');
    });

    it('end with a mark, never with an answer that nobody has asked for', async () => {
      start();
      await client.open();
      const serial = await openConsole();
      await (await own.lookupByName('test')).destroy();
      await until(() => client.stream(serial).ended, 'the end is marked');
      await client.call(HOSTNAME);
      assert.equal(client.of(serial, PacketType.STREAM).length, 1);
    });

    async function volume(capacity: number) {
      const pool = await own.storagePoolLookupByName('default-pool');
      const xml = `<volume><name>v</name><capacity>${capacity}</capacity></volume>`;
      return pool.createVolumeXML(xml);
    }

    it('bring data into a volume, with holes, and out of it again', async () => {
      start();
      await client.open();
      const vol = await volume(1_000_000);
      const serial = client.begin(UPLOAD, vol.ref, 0n, 0n, 1);
      await client.reply(serial);
      client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(100, 1));
      const hole = Buffer.alloc(12);
      hole.writeBigInt64BE(300_000n);
      client.send({ procedure: UPLOAD, serial, type: PacketType.STREAM_HOLE, status: CONTINUE }, hole);
      client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(100, 2));
      client.streamPacket(UPLOAD, serial, OK);
      await until(() => client.stream(serial).last?.status === OK, 'all has arrived');
      const down = client.begin(DOWNLOAD, vol.ref, 0n, 0n, 0);
      await until(() => client.stream(down).ended, 'all has come back');
      const { bytes } = client.stream(down);
      const wanted = Buffer.alloc(1_000_000);
      wanted.fill(1, 0, 100);
      wanted.fill(2, 300_100, 300_200);
      assert.equal(Buffer.compare(bytes, wanted), 0);
      for (const { payload } of client.of(down, PacketType.STREAM)) assert.ok(payload.length <= 262_120);
      client.streamPacket(DOWNLOAD, down, OK);
      await until(() => client.stream(down).last?.status === OK, 'the end is confirmed');
      await vol.delete();
    });

    it('fail with an error of their own, once', async () => {
      start();
      await client.open();
      const vol = await volume(100);
      const serial = client.begin(UPLOAD, vol.ref, 0n, 0n, 0);
      await client.reply(serial);
      client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(101));
      client.streamPacket(UPLOAD, serial, OK);
      await until(() => client.stream(serial).last?.status === ERROR, 'the error comes');
      await client.call(HOSTNAME);
      assert.equal(client.of(serial, PacketType.STREAM).length, 1);
      const plain = client.begin(UPLOAD, vol.ref, 0n, 0n, 0);
      await client.reply(plain);
      client.send(
        { procedure: UPLOAD, serial: plain, type: PacketType.STREAM_HOLE, status: CONTINUE },
        Buffer.alloc(12),
      );
      await until(() => client.stream(plain).last?.status === ERROR, 'a hole is refused');
      const endless = client.begin(UPLOAD, vol.ref, 0n, 0n, 1);
      await client.reply(endless);
      const hole = Buffer.alloc(12);
      hole.writeBigInt64BE(2n ** 62n);
      client.send({ procedure: UPLOAD, serial: endless, type: PacketType.STREAM_HOLE, status: CONTINUE }, hole);
      await until(() => client.stream(endless).last?.status === ERROR, 'a hole beyond the volume is refused');
      await vol.delete();
    });

    it('wait for a slow backend without more in memory than the limit', async () => {
      const taken: (() => void)[] = [];
      let received = 0;
      const slow = new Duplex({
        read() {},
        write(chunk: Buffer, _encoding, done) {
          received += chunk.length;
          taken.push(done);
        },
      });
      start({ limits: { queuedBytes: 100_000 }, open: withMethods({ storageVolUpload: async () => slow }) });
      await client.open();
      const serial = client.begin(UPLOAD, { pool: 'p', name: 'v', key: 'k' }, 0n, 0n, 0);
      await client.reply(serial);
      for (let i = 0; i < 100; i++) client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(10_000));
      await setTimeout(50);
      assert.ok(slow.writableLength < 400_000, `${slow.writableLength} bytes wait`);
      assert.ok(client.socket.writableLength > 400_000);
      while (received < 1_000_000) {
        taken.shift()?.();
        await setTimeout(1);
      }
      slow.on('error', () => {});
    });

    it('wait for a slow client without more in memory than the limit', async () => {
      let made = 0;
      const source = new Duplex({
        read() {
          made += 50_000;
          this.push(Buffer.alloc(50_000));
        },
        write(_chunk, _encoding, done) {
          done();
        },
      });
      start({ open: withMethods({ storageVolDownload: async () => source }) });
      await client.open();
      const serial = client.begin(DOWNLOAD, { pool: 'p', name: 'v', key: 'k' }, 0n, 0n, 0);
      await client.reply(serial);
      client.socket.pause();
      await setTimeout(50);
      const before = made;
      await setTimeout(50);
      assert.equal(made, before);
      const waiting = made - client.stream(serial).bytes.length;
      assert.ok(waiting < 1_000_000, `${waiting} bytes`);
    });

    it('are let go of with the connection, and only so many are open', async () => {
      start({ limits: { streams: 2 } });
      await client.open();
      const vol = await volume(100);
      for (let i = 0; i < 2; i++) await client.reply(client.begin(UPLOAD, vol.ref, 0n, 0n, 0));
      await assert.rejects(client.call(UPLOAD, vol.ref, 0n, 0n, 0), { code: 'RESOURCE_BUSY' });
      await assert.rejects(vol.delete(), /still in use/);
      await client.close();
      await until(
        () =>
          vol.delete().then(
            () => true,
            () => false,
          ),
        'the volume is free',
      );
    });
  });

  describe('keepalive', () => {
    it('asks those who take part, and gives up on those who do not answer', async () => {
      start({ limits: { keepaliveMs: 20, keepaliveCount: 3 } });
      await client.open();
      await setTimeout(200);
      assert.equal(client.keepalives(Keepalive.PING), 0);
      assert.equal(client.closed, false);
      await client.call(FEATURE, 10);
      await until(() => client.closed, 'given up');
      assert.equal(client.keepalives(Keepalive.PING), 3);
    });
  });

  describe('clients of ill will', () => {
    it('lose the connection when they break the protocol', async () => {
      for (const packet of [{ type: PacketType.REPLY }, { type: PacketType.MESSAGE }, { type: 77 }]) {
        start();
        await client.open();
        client.send(packet);
        await until(() => client.closed, 'closed');
      }
      for (const bytes of ['00000000', '0000001b', 'ffffffff', '02000005', '47455420']) {
        start();
        client.socket.write(Buffer.from(bytes, 'hex'));
        await until(() => client.closed, 'closed');
      }
      start();
      await client.open();
      const serial = client.begin(201, (await own.lookupByName('test')).ref, undefined, 1);
      await client.reply(serial);
      client.send(
        { procedure: 201, serial, type: PacketType.STREAM_HOLE, status: PacketStatus.CONTINUE },
        Buffer.alloc(3),
      );
      await until(() => client.closed, 'closed');
    });

    it('send no large packets before they have opened a connection', async () => {
      start({ limits: { packetBytesUnopened: 1000 } });
      client.send({ procedure: OPEN }, Buffer.alloc(1000));
      await until(() => client.closed, 'closed');
      start({ limits: { packetBytesUnopened: 1000 } });
      await client.open();
      client.send({ procedure: LOOKUP, serial: 9 }, Buffer.alloc(5000));
      await client.reply(9);
    });

    it('have to open a connection, and to finish what they begin, in time', async () => {
      start({ limits: { openMs: 30 } });
      await client.call(AUTH_LIST);
      await until(() => client.closed, 'closed, since nothing was opened');
      start({ limits: { stallMs: 30 } });
      await client.open();
      await setTimeout(100);
      assert.equal(client.closed, false);
      client.socket.write(Buffer.from('0000', 'hex'));
      await until(() => client.closed, 'closed in the middle of a packet');
    });

    it('get no more answers than they read', async () => {
      let calls = 0;
      start({
        limits: { unreadBytes: 100_000 },
        open: withMethods({
          connectGetHostname: async () => {
            calls++;
            return 'x'.repeat(50_000);
          },
        }),
      });
      await client.open();
      client.socket.pause();
      for (let i = 0; i < 60; i++) client.begin(HOSTNAME);
      await setTimeout(50);
      assert.ok(calls < 30, `${calls} calls`);
      client.socket.resume();
      await until(() => client.of(60).length === 1, 'the last answer');
    });

    it('lose the connection when they leave too much unread', async () => {
      start({ limits: { unreadBytesMax: 100_000 } });
      await client.open();
      await client.call(REGISTER, 0, undefined);
      client.socket.pause();
      const domain = await own.lookupByName('test');
      for (let i = 0; i < 3000 && !client.closed; i++) {
        await domain.suspend();
        await domain.resume();
      }
      await until(() => client.closed, 'closed');
    });
  });

  it('does not wait for ever for a client to close its end', async () => {
    start({ limits: { stallMs: 30 } });
    await client.open();
    client.socket.removeAllListeners('end');
    client.begin(2);
    await client.served.closed;
  });

  it('answers what has come, says goodbye and closes when it is drained', async () => {
    let release = () => {};
    const held = new Promise<string>((resolve) => {
      release = () => resolve('late');
    });
    start({ open: withMethods({ connectGetHostname: () => held }) });
    await client.open();
    await client.call(360);
    const slow = client.begin(HOSTNAME);
    await client.call(3);
    const drained = client.served.drain();
    await assert.rejects(client.call(3), /closing/);
    release();
    await drained;
    assert.equal((await client.reply(slow)).status, PacketStatus.OK);
    assert.ok(client.packets.some(({ procedure }) => procedure === CONNECTION_CLOSED_MESSAGE));
  });
});
