import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDirectory } from '../../src/util/index.ts';

describe('makeDirectory', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nodevisor-test-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('makes it with all above it, and takes one that is there', async () => {
    const path = join(root, 'a/b/c');
    await Promise.all([
      makeDirectory(path, 0o700),
      makeDirectory(path, 0o700),
      makeDirectory(join(root, 'a/d'), 0o700),
    ]);
    await makeDirectory(path);
    for (const name of ['a', 'a/b', 'a/b/c', 'a/d']) assert.equal(statSync(join(root, name)).mode & 0o777, 0o700, name);
  });

  it('refuses a path through a file, and a file in its place', async () => {
    writeFileSync(join(root, 'file'), '');
    await assert.rejects(makeDirectory(join(root, 'file')), { code: 'EEXIST' });
    await assert.rejects(makeDirectory(join(root, 'file/x/y')), { code: 'ENOTDIR' });
  });

  it('comes back where no directory can be made', async function () {
    if (!existsSync('/proc/self')) return this.skip();
    for (const path of ['/proc/nodevisor', '/proc/nodevisor/a/b']) {
      await assert.rejects(makeDirectory(path), { code: 'ENOENT' });
    }
  });
});
