import { strict as assert } from 'node:assert';
import { Duplex, finished } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { Connection, connect, type RpcConnection, type RpcServerOptions, serveRpc } from '../../../src/index.ts';
import { virtError } from '../../../src/virt/errors.ts';
import { type ClientOptions, openClientBackend } from '../../../src/virt/rpc/client/client-backend.ts';
import { encodePacket, PacketReader, PacketStatus, PacketType } from '../../../src/virt/rpc/packet.ts';
import { writeError } from '../../../src/virt/rpc/wire-error.ts';
import { record, until } from '../contract/bench.ts';
import { connectThroughWire, openTestWorld, pair } from './support.ts';

/** A connection to a server that lacks some procedures, or features, as an older one does. */
async function connectToOlder(
  missing: readonly number[],
  features: readonly number[] = [],
): Promise<{ connection: Connection; called: number[] }> {
  const [near, middle] = pair();
  const [other, far] = pair();
  serveRpc(far, { open: openTestWorld });
  const called: number[] = [];
  const reader = new PacketReader();
  other.on('data', (bytes: Buffer) => middle.write(bytes));
  other.on('end', () => middle.end());
  middle.on('end', () => other.end());
  middle.on('data', (bytes: Buffer) => {
    for (const packet of reader.push(bytes)) {
      const reply = { ...packet, type: PacketType.REPLY };
      called.push(packet.procedure);
      if (missing.includes(packet.procedure)) {
        const error = virtError('RPC', `unknown procedure: ${packet.procedure}`, { domain: 'RPC' });
        middle.write(encodePacket({ ...reply, status: PacketStatus.ERROR }, (to) => writeError(to, error)));
      } else if (packet.procedure === 60 && !features.includes(packet.payload.readInt32BE(0))) {
        middle.write(encodePacket({ ...reply, status: PacketStatus.OK }, (to) => to.i32(0)));
      } else {
        other.write(encodePacket(packet, (to) => to.unpadded(packet.payload)));
      }
    }
  });
  const backend = await openClientBackend(near, { name: 'test:///default', secure: true });
  called.length = 0;
  return { connection: new Connection(backend), called };
}

