import { strict as assert } from 'node:assert';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import {
  connect,
  openDiskImage,
  type StoragePool,
  type StorageVolume,
  VolumeCreate,
  VolumeResize,
} from '../../../src/index.ts';
import { tempDir } from '../../machine/backend/temp-dir.ts';
import { missing } from '../../support/need-tool.ts';

const MIB = 2 ** 20;

describe('volumes that are qcow2 images', () => {
  const path = tempDir();
  let connection: Awaited<ReturnType<typeof connect>>;
  let pool: StoragePool;

  beforeEach(async () => {
    connection = await connect(`nodevisor:///embed?state=${encodeURIComponent(path('state'))}`);
    pool = await connection.storagePoolCreateXML(
      `<pool type='dir'><name>p</name><target><path>${path('')}</path></target></pool>`,
    );
  });
  afterEach(() => connection.close());

  const xml = (name: string, more: string, capacity = 8 * MIB) =>
    `<volume><name>${name}</name><capacity>${capacity}</capacity>${more}</volume>`;
  const qcow2 = (inner = '') => `<target><format type='qcow2'/>${inner}</target>`;

  async function first(file: string, offset = 0): Promise<number | undefined> {
    const disk = await openDiskImage(file, { format: 'qcow2', readOnly: true });
    const into = new Uint8Array(512);
    await disk.read(offset, into);
    await disk.close();
    return into[0];
  }

  async function fill(file: string, format: 'raw' | 'qcow2', value: number): Promise<void> {
    const disk = await openDiskImage(file, { format });
    await disk.write(0, new Uint8Array(MIB).fill(value));
    await disk.close();
  }

  const backingPath = async (volume: StorageVolume) =>
    /<backingStore>\s*<path>([^<]*)/.exec(await volume.getXMLDesc())?.[1];

  it('are made with what the document asks for, and say so', async () => {
    const inner = "<compat>1.1</compat><clusterSize unit='KiB'>128</clusterSize><features><lazy_refcounts/></features>";
    const volume = await pool.createVolumeXML(xml('v', qcow2(inner)));
    const text = await volume.getXMLDesc();
    assert.match(text, /<capacity unit='bytes'>8388608</);
    assert.match(text, /<format type='qcow2'\/>/);
    assert.match(
      text,
      /<compat>1\.1<\/compat>\s*<clusterSize unit='B'>131072<\/clusterSize>\s*<features>\s*<lazy_refcounts\/>/,
    );
    assert.ok(statSync(path('v')).size < MIB);
    const old = await pool.createVolumeXML(xml('old', qcow2('<compat>0.10</compat>')));
    assert.match(await old.getXMLDesc(), /<compat>0\.10</);
    assert.equal((await volume.getInfo()).capacity, BigInt(8 * MIB));
  });

  it('take their place at once when they are to', async () => {
    await pool.createVolumeXML(xml('v', qcow2()), VolumeCreate.PREALLOC_METADATA);
    assert.ok(statSync(path('v')).size > 8 * MIB);
    assert.ok(statSync(path('v')).blocks * 512 < MIB, 'metadata alone');
    await pool.createVolumeXML(xml('full', `<allocation>${8 * MIB}</allocation>${qcow2()}`));
    assert.ok(statSync(path('full')).blocks * 512 >= 8 * MIB);
    // As libvirt has it: raw ones all of it, unless the document says how much.
    await pool.createVolumeXML(xml('raw', ''));
    assert.ok(statSync(path('raw')).blocks * 512 >= 8 * MIB);
    await pool.createVolumeXML(xml('sparse', '<allocation>0</allocation>'));
    assert.equal(statSync(path('sparse')).blocks, 0);
    await pool.createVolumeXML(xml('some', `<allocation>${MIB}</allocation>`));
    assert.equal(statSync(path('some')).blocks * 512, MIB);
  });

  it('are on top of others', async () => {
    writeFileSync(path('base'), new Uint8Array(MIB).fill(5));
    const backing = `<backingStore><path>${path('base')}</path><format type='raw'/></backingStore>`;
    const volume = await pool.createVolumeXML(xml('v', qcow2() + backing));
    assert.equal(await backingPath(volume), path('base'));
    assert.equal(await first(path('v')), 5);
    assert.equal(await first(path('v'), 4 * MIB), 0);
    await assert.rejects(pool.createVolumeXML(xml('r', `<target><format type='raw'/></target>${backing}`)), {
      code: 'CONFIG_UNSUPPORTED',
    });
    // The header may be the work of a guest that was given the file as a raw disk.
    await assert.rejects(pool.createVolumeXMLFrom(xml('clone', ''), volume), { code: 'OPERATION_UNSUPPORTED' });
  });

  it('are cloned from and to raw ones', async () => {
    const volume = await pool.createVolumeXML(xml('v', qcow2()));
    await fill(path('v'), 'qcow2', 7);
    const raw = await pool.createVolumeXMLFrom(xml('r', "<target><format type='raw'/></target>"), volume);
    assert.equal(statSync(path('r')).size, 8 * MIB);
    assert.equal(readFileSync(path('r'))[MIB - 1], 7);
    assert.equal(readFileSync(path('r'))[MIB], 0);
    await pool.createVolumeXMLFrom(xml('back', qcow2()), raw);
    assert.equal(await first(path('back'), MIB - 512), 7);
    await pool.createVolumeXMLFrom(xml('same', qcow2()), volume);
    assert.equal(await first(path('same')), 7);
  });

  it('are resized as disks, not as files', async () => {
    const volume = await pool.createVolumeXML(xml('v', qcow2()));
    await fill(path('v'), 'qcow2', 3);
    await volume.resize(32n * BigInt(MIB));
    assert.equal((await volume.getInfo()).capacity, BigInt(32 * MIB));
    await volume.resize(BigInt(MIB), VolumeResize.SHRINK);
    assert.equal(await first(path('v'), MIB - 512), 3);
  });

  it('are uploaded and downloaded as the files they are', async () => {
    const volume = await pool.createVolumeXML(xml('v', qcow2(), MIB));
    await fill(path('v'), 'qcow2', 9);
    const bytes = await buffer(await volume.download());
    assert.ok(bytes.equals(readFileSync(path('v'))));
    const other = await pool.createVolumeXML(xml('other', qcow2(), 512));
    const stream = await other.upload();
    await new Promise((resolve, reject) => stream.once('error', reject).once('close', resolve).resume().end(bytes));
    assert.equal(await first(path('other')), 9);
    assert.equal((await other.getInfo()).capacity, BigInt(MIB));
  });

  it('are wiped as files: nothing of them is left, nor an image', async () => {
    const volume = await pool.createVolumeXML(xml('v', qcow2()));
    await fill(path('v'), 'qcow2', 9);
    const { size } = statSync(path('v'));
    await volume.wipe();
    assert.equal(statSync(path('v')).size, size);
    assert.ok(readFileSync(path('v')).every((byte) => byte === 0));
  });

  it('are listed while a machine writes them, and whatever is in their headers', async function () {
    if (process.platform === 'win32') missing(this, 'Windows lets nobody read a file that is open');
    await pool.createVolumeXML(xml('v', qcow2()));
    writeFileSync(path('bad'), Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(1000, 0xff)]));
    const disk = await openDiskImage(path('v'), { format: 'qcow2' });
    await pool.refresh();
    assert.match(await (await pool.lookupVolumeByName('bad')).getXMLDesc(), /<format type='qcow2'\/>/);
    assert.match(await (await pool.lookupVolumeByName('v')).getXMLDesc(), /<compat>1\.1</);
    await disk.close();
  });
});
