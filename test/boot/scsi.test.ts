import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockBackend, MachineOptions } from '../../src/index.ts';
import { HostClock } from '../../src/util/index.ts';
import { CountingBlock, noCounts } from '../../src/virt/local/counting-block.ts';
import { needTool } from '../support/need-tool.ts';
import { boot, type DebianImage, debianImage, ended, type Session } from './support.ts';

describe('boot: Debian’s kernel with disks and a drive on SCSI', function () {
  this.timeout(300_000);
  let image: DebianImage;
  let directory: string;
  let session: Session | undefined;
  const path = (name: string) => join(directory, name);

  /** An ISO 9660 image with one file. */
  function disc(name: string, text: string): string {
    mkdirSync(path(`${name}.d`));
    writeFileSync(join(path(`${name}.d`), 'read.me'), text);
    const made = spawnSync('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-o', path(name), path(`${name}.d`)]);
    assert.equal(made.status, 0, String(made.stderr));
    return path(name);
  }

  function disk(name: string, mebibytes: number): string {
    writeFileSync(path(name), '');
    truncateSync(path(name), mebibytes * 2 ** 20);
    return path(name);
  }

  async function start(options: Partial<MachineOptions>): Promise<Session> {
    session = await boot({ ...image, append: `${image.append} quiet`, ...options });
    await session.expect('A busybox shell');
    await session.expect('# ');
    return session;
  }

  before(async function () {
    needTool(this, 'xorriso', 'xorriso');
    needTool(this, 'mke2fs', 'e2fsprogs');
    image = await debianImage(this);
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-scsi-'));
  });
  afterEach(() => session?.machine.destroy());
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  it('mounts an ext4 on a disk, keeps what it writes there, and sees a new size', async () => {
    const file = disk('ext4.img', 32);
    assert.equal(spawnSync('mke2fs', ['-q', '-t', 'ext4', file]).status, 0);
    const { expect, type, machine } = await start({
      vcpus: 2,
      disks: [
        { file, bus: 'scsi', serial: 'S-1', queues: 2 },
        { file: disk('second.img', 1), bus: 'scsi', readonly: true },
      ],
    });
    // Linux looks at several disks at the same time: either may be sda.
    type('D=sda R=sdb; [ $(cat /sys/block/sda/ro) = 1 ] && D=sdb R=sda; cd /sys/block; echo found');
    await expect('found\r\n');
    type('mount /dev/$D /mnt && echo kept > /mnt/file && umount /mnt; echo $(cat $D/size $R/size $D/ro $R/ro)');
    await expect('65536 2048 0 1\r\n');
    type('tail -c 3 $D/device/vpd_pg80; echo; cat $D/queue/write_cache; echo $(ls $D/mq)');
    await expect('S-1\r\nwrite back\r\n0 1\r\n');
    type('dd if=/dev/zero of=/dev/$R count=1 2>/dev/null; echo dd ended with $?');
    await expect('dd ended with 1\r\n');
    const [first] = machine.disks;
    await (first as unknown as { resize(bytes: number): Promise<void> }).resize(64 * 2 ** 20);
    // The kernel looks again by itself.
    type('while [ $(cat $D/size) != 131072 ]; do sleep 0.1; done; echo grown');
    await expect('grown\r\n');
    type('poweroff');
    await ended(session as Session, 'poweroff');
    const listed = spawnSync('debugfs', ['-R', 'cat /file', file], { encoding: 'utf8' });
    assert.equal(listed.stdout, 'kept\n');
  });

  it('mounts a CD, is refused to eject what it holds, and reads another one after a change', async () => {
    const counts = noCounts();
    const between = (medium: BlockBackend) => new CountingBlock(medium, new HostClock(), counts);
    const { expect, type, machine } = await start({ cdroms: [{ file: disc('one.iso', 'first\n'), between }, {}] });
    const [drive, empty] = machine.cdroms;
    assert.deepEqual([drive?.loaded, empty?.loaded], [true, false]);
    type('mkdir /cd; mount -o ro /dev/sr0 /cd; cat /cd/read.me');
    await expect('first\r\n');
    assert.equal(drive?.locked, true, 'a mounted medium is held');
    const { requests, bytes } = { ...counts.read };
    assert.ok(requests > 0 && bytes >= 2048, 'what stands between sees the reads');
    await assert.rejects(() => drive?.eject() ?? Promise.resolve(), /the guest holds the medium/);
    type('umount /cd; sleep 0.2; echo released');
    await expect('released\r\n');
    await drive?.insert({ file: disc('two.iso', 'second\n') });
    type('mount -o ro /dev/sr0 /cd; cat /cd/read.me; umount /cd');
    await expect('second\r\n');
    assert.ok(counts.read.requests > requests, 'and those of the next medium');
    await drive?.eject({ force: true });
    type('mount -o ro /dev/sr0 /cd');
    await expect(/[Nn]o medium found/);
    await empty?.insert({ file: path('one.iso') });
    type('mount -o ro /dev/sr1 /cd; cat /cd/read.me');
    await expect('first\r\n');
  });
});
