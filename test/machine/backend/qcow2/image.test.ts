import { strict as assert } from 'node:assert';
import { createCipheriv } from 'node:crypto';
import type { Qcow2CreateOptions } from '../../../../src/machine/backend/qcow2/create.ts';
import { Qcow2Image } from '../../../../src/machine/backend/qcow2/image.ts';
import { checkQcow2 } from '../../../../src/machine/backend/qcow2/repair.ts';
import { Incompatible } from '../../../../src/machine/backend/qcow2/spec.ts';
import { MemDisk } from '../../../support/mem-disk.ts';
import { faults, inOrder, memImage, openNew } from '../../../support/qcow2-image.ts';
import { describeBlockBackend } from '../block-contract.ts';

const MIB = 2 ** 20;

const kinds: readonly (readonly [string, Omit<Qcow2CreateOptions, 'size'>])[] = [
  ['qcow2', {}],
  ['qcow2 of version 2', { version: 2 }],
  ['qcow2 with the smallest clusters', { clusterBytes: 512, refcountBits: 64 }],
  ['qcow2 with subclusters', { clusterBytes: 16384, extendedL2: true }],
  ['qcow2 with lazy reference counts of one bit', { lazyRefcounts: true, refcountBits: 1 }],
];

for (const [name, options] of kinds) {
  describeBlockBackend(name, async (size) => (await openNew({ size, ...options })).disk);
}

async function read(disk: Qcow2Image, offset: number, bytes: number): Promise<Uint8Array> {
  const into = new Uint8Array(bytes).fill(0xaa);
  await disk.read(offset, into);
  return into;
}

const filled = (bytes: number, value: number) => new Uint8Array(bytes).fill(value);

