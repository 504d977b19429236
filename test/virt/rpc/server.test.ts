import { strict as assert } from 'node:assert';
import { setTimeout } from 'node:timers/promises';
import { VirErrorNumber } from '../../../src/index.ts';
import { Keepalive, PacketType, Program } from '../../../src/virt/rpc/packet.ts';
import { procedures } from '../../../src/virt/rpc/procedures/index.ts';
import { XdrReader } from '../../../src/virt/rpc/xdr.ts';
import { until } from '../contract/bench.ts';
import { OPEN, type RawClient, useServer, withMethods } from './raw-client.ts';
import { openTestWorld } from './support.ts';

const AUTH_LIST = 66;
const FEATURE = 60;
const LOOKUP = 23;
const GET_XML = 14;
const HOSTNAME = 59;
const REGISTER = 316;

describe('RPC server', () => {
  const bench = useServer();

  describe('handshake', () => {
    it('asks for no authentication, and says what it can do', async () => {
      bench.start();
      assert.deepEqual(await bench.client.call(AUTH_LIST), [0]);
      const features = await Promise.all(
        Array.from({ length: 20 }, (_, feature) => bench.client.call(FEATURE, feature)),
      );
      const yes = features.flatMap((supported, feature) => (supported === true ? [feature] : []));
      // 8, passing file descriptors, is none of them: Node cannot.
      assert.deepEqual(yes, [9, 10, 14, 15, 16]);
      assert.equal(await bench.client.call(FEATURE, -7), false);
    });

    it('does nothing else before the connection is open, and opens it once', async () => {
      bench.start();
      await assert.rejects(bench.client.call(HOSTNAME), { code: 'INTERNAL_ERROR', message: /connection not open/ });
      await assert.rejects(bench.client.call(REGISTER, 0, undefined), /connection not open/);
      await bench.client.open();
      assert.equal(typeof (await bench.client.call(HOSTNAME)), 'string');
      await assert.rejects(bench.client.open(), /connection already open/);
    });

    it('lets the server choose what to open when the client names nothing', async () => {
      const asked: (string | undefined)[] = [];
      bench.start({
        open: (uri, readOnly) => {
          asked.push(uri);
          return openTestWorld(uri, readOnly);
        },
      });
      await bench.client.call(OPEN, '', 6);
      assert.deepEqual(asked, [undefined]);
      assert.equal(bench.client.served.readOnly, false);
    });

    it('tells why a connection cannot be opened', async () => {
      bench.start({ open: async () => Promise.reject(new Error('no such world')) });
      await assert.rejects(bench.client.open(), { code: 'INTERNAL_ERROR', message: 'internal error: no such world' });
    });

    it('closes after the answer to CONNECT_CLOSE, and lets go of the backend before', async () => {
      let closed = false;
      bench.start({
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
      await bench.client.open();
      await bench.client.call(2);
      assert.equal(closed, true);
      await until(() => bench.client.closed, 'the socket closes');
    });
  });

  describe('calls', () => {
    it('are answered once each, whatever is wrong with them', async () => {
      bench.start();
      await bench.client.open();
      const cases: [Parameters<RawClient['send']>[0], Uint8Array, number, RegExp][] = [
        [{ procedure: 9999 }, Buffer.alloc(0), VirErrorNumber.RPC, /^unknown procedure: 9999$/],
        [{ procedure: 0 }, Buffer.alloc(0), VirErrorNumber.RPC, /^unknown procedure: 0$/],
        [{ procedure: 343 }, Buffer.alloc(0), VirErrorNumber.NO_SUPPORT, /virDomainOpenGraphicsFD$/],
        [{ procedure: 347 }, Buffer.alloc(20), VirErrorNumber.NO_SUPPORT, /virNodeAllocPages$/],
        [{ program: 7, procedure: 1 }, Buffer.alloc(0), VirErrorNumber.RPC, /^Cannot find program 7 version 1$/],
        [{ version: 2, procedure: 1 }, Buffer.alloc(0), VirErrorNumber.RPC, /^Cannot find program \d+ version 2$/],
        [{ program: Program.QEMU, procedure: 7 }, Buffer.alloc(0), VirErrorNumber.NO_SUPPORT, /CommandWithFiles$/],
        [
          { program: Program.QEMU, procedure: 4 },
          Buffer.alloc(12),
          VirErrorNumber.NO_SUPPORT,
          /QemuMonitorEventRegister$/,
        ],
        [{ program: Program.QEMU, procedure: 6 }, Buffer.alloc(0), VirErrorNumber.RPC, /^unknown procedure: 6$/],
        [{ procedure: HOSTNAME, status: 1 }, Buffer.alloc(0), VirErrorNumber.RPC, /^Unexpected message status 1$/],
        [{ procedure: LOOKUP }, Buffer.alloc(0), VirErrorNumber.RPC, /^Unable to decode message payload/],
        [{ procedure: LOOKUP }, Buffer.from('ffffffff', 'hex'), VirErrorNumber.RPC, /^Unable to decode/],
        [{ procedure: HOSTNAME, type: PacketType.CALL_WITH_FDS }, Buffer.alloc(8), VirErrorNumber.NO_SUPPORT, /desc/],
      ];
      for (const [index, [header, payload, code, message]] of cases.entries()) {
        const serial = 1000 + index;
        bench.client.send({ ...header, serial }, payload);
        const error = await bench.client.errorOf(serial);
        assert.equal(error.errno, code, error.message);
        assert.match(error.message, message);
        assert.notEqual(error.domain, 0);
      }
      await bench.client.call(HOSTNAME);
      for (const index of cases.keys()) assert.equal(bench.client.of(1000 + index).length, 1);
    });

    it('fail with an error when the backend breaks, or gives what cannot be sent', async () => {
      bench.start({
        open: withMethods({
          connectGetHostname: () => {
            throw new TypeError('broken');
          },
          connectGetType: async () => 'a\0b',
          connectGetLibVersion: async () => -1n,
          domainGetXmlDesc: async () => 'x'.repeat(4 * 1024 * 1024 + 1),
        }),
      });
      await bench.client.open();
      await assert.rejects(bench.client.call(HOSTNAME), { code: 'INTERNAL_ERROR', message: /broken/ });
      for (const number of [3, 157]) {
        await assert.rejects(bench.client.call(number), { code: 'RPC', message: /^Unable to encode message payload/ });
      }
      const domain = await bench.client.call(LOOKUP, 'test');
      await assert.rejects(bench.client.call(GET_XML, domain, 0), { code: 'RPC', message: /^Unable to encode/ });
    });

    it('carry libvirt’s number, domain and text of an error', async () => {
      bench.start();
      await bench.client.open();
      const error = await bench.client.errorOf(bench.client.begin(LOOKUP, 'nope'));
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
      bench.start({ open: withMethods({ connectGetHostname: () => held }) });
      await bench.client.open();
      const slow = bench.client.begin(HOSTNAME);
      assert.equal(await bench.client.call(3), 'TEST');
      bench.client.ping();
      await until(() => bench.client.keepalives(Keepalive.PONG) === 1, 'an answer');
      assert.equal(bench.client.of(slow).length, 0);
      release();
      await bench.client.reply(slow);
    });

    it('begin as many at a time as the limit says, and no more are read than may wait', async () => {
      let running = 0;
      let most = 0;
      const releases: (() => void)[] = [];
      bench.start({
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
      await bench.client.open();
      const serials = Array.from({ length: 40 }, () => bench.client.begin(HOSTNAME));
      await until(() => running === 3, 'three run');
      await setTimeout(30);
      assert.ok(bench.client.far.readableLength > 0, 'what may not wait is not read');
      while (serials.some((serial) => bench.client.of(serial).length === 0)) {
        releases.shift()?.();
        await setTimeout(1);
      }
      assert.equal(most, 3);
      assert.deepEqual(
        serials.map((serial) => bench.client.of(serial).length),
        serials.map(() => 1),
      );
    });

    it('may only read where the connection may', async () => {
      for (const options of [{ flags: 1 }, { flags: 0, readOnly: true }]) {
        bench.start(options.readOnly === true ? { readOnly: true } : {});
        await bench.client.open(options.flags);
        assert.equal(bench.client.served.readOnly, true);
        const domain = (await bench.client.call(LOOKUP, 'test')) as object;
        await bench.client.call(GET_XML, domain, 0);
        await assert.rejects(bench.client.call(GET_XML, domain, 1), { code: 'OPERATION_DENIED' });
        await assert.rejects(bench.client.call(12, domain), {
          code: 'OPERATION_DENIED',
          message: 'operation forbidden: read only access prevents domainDestroyFlags',
        });
        await assert.rejects(bench.client.call(201, domain, undefined, 0), { code: 'OPERATION_DENIED' });
        await bench.client.close();
      }
      bench.start();
      await bench.client.open();
      const writing = procedures.filter(({ writes }) => writes([])).map(({ name }) => name);
      for (const name of ['DOMAIN_CREATE', 'STORAGE_VOL_UPLOAD', 'NETWORK_UPDATE', 'DOMAIN_OPEN_CONSOLE']) {
        assert.ok(writing.includes(name), name);
      }
      for (const name of writing) assert.doesNotMatch(name, /LOOKUP|LIST_ALL|_IS_|NUM_OF/);
    });

    it('of a list give the number alone when that is all that is wanted', async () => {
      bench.start();
      await bench.client.open();
      assert.deepEqual(await bench.client.call(273, 0, 0), { objects: [], ret: 1 });
      const { objects, ret } = (await bench.client.call(273, 1, 0)) as { objects: { name: string }[]; ret: number };
      assert.deepEqual([objects.map(({ name }) => name), ret], [['test'], 1]);
      const domain = objects[0];
      const asked = (await bench.client.call(198, domain, 0, 4)) as { params: unknown[]; nparams: number };
      assert.deepEqual(asked.params, []);
      const got = (await bench.client.call(198, domain, asked.nparams, 4)) as { params: unknown[]; nparams: number };
      assert.equal(got.params.length, asked.nparams);
    });

    it('of older clients work too', async () => {
      bench.start();
      await bench.client.open();
      assert.equal(await bench.client.call(51), 1);
      const [id] = (await bench.client.call(37, 10)) as number[];
      const domain = (await bench.client.call(22, id)) as { uuid: string };
      await bench.client.call(12, domain);
      assert.deepEqual([await bench.client.call(51), await bench.client.call(25)], [0, 1]);
      assert.deepEqual(await bench.client.call(21, 10), ['test']);
      assert.deepEqual(await bench.client.call(21, 0), []);
      await bench.client.call(9, domain);
      assert.equal(await bench.client.call(150, domain), true);
      await bench.client.call(33, domain);
    });
  });

  describe('events', () => {
    const events = (procedure: number) =>
      bench.client.packets.filter(({ type, procedure: number }) => type === PacketType.MESSAGE && number === procedure);

    it('come to those who have registered, with the id that they were given, and to no others', async () => {
      bench.start();
      await bench.client.open();
      const domain = await bench.own.lookupByName('test');
      await domain.suspend();
      const other = '00000000-0000-0000-0000-000000000001';
      const ids = [
        await bench.client.call(REGISTER, 0, undefined),
        await bench.client.call(REGISTER, 0, domain.ref),
        await bench.client.call(REGISTER, 0, { name: 'x', uuid: other, id: -1 }),
        await bench.client.call(REGISTER, 1, undefined),
      ];
      assert.equal(new Set(ids).size, 4);
      await domain.resume();
      await until(() => events(318).length === 2, 'two events');
      const seen = events(318).map(({ payload }) => new XdrReader(payload).i32());
      assert.deepEqual(seen, ids.slice(0, 2));
      await bench.client.call(317, ids[0]);
      await assert.rejects(bench.client.call(317, ids[0]), { code: 'INVALID_ARG' });
      await domain.suspend();
      await until(() => events(318).length === 3, 'one more');
      assert.equal(bench.client.packets.filter(({ type }) => type === PacketType.MESSAGE).length, 3);
    });

    it('come without ids to clients that know none', async () => {
      bench.start();
      await bench.client.open();
      assert.equal(await bench.client.call(105), true);
      await bench.client.call(167, 13);
      await assert.rejects(bench.client.call(167, 13), { code: 'INVALID_ARG' });
      const domain = await bench.own.lookupByName('test');
      await domain.suspend();
      await domain.setMemory(1_048_576n);
      await until(() => events(107).length === 1 && events(276).length === 1, 'both events');
      assert.equal(await bench.client.call(106), false);
      await bench.client.call(168, 13);
      await domain.resume();
      await bench.client.call(HOSTNAME);
      assert.equal(events(107).length, 1);
    });

    it('of kinds that there are not cannot be registered for, nor endlessly many', async () => {
      bench.start({ limits: { eventRegistrations: 30 } });
      await bench.client.open();
      for (let event = 0; event < 27; event++) await bench.client.call(REGISTER, event, undefined);
      await assert.rejects(bench.client.call(REGISTER, 27, undefined), { code: 'INVALID_ARG' });
      await assert.rejects(bench.client.call(REGISTER, -1, undefined), { code: 'INVALID_ARG' });
      await assert.rejects(bench.client.call(313, 1, undefined), { code: 'INVALID_ARG' });
      for (const number of [313, 368, 374]) await bench.client.call(number, 0, undefined);
      await assert.rejects(bench.client.call(380, 0, undefined), { code: 'RESOURCE_BUSY' });
    });
  });
});
