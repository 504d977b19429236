import { strict as assert } from 'node:assert';
import { SeededRandom } from '../../../src/util/index.ts';
import {
  encodePacket,
  type Packet,
  PacketReader,
  PacketType,
  Program,
  ProtocolError,
} from '../../../src/virt/rpc/packet.ts';

const header = { program: Program.REMOTE, version: 1, procedure: 7, type: PacketType.CALL, serial: 0, status: 0 };

function packet(serial: number, payload: Uint8Array): Buffer {
  return encodePacket({ ...header, serial }, (to) => to.unpadded(payload));
}

describe('packets', () => {
  it('have a length that counts itself, and six words of header', () => {
    assert.equal(
      packet(5, Buffer.from('abc')).toString('hex'),
      '0000001f 20008086 00000001 00000007 00000000 00000005 00000000 616263'.replaceAll(' ', ''),
    );
  });

  it('are found however their bytes come', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() & 0xffff);
    const random = new SeededRandom(seed);
    for (const most of [1, 7, 100, 100_000]) {
      const payloads = Array.from({ length: 30 }, (_, index) =>
        new Uint8Array(random.below(index % 10 === 0 ? 30_000 : 60)).fill(index),
      );
      const bytes = Buffer.concat(payloads.map((payload, serial) => packet(serial, payload)));
      const reader = new PacketReader();
      const found: Packet[] = [];
      for (let at = 0; at < bytes.length; ) {
        const count = 1 + random.below(most);
        found.push(...reader.push(bytes.subarray(at, at + count)));
        at += count;
      }
      assert.equal(reader.inPacket, false);
      assert.deepEqual(
        found.map(({ serial, payload }) => [serial, payload.length, payload.every((one) => one === serial)]),
        payloads.map(({ length }, serial) => [serial, length, true]),
        `seed ${seed}`,
      );
    }
  });

  it('of impossible lengths are refused before they are complete', () => {
    const head = (length: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(length);
      return bytes;
    };
    for (const length of [0, 4, 27, 33_554_437, 0xffffffff]) {
      assert.throws(() => [...new PacketReader().push(head(length))], ProtocolError, `${length}`);
      assert.throws(() => {
        const reader = new PacketReader();
        for (const one of head(length)) void [...reader.push(Buffer.of(one))];
      }, ProtocolError);
    }
    assert.deepEqual([...new PacketReader().push(head(33_554_436))], []);
    assert.throws(() => [...new PacketReader(100).push(head(101))], ProtocolError);
  });

  it('cost no more memory than has come of them', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 50 }, () => new PacketReader());
    for (const reader of readers) assert.deepEqual([...reader.push(Buffer.from('02000004ffff', 'hex'))], []);
    assert.ok(process.memoryUsage().arrayBuffers - before < 5_000_000);
  });
});
