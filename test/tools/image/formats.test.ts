import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCpio } from '../../../src/tools/image/cpio.ts';
import { extractDeb } from '../../../src/tools/image/deb.ts';
import { parseStanzas, readStanzas } from '../../../src/tools/image/deb822.ts';
import { moduleName, readModuleInfo } from '../../../src/tools/image/kernel-module.ts';
import { loadKeyring } from '../../../src/tools/image/keyring.ts';
import { findPackage, type Package, resolveKernel } from '../../../src/tools/image/packages.ts';
import { unxzBytes } from '../../../src/tools/image/xz.ts';
import { SeededRandom } from '../../../src/util/index.ts';
import { needTool } from '../../support/need-tool.ts';
import { ar, deb, kernelModule, readCpio } from './fixtures.ts';
import { storeXz } from './xz-store.ts';

describe('control files of Debian', () => {
  it('give stanzas with folded fields, however the text is cut', async () => {
    const text = 'Package: a\r\nDescription: one\n two\n\tthree\n\n\n# comment\nPACKAGE:b\nDepends: c\n';
    const whole = await parseStanzas(text);
    assert.deepEqual(
      whole.map((s) => [...s]),
      [
        [
          ['package', 'a'],
          ['description', 'one\ntwo\nthree'],
        ],
        [
          ['package', 'b'],
          ['depends', 'c'],
        ],
      ],
    );
    const pieces: unknown[] = [];
    for await (const stanza of readStanzas([...text])) pieces.push([...stanza]);
    assert.deepEqual(
      pieces,
      whole.map((s) => [...s]),
    );
  });
});

describe('packages of an index', () => {
  const base: Package = {
    name: 'a',
    version: '1',
    path: 'pool/a_1.deb',
    depends: '',
    bytes: 1,
    sha256: 'a'.repeat(64),
  };
  const index = (...packages: Partial<Package>[]) => new Map(packages.map((p) => [p.name ?? 'a', { ...base, ...p }]));

  it('leads from the metapackage to the kernel', () => {
    const packages = index({ name: 'm', depends: 'x, linux-image-6.1 (= 6.1-1)' }, { name: 'linux-image-6.1' });
    assert.equal(resolveKernel(packages, 'm').name, 'linux-image-6.1');
    assert.throws(() => resolveKernel(index({ name: 'm', depends: 'x' }), 'm'), /depends on no kernel/);
    assert.throws(() => resolveKernel(index(), 'm'), /has no package m/);
  });

  it('must not lead out of the mirror or of the cache', () => {
    for (const bad of [{ path: '../../etc/x' }, { path: 'a b' }, { sha256: '../x' }, { bytes: Number.NaN }]) {
      assert.throws(() => findPackage(index(bad), 'a'), /describes package a badly/, JSON.stringify(bad));
    }
  });
});

describe('xz', () => {
  it('gives back what was packed', async () => {
    const bytes = new Uint8Array(200_000);
    new SeededRandom(1).fill(bytes);
    assert.deepEqual(new Uint8Array(await unxzBytes(storeXz(bytes))), bytes);
    assert.equal((await unxzBytes(storeXz(new Uint8Array([1])))).length, 1);
  });

  it('fails on what is damaged or cut short', async () => {
    const packed = storeXz(Buffer.from('hello'.repeat(100)));
    const damaged = Buffer.from(packed);
    damaged[100] = (damaged[100] ?? 0) ^ 1;
    await assert.rejects(unxzBytes(damaged));
    await assert.rejects(unxzBytes(packed.subarray(0, 100)));
    await assert.rejects(unxzBytes(Buffer.from('not xz at all')));
    await assert.rejects(unxzBytes(new Uint8Array()));
  });
});

