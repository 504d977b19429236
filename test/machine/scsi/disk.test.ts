import { strict as assert } from 'node:assert';
import { MemBlock } from '../../../src/machine/backend/mem-block.ts';
import { ScsiDisk, type ScsiDiskOptions } from '../../../src/machine/scsi/disk.ts';
import { be, Initiator } from '../../support/scsi.ts';
import { pattern } from '../virtio/blk-driver.ts';

const SECTORS = 256;

/** A disk in memory that counts flushes, and whose initiator has seen the reset. */
async function disk(options: ScsiDiskOptions & { readOnly?: boolean } = {}) {
  const backend = new MemBlock(pattern(SECTORS * 512), { readOnly: options.readOnly ?? false });
  let flushes = 0;
  backend.flush = async () => {
    flushes++;
  };
  const initiator = new Initiator(new ScsiDisk(backend, options));
  assert.deepEqual(await initiator.attentions(), ['6/29/00']);
  return { backend, initiator, run: initiator.run.bind(initiator), flushes: () => flushes };
}

const ascii = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

describe('SCSI disk', () => {
  it('tells what it is', async () => {
    const { run } = await disk({ serial: 'S1' });
    const { data } = await run([0x12, 0, 0, 0, 255], 255);
    assert.equal(data.length, 36);
    assert.deepEqual([...data.subarray(0, 5)], [0, 0, 5, 0x12, 31]);
    assert.equal(ascii(data.subarray(8, 36)), 'NODEVISRDISK            1.0 ');
    assert.equal((await run([0x12, 0, 0, 0, 5], 255)).data.length, 5, 'allocation length');
    assert.equal((await run([0x12, 0, 0x80, 0, 255], 255)).told, '5/24/00', 'a page without EVPD');
  });

  it('lists its pages of vital product data, and gives each of them', async () => {
    const { run } = await disk({ serial: 'S1' });
    const vpd = async (page: number) => (await run([0x12, 1, page, 0, 255], 255)).data;
    const listed = [...(await vpd(0))];
    assert.deepEqual(listed, [0, 0, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2]);
    for (const page of listed.slice(4)) {
      const data = await vpd(page);
      assert.equal(data[1], page);
      assert.equal(data.length, 4 + (((data[2] ?? 0) << 8) | (data[3] ?? 0)), `length of page ${page}`);
    }
    assert.equal(ascii(await vpd(0x80)), '\0\x80\0\x02S1');
    assert.match(ascii(await vpd(0x83)), /NODEVISRDISK {12}S1$/);
    const limits = new DataView((await vpd(0xb0)).slice().buffer);
    assert.deepEqual([limits.getUint32(20), limits.getUint32(24)], [0x40_0000, 32], 'blocks and ranges of UNMAP');
    assert.equal((await vpd(0xb2))[5], 0xe0);
    assert.equal((await run([0x12, 1, 0x99, 0, 255], 255)).told, '5/24/00');
  });

  it('has no serial number page without one, and no provisioning when it is read-only', async () => {
    const { run } = await disk({ readOnly: true });
    assert.deepEqual([...(await run([0x12, 1, 0, 0, 255], 255)).data.subarray(4)], [0x00, 0x83, 0xb0, 0xb1]);
    assert.equal((await run([0x12, 1, 0x80, 0, 255], 255)).told, '5/24/00');
  });

  it('tells its capacity', async () => {
    const { run } = await disk();
    assert.deepEqual([...(await run([0x25], 8)).data], [...be(SECTORS - 1, 4), ...be(512, 4)]);
    const { data } = await run([0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, ...be(32, 4)], 32);
    assert.deepEqual([...data.subarray(0, 16)], [...be(SECTORS - 1, 8), ...be(512, 4), 0, 3, 0x80, 0]);
    assert.equal((await run([0x9e, 0x11], 32)).told, '5/20/00');
  });

  it('tells a capacity beyond 32 bits in the long form only', async () => {
    const backend = new MemBlock(512);
    Object.defineProperty(backend, 'sectors', { value: 2 ** 33 });
    const initiator = new Initiator(new ScsiDisk(backend));
    await initiator.attentions();
    assert.deepEqual([...(await initiator.run([0x25], 8)).data.subarray(0, 4)], [255, 255, 255, 255]);
    const { data } = await initiator.run([0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, ...be(32, 4)], 32);
    assert.deepEqual([...data.subarray(0, 8)], be(2n ** 33n - 1n, 8));
  });

  it('reads and writes in commands of every length', async () => {
    const { run, backend } = await disk();
    const forms: readonly (readonly [read: number, write: number, fields: (lba: number, n: number) => number[]])[] = [
      [0x08, 0x0a, (lba, n) => [...be(lba, 3), n, 0]],
      [0x28, 0x2a, (lba, n) => [0, ...be(lba, 4), 0, ...be(n, 2), 0]],
      [0xa8, 0xaa, (lba, n) => [0, ...be(lba, 4), ...be(n, 4), 0, 0]],
      [0x88, 0x8a, (lba, n) => [0, ...be(lba, 8), ...be(n, 4), 0, 0]],
    ];
    for (const [index, [read, write, fields]] of forms.entries()) {
      const sent = pattern(3 * 512, 100 + index);
      const wrote = await run([write, ...fields(10 * index + 1, 3)], sent);
      assert.deepEqual([wrote.status, wrote.transferred], [0, 3 * 512]);
      const at = (10 * index + 1) * 512;
      assert.deepEqual(backend.bytes.subarray(at, at + sent.length), sent);
      assert.deepEqual((await run([read, ...fields(10 * index + 1, 3)], 3 * 512)).data, sent);
    }
    const all = await run([0x08, 0, 0, 0, 0], 256 * 512);
    assert.deepEqual(all.data, backend.bytes, 'READ(6) of no blocks is 256 of them');
  });

  it('moves commands larger than its buffers', async () => {
    const backend = new MemBlock(2 * 2 ** 20);
    const initiator = new Initiator(new ScsiDisk(backend));
    await initiator.attentions();
    const sent = pattern(3 * 2 ** 18 + 512);
    const blocks = be(sent.length / 512, 4);
    assert.equal((await initiator.run([0x8a, 0, ...be(5, 8), ...blocks], sent)).status, 0);
    assert.deepEqual(backend.bytes.subarray(5 * 512, 5 * 512 + sent.length), sent);
    assert.deepEqual((await initiator.run([0x88, 0, ...be(5, 8), ...blocks], sent.length)).data, sent);
  });

  it('refuses what is not wholly on the disk, or not wholly in the initiator’s memory', async () => {
    const { run, backend } = await disk();
    const before = backend.bytes.slice();
    for (const lba of [SECTORS, SECTORS - 1, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      assert.equal((await run([0x88, 0, ...be(lba, 8), ...be(2, 4)], 1024)).told, '5/21/00', `read at ${lba}`);
      assert.equal(
        (await run([0x8a, 0, ...be(lba, 8), ...be(2, 4)], pattern(1024))).told,
        '5/21/00',
        `write at ${lba}`,
      );
    }
    assert.equal((await run([0x28, 0, ...be(0, 4), 0, ...be(2, 2)], 1023)).overrun, true);
    assert.equal((await run([0x2a, 0, ...be(0, 4), 0, ...be(2, 2)], pattern(1023))).overrun, true);
    assert.equal((await run([0x28, 0x20, ...be(0, 4), 0, ...be(1, 2)], 512)).told, '5/24/00', 'RDPROTECT');
    assert.deepEqual(backend.bytes, before);
  });

  it('writes the same block over a range, or zeroes', async () => {
    const { run, backend } = await disk();
    const block = pattern(512, 7);
    assert.equal((await run([0x41, 0, ...be(4, 4), 0, ...be(3, 2)], block)).status, 0);
    for (const at of [4, 5, 6]) assert.deepEqual(backend.bytes.subarray(at * 512, at * 512 + 512), block);
    assert.equal((await run([0x93, 8, ...be(5, 8), ...be(1, 4)], new Uint8Array(512))).status, 0);
    assert.equal((await run([0x93, 1, ...be(6, 8), ...be(1, 4)])).status, 0, 'NDOB');
    assert.deepEqual(backend.bytes.subarray(5 * 512, 7 * 512), new Uint8Array(1024));
    assert.equal((await run([0x93, 0, ...be(0, 8), ...be(0, 4)], block)).told, '5/24/00', 'WSNZ');
    assert.equal((await run([0x93, 0, ...be(0, 8), ...be(0x1_0001, 4)], block)).told, '5/24/00', 'too many');
    assert.equal((await run([0x41, 0, ...be(SECTORS, 4), 0, ...be(1, 2)], block)).told, '5/21/00');
  });

  it('unmaps ranges, all of them or none', async () => {
    const { run, backend } = await disk();
    const before = backend.bytes.slice();
    const unmap = (...ranges: readonly (readonly [number | bigint, number])[]) => {
      const blocks = ranges.flatMap(([lba, n]) => [...be(lba, 8), ...be(n, 4), 0, 0, 0, 0]);
      const list = Uint8Array.from([...be(blocks.length + 6, 2), ...be(blocks.length, 2), 0, 0, 0, 0, ...blocks]);
      return run([0x42, 0, 0, 0, 0, 0, 0, ...be(list.length, 2)], list);
    };
    assert.equal((await unmap([1, 1], [SECTORS, 1])).told, '5/21/00');
    assert.equal((await unmap([1, 1], [2n ** 64n - 1n, 2])).told, '5/21/00');
    assert.equal((await unmap([0, 0xffff_ffff])).told, '5/26/00');
    assert.equal((await unmap(...Array.from({ length: 33 }, () => [0, 1] as const))).told, '5/26/00');
    assert.equal((await run([0x42, 0, 0, 0, 0, 0, 0, 0, 7], new Uint8Array(7))).told, '5/1a/00');
    assert.equal(
      (await run([0x42, 0, 0, 0, 0, 0, 0, 0, 8], Uint8Array.of(0, 0, 0xff, 0xff, 0, 0, 0, 0))).told,
      '5/26/00',
    );
    assert.deepEqual(backend.bytes, before);
    assert.equal((await unmap([1, 2], [10, 1], [20, 0])).status, 0);
    before.fill(0, 512, 3 * 512).fill(0, 10 * 512, 11 * 512);
    assert.deepEqual(backend.bytes, before);
  });

  it('flushes when it is asked to, and after each write without a cache', async () => {
    const write = (flags = 0) => [0x2a, flags, ...be(0, 4), 0, ...be(1, 2)];
    const back = await disk();
    await back.run(write(), pattern(512));
    assert.equal(back.flushes(), 0);
    await back.run(write(8), pattern(512));
    assert.equal(back.flushes(), 1, 'FUA');
    await back.run([0x35]);
    await back.run([0x91]);
    assert.equal(back.flushes(), 3);
    const through = await disk({ cache: 'through' });
    await through.run(write(), pattern(512));
    assert.equal(through.flushes(), 1);
    const unsafe = await disk({ cache: 'unsafe' });
    await unsafe.run(write(8), pattern(512));
    await unsafe.run([0x35]);
    assert.equal(unsafe.flushes(), 0);
  });

  it('tells of its cache and of write protection in its mode pages', async () => {
    const wce = async (options: ScsiDiskOptions & { readOnly?: boolean }) => {
      const { data } = await (await disk(options)).run([0x1a, 8, 8, 0, 255], 255);
      assert.deepEqual([data[0], data[3], data[4], data[5]], [23, 0, 8, 18]);
      return [(data[2] ?? 0) >> 7, ((data[6] ?? 0) >> 2) & 1];
    };
    assert.deepEqual(await wce({}), [0, 1]);
    assert.deepEqual(await wce({ cache: 'through', readOnly: true }), [1, 0]);
    const { run } = await disk();
    const long = await run([0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255], 255);
    assert.deepEqual([long.data[1], long.data[7], long.data.length], [46, 8, 48]);
    assert.deepEqual([...long.data.subarray(8, 16)], [...be(SECTORS, 4), ...be(512, 4)], 'block descriptor');
    const changeable = await run([0x1a, 8, 0x48, 0, 255], 255);
    assert.ok(changeable.data.subarray(6).every((byte) => byte === 0));
    assert.equal((await run([0x1a, 0, 0xc8, 0, 255], 255)).told, '5/39/00');
    assert.equal((await run([0x1a, 0, 0x0a, 0, 255], 255)).told, '5/24/00');
  });

  it('changes nothing when it is read-only', async () => {
    const { run, backend } = await disk({ readOnly: true });
    const before = backend.bytes.slice();
    assert.equal((await run([0x2a, 0, ...be(0, 4), 0, ...be(1, 2)], new Uint8Array(512))).told, '7/27/00');
    assert.equal((await run([0x93, 1, ...be(0, 8), ...be(1, 4)])).told, '7/27/00');
    assert.equal((await run([0x42, 0, 0, 0, 0, 0, 0, 0, 24], new Uint8Array(24))).told, '7/27/00');
    assert.equal((await run([0x35])).status, 0);
    assert.deepEqual(backend.bytes, before);
  });

  it('verifies, with and without data to compare', async () => {
    const { run, backend } = await disk();
    const verify = (bytchk: number) => [0x2f, bytchk << 1, ...be(2, 4), 0, ...be(1, 2)];
    assert.equal((await run(verify(0))).status, 0);
    assert.equal((await run(verify(1), backend.bytes.slice(1024, 1536))).status, 0);
    assert.equal((await run(verify(1), pattern(512, 99))).told, 'e/1d/00');
  });

  it('tells of a new size once, whatever command comes first, and of errors of the host', async () => {
    const { run, backend, initiator } = await disk();
    const notices: string[] = [];
    initiator.unit.onNotice((notice) => notices.push(notice));
    backend.resize(2 * SECTORS * 512);
    backend.resize(3 * SECTORS * 512);
    assert.deepEqual(notices, ['capacity', 'capacity']);
    assert.equal((await run([0x12, 0, 0, 0, 36], 36)).status, 0);
    assert.equal((await run([0x25], 8)).told, '6/2a/09');
    assert.deepEqual([...(await run([0x25], 8)).data.subarray(0, 4)], be(3 * SECTORS - 1, 4));
    backend.read = () => Promise.reject(new Error('broken'));
    backend.write = () => Promise.reject(new Error('broken'));
    backend.flush = () => Promise.reject(new Error('broken'));
    assert.equal((await run([0x28, 0, ...be(0, 4), 0, ...be(1, 2)], 512)).told, '3/11/00');
    assert.equal((await run([0x2a, 0, ...be(0, 4), 0, ...be(1, 2)], pattern(512))).told, '3/0c/00');
    assert.equal((await run([0x35])).told, '3/0c/00');
  });

  it('reports a unit attention as sense data when it is asked for that', async () => {
    const unit = new ScsiDisk(new MemBlock(512));
    const initiator = new Initiator(unit);
    const sense = await initiator.run([0x03, 0, 0, 0, 18], 18);
    assert.deepEqual([sense.status, sense.data[2], sense.data[12]], [0, 6, 0x29]);
    assert.equal((await initiator.run([0x03, 0, 0, 0, 18], 18)).data[2], 0);
    assert.equal((await initiator.run([0x03, 1, 0, 0, 18], 18)).told, '5/24/00', 'descriptor format');
    assert.equal((await initiator.run([0xff])).told, '5/20/00');
    unit.reset();
    assert.deepEqual(await initiator.attentions(), ['6/29/00']);
  });
});