describe('Qcow2Image', () => {
  it('takes no more of the file than what was written', async () => {
    const { file, disk } = await openNew({ size: 1024 * MIB });
    const empty = file.bytes;
    await disk.write(512 * MIB, filled(512, 1));
    await disk.close();
    // One cluster of data and one L2 table.
    assert.ok(file.bytes <= empty + 2 * 65536, `${file.bytes - empty} bytes more`);
    assert.deepEqual(await faults(file), inOrder);
  });

  it('uses freed clusters again once nothing in the file refers to them', async () => {
    const { file, disk } = await openNew({ size: 4 * MIB });
    await disk.write(0, filled(2 * MIB, 1));
    await disk.flush();
    const full = file.bytes;
    await disk.discard(0, 2 * MIB);
    await disk.flush();
    await disk.write(2 * MIB, filled(2 * MIB, 2));
    await disk.close();
    assert.equal(file.bytes, full);
    assert.deepEqual(await faults(file), inOrder);
  });

  it('shows what is below where it has nothing, and leaves that alone', async () => {
    const backing = new MemDisk(filled(MIB, 7), true);
    const { file, disk } = await openNew({ size: 2 * MIB, backingFile: 'base', backingFormat: 'raw' }, { backing });
    await disk.write(65536 + 512, filled(512, 9));
    await disk.discard(4 * 65536, 65536);
    await disk.writeZeroes(6 * 65536 + 512, 512, false);
    const expected = filled(2 * MIB, 0);
    expected.fill(7, 0, MIB);
    expected.fill(9, 65536 + 512, 65536 + 1024);
    expected.fill(0, 4 * 65536, 5 * 65536);
    expected.fill(0, 6 * 65536 + 512, 6 * 65536 + 1024);
    assert.ok(Buffer.from(await read(disk, 0, 2 * MIB)).equals(expected));
    assert.deepEqual(await disk.extent(0, 65536), { kind: 'none', bytes: 65536 });
    assert.equal((await disk.extent(65536, 65536)).kind, 'data');
    assert.deepEqual(await disk.extent(MIB, MIB), { kind: 'none', bytes: MIB });
    await disk.close();
    assert.ok(backing.closed);
    assert.deepEqual(await faults(file), inOrder);
  });

  it('shows zeroes, not more of what is below, when it grows', async () => {
    const backing = new MemDisk(filled(MIB, 7), true);
    const { disk } = await openNew({ size: MIB / 2, backingFile: 'base', backingFormat: 'raw' }, { backing });
    await disk.resize(2 * MIB);
    assert.deepEqual(await read(disk, MIB / 2 - 512, 1024), filled(1024, 0).fill(7, 0, 512));
    assert.deepEqual(await read(disk, MIB / 2, MIB), filled(MIB, 0));
    await disk.close();
  });

  it('grows to many times its size, tables and all', async () => {
    const { file, disk } = await openNew({ size: 4096, clusterBytes: 512, refcountBits: 64 });
    await disk.resize(64 * MIB);
    for (let at = 0; at < 64 * MIB; at += MIB) await disk.write(at, filled(4096, 1 + at / MIB));
    for (let at = 0; at < 64 * MIB; at += MIB) assert.equal((await read(disk, at, 512))[0], 1 + at / MIB);
    await disk.close();
    assert.deepEqual(await faults(file), inOrder);
  });

  it('reads compressed clusters, and writes over parts of them', async () => {
    for (const compression of ['zlib', 'zstd'] as const) {
      const { file, disk } = await openNew({ size: MIB, compression });
      const text = new TextEncoder().encode('as often as you like '.repeat(4000)).subarray(0, 65536);
      for (let at = 0; at < MIB; at += 65536) await disk.writeCompressed(at, text);
      await disk.flush();
      assert.ok(file.bytes < MIB / 2, 'smaller than what it holds');
      assert.deepEqual(
        await read(disk, 65536 + 512, 65536),
        Uint8Array.from([...text.subarray(512), ...text.subarray(0, 512)]),
      );
      assert.equal((await disk.extent(0, 65536)).compressed, true);
      await disk.write(65536, filled(512, 3));
      const changed = text.slice().fill(3, 0, 512);
      assert.deepEqual(await read(disk, 65536, 65536), changed);
      await disk.close();
      assert.deepEqual(await faults(file), inOrder);
    }
  });

  it('writes many clusters compressed at once, and reads them at once, whatever they are', async () => {
    const clusterBytes = 4096;
    const { file, disk } = await openNew({ size: 8 * MIB, clusterBytes });
    const whole = new Uint8Array(4 * MIB);
    const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(2 * MIB));
    // Every third cluster is what cannot be made smaller.
    for (let at = 0; at < whole.length; at += clusterBytes) {
      if (at % (3 * clusterBytes) === 0) whole.set(noise.subarray(at / 3, at / 3 + clusterBytes), at);
      else whole.fill(at / clusterBytes, at, at + clusterBytes);
    }
    // Across the end of an L2 table, at 2 MiB.
    await disk.writeCompressed(clusterBytes, whole);
    await disk.flush();
    assert.ok(file.bytes < 2 * MIB, `${file.bytes} bytes`);
    assert.deepEqual(await read(disk, clusterBytes, whole.length), whole);
    assert.deepEqual(await read(disk, 2 * MIB + 512, MIB), whole.slice(2 * MIB + 512 - clusterBytes).subarray(0, MIB));
    await disk.close();
    assert.deepEqual(await faults(file), inOrder);
  });

  it('serves writes to one cluster at the same time without losing any', async () => {
    const backing = new MemDisk(filled(MIB, 7), true);
    const { file, disk } = await openNew({ size: MIB, backingFile: 'base', backingFormat: 'raw' }, { backing });
    await Promise.all(Array.from({ length: 128 }, (_, i) => disk.write(i * 512, filled(512, i))));
    const got = await read(disk, 0, 65536);
    for (let i = 0; i < 128; i++) assert.equal(got[i * 512 + 100], i);
    await disk.close();
    assert.deepEqual(await faults(file), inOrder);
  });

  it('is not written when it is opened read-only', async () => {
    const file = await memImage({ size: MIB, lazyRefcounts: true });
    const before = file.content.slice();
    const disk = await Qcow2Image.open(file, { readOnly: true });
    assert.equal(disk.readOnly, true);
    await read(disk, 0, MIB);
    for (const change of [
      () => disk.write(0, filled(512, 1)),
      () => disk.writeZeroes(0, 512, true),
      () => disk.discard(0, 65536),
      () => disk.resize(2 * MIB),
      () => disk.createSnapshot({ name: 'x', seconds: 0 }),
    ]) {
      await assert.rejects(change, { code: 'OPERATION_INVALID', message: /read-only/ });
    }
    await disk.flush();
    await disk.close();
    assert.deepEqual(file.content, before);
  });

  it('says while it is open that lazy counts are not to be trusted, and mends them after a crash', async () => {
    const { file, disk } = await openNew({ size: MIB, lazyRefcounts: true });
    assert.equal(disk.header.incompatible & Incompatible.DIRTY, Incompatible.DIRTY);
    await disk.write(0, filled(65536, 1));
    await disk.flush();
    assert.ok((await faults(file)).corruptions > 0, 'counts are behind');
    // As after a crash: nobody closes it.
    const again = await Qcow2Image.open(file);
    assert.deepEqual(await read(again, 0, 512), filled(512, 1));
    await again.close();
    assert.deepEqual(await faults(file), inOrder);
    assert.equal(again.header.incompatible & Incompatible.DIRTY, 0n);
  });

  it('keeps the disk as it was in snapshots, and brings it back', async () => {
    const { file, disk } = await openNew({ size: MIB, clusterBytes: 4096 });
    await disk.write(0, filled(MIB / 2, 1));
    await disk.createSnapshot({ name: 'first', seconds: 1000, nanoseconds: 5 });
    await disk.write(4096, filled(8192, 2));
    await disk.resize(2 * MIB);
    await disk.createSnapshot({ name: 'second', seconds: 2000 });
    await disk.discard(0, MIB);
    await assert.rejects(disk.createSnapshot({ name: 'first', seconds: 0 }), { code: 'OPERATION_INVALID' });
    const view = await disk.openSnapshot('second');
    assert.equal(view.sectors, (2 * MIB) / 512);
    const got = new Uint8Array(16384);
    await view.read(0, got);
    assert.deepEqual(got, filled(16384, 1).fill(2, 4096, 12288));
    await disk.applySnapshot('first');
    assert.equal(disk.sectors, MIB / 512);
    assert.deepEqual(await read(disk, 0, MIB), filled(MIB, 0).fill(1, 0, MIB / 2));
    await disk.write(0, filled(4096, 5));
    await disk.deleteSnapshot('1');
    await disk.close();
    assert.deepEqual(await faults(file), inOrder);
    const again = await Qcow2Image.open(file);
    assert.deepEqual(
      again.snapshots.map(({ id, name, seconds }) => ({ id, name, seconds })),
      [{ id: '2', name: 'second', seconds: 2000 }],
    );
    assert.deepEqual(await read(again, 0, 8192), filled(8192, 1).fill(5, 0, 4096));
    await again.deleteSnapshot('second');
    await again.close();
    assert.deepEqual(await faults(file), inOrder);
  });

  it('takes no snapshot that its reference counts have no room for', async () => {
    const { file, disk } = await openNew({ size: MIB, refcountBits: 1 });
    await disk.write(0, filled(512, 1));
    await assert.rejects(disk.createSnapshot({ name: 'x', seconds: 0 }), { message: /refcount_bits/ });
    await disk.write(0, filled(512, 2));
    await disk.close();
    assert.deepEqual(await faults(file), inOrder);
  });

  it('keeps header fields and extensions that it does not know', async () => {
    const file = await memImage({ size: MIB });
    const view = new DataView(file.content.buffer, file.content.byteOffset);
    // The table of names becomes an extension of an unknown type.
    view.setUint32(112, 0x12345678);
    view.setBigUint64(80, 1n << 40n);
    const disk = await Qcow2Image.open(file);
    await disk.renameBacking('other.img', 'raw');
    await disk.close();
    const again = await Qcow2Image.open(file, { readOnly: true });
    assert.ok(again.header.extensions.some(({ type }) => type === 0x12345678));
    assert.equal(again.header.compatible, 1n << 40n);
    assert.equal(again.header.backingFile, 'other.img');
    assert.equal(again.backingFormat, 'raw');
  });

  it('clears autoclear features that it does not keep up, when it may write', async () => {
    const file = await memImage({ size: MIB });
    const view = new DataView(file.content.buffer, file.content.byteOffset);
    view.setBigUint64(88, 0b1001n);
    await (await Qcow2Image.open(file, { readOnly: true })).close();
    assert.equal(view.getBigUint64(88), 0b1001n);
    await (await Qcow2Image.open(file)).close();
    assert.equal(new DataView(file.content.buffer).getBigUint64(88), 0n);
  });

  it('mends counts that are too high, and with "all" those that are too low', async () => {
    const { file, disk } = await openNew({ size: MIB });
    await disk.write(0, filled(4 * 65536, 1));
    await disk.close();
    const sound = file.content.slice();
    const refblock = 2 * 65536;
    file.content[refblock + 2 * 20 + 1] = 1;
    file.content[refblock + 2 * 6 + 1] = 2;
    assert.deepEqual(await faults(file).then(({ corruptions, leaks }) => ({ corruptions, leaks })), {
      corruptions: 1,
      leaks: 2,
    });
    const leaks = await checkQcow2(file, 'leaks');
    assert.equal(leaks.leaksFixed, 2);
    file.content = sound.slice();
    file.content[refblock + 2 * 6 + 1] = 0;
    assert.ok((await faults(file)).corruptions > 0);
    const all = await checkQcow2(file, 'all');
    assert.ok(all.corruptionsFixed > 0);
    assert.deepEqual(await faults(file), inOrder);
    const again = await Qcow2Image.open(file);
    assert.deepEqual(await read(again, 0, 4 * 65536), filled(4 * 65536, 1));
    await again.close();
  });

  it('is a disk on which other disks can be', async () => {
    const { disk: base } = await openNew({ size: MIB });
    await base.write(0, filled(65536, 4));
    const { disk } = await openNew({ size: MIB, backingFile: 'base', backingFormat: 'qcow2' }, { backing: base });
    assert.deepEqual(await read(disk, 0, 512), filled(512, 4));
    assert.equal(disk.backing, base);
    await disk.close();
  });

  it('writes guest data to a data file when it has one, at the guest’s own offsets', async () => {
    const data = await memImage({ size: 0 });
    data.content = new Uint8Array(0);
    const { file, disk } = await openNew({ size: MIB, dataFile: 'data', rawDataFile: true }, { dataFile: data });
    await disk.write(65536 + 512, filled(1024, 6));
    await disk.writeZeroes(65536 + 512, 512, true);
    await disk.close();
    assert.deepEqual(data.content.subarray(65536, 65536 + 2048), filled(2048, 0).fill(6, 1024, 1536));
    assert.deepEqual(await faults(file), inOrder);
    await assert.rejects(Qcow2Image.open(file), { message: /data file/ });
  });
});