describe('RPC client', () => {
  let own: Connection;
  let connection: Connection;
  let served: RpcConnection;
  const start = async (options: Partial<ClientOptions> = {}, server: Partial<RpcServerOptions> = {}) => {
    ({ connection, served } = await connectThroughWire(options, server));
  };
  beforeEach(async () => {
    own = await connect('test:///default');
  });
  afterEach(async () => {
    await connection.close();
    await own.close();
  });

  describe('when the connection is lost', () => {
    const hanging: RpcServerOptions['open'] = async (uri, readOnly) => ({
      ...(await openTestWorld(uri, readOnly)),
      connectGetHostname: () => new Promise(() => {}),
    });

    it('rejects what is pending and what comes after, and says so once', async () => {
      await start({}, { open: hanging });
      const reasons: number[] = [];
      connection.on('close', (reason) => reasons.push(reason));
      const pending = [connection.getHostname(), connection.getHostname()];
      await connection.getType();
      served.destroy();
      const lost = {
        code: 'SYSTEM_ERROR',
        domain: 7,
        message: 'End of file while reading data: Input/output error',
      };
      for (const call of pending) await assert.rejects(call, lost);
      await assert.rejects(connection.getType(), lost);
      assert.deepEqual(reasons, [1]);
      await connection.close();
      assert.deepEqual(reasons, [1]);
    });

    it('breaks its streams', async () => {
      await start();
      const console = await (await connection.lookupByName('test')).openConsole();
      const broken = new Promise((resolve) => finished(console, resolve));
      served.destroy();
      assert.match(String(await broken), /End of file while reading data/);
      const { connection: second } = await connectThroughWire();
      const left = await (await second.lookupByName('test')).openConsole();
      let failed = false;
      left.on('error', () => {
        failed = true;
      });
      await second.close();
      assert.deepEqual([left.destroyed, failed], [true, false]);
    });

    it('ends the event stream', async () => {
      await start();
      const names: string[] = [];
      const reading = (async () => {
        for await (const { name } of connection) names.push(name);
      })();
      served.destroy();
      await reading;
      assert.deepEqual(names, ['close']);
    });

    it('notices that the server does not answer any more', async () => {
      // A server that has stopped: it hears nothing and says nothing.
      const [near, far] = pair();
      serveRpc(far, { open: hanging });
      const backend = await openClientBackend(near, {
        name: undefined,
        secure: true,
        keepaliveMs: 20,
        // A busy host may keep the server from answering for as long as several of them take.
        keepaliveCount: 50,
      });
      connection = new Connection(backend);
      const reasons: number[] = [];
      connection.on('close', (reason) => reasons.push(reason));
      const pending = connection.getHostname();
      await setTimeout(100);
      assert.deepEqual(reasons, []);
      far.removeAllListeners('data');
      far.pause();
      await assert.rejects(pending, { code: 'INTERNAL_ERROR', message: /keepalive timeout/ });
      assert.deepEqual(reasons, [2]);
    });
  });

  describe('with an older server', () => {
    it('does with the procedures that it has', async () => {
      const { connection: older, called } = await connectToOlder([350, 196, 234, 258, 231, 432, 437]);
      connection = older;
      const xml = '<domain type="test"><name>old</name><memory>1024</memory><os><type>hvm</type></os></domain>';
      const domain = await connection.defineXML(xml);
      await domain.create();
      assert.ok(domain.ref.id > 0);
      await domain.shutdown();
      await until(async () => !(await domain.isActive()), 'it is off');
      await domain.create();
      await domain.destroy();
      await domain.undefine();
      const network = await connection.networkDefineXML('<network><name>old</name></network>');
      await network.undefine();
      for (const number of [11, 9, 12, 33, 35, 41]) assert.ok(called.includes(number), `${number} is called`);
      // What is known to be missing is not tried again.
      for (const number of [350, 196, 234]) assert.equal(called.filter((one) => one === number).length, 1);
      await assert.rejects(connection.createXML(xml, 64), { code: 'INVALID_ARG' });
      await assert.rejects(connection.defineXML(xml, 1), {
        code: 'NO_SUPPORT',
        message: 'this function is not supported by the connection driver: domainDefineXmlFlags',
      });
    });

    it('hears of events without ids', async () => {
      const { connection: older, called } = await connectToOlder([], [10]);
      connection = older;
      const heard = record(connection);
      await (await own.lookupByName('test')).suspend();
      await until(() => heard.length === 1, 'the event comes');
      assert.deepEqual(heard, ['test 3/0 id']);
      await (await own.lookupByName('test')).resume();
      assert.equal(called.includes(60), false);
    });

    it('changes networks in the order that it knows', async () => {
      const { connection: older } = await connectToOlder([], []);
      connection = older;
      const network = await connection.networkLookupByName('default');
      // The command and the section have changed places on the way: this is the section 3 of the command 4.
      await assert.rejects(
        network.update(3, 4, -1, "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>"),
        /IP|section|command/,
      );
    });

    it('says what it cannot do', async () => {
      const { connection: older } = await connectToOlder([59]);
      connection = older;
      await assert.rejects(connection.getHostname(), {
        code: 'NO_SUPPORT',
        errno: 3,
        message: 'this function is not supported by the connection driver: connectGetHostname',
      });
    });
  });

  describe('at the handshake', () => {
    it('gives up on a server that asks for what it does not know', async () => {
      await start();
      for (const [types, message] of [
        [[1], /asks for SASL/],
        [[7], /asks for mechanism 7/],
      ] as const) {
        const [near, far] = pair();
        const reader = new PacketReader();
        far.on('data', (bytes: Buffer) => {
          for (const packet of reader.push(bytes)) {
            far.write(
              encodePacket({ ...packet, type: PacketType.REPLY, status: PacketStatus.OK }, (to) => {
                to.u32(types.length);
                for (const type of types) to.i32(type);
              }),
            );
          }
        });
        await assert.rejects(openClientBackend(near, { name: '', secure: true }), { code: 'AUTH_FAILED', message });
        assert.equal(near.destroyed, true);
      }
    });

    it('passes on why the server refuses', async () => {
      await start();
      const [near, far] = pair();
      serveRpc(far, { open: async () => Promise.reject(virtError('NO_CONNECT', 'not here')) });
      await assert.rejects(openClientBackend(near, { name: 'x', secure: true }), {
        code: 'NO_CONNECT',
        message: 'not here',
      });
    });

    it('says how it was reached, and whether others can listen', async () => {
      await start({ uri: 'test+tcp://host/default', secure: false });
      assert.equal(await connection.getURI(), 'test+tcp://host/default');
      assert.equal(await connection.isSecure(), false);
      const { connection: second } = await connectThroughWire({ secure: true });
      assert.equal(await second.getURI(), 'test:///default');
      assert.equal(await second.isSecure(), true);
      await second.close();
    });

    it('hands on that it only reads', async () => {
      await start({ readOnly: true });
      assert.equal(served.readOnly, true);
      await assert.rejects((await connection.lookupByName('test')).suspend(), { code: 'OPERATION_DENIED' });
    });
  });

  describe('streams', () => {
    it('that fail at once are told to whoever opened them', async () => {
      const [near, far] = pair();
      const reader = new PacketReader();
      far.on('data', (bytes: Buffer) => {
        for (const packet of reader.push(bytes)) {
          const reply = { ...packet, type: PacketType.REPLY, status: PacketStatus.OK };
          if (packet.procedure !== 208) {
            far.write(encodePacket(reply, (to) => to.u32(0)));
            continue;
          }
          const error = virtError('OPERATION_FAILED', 'no room');
          const failure = { ...packet, type: PacketType.STREAM, status: PacketStatus.ERROR };
          far.write(Buffer.concat([encodePacket(reply), encodePacket(failure, (to) => writeError(to, error))]));
        }
      });
      const backend = await openClientBackend(near, { name: '', secure: true });
      connection = new Connection(backend);
      const stream = await backend.storageVolUpload({ pool: 'p', name: 'v', key: 'k' }, 0n, 0n, 0);
      const failed = await new Promise((resolve) => stream.once('error', resolve));
      assert.equal((failed as Error).message, 'operation failed: no room');
    });

    it('have zeroes for holes', async () => {
      const [near, far] = pair();
      const reader = new PacketReader();
      far.on('data', (bytes: Buffer) => {
        for (const packet of reader.push(bytes)) {
          const reply = { ...packet, type: PacketType.REPLY, status: PacketStatus.OK };
          if (packet.procedure !== 209) far.write(encodePacket(reply, (to) => to.u32(0)));
          else if (packet.type === PacketType.STREAM) far.write(encodePacket({ ...packet, status: PacketStatus.OK }));
          else {
            const data = { ...packet, type: PacketType.STREAM, status: PacketStatus.CONTINUE };
            far.write(encodePacket(reply));
            far.write(encodePacket(data, (to) => to.unpadded(Buffer.from('ab'))));
            far.write(
              encodePacket({ ...data, type: PacketType.STREAM_HOLE }, (to) => {
                to.i64(200_000n);
                to.u32(0);
              }),
            );
            far.write(encodePacket(data, (to) => to.unpadded(Buffer.from('cd'))));
            far.write(encodePacket(data));
          }
        }
      });
      const backend = await openClientBackend(near, { name: '', secure: true });
      connection = new Connection(backend);
      const chunks: Buffer[] = [];
      const stream = await backend.storageVolDownload({ pool: 'p', name: 'v', key: 'k' }, 0n, 0n, 1);
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const wanted = Buffer.alloc(200_004);
      wanted.write('ab', 0);
      wanted.write('cd', 200_002);
      assert.equal(Buffer.compare(Buffer.concat(chunks), wanted), 0);
    });

    it('stop the server while nobody reads them', async () => {
      let made = 0;
      await start(
        {},
        {
          open: async (uri, readOnly) => ({
            ...(await openTestWorld(uri, readOnly)),
            storageVolDownload: async () => {
              return new Duplex({
                read() {
                  made += 60_000;
                  setImmediate(() => this.push(Buffer.alloc(60_000)));
                },
                write(_chunk, _encoding, done) {
                  done();
                },
              });
            },
          }),
        },
      );
      const stream = await connection.backend.storageVolDownload({ pool: 'p', name: 'v', key: 'k' }, 0n, 0n, 0);
      await until(async () => {
        const before = made;
        await setTimeout(30);
        return made === before;
      }, 'the server stops');
      assert.ok(made < 10_000_000, `${made} bytes`);
      stream.on('error', () => {});
      stream.resume();
      const before = made;
      await until(() => made > before + 1_000_000, 'the server goes on');
      stream.destroy();
      assert.equal(await connection.getType(), 'TEST');
    });
  });

  it('closes when the server breaks the protocol', async () => {
    await start();
    const [near, far] = pair();
    far.on('data', () => far.write(Buffer.from('0000001c200080860000000100000042000000010000004d00000000', 'hex')));
    await assert.rejects(openClientBackend(near, { name: '', secure: true }), {
      code: 'RPC',
      message: /the server broke the protocol: an answer to a call 77 that waits for none/,
    });
  });
});
