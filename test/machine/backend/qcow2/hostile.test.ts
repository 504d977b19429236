import { strict as assert } from 'node:assert';
import type { Qcow2CreateOptions } from '../../../../src/machine/backend/qcow2/create.ts';
import { Qcow2Image } from '../../../../src/machine/backend/qcow2/image.ts';
import type { MemFile } from '../../../support/crash-disk.ts';
import { memImage } from '../../../support/qcow2-image.ts';

const MIB = 2 ** 20;
const CLUSTER = 65536;

/** The places of an image that `createQcow2` makes: refcount table, its block, L1 table; the first data follows, and its L2 table. */
const at = { refTable: CLUSTER, refBlock: 2 * CLUSTER, l1: 3 * CLUSTER, data: 4 * CLUSTER, l2: 5 * CLUSTER };

function put32(file: MemFile, offset: number, value: number): void {
  new DataView(file.content.buffer, file.content.byteOffset).setUint32(offset, value);
}

function put64(file: MemFile, offset: number, value: bigint): void {
  new DataView(file.content.buffer, file.content.byteOffset).setBigUint64(offset, value);
}

/** An image with one cluster of data in it. */
async function written(options: Partial<Qcow2CreateOptions> = {}): Promise<MemFile> {
  const file = await memImage({ size: 64 * MIB, ...options });
  const disk = await Qcow2Image.open(file);
  await disk.write(0, new Uint8Array(CLUSTER).fill(1));
  await disk.close();
  return file;
}

async function refused(file: MemFile, message: RegExp, readOnly = false): Promise<void> {
  await assert.rejects(Qcow2Image.open(file, { readOnly }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'INVALID_ARG', error.stack);
    assert.match(error.message, message);
    assert.ok(error.message.startsWith("disk image 'memory': "), error.message);
    return true;
  });
}

