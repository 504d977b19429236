import { strict as assert } from 'node:assert';
import { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { PacketStatus, PacketType } from '../../../src/virt/rpc/packet.ts';
import { until } from '../contract/bench.ts';
import { useServer, withMethods } from './raw-client.ts';

const HOSTNAME = 59;

describe('RPC server: streams', () => {
  const bench = useServer();

  describe('streams', () => {
    const CONSOLE = 201;
    const UPLOAD = 208;
    const DOWNLOAD = 209;
    const { CONTINUE, OK, ERROR } = PacketStatus;

    async function openConsole(flags = 0): Promise<number> {
      const serial = bench.client.begin(CONSOLE, (await bench.own.lookupByName('test')).ref, undefined, flags);
      assert.equal((await bench.client.reply(serial)).status, OK);
      return serial;
    }

    it('carry a console both ways, and end when the client says so', async () => {
      bench.start();
      await bench.client.open();
      const serial = await openConsole();
      bench.client.streamPacket(CONSOLE, serial, CONTINUE, Buffer.from('echo'));
      await until(() => bench.client.stream(serial).bytes.toString() === 'echo', 'the console answers');
      bench.client.streamPacket(CONSOLE, serial, OK);
      await until(() => bench.client.stream(serial).last?.status === OK, 'the end is confirmed');
      assert.equal(bench.client.stream(serial).last?.payload.length, 0);
      // What comes late is dropped.
      bench.client.streamPacket(CONSOLE, serial, CONTINUE, Buffer.from('late'));
      bench.client.streamPacket(CONSOLE, serial, OK);
      const again = await openConsole();
      bench.client.streamPacket(CONSOLE, again, ERROR);
      await until(() => bench.client.stream(again).last?.status === OK, 'the abort is confirmed');
      assert.equal(bench.client.of(serial, PacketType.STREAM).filter(({ status }) => status === OK).length, 1);
    });

    it('have one owner each, until another takes over', async () => {
      bench.start();
      await bench.client.open();
      const first = await openConsole();
      const domain = (await bench.own.lookupByName('test')).ref;
      await assert.rejects(bench.client.call(CONSOLE, domain, undefined, 0), {
        code: 'OPERATION_FAILED',
        message: 'operation failed: Active console session exists for this domain',
      });
      const second = await openConsole(1);
      await until(() => bench.client.stream(first).ended, 'the first one ends');
      assert.equal(bench.client.stream(second).ended, false);
      bench.client.streamPacket(CONSOLE, first, OK);
      await until(() => bench.client.stream(first).last?.status === OK, 'its end is confirmed');
    });

    it('end with a mark, never with an answer that nobody has asked for', async () => {
      bench.start();
      await bench.client.open();
      const serial = await openConsole();
      await (await bench.own.lookupByName('test')).destroy();
      await until(() => bench.client.stream(serial).ended, 'the end is marked');
      await bench.client.call(HOSTNAME);
      assert.equal(bench.client.of(serial, PacketType.STREAM).length, 1);
    });

    async function volume(capacity: number) {
      const pool = await bench.own.storagePoolLookupByName('default-pool');
      const xml = `<volume><name>v</name><capacity>${capacity}</capacity></volume>`;
      return pool.createVolumeXML(xml);
    }

    it('bring data into a volume, with holes, and out of it again', async () => {
      bench.start();
      await bench.client.open();
      const vol = await volume(1_000_000);
      const serial = bench.client.begin(UPLOAD, vol.ref, 0n, 0n, 1);
      await bench.client.reply(serial);
      bench.client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(100, 1));
      const hole = Buffer.alloc(12);
      hole.writeBigInt64BE(300_000n);
      bench.client.send({ procedure: UPLOAD, serial, type: PacketType.STREAM_HOLE, status: CONTINUE }, hole);
      bench.client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(100, 2));
      bench.client.streamPacket(UPLOAD, serial, OK);
      await until(() => bench.client.stream(serial).last?.status === OK, 'all has arrived');
      const down = bench.client.begin(DOWNLOAD, vol.ref, 0n, 0n, 0);
      await until(() => bench.client.stream(down).ended, 'all has come back');
      const { bytes } = bench.client.stream(down);
      const wanted = Buffer.alloc(1_000_000);
      wanted.fill(1, 0, 100);
      wanted.fill(2, 300_100, 300_200);
      assert.equal(Buffer.compare(bytes, wanted), 0);
      for (const { payload } of bench.client.of(down, PacketType.STREAM)) assert.ok(payload.length <= 262_120);
      bench.client.streamPacket(DOWNLOAD, down, OK);
      await until(() => bench.client.stream(down).last?.status === OK, 'the end is confirmed');
      await vol.delete();
    });

    it('fail with an error of their own, once', async () => {
      bench.start();
      await bench.client.open();
      const vol = await volume(100);
      const serial = bench.client.begin(UPLOAD, vol.ref, 0n, 0n, 0);
      await bench.client.reply(serial);
      bench.client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(101));
      bench.client.streamPacket(UPLOAD, serial, OK);
      await until(() => bench.client.stream(serial).last?.status === ERROR, 'the error comes');
      await bench.client.call(HOSTNAME);
      assert.equal(bench.client.of(serial, PacketType.STREAM).length, 1);
      const plain = bench.client.begin(UPLOAD, vol.ref, 0n, 0n, 0);
      await bench.client.reply(plain);
      bench.client.send(
        { procedure: UPLOAD, serial: plain, type: PacketType.STREAM_HOLE, status: CONTINUE },
        Buffer.alloc(12),
      );
      await until(() => bench.client.stream(plain).last?.status === ERROR, 'a hole is refused');
      const endless = bench.client.begin(UPLOAD, vol.ref, 0n, 0n, 1);
      await bench.client.reply(endless);
      const hole = Buffer.alloc(12);
      hole.writeBigInt64BE(2n ** 62n);
      bench.client.send({ procedure: UPLOAD, serial: endless, type: PacketType.STREAM_HOLE, status: CONTINUE }, hole);
      await until(() => bench.client.stream(endless).last?.status === ERROR, 'a hole beyond the volume is refused');
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
      bench.start({ limits: { queuedBytes: 100_000 }, open: withMethods({ storageVolUpload: async () => slow }) });
      await bench.client.open();
      const serial = bench.client.begin(UPLOAD, { pool: 'p', name: 'v', key: 'k' }, 0n, 0n, 0);
      await bench.client.reply(serial);
      for (let i = 0; i < 100; i++) bench.client.streamPacket(UPLOAD, serial, CONTINUE, Buffer.alloc(10_000));
      await setTimeout(50);
      assert.ok(slow.writableLength < 400_000, `${slow.writableLength} bytes wait`);
      assert.ok(bench.client.socket.writableLength > 400_000);
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
      bench.start({ open: withMethods({ storageVolDownload: async () => source }) });
      await bench.client.open();
      const serial = bench.client.begin(DOWNLOAD, { pool: 'p', name: 'v', key: 'k' }, 0n, 0n, 0);
      await bench.client.reply(serial);
      bench.client.socket.pause();
      await until(async () => {
        const before = made;
        await setTimeout(50);
        return made === before;
      }, 'the server waits');
      const waiting = made - bench.client.stream(serial).bytes.length;
      assert.ok(waiting < 1_000_000, `${waiting} bytes`);
    });

    it('are let go of with the connection, and only so many are open', async () => {
      bench.start({ limits: { streams: 2 } });
      await bench.client.open();
      const vol = await volume(100);
      for (let i = 0; i < 2; i++) await bench.client.reply(bench.client.begin(UPLOAD, vol.ref, 0n, 0n, 0));
      await assert.rejects(bench.client.call(UPLOAD, vol.ref, 0n, 0n, 0), { code: 'RESOURCE_BUSY' });
      await assert.rejects(vol.delete(), /still in use/);
      await bench.client.close();
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
});
