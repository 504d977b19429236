import { strict as assert } from 'node:assert';
import { VirtioMmio as Reg } from '../../../src/isa/index.ts';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { BlkFeature, BlkStatus, BlkType } from '../../../src/machine/virtio/blk-spec.ts';
import { BlkDriver, disk, pattern, ranges } from './blk-driver.ts';

const { IN, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES } = BlkType;
const { OK, IOERR, UNSUPP } = BlkStatus;
const SECTORS = 64;

describe('virtio-blk', () => {
  it('describes its disk', async () => {
    const { slot } = await disk(new MemBlock(SECTORS * 512));
    const { driver } = slot;
    assert.equal(driver.get(Reg.DEVICE_ID), 2);
    assert.equal(driver.get(Reg.CONFIG), SECTORS);
    assert.equal(driver.get(Reg.CONFIG + 12), 254, 'seg_max');
    assert.equal(driver.get(Reg.CONFIG + 20), 512, 'blk_size');
    const { SEG_MAX, BLK_SIZE, TOPOLOGY, RO, MQ } = BlkFeature;
    const wanted = SEG_MAX | BLK_SIZE | TOPOLOGY | BlkFeature.FLUSH | BlkFeature.DISCARD | BlkFeature.WRITE_ZEROES;
    assert.equal(driver.offered() & (wanted | RO | MQ), wanted);
  });

  it('reads and writes, in any number of pieces, direct and indirect', async () => {
    const backend = new MemBlock(SECTORS * 512);
    const { blk } = await disk(backend);
    for (const [pieces, indirect] of [
      [1, false],
      [3, false],
      [7, true],
    ] as const) {
      blk.indirect = indirect;
      const data = pattern(4096, pieces);
      assert.deepEqual(await blk.request(OUT, 5, data, pieces).then((a) => [a.status, a.written]), [OK, 1]);
      assert.deepEqual(backend.bytes.subarray(5 * 512, 5 * 512 + 4096), data);
      const answer = await blk.request(IN, 5, 4096, pieces);
      assert.deepEqual([answer.status, answer.written], [OK, 4097]);
      assert.deepEqual(answer.data, data);
    }
  });

  it('does not care how header, data and status are cut into descriptors', async () => {
    const content = pattern(SECTORS * 512);
    const { slot, blk } = await disk(new MemBlock(content));
    const { driver } = slot;
    const header = driver.place(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
    const data = driver.alloc(513);
    const head = blk.queue.add([
      { gpa: header, bytes: 3 },
      { gpa: header + 3, bytes: 13 },
      { gpa: data, bytes: 1, writable: true },
      { gpa: data + 1, bytes: 512, writable: true },
    ]);
    blk.queue.kick();
    await slot.serve();
    assert.deepEqual(blk.queue.reap(), [{ head, written: 513 }]);
    assert.deepEqual(driver.fetch(data, 512), content.subarray(3 * 512, 4 * 512));
    assert.equal(driver.fetch(data + 512, 1)[0], OK);
  });

  it('moves requests larger than its buffers', async () => {
    const backend = new MemBlock(4 * 2 ** 20);
    const { blk } = await disk(backend);
    const data = pattern(3 * 2 ** 19 + 512);
    assert.equal((await blk.request(OUT, 1, data, 3)).status, OK);
    assert.deepEqual(backend.bytes.subarray(512, 512 + data.length), data);
    const answer = await blk.request(IN, 1, data.length, 2);
    assert.equal(answer.written, data.length + 1);
    assert.deepEqual(answer.data, data);
  });

  it('fails what is not wholly on the disk, and changes nothing', async () => {
    const content = pattern(SECTORS * 512);
    const backend = new MemBlock(content.slice());
    const { blk } = await disk(backend);
    const beyond = [SECTORS, SECTORS - 1, -1, 2n ** 55n, 2n ** 63n] as const;
    for (const sector of beyond) {
      const read = await blk.request(IN, sector, 1024);
      assert.deepEqual([read.status, read.written], [IOERR, 0], `read at ${sector}`);
      assert.equal((await blk.request(OUT, sector, pattern(1024))).status, IOERR, `write at ${sector}`);
    }
    assert.equal((await blk.request(IN, 0, 511)).status, IOERR);
    assert.equal((await blk.request(OUT, 0, pattern(513))).status, IOERR);
    assert.deepEqual(backend.bytes, content);
    assert.equal((await blk.request(IN, SECTORS - 2, 1024)).status, OK);
    assert.equal((await blk.request(IN, SECTORS, 0)).status, OK);
  });

  it('tells its serial number, cut or padded to 20 bytes', async () => {
    const { blk } = await disk(new MemBlock(512), { blk: { serial: 'abc' } });
    const answer = await blk.request(GET_ID, 0, 20);
    assert.deepEqual([answer.status, answer.written], [OK, 21]);
    assert.equal(Buffer.from(answer.data).toString('latin1'), 'abc'.padEnd(20, '\0'));
    const short = await blk.request(GET_ID, 0, 2);
    assert.deepEqual([short.written, ...short.data], [3, 0x61, 0x62]);
    const long = await disk(new MemBlock(512), { blk: { serial: 'x'.repeat(30) } });
    assert.equal((await long.blk.request(GET_ID, 0, 30)).written, 20);
  });

  it('answers unknown requests with UNSUPP', async () => {
    const { blk } = await disk(new MemBlock(512));
    for (const type of [2, 3, 7, 10, 12, 14, 0xffff_ffff]) {
      assert.equal((await blk.request(type, 0, pattern(512))).status, UNSUPP, `type ${type}`);
    }
  });

  it('writes zeroes and discards, range by range', async () => {
    const content = pattern(SECTORS * 512);
    const backend = new MemBlock(content.slice());
    const { blk } = await disk(backend);
    assert.equal((await blk.request(WRITE_ZEROES, 0, ranges([1, 2, 0], [10, 1, 1]))).status, OK);
    const expected = content.slice();
    expected.fill(0, 512, 3 * 512).fill(0, 10 * 512, 11 * 512);
    assert.deepEqual(backend.bytes, expected);
    assert.equal((await blk.request(DISCARD, 0, ranges([20, 4, 0], [40, 1, 0]))).status, OK);
  });

  it('refuses ranges that break the rules, all of them together', async () => {
    const content = pattern(SECTORS * 512);
    const backend = new MemBlock(content.slice());
    const { blk } = await disk(backend);
    const refused = async (type: number, data: Uint8Array) => (await blk.request(type, 0, data)).status;
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 0], [SECTORS, 1, 0])), IOERR);
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 0], [2n ** 64n - 1n, 1, 0])), IOERR);
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 0], [0, 0xffff_ffff, 0])), IOERR);
    assert.equal(await refused(WRITE_ZEROES, ranges([1, 1, 2])), UNSUPP);
    assert.equal(await refused(DISCARD, ranges([1, 1, 1])), UNSUPP);
    assert.equal(await refused(DISCARD, new Uint8Array(0)), IOERR);
    assert.equal(await refused(DISCARD, new Uint8Array(17)), IOERR);
    const many = Array.from({ length: 33 }, () => [0, 1, 0] as const);
    assert.equal(await refused(DISCARD, ranges(...many)), IOERR);
    assert.deepEqual(backend.bytes, content);
  });

  it('knows no discard that was not negotiated', async () => {
    const { blk } = await disk(new MemBlock(SECTORS * 512), { features: 0n });
    assert.equal((await blk.request(DISCARD, 0, ranges([1, 1, 0]))).status, UNSUPP);
    assert.equal((await blk.request(WRITE_ZEROES, 0, ranges([1, 1, 0]))).status, UNSUPP);
  });

  it('does not change a read-only disk', async () => {
    const content = pattern(SECTORS * 512);
    const { slot, blk } = await disk(new MemBlock(content.slice(), { readOnly: true }));
    const offered = slot.driver.offered();
    assert.equal(offered & (BlkFeature.RO | BlkFeature.DISCARD | BlkFeature.WRITE_ZEROES), BlkFeature.RO);
    assert.equal((await blk.request(OUT, 0, pattern(512, 2))).status, IOERR);
    assert.equal((await blk.request(WRITE_ZEROES, 0, ranges([0, 1, 0]))).status, UNSUPP);
    assert.equal((await blk.request(FLUSH, 0, 0)).status, OK);
    assert.deepEqual((await blk.request(IN, 0, SECTORS * 512)).data, content);
  });

  it('announces a new size', async () => {
    const backend = new MemBlock(SECTORS * 512);
    const { slot, blk } = await disk(backend);
    slot.driver.acknowledge();
    assert.equal((await blk.request(IN, SECTORS, 512)).status, IOERR);
    slot.driver.acknowledge();
    backend.resize(2 * SECTORS * 512);
    assert.equal(slot.driver.acknowledge(), 2);
    assert.equal(slot.driver.get(Reg.CONFIG), 2 * SECTORS);
    assert.equal((await blk.request(IN, SECTORS, 512)).status, OK);
  });

  it('needs a reset after a request without header or status', async () => {
    const pieces = (gpa: number) => [
      [{ gpa, bytes: 16 }],
      [
        { gpa, bytes: 15 },
        { gpa, bytes: 1, writable: true },
      ],
      [{ gpa, bytes: 64, writable: true }],
    ];
    for (const index of [0, 1, 2]) {
      const { slot, blk } = await disk(new MemBlock(512));
      const chain = pieces(slot.driver.alloc(64))[index] ?? [];
      blk.queue.add(chain);
      blk.queue.kick();
      await slot.serve();
      assert.equal(slot.driver.needsReset, true);
      const again = await BlkDriver.start(slot);
      assert.equal((await again.request(IN, 0, 512)).status, OK);
    }
  });
});
