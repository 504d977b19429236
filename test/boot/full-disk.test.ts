import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing } from '../support/need-tool.ts';
import { type DebianImage, debianImage } from './support.ts';

const program = fileURLToPath(new URL('./full-disk-guest.ts', import.meta.url));
/** Mounts a file system of 32 MiB, and runs the program on it. */
const SCRIPT = 'mount -t tmpfs -o size=32m none "$0" && exec "$@"';

describe('boot: a full file system under a guest’s disk', function () {
  this.timeout(300_000);
  let image: DebianImage;
  let directory: string | undefined;

  before(async function () {
    image = await debianImage(this);
    // Whoever is not root needs a user namespace for it.
    const { status } = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]);
    if (status !== 0) missing(this, 'no mount in a namespace ("unshare -rm" of Debian’s util-linux)');
  });
  afterEach(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  for (const format of ['raw', 'qcow2']) {
    it(`pauses the domain, which goes on when there is room and has lost nothing: ${format}`, () => {
      directory = mkdtempSync(join(tmpdir(), 'nodevisor-full-'));
      const small = join(directory, 'small');
      mkdirSync(small);
      const guest = [image.kernel, image.initrd, image.append, format];
      const { stdout, stderr, status } = spawnSync(
        'unshare',
        ['-rm', 'sh', '-c', SCRIPT, small, process.execPath, '--import', 'tsx', program, small, ...guest],
        { encoding: 'utf8', timeout: 280_000 },
      );
      assert.equal(status, 0, stderr);
      const noSpace = [{ disk: 'vda', error: 2 }];
      assert.deepEqual(JSON.parse(stdout), [
        { source: true, alias: 'virtio-disk0', action: 1, reason: 'enospc' },
        noSpace,
        noSpace,
        { written: true, complete: true },
      ]);
    });
  }
});
