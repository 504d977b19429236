/** A Linux guest that writes files and makes them stable loses power, again and again: ext4 on qcow2 on a raw image. */
import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../src/util/index.ts';
import { needTool } from '../support/need-tool.ts';
import { qemuImg, run } from '../support/qemu-img.ts';
import { type DebianImage, debianImage } from './support.ts';

const CUTS = process.env['NODEVISOR_TEST_FULL'] ? 30 : 3;
const SEED = 77;
/** Files that stay; older ones are removed. */
const KEPT = 40;
/** Files that are stable before the power may go, and the most time that it stays on after that, in milliseconds. */
const LEAST_FILES = 5;
const LATEST_MS = 2500;

const cli = fileURLToPath(new URL('../../src/tools/cli/main.ts', import.meta.url));
const content = (file: number) => `what is in file ${file}\n`;
const blocks = (file: number) => ((file * 37) % 61) + 1;

/** What the guest does from file `first` on, while something else fills and empties the disk. */
const script = (first: number) =>
  [
    'mount -t ext4 /dev/vda /mnt',
    'cat /mnt/from-below',
    '(while :; do dd if=/dev/zero of=/mnt/noise bs=65536 count=96 2>/dev/null; rm /mnt/noise; done) & true',
    `i=${first}; while :; do rm -f /mnt/f$((i - ${KEPT}))`,
    `yes 'what is in file '$i | dd of=/mnt/f$i bs=4096 count=$((i * 37 % 61 + 1)) iflag=fullblock conv=fsync 2>/dev/null`,
    'echo stable $i.; i=$((i + 1)); done',
  ].join('; ');

describe('boot: power cuts under load', function () {
  this.timeout(60_000 + CUTS * 60_000);
  let image: DebianImage;
  let directory: string | undefined;

  before(async function () {
    needTool(this, 'mke2fs', 'e2fsprogs');
    needTool(this, 'qemu-img', 'qemu-utils');
    image = await debianImage(this);
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-cut-'));
  });
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  const path = (name: string) => join(directory ?? '', name);

  function makeDisk(): void {
    writeFileSync(path('from-below'), 'from the image below\n');
    assert.equal(spawnSync('mke2fs', ['-q', '-t', 'ext4', path('base.raw'), '64M']).status, 0);
    spawnSync('debugfs', ['-w', '-R', `write ${path('from-below')} from-below`, path('base.raw')]);
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'base.raw', '-F', 'raw', path('disk.qcow2'));
  }

  /** Runs the guest until the power goes; gives the last file that it said was stable. */
  async function life(first: number, onMs: number): Promise<number> {
    const append = `${image.append} quiet nodevisor.run="${script(first)}"`;
    const disk = `${path('disk.qcow2')},format=qcow2`;
    const args = ['run', '--kernel', image.kernel, '--initrd', image.initrd, '--append', append, '--disk', disk];
    const child = spawn(process.execPath, ['--import', 'tsx', cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = new Promise((resolve) => child.once('close', resolve));
    let output = '';
    const last = () => Number([...output.matchAll(/stable (\d+)\./g)].at(-1)?.[1] ?? 0);
    const working = new Promise<void>((resolve) => {
      const heard = (bytes: Buffer) => {
        output += bytes.toString('latin1');
        if (last() >= first + LEAST_FILES) resolve();
      };
      child.stdout.on('data', heard);
      child.stderr.on('data', heard);
    });
    await Promise.race([working, closed]);
    await sleep(onMs);
    child.kill('SIGKILL');
    await closed;
    assert.ok(last() >= first + LEAST_FILES, `the guest did not come so far: ${output.slice(-2000)}`);
    assert.match(output, /from the image below/);
    return last();
  }

  /** Looks at the image and, on a copy, at the file system, as the next one to start would find them. */
  function inspect(stable: number): void {
    const check = run('qemu-img', 'check', path('disk.qcow2'));
    // 3: leaks and nothing else.
    assert.ok(check.status === 0 || check.status === 3, check.stdout + check.stderr);
    qemuImg('convert', '-O', 'raw', path('disk.qcow2'), path('copy.raw'));
    // 1: the journal was replayed.
    const replay = spawnSync('e2fsck', ['-p', path('copy.raw')], { encoding: 'utf8' });
    assert.ok(replay.status === 0 || replay.status === 1, replay.stdout + replay.stderr);
    const after = spawnSync('e2fsck', ['-f', '-n', path('copy.raw')], { encoding: 'utf8' });
    assert.equal(after.status, 0, after.stdout + after.stderr);
    rmSync(path('files'), { recursive: true, force: true });
    mkdirSync(path('files'));
    spawnSync('debugfs', ['-R', `rdump / ${path('files')}`, path('copy.raw')]);
    assert.equal(readFileSync(path('files/from-below'), 'latin1'), 'from the image below\n');
    // The oldest of them may have been removed by now.
    for (let file = Math.max(1, stable - KEPT + 2); file <= stable; file++) {
      assert.ok(existsSync(path(`files/f${file}`)), `file ${file} of ${stable} is lost`);
      const found = readFileSync(path(`files/f${file}`));
      assert.ok(found.equals(Buffer.alloc(blocks(file) * 4096, content(file))), `file ${file} of ${stable} is damaged`);
    }
  }

  it(`lose nothing that was stable, over ${CUTS} of them (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    makeDisk();
    let stable = 0;
    for (let cut = 0; cut < CUTS; cut++) {
      stable = await life(stable + 1, random.below(LATEST_MS));
      inspect(stable);
    }
  });
});
