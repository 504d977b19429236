import { strict as assert } from 'node:assert';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { openDiskImage } from '../../../src/machine/index.ts';
import { formatBytes, parseBytes } from '../../../src/tools/image-tool/sizes.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { tempDir } from '../../machine/backend/temp-dir.ts';
import { randomData } from '../../support/disk-model.ts';
import { cli } from '../cli/support.ts';

const MIB = 2 ** 20;

describe('nodevisor image', () => {
  const path = tempDir();

  async function image(...args: string[]): Promise<string> {
    const { code, out, err } = await cli(['image', ...args]);
    assert.equal(code, 0, err);
    return out;
  }

  async function refused(args: string[], message: RegExp, status = 2): Promise<void> {
    const { code, out, err } = await cli(['image', ...args]);
    assert.match(err, message, args.join(' '));
    assert.match(err, /^nodevisor: [^\n]*\n$/);
    assert.equal(code, status, args.join(' '));
    assert.equal(out, '');
  }

  async function json(...args: string[]): Promise<Record<string, unknown>> {
    return JSON.parse(await image(...args, '--output', 'json')) as Record<string, unknown>;
  }

  async function content(file: string, format: 'raw' | 'qcow2' = 'qcow2'): Promise<Buffer> {
    const disk = await openDiskImage(file, { format, readOnly: true });
    const bytes = Buffer.alloc(disk.sectors * 512);
    await disk.read(0, bytes);
    await disk.close();
    return bytes;
  }

  /** A raw image with a hole in its middle. */
  function raw(name: string, seed: number): Buffer {
    const bytes = Buffer.from(randomData(new SeededRandom(seed), 3 * MIB + 512));
    bytes.fill(0, MIB, 2 * MIB);
    writeFileSync(path(name), bytes);
    return bytes;
  }

  async function write(file: string, offset: number, bytes: number, value: number): Promise<void> {
    const disk = await openDiskImage(file, { format: 'qcow2' });
    await disk.write(offset, new Uint8Array(bytes).fill(value));
    await disk.close();
  }

  it('makes images, and tells of them to people and programs', async () => {
    assert.match(
      await image('create', '-f', 'qcow2', path('a'), '1.5G'),
      /^Formatting '.*a', fmt=qcow2 size=1610612736\n$/,
    );
    assert.equal(await image('create', '-q', path('r'), '10M'), '');
    assert.equal(statSync(path('r')).size, 10 * MIB);
    const info = await json('info', path('a'));
    assert.equal(info['virtual-size'], 1.5 * 1024 * MIB);
    assert.equal(info['cluster-size'], 65536);
    assert.equal(info['format'], 'qcow2');
    assert.equal(info['dirty-flag'], false);
    assert.equal((await json('info', path('r')))['format'], 'raw');
    const text = await image('info', path('a'));
    assert.match(
      text,
      /^image: .*\nfile format: qcow2\nvirtual size: 1\.5 GiB \(1610612736 bytes\)\ndisk size: [\d.]+ KiB\n/,
    );
    assert.match(text, /compat: 1\.1\n {4}compression type: zlib\n {4}lazy refcounts: false\n {4}refcount bits: 16\n/);
  });

  it('takes all options of the format', async () => {
    const options = 'compat=v3,cluster_size=16k,refcount_bits=8,lazy_refcounts=on,extended_l2=on,compression_type=zstd';
    await image('create', '-f', 'qcow2', '-o', options, '-o', 'size=4M', path('a'));
    const { data } = (await json('info', path('a')))['format-specific'] as { data: Record<string, unknown> };
    assert.deepEqual(data, {
      compat: '1.1',
      'compression-type': 'zstd',
      'lazy-refcounts': true,
      'refcount-bits': 8,
      corrupt: false,
      'extended-l2': true,
    });
    await image('create', '-f', 'qcow2', '-o', `data_file=data,data_file_raw=on`, path('d'), '1M');
    assert.equal(statSync(path('data')).size, 0);
    for (const [list, message] of [
      ['frob=1', /no option 'frob'/],
      ['cluster_size=100', /clusters of 100 bytes/],
      ['refcount_bits=7', /reference counts of 7 bits/],
      ['compat=0.9', /one of 0\.10, 1\.1/],
      ['compat=0.10,lazy_refcounts=on', /version 3/],
      ['lazy_refcounts=maybe', /on or off/],
      ['encryption=on', /encrypted images are not supported/],
      ['extended_l2=on,cluster_size=4k', /at least 16384/],
    ] as const) {
      await refused(['create', '-f', 'qcow2', '-o', list, path('bad'), '1M'], message);
    }
    await refused(['create', '-f', 'vmdk', path('bad'), '1M'], /format 'vmdk' is not supported/);
    await refused(['create', path('bad')], /how large/);
    await refused(['create', path('bad'), '12 parsecs'], /is no size/);
  });

  it('gives all clusters their places when asked to', async () => {
    for (const how of ['metadata', 'falloc', 'full']) {
      await image('create', '-q', '-f', 'qcow2', '-o', `preallocation=${how}`, path('a'), '20M');
      const found = await json('check', path('a'));
      assert.equal(found['allocated-clusters'], 320, how);
      assert.equal(
        (await content(path('a'))).every((byte) => byte === 0),
        true,
      );
    }
  });

  it('makes images on top of others, whose format is never guessed', async () => {
    raw('base', 1);
    await refused(['create', '-f', 'qcow2', '-b', 'base', path('a')], /say which format it has/);
    await image('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', path('a'));
    const chain = (await json('info', '--backing-chain', path('a'))) as unknown as Record<string, unknown>[];
    assert.deepEqual(
      chain.map((one) => [one['format'], one['virtual-size']]),
      [
        ['qcow2', 3 * MIB + 512],
        ['raw', 3 * MIB + 512],
      ],
    );
    assert.equal(chain[0]?.['backing-filename'], 'base');
    assert.equal(chain[0]?.['full-backing-filename'], path('base'));
    assert.equal(chain[0]?.['backing-filename-format'], 'raw');
    await refused(['create', '-f', 'qcow2', '-b', 'missing', '-F', 'raw', path('b')], /missing': it does not exist/);
    await image('create', '-u', '-f', 'qcow2', '-b', 'missing', '-F', 'raw', path('b'), '1M');
  });

  it('does not follow a header that a guest may have written, unless told that it is an image', async () => {
    writeFileSync(path('secret'), Buffer.alloc(MIB, 0x53));
    await image('create', '-q', '-f', 'qcow2', '-b', 'secret', '-F', 'raw', path('guest'));
    await refused(
      ['convert', '-O', 'raw', path('guest'), path('out')],
      /looks like a qcow2 image on top of another file/,
    );
    await refused(['compare', path('guest'), path('secret')], /looks like a qcow2 image/, 2);
    await image('convert', '-f', 'raw', '-O', 'raw', path('guest'), path('out'));
    assert.deepEqual(readFileSync(path('out')), readFileSync(path('guest')));
    await image('convert', '-f', 'qcow2', '-O', 'raw', path('guest'), path('out'));
    assert.deepEqual(readFileSync(path('out')), readFileSync(path('secret')));
  });

  it('does not take what is encrypted for a raw disk, unless told that it is one', async () => {
    const container = Buffer.alloc(MIB, 0x53);
    container.write('LUKS\xba\xbe\0\x02', 'latin1');
    writeFileSync(path('luks'), container);
    await refused(['info', path('luks')], /is encrypted \(LUKS\), which is not supported; said to be raw/);
    await refused(['convert', '-O', 'raw', path('luks'), path('out')], /is encrypted \(LUKS\)/);
    await refused(['info', '-f', 'luks', path('luks')], /format 'luks' is not supported/);
    await image('convert', '-f', 'raw', '-O', 'raw', path('luks'), path('out'));
    assert.ok(readFileSync(path('out')).equals(container));
  });

  it('converts from and to all formats, leaving holes', async () => {
    const bytes = raw('r', 2);
    for (const options of [
      [],
      ['-c'],
      ['-o', 'compat=0.10'],
      ['-o', 'extended_l2=on'],
      ['-c', '-o', 'compression_type=zstd'],
    ]) {
      await image('convert', '-f', 'raw', '-O', 'qcow2', ...options, path('r'), path('q'));
      assert.ok((await content(path('q'))).equals(bytes), options.join(' '));
      const found = await json('check', path('q'));
      assert.equal(found['leaks'], undefined);
      assert.equal(found['allocated-clusters'], 33, 'the hole is none');
      await image('convert', '-f', 'qcow2', '-O', 'raw', path('q'), path('back'));
      assert.ok(readFileSync(path('back')).equals(bytes));
      assert.ok(statSync(path('back')).blocks * 512 < 2.5 * MIB, 'a hole stays one');
    }
    await image('convert', '-O', 'qcow2', '-S', '0', path('r'), path('q'));
    assert.equal((await json('check', path('q')))['allocated-clusters'], 49);
  });

  it('puts several images one behind the other', async () => {
    const one = raw('one', 3);
    const two = raw('two', 4);
    await image('convert', '-f', 'raw', '-O', 'qcow2', path('one'), path('two'), path('both'));
    assert.ok((await content(path('both'))).equals(Buffer.concat([one, two])));
    await refused(
      ['convert', '-f', 'raw', '-O', 'qcow2', '-c', path('one'), path('two'), path('both')],
      /whole clusters/,
    );
    await refused(['convert', path('one')], /the one to make of it/);
    await refused(['convert', path('one'), path('one')], /into itself/);
  });

  it('converts into an image that is there, zeroes and all', async () => {
    const bytes = raw('r', 5);
    await image('create', '-q', '-f', 'qcow2', path('q'), '4M');
    await write(path('q'), 0, 4 * MIB, 9);
    await image('convert', '-n', '-f', 'raw', '-O', 'qcow2', path('r'), path('q'));
    const got = await content(path('q'));
    assert.ok(got.subarray(0, bytes.length).equals(bytes));
    await image('create', '-q', '-f', 'qcow2', path('small'), '1M');
    await refused(['convert', '-n', '-f', 'raw', '-O', 'qcow2', path('r'), path('small')], /has 1048576 bytes/);
  });

  it('leaves out zeroes where the target has them, and only then', async () => {
    const bytes = raw('r', 5);
    const target = ['-n', '-f', 'raw', '-O', 'qcow2', path('r'), path('q')];
    await image('create', '-q', '-f', 'qcow2', path('q'), '4M');
    await image('convert', '--target-is-zero', ...target);
    assert.ok((await content(path('q'))).subarray(0, bytes.length).equals(bytes));
    const allocated = (await json('check', path('q')))['allocated-clusters'];
    assert.ok(Number(allocated) <= 34, `${allocated} clusters`);
    await refused(['convert', '--target-is-zero', '-f', 'raw', path('r'), path('new')], /only together with -n/);
  });

  it('takes the cache modes and rates of scripts', async () => {
    const bytes = raw('r', 5);
    await image('convert', '-f', 'raw', '-O', 'qcow2', '-t', 'none', '-T', 'none', '-C', path('r'), path('q'));
    assert.ok((await content(path('q'))).equals(bytes));
    await refused(['convert', '-T', 'some', '-f', 'raw', path('r'), path('q')], /^nodevisor: -T some: it is one of/);
    await refused(['convert', '-C', '-S', '4k', '-f', 'raw', path('r'), path('q')], /not together with -S/);
    await refused(['convert', '-r', '0', '-f', 'raw', path('r'), path('q')], /at least a byte/);
    const start = process.hrtime.bigint();
    await image('convert', '-r', '8M', '-f', 'raw', '-O', 'qcow2', path('r'), path('q'));
    // Two mebibytes of data, of which the first piece goes at once: the clock runs on, whatever else the host does.
    assert.ok(process.hrtime.bigint() - start > 100_000_000n);
    assert.ok((await content(path('q'))).equals(bytes));
    await image('compare', '-T', 'none', '-f', 'raw', path('r'), path('q'));
    await image('check', '-T', 'none', path('q'));
  });

  it('shows how far it is', async () => {
    raw('r', 6);
    const { err, out } = await cli(['image', 'convert', '-p', '-f', 'raw', '-O', 'qcow2', path('r'), path('q')]);
    assert.match(err, /100 % of 3\.1 MB/);
    assert.equal(out, '');
  });

  it('changes sizes, but does not cut anything off unasked', async () => {
    await image('create', '-q', '-f', 'qcow2', path('a'), '1M');
    await write(path('a'), MIB - 512, 512, 7);
    assert.equal(await image('resize', path('a'), '+1M'), 'Image resized.\n');
    await image('resize', '-q', path('a'), '3M');
    assert.equal((await json('info', path('a')))['virtual-size'], 3 * MIB);
    await refused(['resize', path('a'), '1M'], /would be lost: say --shrink/);
    await image('resize', '--shrink', path('a'), '-2M');
    assert.equal((await content(path('a')))[MIB - 1], 7);
    await refused(['resize', '--shrink', path('a'), '-2M'], /nothing left/);
    await image('create', '-q', path('r'), '1M');
    await image('resize', '-q', '-f', 'raw', path('r'), '2M');
    assert.equal(statSync(path('r')).size, 2 * MIB);
  });

  it('gives what is new its place when asked to, and leaves what is below in sight', async () => {
    const bytes = raw('base', 8);
    await image('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', path('a'));
    await image('resize', '-q', '-f', 'qcow2', '--preallocation', 'metadata', path('a'), '6M');
    const got = await content(path('a'));
    assert.ok(got.subarray(0, bytes.length).equals(bytes));
    assert.ok(got.subarray(bytes.length).every((byte) => byte === 0));
    assert.equal((await json('check', path('a')))['allocated-clusters'], 47);
    await image('create', '-q', path('r'), '1M');
    await refused(['resize', '-f', 'raw', '--preallocation', 'metadata', path('r'), '2M'], /a raw image has none/);
    await image('resize', '-q', '-f', 'raw', '--preallocation', 'full', path('r'), '2M');
    assert.equal(statSync(path('r')).blocks, MIB / 512);
    await refused(['resize', '--shrink', '--preallocation', 'full', '-f', 'raw', path('r'), '1M'], /that grows/);
  });

  it('takes, lists, applies, converts and deletes snapshots', async () => {
    await image('create', '-q', '-f', 'qcow2', path('a'), '1M');
    await write(path('a'), 0, 4096, 1);
    assert.equal(await image('snapshot', '-c', 'one', path('a')), '');
    await write(path('a'), 0, 4096, 2);
    await image('snapshot', '-c', 'two', path('a'));
    const list = await image('snapshot', '-l', path('a'));
    assert.match(
      list,
      /^Snapshot list:\nID {8}TAG .*\n1 {9}one .* 0 B \d{4}-\d\d-\d\d \d\d:\d\d:\d\d +00:00:00\.000\n2 /,
    );
    assert.equal(((await json('info', path('a')))['snapshots'] as { name: string }[])[1]?.name, 'two');
    await image('convert', '-f', 'qcow2', '-O', 'raw', '-l', 'snapshot.name=one', path('a'), path('r'));
    assert.equal(readFileSync(path('r'))[0], 1);
    await image('snapshot', '-a', 'one', path('a'));
    assert.equal((await content(path('a')))[0], 1);
    await image('snapshot', '-d', 'one', path('a'));
    await image('snapshot', '-d', '2', path('a'));
    assert.equal(await image('snapshot', path('a')), '');
    await refused(['snapshot', '-d', 'one', path('a')], /has no snapshot 'one'/, 1);
    await refused(['snapshot', '-a', 'x', '-d', 'y', path('a')], /give one of/);
  });

  it('checks images with the statuses of qemu-img, and mends them', async () => {
    await image('create', '-q', '-f', 'qcow2', path('a'), '1M');
    assert.match(await image('check', path('a')), /^No errors were found on the image\.\n0\/16 = 0\.00% allocated/);
    const bytes = readFileSync(path('a'));
    bytes[2 * 65536 + 2 * 9 + 1] = 1;
    writeFileSync(path('leaky'), bytes);
    const leaky = await cli(['image', 'check', path('leaky')]);
    assert.equal(leaky.code, 3);
    assert.match(leaky.out, /1 leaked clusters were found on the image\./);
    assert.match(
      await image('check', '-r', 'leaks', path('leaky')),
      /repaired:\n\n {4}1 leaked clusters\n {4}0 corruptions/,
    );
    bytes[2 * 65536 + 2 * 3 + 1] = 0;
    writeFileSync(path('corrupt'), bytes);
    assert.equal((await cli(['image', 'check', path('corrupt')])).code, 2);
    assert.equal((await json('check', '-r', 'all', path('corrupt')))['corruptions-fixed'], 1);
    await image('create', '-q', path('r'), '1M');
    const { code, err } = await cli(['image', 'check', path('r')]);
    assert.equal(code, 63);
    assert.match(err, /nothing to check/);
    await refused(['check', path('missing')], /does not exist/);
  });

  it('commits what an image has into the one below, and empties it', async () => {
    const bytes = raw('base', 7);
    await image('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', path('a'), '4M');
    await write(path('a'), 512, 512, 1);
    await write(path('a'), 4 * MIB - 512, 512, 2);
    const disk = await openDiskImage(path('a'), { format: 'qcow2' });
    await disk.writeZeroes(2 * MIB, 65536, true);
    await disk.close();
    const expected = await content(path('a'));
    assert.equal(await image('commit', path('a')), 'Image committed.\n');
    assert.ok(readFileSync(path('base')).equals(expected));
    assert.equal(expected.length, 4 * MIB);
    assert.ok(!bytes.equals(expected.subarray(0, bytes.length)));
    assert.equal((await json('check', path('a')))['allocated-clusters'], undefined);
    await image('create', '-q', '-f', 'qcow2', path('alone'), '1M');
    await refused(['commit', path('alone')], /not on top of another/);
  });

  it('commits what several images have into one further below', async () => {
    raw('base', 7);
    const below = (file: string, over: string, format: string) =>
      image('create', '-q', '-f', 'qcow2', '-b', over, '-F', format, path(file), '4M');
    await below('a', 'base', 'raw');
    await write(path('a'), 512, 512, 1);
    await write(path('a'), MIB, 65536, 2);
    await below('b', 'a', 'qcow2');
    await write(path('b'), MIB + 512, 512, 3);
    await below('c', 'b', 'qcow2');
    await write(path('c'), 3 * MIB, 4096, 4);
    const expected = await content(path('c'));
    const before = readFileSync(path('a'));
    // Images between the two stay as they are.
    assert.equal(await image('commit', '-b', path('base'), path('c')), 'Image committed.\n');
    assert.ok(readFileSync(path('base')).equals(expected));
    assert.ok(readFileSync(path('a')).equals(before));
    assert.ok((await content(path('c'))).equals(expected));
    assert.notEqual((await json('check', path('c')))['allocated-clusters'], undefined);
    await write(path('c'), 0, 512, 5);
    const changed = await content(path('c'));
    await image('commit', '-b', path('a'), path('c'));
    assert.ok((await content(path('a'))).equals(changed));
    assert.ok(readFileSync(path('base')).equals(expected));
    await refused(['commit', '-b', path('c'), path('b')], /b is not on top of/);
    await refused(['commit', '-b', path('nowhere'), path('b')], /is not on top of/);
  });

  it('puts an image on top of another one, or of none, without changing what it shows', async () => {
    raw('one', 8);
    const two = raw('two', 9);
    two.copy(two, 0, 0);
    await image('create', '-q', '-f', 'qcow2', '-b', 'one', '-F', 'raw', path('a'), '4M');
    await write(path('a'), 65536, 512, 1);
    const shown = await content(path('a'));
    await image('rebase', '-b', 'two', '-F', 'raw', path('a'));
    assert.ok((await content(path('a'))).equals(shown));
    assert.equal((await json('info', path('a')))['backing-filename'], 'two');
    await image('rebase', '-b', '', path('a'));
    assert.ok((await content(path('a'))).equals(shown));
    assert.equal((await json('info', path('a')))['backing-filename'], undefined);
    await image('rebase', '-b', 'one', '-F', 'raw', path('a'));
    assert.ok((await content(path('a'))).equals(shown), 'zeroes of its own stay zeroes');
    await image('rebase', '-u', '-b', 'elsewhere', '-F', 'raw', path('a'));
    assert.equal((await json('info', path('a')))['backing-filename'], 'elsewhere');
    await refused(['rebase', '-b', 'two', path('a')], /say which format/);
    await refused(['rebase', path('a')], /-b: what/);
    assert.equal((await cli(['image', 'check', path('a')])).code, 0);
  });

  it('compares disks whatever they are stored as', async () => {
    raw('r', 10);
    await image('convert', '-f', 'raw', '-O', 'qcow2', '-c', path('r'), path('q'));
    assert.equal(await image('compare', path('r'), path('q')), 'Images are identical.\n');
    await image('resize', '-q', path('q'), '+1M');
    assert.equal(
      await image('compare', path('r'), path('q')),
      'Warning: Image size mismatch!\nImages are identical.\n',
    );
    assert.equal((await cli(['image', 'compare', '-s', path('r'), path('q')])).code, 1);
    await write(path('q'), 2 * MIB + 4096, 512, 1);
    const { code, out } = await cli(['image', 'compare', path('r'), path('q')]);
    assert.equal(code, 1);
    assert.match(out, /Content mismatch at offset 2101248!\n$/);
    await refused(['compare', path('r'), path('missing')], /does not exist/, 2);
  });

  it('leaves an image alone that is in use, unless it only looks', async () => {
    await image('create', '-q', '-f', 'qcow2', path('a'), '1M');
    const disk = await openDiskImage(path('a'), { format: 'qcow2' });
    await refused(['resize', path('a'), '2M'], /in use: Failed to get/);
    await refused(['create', '-f', 'qcow2', path('a'), '2M'], /in use/);
    await refused(['info', path('a')], /in use/);
    await image('info', '-U', path('a'));
    await disk.close();
  });
});

describe('sizes of disk images', () => {
  it('are read as qemu-img reads them', () => {
    for (const [text, bytes] of [
      ['512', 512],
      ['1k', 1024],
      ['1.5M', 1.5 * MIB],
      ['2G', 2 ** 31],
      ['3t', 3 * 2 ** 40],
      ['10b', 10],
    ] as const) {
      assert.equal(parseBytes(text), bytes);
    }
    for (const text of ['', '-1', '1KB', '1Q', '0x10', '9999999P', '1e3']) {
      assert.throws(() => parseBytes(text), { code: 'INVALID_ARG' });
    }
  });

  it('are written as qemu-img writes them', () => {
    assert.equal(formatBytes(0), '0 B');
    assert.equal(formatBytes(196 * 1024), '196 KiB');
    assert.equal(formatBytes(1400832), '1.34 MiB');
    assert.equal(formatBytes(2 ** 30), '1 GiB');
  });
});
