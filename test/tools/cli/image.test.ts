import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeArchive, makeSigningKey } from '../image/fake-archive.ts';
import { cli } from './support.ts';

describe('image pull', () => {
  let archive: FakeArchive;
  let directory: string;
  let keyring: string;

  before(async () => {
    const key = await makeSigningKey('Test Archive');
    archive = await FakeArchive.start(key);
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-image-'));
    keyring = join(directory, 'keyring.asc');
    writeFileSync(keyring, key.armoredPublicKey);
  });

  after(async () => {
    await archive.close();
    rmSync(directory, { recursive: true });
  });

  it('shows its progress in lines where there is no terminal, and what to do next', async () => {
    const argv = ['image', 'pull', 'debian', '--mirror', archive.url, '--keyring', keyring];
    const env = { XDG_CACHE_HOME: join(directory, 'cache') };
    const { code, out, err } = await cli(argv, env);
    assert.equal(code, 0, err);
    assert.match(err, /^Debian 13\.9 of .*, signature checked with .*keyring\.asc$/m);
    assert.match(err, /^ {2}100 % of 0\.2 MB {2}linux-image-6\.12\.1-test 6\.12\.1-1$/m);
    assert.match(out, /: ready\n/);
    assert.match(out, /^Boot it with: nodevisor run debian$/m);
    assert.match((await cli(argv, env)).out, /: up to date\n/);
  });

  it('gives what run boots, from the cache or from a directory', async () => {
    const image = join(directory, 'image');
    const argv = ['image', 'pull', 'debian', '--mirror', archive.url, '--keyring', keyring, '--dir', image];
    const { out } = await cli(argv);
    assert.ok(out.includes(`Boot it with: nodevisor run ${image}\n`), out);
    // The kernel of the fixture is no kernel: that it is found is what counts.
    const { code, err } = await cli(['run', image]);
    assert.equal(code, 2);
    assert.match(err, new RegExp(`^nodevisor: ${image}/vmlinux-6\\.12\\.1-test-[0-9a-f]{12}: .*\n$`));
  });

  it('is what run asks for when there is no image', async () => {
    const { code, err } = await cli(['run', 'debian'], { XDG_CACHE_HOME: join(directory, 'empty') });
    assert.equal(code, 2);
    assert.match(err, /image debian: there is no image in .*; get it with "nodevisor image pull debian"\n$/);
  });

  it('ends with status 1 and one line when the mirror fails', async () => {
    const argv = ['image', 'pull', 'debian', '--mirror', `${archive.url}/nowhere`, '--keyring', keyring];
    const { code, err } = await cli([...argv, '--dir', join(directory, 'other')]);
    assert.equal(code, 1);
    assert.match(err, /nodevisor: http:.*InRelease: not there \(HTTP 404\)\n$/);
  });
});
