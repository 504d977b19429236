import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reporter } from '../../../src/tools/image/archive.ts';
import { TransferError } from '../../../src/tools/image/http.ts';
import { pullDebian } from '../../../src/tools/image/pull-debian.ts';
import { readManifest } from '../../../src/tools/image/store.ts';
import { VirtError } from '../../../src/util/index.ts';
import { FakeArchive, makeSigningKey, type SigningKey } from './fake-archive.ts';
import { readCpio, sha256 } from './fixtures.ts';

describe('pulling the Debian image', () => {
  let key: SigningKey;
  let archive: FakeArchive;
  let directory: string;
  let keyring: string;
  const news: string[] = [];
  const reporter: Reporter = {
    note: (text) => news.push(text),
    download: (name) => ({ progress: () => {}, end: () => news.push(`got ${name}`) }),
  };

  before(async () => {
    key = await makeSigningKey('Test Archive');
  });

  beforeEach(async () => {
    archive = await FakeArchive.start(key);
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-pull-'));
    keyring = join(directory, 'keyring.asc');
    writeFileSync(keyring, key.armoredPublicKey);
    news.length = 0;
  });

  afterEach(async () => {
    await archive.close();
    rmSync(directory, { recursive: true });
  });

  const image = () => join(directory, 'image');
  const pull = () => pullDebian({ directory: image(), mirror: archive.url, keyring, reporter });
  const downloads = () => readdirSync(join(image(), 'downloads'));
  const parts = () => downloads().filter((name) => name.endsWith('.part'));
  /** Whether so much of a file has been put away. */
  const has = (bytes: number) => parts().some((name) => statSync(join(image(), 'downloads', name)).size >= bytes);

  /** The pull fails with a line that matches, and there is no image. */
  async function fails(pattern: RegExp, work: () => Promise<unknown> = pull): Promise<void> {
    await assert.rejects(work, (error) => {
      assert.ok(error instanceof VirtError, String(error));
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    assert.equal(await readManifest(image()), undefined);
    const left = readdirSync(image()).filter((name) => name !== 'downloads');
    assert.deepEqual(left, [], 'something half-written was left');
  }

  it('makes a kernel and an initramfs out of the signed packages', async () => {
    const { manifest, changed } = await pull();
    assert.equal(changed, true);
    assert.match(manifest.title, /^Debian 13\.9 \(trixie\), Linux 6\.12\.1-test$/);
    assert.deepEqual(await readManifest(image()), manifest);
    assert.deepEqual(readFileSync(join(image(), manifest.kernel)), archive.kernelImage);
    const entries = readCpio(readFileSync(join(image(), manifest.initrd)));
    const byPath = new Map(entries.map((e) => [e.path, e]));
    assert.equal(byPath.get('bin/busybox')?.bytes.toString(), 'busybox');
    assert.equal(byPath.get('init')?.mode, 0o100755);
    assert.match(byPath.get('init')?.bytes.toString() ?? '', /^#!\/bin\/sh\n/);
    const modules = 'lib/modules/6.12.1-test';
    assert.match(
      byPath.get(`${modules}/modules.dep`)?.bytes.toString() ?? '',
      /^ext4\.ko\.xz: jbd2\.ko\.xz crc16\.ko\.xz$/m,
    );
    assert.match(byPath.get(`${modules}/modules.alias`)?.bytes.toString() ?? '', /^alias fs-ext4 ext4$/m);
    assert.ok(byPath.has(`${modules}/crc32c_generic.ko.xz`), 'the soft dependency of ext4');
    assert.ok(byPath.has(`${modules}/failover.ko`), 'a dependency of a dependency');
    assert.ok(![...byPath.keys()].some((path) => path.includes('unwanted')));
    const early = byPath.get(`${modules}/virtio_blk.ko`)?.bytes ?? Buffer.alloc(0);
    const late = byPath.get(`${modules}/ext4.ko.xz`)?.bytes ?? Buffer.alloc(0);
    assert.match(early.toString('latin1'), /^\x7fELF/, 'what every guest loads is not compressed');
    assert.match(late.toString('latin1'), /^\xfd7zXZ/);
  });

  it('does nothing when the image is current, and downloads nothing again', async () => {
    await pull();
    const asked = archive.requests.length;
    assert.equal((await pull()).changed, false);
    assert.deepEqual(
      archive.requests.slice(asked).map((r) => r.path),
      ['/debian/dists/trixie/InRelease'],
    );
  });

  it('rebuilds from its downloads when the image is gone', async () => {
    const { manifest } = await pull();
    rmSync(join(image(), manifest.initrd));
    const asked = archive.requests.length;
    assert.equal((await pull()).changed, true);
    assert.equal(archive.requests.length, asked + 1);
  });

  it('goes on by itself after a cut connection, asking for the rest only', async () => {
    archive.faults = { cut: { path: /linux-image-6/, afterBytes: 50_000, times: 1, has } };
    await pull();
    const asked = archive.requests.filter((r) => /linux-image-6/.test(r.path)).map((r) => r.range);
    assert.equal(asked.length, 2);
    assert.equal(asked[0], undefined);
    assert.match(asked[1] ?? '', /^bytes=[1-9]\d*-$/);
  });

  it('does not try again what failed for another reason than the connection', () => {
    assert.ok(!(new VirtError('SYSTEM_ERROR', 'no space left on the disk') instanceof TransferError));
    assert.ok(new TransferError('http://host/', 'cut') instanceof TransferError);
  });

  it('keeps what came before a lasting cut, and the next run resumes', async () => {
    archive.faults = { cut: { path: /linux-image-6/, afterBytes: 20_000, times: 3, has } };
    await fails(/linux-image-6.*connection cut.*run the same command again/);
    assert.ok(has(20_000));
    await pull();
    assert.match(archive.requests.at(-2)?.range ?? '', /^bytes=\d+-$/);
    assert.deepEqual(parts(), []);
  });

  it('starts anew where the server does not resume', async () => {
    archive.faults = { noRanges: true, cut: { path: /linux-image-6/, afterBytes: 50_000, times: 1, has } };
    assert.equal((await pull()).changed, true);
  });

  it('refuses a package with another hash and keeps nothing of it', async () => {
    const bytes = archive.file(/busybox/);
    archive.faults = { replace: { path: /busybox/, bytes: Buffer.alloc(bytes.length, 'evil') } };
    await fails(/busybox.*SHA256 is [0-9a-f]{64}, the signed index says [0-9a-f]{64}.*--mirror/);
    assert.ok(!downloads().some((name) => name.startsWith(sha256(bytes))));
  });

  it('refuses a package that is longer than the index says', async () => {
    const bytes = Buffer.concat([archive.file(/busybox/), Buffer.from('more')]);
    archive.faults = { replace: { path: /busybox/, bytes } };
    await fails(/busybox.*longer than its \d+ bytes/);
  });

  it('refuses a Release file with a signature by somebody else', async () => {
    const other = await makeSigningKey('Somebody Else');
    writeFileSync(keyring, other.armoredPublicKey);
    await fails(/InRelease: signature not valid with the keys in .*keyring\.asc/);
    assert.deepEqual(downloads(), []);
  });

  it('refuses a Release file that was changed after signing', async () => {
    const text = await fetch(`${archive.url}/dists/trixie/InRelease`).then((r) => r.text());
    archive.faults = { replace: { path: /InRelease/, bytes: Buffer.from(text.replace('13.9', '13.8')) } };
    await fails(/InRelease: signature not valid/);
  });

  it('refuses a Release file without a signature', async () => {
    archive.faults = { replace: { path: /InRelease/, bytes: Buffer.from('Suite: trixie\n') } };
    await fails(/not a signed Release file/);
  });

  it('refuses a Release file that is no longer valid', async () => {
    await archive.close();
    archive = await FakeArchive.start(key, 'Valid-Until: Fri, 02 Jan 2026 00:00:00 UTC\n');
    await fails(/was valid until Fri, 02 Jan 2026/);
  });

  it('refuses the Release file of another suite', async () => {
    await archive.close();
    archive = await FakeArchive.start(key, 'Codename: bookworm\n');
    await fails(/is the Release file of bookworm, not of trixie/);
  });

  it('takes the release before, if it is whole under its other name, from a mirror that is being updated', async () => {
    const before = { version: '13.8', date: 'Mon, 01 Dec 2025 00:00:00 UTC' };
    await archive.release(key, 'stable', before);
    archive.lose(/dists\/trixie\/.*by-hash/);
    const { manifest } = await pull();
    assert.match(manifest.title, /^Debian 13\.8 \(trixie\)/);
    assert.ok(news.includes(`the mirror is being updated: Debian 13.8 of ${before.date} is whole`), news.join('\n'));
  });

  it('does not take another release for it, nor the same again', async () => {
    archive.lose(/dists\/trixie\/.*by-hash/);
    await archive.release(
      key,
      'stable',
      { version: '14.0', date: 'Mon, 01 Dec 2025 00:00:00 UTC' },
      'Codename: forky\n',
    );
    await fails(/dists\/trixie\/.*not there \(HTTP 404\)/);
    await archive.release(key, 'stable', { version: '13.9', date: 'Thu, 01 Jan 2026 00:00:00 UTC' });
    await fails(/dists\/trixie\/.*not there \(HTTP 404\)/);
  });

  it('says so when the mirror has no such file', async () => {
    await fails(/dists\/trixie\/InRelease: not there \(HTTP 404\)/, () =>
      pullDebian({ directory: image(), mirror: `${archive.url}/nowhere`, keyring, reporter }),
    );
  });

  it('says so when nobody answers', async () => {
    const { url } = archive;
    await archive.close();
    await fails(/cannot be reached/, () => pullDebian({ directory: image(), mirror: url, keyring, reporter }));
    archive = await FakeArchive.start(key);
  });

  it('refuses a mirror that is not an address, and a keyring that is none', async () => {
    await fails(/mirror ftp:\/\/x: not an http/, () =>
      pullDebian({ directory: image(), mirror: 'ftp://x', keyring, reporter }),
    );
    await fails(/keyring .*missing.*cannot be read/, () =>
      pullDebian({ directory: image(), mirror: archive.url, keyring: join(directory, 'missing'), reporter }),
    );
    writeFileSync(keyring, 'nonsense');
    await fails(/keyring .*holds no OpenPGP keys/);
  });

  it('works on a directory in one process at a time, and takes over the lock of a dead one', async () => {
    await pull();
    const lock = join(image(), '.lock');
    writeFileSync(lock, `${process.pid}\n`);
    await assert.rejects(pull, new RegExp(`process ${process.pid} is working on it`));
    writeFileSync(lock, '2147483646\n');
    assert.equal((await pull()).changed, false);
  });

  it('leaves alone what else is in the directory', async () => {
    await pull();
    const other = join(image(), 'notes.txt');
    writeFileSync(other, 'mine');
    await pull();
    assert.equal(readFileSync(other, 'utf8'), 'mine');
  });

  it('says so when the directory cannot be', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    await assert.rejects(
      () => pullDebian({ directory: join(file, 'image'), mirror: archive.url, keyring, reporter }),
      /a part of its path is not a directory/,
    );
  });
});
