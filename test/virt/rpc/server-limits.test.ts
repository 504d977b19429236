import { strict as assert } from 'node:assert';
import { setTimeout } from 'node:timers/promises';
import { CloseReason } from '../../../src/virt/enums.ts';
import { CONNECTION_CLOSED_MESSAGE } from '../../../src/virt/rpc/events.ts';
import { Keepalive, PacketStatus, PacketType } from '../../../src/virt/rpc/packet.ts';
import { until } from '../contract/bench.ts';
import { OPEN, useServer, withMethods } from './raw-client.ts';

const AUTH_LIST = 66;
const FEATURE = 60;
const LOOKUP = 23;
const HOSTNAME = 59;
const REGISTER = 316;

describe('RPC server: limits', () => {
  const bench = useServer();

  describe('keepalive', () => {
    it('asks those who take part, and gives up on those who do not answer', async () => {
      bench.start({ limits: { keepaliveMs: 20, keepaliveCount: 3 } });
      await bench.client.open();
      await setTimeout(200);
      assert.equal(bench.client.keepalives(Keepalive.PING), 0);
      assert.equal(bench.client.closed, false);
      await bench.client.call(FEATURE, 10);
      await until(() => bench.client.closed, 'given up');
      assert.equal(bench.client.keepalives(Keepalive.PING), 3);
    });
  });

  describe('clients of ill will', () => {
    it('lose the connection when they break the protocol', async () => {
      for (const packet of [{ type: PacketType.REPLY }, { type: PacketType.MESSAGE }, { type: 77 }]) {
        bench.start();
        await bench.client.open();
        bench.client.send(packet);
        await until(() => bench.client.closed, 'closed');
      }
      for (const bytes of ['00000000', '0000001b', 'ffffffff', '02000005', '47455420']) {
        bench.start();
        bench.client.socket.write(Buffer.from(bytes, 'hex'));
        await until(() => bench.client.closed, 'closed');
      }
      bench.start();
      await bench.client.open();
      const serial = bench.client.begin(201, (await bench.own.lookupByName('test')).ref, undefined, 1);
      await bench.client.reply(serial);
      bench.client.send(
        { procedure: 201, serial, type: PacketType.STREAM_HOLE, status: PacketStatus.CONTINUE },
        Buffer.alloc(3),
      );
      await until(() => bench.client.closed, 'closed');
    });

    it('send no large packets before they have opened a connection', async () => {
      bench.start({ limits: { packetBytesUnopened: 1000 } });
      bench.client.send({ procedure: OPEN }, Buffer.alloc(1000));
      await until(() => bench.client.closed, 'closed');
      bench.start({ limits: { packetBytesUnopened: 1000 } });
      await bench.client.open();
      bench.client.send({ procedure: LOOKUP, serial: 9 }, Buffer.alloc(5000));
      await bench.client.reply(9);
    });

    it('have to open a connection, and to finish what they begin, in time', async () => {
      bench.start({ limits: { openMs: 30 } });
      await bench.client.call(AUTH_LIST);
      await until(() => bench.client.closed, 'closed, since nothing was opened');
      bench.start({ limits: { stallMs: 30 } });
      await bench.client.open();
      await setTimeout(100);
      assert.equal(bench.client.closed, false);
      bench.client.socket.write(Buffer.from('0000', 'hex'));
      await until(() => bench.client.closed, 'closed in the middle of a packet');
    });

    it('get no more answers than they read', async () => {
      let calls = 0;
      bench.start({
        limits: { unreadBytes: 100_000 },
        open: withMethods({
          connectGetHostname: async () => {
            calls++;
            return 'x'.repeat(50_000);
          },
        }),
      });
      await bench.client.open();
      bench.client.socket.pause();
      for (let i = 0; i < 60; i++) bench.client.begin(HOSTNAME);
      await setTimeout(50);
      assert.ok(calls < 30, `${calls} calls`);
      bench.client.socket.resume();
      await until(() => bench.client.of(60).length === 1, 'the last answer');
    });

    it('lose the connection when they leave too much unread', async () => {
      bench.start({ limits: { unreadBytesMax: 100_000 } });
      await bench.client.open();
      await bench.client.call(REGISTER, 0, undefined);
      bench.client.socket.pause();
      const domain = await bench.own.lookupByName('test');
      for (let i = 0; i < 3000 && !bench.client.closed; i++) {
        await domain.suspend();
        await domain.resume();
      }
      await until(() => bench.client.closed, 'closed');
    });
  });

  it('does not wait for ever for a client to close its end', async () => {
    bench.start({ limits: { stallMs: 30 } });
    await bench.client.open();
    bench.client.socket.removeAllListeners('end');
    bench.client.begin(2);
    await bench.client.served.closed;
  });

  it('answers what has come, says goodbye and closes when it is drained', async () => {
    let release = () => {};
    const held = new Promise<string>((resolve) => {
      release = () => resolve('late');
    });
    bench.start({ open: withMethods({ connectGetHostname: () => held }) });
    await bench.client.open();
    await bench.client.call(360);
    const slow = bench.client.begin(HOSTNAME);
    await bench.client.call(3);
    const drained = bench.client.served.drain();
    await assert.rejects(bench.client.call(3), /closing/);
    release();
    await drained;
    assert.equal((await bench.client.reply(slow)).status, PacketStatus.OK);
    const farewell = bench.client.packets.find(({ procedure }) => procedure === CONNECTION_CLOSED_MESSAGE);
    assert.equal(farewell?.payload.readInt32BE(0), CloseReason.EOF);
  });
});
