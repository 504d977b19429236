import { strict as assert } from 'node:assert';
import { setImmediate } from 'node:timers/promises';
import { type Connection, connect, VirtError } from '../../src/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { openClientBackend } from '../../src/virt/rpc/client/client-backend.ts';
import { eventRows } from '../../src/virt/rpc/events.ts';
import {
  encodePacket,
  PacketReader,
  PacketStatus,
  PacketType,
  Program,
  ProtocolError,
} from '../../src/virt/rpc/packet.ts';
import type { Procedure } from '../../src/virt/rpc/procedure.ts';
import { procedures } from '../../src/virt/rpc/procedures/index.ts';
import { writeError } from '../../src/virt/rpc/wire-error.ts';
import { XdrError, XdrReader, XdrWriter } from '../../src/virt/rpc/xdr.ts';
import type { AnyXdr } from '../../src/virt/rpc/xdr-types.ts';
import { until } from '../virt/contract/bench.ts';
import { RawClient } from '../virt/rpc/raw-client.ts';
import { sample } from '../virt/rpc/sample.ts';
import { pair } from '../virt/rpc/support.ts';
import { fuzzRounds, fuzzSeed, mutate } from './fdt-elf-mutate.ts';

function encode(type: AnyXdr, value: unknown): Buffer {
  const to = new XdrWriter();
  type.write(to, value as never);
  return to.finish();
}

/** Undefined for bytes that are refused as they should be. */
function decode(type: AnyXdr, bytes: Buffer): { value: unknown } | undefined {
  try {
    return { value: type.read(new XdrReader(bytes)) };
  } catch (error) {
    if (error instanceof XdrError) return undefined;
    throw error;
  }
}

const types: readonly (readonly [string, AnyXdr])[] = [
  ...procedures.map(({ name, args }) => [`${name} arguments`, args] as const),
  ...procedures.map(({ name, result }) => [`${name} result`, result] as const),
  ...eventRows.map(({ name, args }) => [`event ${name}`, args] as const),
];

/** Runs rounds with one seed, which a failure tells. */
async function rounds(count: number, round: (random: SeededRandom) => void | Promise<void>): Promise<void> {
  const random = new SeededRandom(fuzzSeed());
  for (let done = 0; done < fuzzRounds(count); done++) {
    try {
      await round(random);
    } catch (error) {
      throw new Error(`seed ${fuzzSeed()}, round ${done}: ${String(error)}`, { cause: error });
    }
  }
}

/** Bytes in pieces of any size. */
function* pieces(bytes: Buffer, random: SeededRandom): Generator<Buffer> {
  const most = random.pick([3, 40, 100_000]);
  for (let at = 0; at < bytes.length; ) {
    const count = 1 + random.below(most);
    yield bytes.subarray(at, at + count);
    at += count;
  }
}