describe('Qcow2Image and images made in bad faith', () => {
  it('refuses what is no image, or of another version', async () => {
    const file = await memImage({ size: MIB });
    file.content[3] = 0;
    await refused(file, /not a qcow2 image/);
    file.content = new Uint8Array(10);
    await refused(file, /not a qcow2 image/);
    const other = await memImage({ size: MIB });
    put32(other, 4, 4);
    await refused(other, /version 4/);
  });

  it('refuses header fields that cannot be, naming them', async () => {
    const cases: readonly (readonly [(file: MemFile) => void, RegExp])[] = [
      [(file) => put32(file, 20, 8), /2\^8 bytes/],
      [(file) => put32(file, 20, 63), /2\^63 bytes/],
      [(file) => put64(file, 24, 1n << 62n), /size is 4611686018427387904/],
      [(file) => put64(file, 24, 1n << 50n), /L1 table is too small/],
      [(file) => put32(file, 36, 0xffffffff), /L1 table has 4294967295 entries/],
      [(file) => put64(file, 40, 512n), /L1 table is at byte 512/],
      [(file) => put64(file, 40, 0n), /in the place of its header/],
      [(file) => put64(file, 40, 1n << 40n), /L1 table .* outside the file/],
      [(file) => put32(file, 56, 0), /refcount table has 0 clusters/],
      [(file) => put32(file, 56, 0xffffffff), /refcount table has 4294967295 clusters/],
      [(file) => put64(file, 48, 1n << 60n), /refcount table's place/],
      [(file) => put32(file, 60, 0xffffffff), /4294967295 snapshots/],
      [(file) => put32(file, 60, 1), /snapshot table is in the place of its header/],
      [(file) => put32(file, 96, 7), /2\^7 bits/],
      [(file) => put32(file, 100, 2 ** 31), /header says/],
      [(file) => put32(file, 100, 105), /header says/],
      [(file) => put64(file, 8, 1n << 40n), /backing file's name is outside/],
      [(file) => put32(file, 116, 0xfffffff0), /header extension/],
      [(file) => put64(file, 72, 1n << 3n), /compression type/],
      [(file) => put64(file, 88, 2n), /external data file is raw, but it has none/],
    ];
    for (const [spoil, message] of cases) {
      const file = await memImage({ size: 64 * MIB });
      spoil(file);
      await refused(file, message);
    }
  });

  it('refuses encryption and unknown features by their names', async () => {
    const file = await memImage({ size: MIB });
    put32(file, 32, 2);
    await refused(file, /encrypted \(LUKS\)/, true);
    put32(file, 32, 1);
    await refused(file, /encrypted \(AES\)/, true);
    put32(file, 32, 0);
    put64(file, 72, 1n << 50n);
    await refused(file, /features that are not known here: bit 50/, true);
    // The image's own table of names tells what it is, but only what can be printed.
    file.content[120] = 0;
    file.content[121] = 50;
    file.content.set(Buffer.from('time\x1b travel\0'), 122);
    await refused(file, /not known here: time travel/, true);
  });

  it('refuses to write an image whose structures are in the same place', async () => {
    const cases: readonly (readonly [(file: MemFile) => void, RegExp])[] = [
      [(file) => put64(file, 40, BigInt(at.refTable)), /corrupt/],
      [(file) => put64(file, at.l1, BigInt(at.refTable)), /inside its refcount table/],
      [(file) => put64(file, at.refTable, BigInt(at.l1)), /inside its L1 table/],
      [(file) => put64(file, at.refTable + 8, BigInt(at.refBlock)), /two of its tables/],
      [(file) => put64(file, at.l1, BigInt(at.refBlock)), /two of its tables/],
    ];
    for (const [spoil, message] of cases) {
      const file = await written();
      spoil(file);
      await refused(file, message);
    }
  });

  it('does not let the guest write over the image’s own structures, and marks the image', async () => {
    for (const [place, what] of [
      [0, 'header'],
      [at.refTable, 'refcount table'],
      [at.refBlock, 'L2 table or refcount block'],
      [at.l1, 'L1 table'],
      [at.l2, 'L2 table or refcount block'],
    ] as const) {
      const file = await written();
      // COPIED: nothing else refers to it, the guest may write there at will.
      if (place !== 0) put64(file, at.l2 + 8, (1n << 63n) | BigInt(place));
      const before = file.content.slice(place, place + CLUSTER);
      const disk = await Qcow2Image.open(file);
      if (place === 0) {
        await disk.write(CLUSTER, new Uint8Array(CLUSTER).fill(0xee));
      } else {
        await assert.rejects(disk.write(CLUSTER, new Uint8Array(512).fill(0xee)), new RegExp(`corrupt.*${what}`));
        await assert.rejects(disk.write(8 * CLUSTER, new Uint8Array(512)), /corrupt/);
      }
      await disk.close();
      assert.ok(!file.content.subarray(place, place + 4096).includes(0xee), what);
      if (place === 0) continue;
      assert.deepEqual(file.content.slice(place + 16, place + CLUSTER), before.subarray(16));
      await refused(file, /marked as corrupt/);
      await (await Qcow2Image.open(file, { readOnly: true })).close();
    }
  });

  it('does not allocate what counts as free and is not', async () => {
    const file = await written();
    // Everything counts as free, header and tables too.
    file.content.fill(0, at.refBlock, at.refBlock + CLUSTER);
    const disk = await Qcow2Image.open(file);
    await assert.rejects(
      disk.write(8 * CLUSTER, new Uint8Array(512)),
      /cluster 0 counts as free, but its header is there/,
    );
    await disk.close();
    assert.equal(file.content[0], 0x51);
  });

  it('fails requests that lead outside the file, or to a place where no cluster is', async () => {
    const entries: readonly (readonly [bigint, RegExp])[] = [
      [(1n << 63n) | (1n << 54n), /said to be at byte/],
      [(1n << 63n) | BigInt(at.data + 512), /said to be at byte/],
      [(1n << 62n) | (1n << 50n), /compressed cluster/],
      [(1n << 62n) | BigInt(at.data), /at byte/],
      [(1n << 62n) | (0x3fn << 54n) | BigInt(at.data), /at byte/],
    ];
    for (const [entry, message] of entries) {
      const file = await written();
      put64(file, at.l2 + 8, entry);
      const disk = await Qcow2Image.open(file);
      await assert.rejects(disk.read(CLUSTER, new Uint8Array(512)), message);
      const into = new Uint8Array(512);
      await disk.read(0, into);
      assert.equal(into[0], 1, 'what is in order can still be read');
      await disk.close();
    }
    const file = await written();
    put64(file, at.l1, (1n << 63n) | (1n << 50n));
    const disk = await Qcow2Image.open(file, { readOnly: true });
    await assert.rejects(disk.read(0, new Uint8Array(512)), /L2 table 0 is said to be at byte/);
  });

  it('does not look for ever for a table that is nowhere and said to be the image’s own', async () => {
    const file = await written();
    // The flag COPIED, and no offset.
    put64(file, at.l1, 1n << 63n);
    const disk = await Qcow2Image.open(file);
    const into = new Uint8Array(512).fill(9);
    await disk.read(0, into);
    assert.ok(into.every((byte) => byte === 0));
    await disk.write(512, new Uint8Array(512).fill(4));
    await disk.read(512, into);
    assert.deepEqual(into, new Uint8Array(512).fill(4));
    await disk.close();
  });

  it('takes bounded memory for tables that are as large as they may be', async () => {
    // A disk of 8 TiB whose whole L1 table leads to L2 tables in one place.
    const file = await memImage({ size: 2 ** 43 });
    const entries = 2 ** 43 / (8192 * CLUSTER);
    for (let i = 0; i < entries; i++) put64(file, at.l1 + i * 8, BigInt(at.refBlock));
    await refused(file, /two of its tables/);
    const disk = await Qcow2Image.open(file, { readOnly: true });
    for (let i = 0; i < 1000; i++) await disk.read(i * 8192 * CLUSTER, new Uint8Array(512)).catch(() => undefined);
    await disk.close();
  });

  it('inflates no compressed cluster beyond a cluster', async () => {
    const { deflateRawSync } = await import('node:zlib');
    const bomb = deflateRawSync(new Uint8Array(64 * MIB));
    const file = await written();
    file.content.set(bomb, at.data);
    put64(file, at.l2 + 8, (1n << 62n) | (0x7fn << 54n) | BigInt(at.data));
    const disk = await Qcow2Image.open(file, { readOnly: true });
    await assert.rejects(disk.read(CLUSTER, new Uint8Array(512)), /corrupt/);
  });
});