describe('Debian packages', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-deb-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const write = (bytes: Uint8Array) => {
    const path = join(directory, 'p.deb');
    writeFileSync(path, bytes);
    return path;
  };

  it('give the files that are wanted', async () => {
    const file = write(await deb({ 'a/b': Buffer.from('odd'), 'a/c': Buffer.alloc(100_000, 1), d: Buffer.from('') }));
    const found = await extractDeb(file, (path) => path !== 'd');
    assert.deepEqual(
      found.map((f) => [f.path, f.bytes.length]),
      [
        ['a/b', 3],
        ['a/c', 100_000],
      ],
    );
  });

  it('are refused by name when they are damaged', async () => {
    const good = await deb({ a: Buffer.alloc(5000, 7) });
    const zst = ar({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar.zst': Buffer.from('x') });
    const cases: [Uint8Array, RegExp][] = [
      [Buffer.from('nonsense'), /not an ar archive/],
      [good.subarray(0, good.length - 200), /p\.deb: /],
      [good.subarray(0, 30), /damaged ar header/],
      [ar({ 'debian-binary': Buffer.from('2.0\n') }), /has no data\.tar/],
      [zst, /data\.tar\.zst is not supported/],
    ];
    for (const [bytes, pattern] of cases)
      await assert.rejects(
        extractDeb(write(bytes), () => true),
        pattern,
      );
  });
});

describe('kernel modules', () => {
  it('say what they need and what they are called', () => {
    const info = readModuleInfo(
      kernelModule(['depends=a,b-c', 'softdep=pre: crypto-x y post: z', 'alias=fs-x', 'alias=pci:v*', 'depends=']),
    );
    assert.deepEqual(info, { depends: ['a', 'b-c'], softPre: ['crypto-x', 'y'], aliases: ['fs-x', 'pci:v*'] });
    assert.equal(moduleName('kernel/drivers/virtio-rng.ko.xz'), 'virtio_rng');
  });

  it('are refused when they are none', () => {
    assert.throws(() => readModuleInfo(Buffer.from('no ELF file')), RangeError);
    assert.throws(() => readModuleInfo(kernelModule([]).subarray(0, 100)), RangeError);
  });
});

describe('cpio archives', () => {
  const entries = [
    { type: 'directory', path: 'd' },
    { type: 'file', path: 'd/f', bytes: Buffer.from('12345'), mode: 0o755 },
    { type: 'symlink', path: 'd/link', target: 'f' },
    { type: 'device', path: 'console', major: 5, minor: 1 },
    { type: 'file', path: 'empty', bytes: new Uint8Array() },
  ] as const;

  it('hold what was put in, with types and modes', () => {
    assert.deepEqual(
      readCpio(writeCpio(entries)).map((e) => [e.path, e.mode.toString(8), e.bytes.toString()]),
      [
        ['d', '40755', ''],
        ['d/f', '100755', '12345'],
        ['d/link', '120777', 'f'],
        ['console', '20600', ''],
        ['empty', '100644', ''],
      ],
    );
  });

  it('are what cpio reads', function () {
    needTool(this, 'cpio', 'cpio');
    const { stdout } = spawnSync('cpio', ['-tv', '--quiet'], { input: writeCpio(entries), encoding: 'utf8' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' '));
    assert.equal(lines.length, entries.length);
    assert.match(lines[0] ?? '', /^drwxr-xr-x .* d$/);
    assert.match(lines[1] ?? '', /^-rwxr-xr-x .* 5 .* d\/f$/);
    assert.match(lines[2] ?? '', /^lrwxrwxrwx .* d\/link -> f$/);
    assert.match(lines[3] ?? '', /^crw------- .* 5, 1 .* console$/);
  });
});

describe('the keys that come with the package', () => {
  it('are the ones of Debian 13, with the fingerprints that the file states', async () => {
    const file = 'src/tools/image/keys/debian-archive-trixie.asc';
    const { keys } = await loadKeyring(file);
    const fingerprints = keys.map((key) => key.getFingerprint().toUpperCase());
    assert.equal(fingerprints.length, 2);
    const text = readFileSync(file, 'utf8');
    for (const fingerprint of fingerprints) assert.ok(text.includes(fingerprint));
  });
});