/** Bytes held outside of V8's heap and in it, after garbage has gone as far as it does by itself. */
function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('fuzz: RPC', function () {
  this.timeout(1_800_000);

  it('brings the arguments and results of every procedure back as they were', async () => {
    await rounds(20, (random) => {
      for (const [name, type] of types) {
        const value = sample(type, random);
        const bytes = encode(type, value);
        const back = decode(type, bytes);
        assert.deepEqual(back?.value, value, name);
        assert.deepEqual(encode(type, back?.value), bytes, name);
        assert.ok(bytes.length >= type.minBytes, `${name}: ${bytes.length} bytes, at least ${type.minBytes}`);
      }
    });
  });

  it('refuses damaged bytes with XdrError alone, or reads a value of the type', async () => {
    let read = 0;
    await rounds(40, (random) => {
      for (const [name, type] of types) {
        const bytes = Buffer.from(mutate(random, encode(type, sample(type, random)), 64));
        const first = decode(type, bytes);
        if (first === undefined) continue;
        read++;
        assert.deepEqual(decode(type, encode(type, first.value))?.value, first.value, name);
      }
    });
    assert.ok(read > 0);
  });

  it('finds packets in anything, or says that there are none', async () => {
    await rounds(500, (random) => {
      const bytes = Buffer.alloc(random.below(3000));
      random.fill(bytes);
      // Mostly plausible lengths.
      for (let at = 0; at + 4 <= bytes.length && random.below(8) !== 0; ) {
        const length = random.pick([28, 29, 60, 300]);
        bytes.writeUInt32BE(length, at);
        at += length;
      }
      const reader = new PacketReader();
      try {
        for (const piece of pieces(bytes, random)) {
          for (const { payload } of reader.push(piece)) assert.ok(payload.length < 400);
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    });
  });

  describe('a server', () => {
    let own: Connection;
    before(async () => {
      own = await connect('test:///default');
    });
    after(() => own.close());

    const calls = procedures.filter(({ name }) => name !== 'CONNECT_CLOSE');
    const openConsole = procedures.find(({ name }) => name === 'DOMAIN_OPEN_CONSOLE') as Procedure;

    /** A call with arguments of the right types. */
    function callOf(procedure: Procedure, random: SeededRandom, serial: number, args?: readonly unknown[]): Buffer {
      const { program, number } = procedure;
      const header = { program, version: 1, procedure: number, type: PacketType.CALL, serial, status: PacketStatus.OK };
      const values = args ?? (sample(procedure.args, random) as unknown[]);
      return encodePacket(header, (to) => procedure.args.write(to, values));
    }

    /** Something for a stream that may be there. */
    function streamPacket(random: SeededRandom, serial: number): Buffer {
      const type = random.below(8) === 0 ? PacketType.STREAM_HOLE : PacketType.STREAM;
      const header = { program: Program.REMOTE, version: 1, procedure: openConsole.number, type, serial };
      return encodePacket({ ...header, status: random.pick([0, 1, 2, 2, 2, 3]) }, (to) =>
        to.unpadded(Buffer.alloc(type === PacketType.STREAM_HOLE ? 12 : random.below(200), 1)),
      );
    }

    function damaged(bytes: Buffer, random: SeededRandom): Buffer {
      const copy = Buffer.from(mutate(random, bytes, 64));
      if (copy.length < 28) return bytes;
      // With a length that is right, so that what follows is understood, and a serial that no other call has.
      copy.writeUInt32BE(copy.length, 0);
      copy.writeUInt32BE(0xffff_ffff, 20);
      return copy;
    }

    it('survives every client, answers each call once, and keeps nothing of them', async () => {
      const { ref } = await own.lookupByName('test');
      let answered = 0;
      let kept = 0;
      let round = 0;
      await rounds(100, async (random) => {
        const client = new RawClient({ limits: { queuedBytes: 50_000, unreadBytes: 200_000, keepaliveMs: 10 } });
        if (random.below(10) !== 0) await client.open(random.below(2));
        const whole: number[] = [];
        for (let serial = 1000; serial < 1050 && !client.closed; serial++) {
          const kind = random.below(10);
          let bytes: Buffer;
          if (kind === 0) bytes = damaged(callOf(random.pick(calls), random, serial), random);
          else if (kind === 1) bytes = callOf(openConsole, random, serial, [ref, undefined, 1]);
          else if (kind === 2) bytes = streamPacket(random, 1000 + random.below(50));
          else bytes = callOf(random.pick(calls), random, serial);
          if (kind === 1 || kind > 2) whole.push(serial);
          for (const piece of pieces(bytes, random)) client.socket.write(piece);
          if (random.below(8) === 0) await setImmediate();
        }
        const got = () => whole.filter((serial) => client.of(serial).length > 0).length;
        await until(() => client.closed || got() === whole.length, 'every whole call is answered');
        for (const serial of whole) assert.ok(client.of(serial).length <= 1, `${client.of(serial).length} answers`);
        answered += got();
        await client.close();
        if (++round === 20) kept = memory();
      });
      assert.ok(answered > 1000, `${answered} answers`);
      const grown = memory() - kept;
      assert.ok(grown < 100_000_000, `${grown} bytes more than after the first clients`);
      // The world behind it is as it should be.
      await own.listAllDomains();
    });
  });

  describe('a client', () => {
    /** Who it is, what the server can, to open, and a registration for each kind of event, but for the last. */
    const HANDSHAKE_CALLS = 3 + eventRows.filter(({ less }) => less !== true).length;

    /** Answers the handshake, and everything else with something. */
    function evilServer(random: SeededRandom): ReturnType<typeof pair>[0] {
      const [near, far] = pair();
      const reader = new PacketReader();
      let calls = 0;
      far.on('error', () => {});
      far.on('data', (bytes: Buffer) => {
        for (const packet of reader.push(bytes)) {
          if (packet.type !== PacketType.CALL) continue;
          calls++;
          const honest = calls < HANDSHAKE_CALLS || random.below(3) === 0;
          for (const piece of pieces(answer(packet, random, honest), random)) far.write(piece);
        }
      });
      return near;
    }

    function answer(
      call: { program: number; procedure: number; serial: number },
      random: SeededRandom,
      honest: boolean,
    ) {
      const procedure = procedures.find(({ number, program }) => number === call.procedure && program === call.program);
      const header = { ...call, version: 1, type: PacketType.REPLY, status: PacketStatus.OK };
      const value = procedure === undefined ? undefined : sample(procedure.result, random);
      const features = procedure?.name === 'CONNECT_SUPPORTS_FEATURE' || procedure?.name === 'AUTH_LIST';
      const good = encodePacket(header, (to) => {
        if (procedure?.name === 'AUTH_LIST') to.u32(0);
        else if (features) to.u32(1);
        else procedure?.result.write(to, value as never);
      });
      if (honest) return good;
      const error = encodePacket({ ...header, status: PacketStatus.ERROR }, (to) =>
        writeError(to, new VirtError('NO_DOMAIN', 'no such thing')),
      );
      const message = encodePacket(
        { ...header, program: Program.REMOTE, procedure: random.pick([318, 331, 362, 9999]), type: PacketType.MESSAGE },
        (to) => to.unpadded(Buffer.alloc(random.below(60))),
      );
      const stream = encodePacket(
        { ...header, type: random.pick([PacketType.STREAM, PacketType.STREAM_HOLE]), status: random.below(4) },
        (to) => to.unpadded(Buffer.alloc(random.below(60))),
      );
      const mangled = Buffer.from(mutate(random, good, 64));
      if (mangled.length >= 4 && random.below(3) !== 0) mangled.writeUInt32BE(mangled.length, 0);
      return Buffer.concat(
        random.pick([[error], [message, good], [good, stream, stream], [mangled], [message, mangled, good]]),
      );
    }

    it('survives every server: each call settles, with a value or with VirtError', async () => {
      let settled = 0;
      await rounds(150, async (random) => {
        let backend: Awaited<ReturnType<typeof openClientBackend>>;
        try {
          backend = await openClientBackend(evilServer(random), {
            name: 'x:///',
            secure: true,
            keepaliveMs: 20,
            keepaliveCount: 1,
          });
        } catch (error) {
          assert.ok(error instanceof VirtError, String(error));
          return;
        }
        const domain = { name: 'x', uuid: '00000000-0000-0000-0000-000000000001', id: 1 };
        const calls = Array.from({ length: 12 }, () =>
          random.pick([
            () => backend.connectGetHostname(),
            () => backend.connectListAllDomains(0),
            () => backend.domainGetXmlDesc(domain, 0),
            () => backend.domainGetVcpus(domain),
            () => backend.domainGetMemoryParameters(domain, 0),
            () => backend.connectGetAllDomainStats([domain], 0, 0),
            async () => {
              const stream = await backend.domainOpenConsole(domain, undefined, 0);
              stream.on('error', () => {}).resume();
              stream.write('hello');
              stream.end();
            },
          ])(),
        );
        for (const result of await Promise.allSettled(calls)) {
          settled++;
          if (result.status === 'rejected') assert.ok(result.reason instanceof VirtError, String(result.reason));
        }
        await backend.connectClose();
      });
      assert.ok(settled > 100, `${settled} settled`);
    });
  });
});
