import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forEachBackend } from '../support/backends.ts';
import { needTool } from '../support/need-tool.ts';
import { boot, type DebianImage, debianImage, ended, installed, type Session } from './support.ts';

/** What the guest does with the disk that the test has made: the result must be on it afterwards. */
const DISK_SCRIPT = [
  'set -e',
  'modprobe ext4',
  'mount -t ext4 /dev/vda /mnt',
  'cat /mnt/from-host',
  'for i in 1 2 3; do dd if=/dev/zero bs=1k count=100 2>/dev/null | tr "\\0" $i > /mnt/file-$i; done',
  'rm /mnt/from-host',
  'md5sum /mnt/file-2',
  'sync',
  'umount /mnt',
  'echo 6 times 7 is $((6 * 7))',
].join('; ');

const HUNDRED_K_OF_2 = '2'.repeat(102_400);

forEachBackend((cpuBackend) => {
  describe(`boot: Debian’s kernel on ${cpuBackend}`, function () {
    this.timeout(600_000);
    let image: DebianImage;
    let session: Session | undefined;
    let directory: string;

    before(async function () {
      image = await debianImage(this);
      directory = mkdtempSync(join(tmpdir(), 'nodevisor-boot-'));
    });
    afterEach(() => session?.machine.destroy());
    after(() => {
      if (directory !== undefined) rmSync(directory, { recursive: true });
    });

    it('comes to a shell on one vCPU, runs commands and switches off', async () => {
      session = await boot({ ...image, cpuBackend, append: `${image.append} quiet` });
      await session.expect('A busybox shell');
      await session.expect('# ');
      session.type('uname -m; nproc; cat /proc/cpuinfo');
      const text = await session.expect('sv57');
      assert.match(text, /riscv64\r\n1\r\n/);
      assert.match(text, /isa\s+: rv64imafdc_/);
      session.type('date -u +%Y; dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c');
      await session.expect(`${new Date().getUTCFullYear()}\r\n64\r\n`);
      session.type('cat /proc/sys/vm/stat_interval /proc/sys/vm/compaction_proactiveness /proc/sys/kernel/watchdog');
      await session.expect('watchdog\r\n60\r\n0\r\n0\r\n');
      // The kernel has work in the background, on a slow backend for many seconds; then it must come to rest.
      while (session.machine.stats().vcpus[0].exits.wfi === 0n) await sleep(250);
      session.type('poweroff');
      await ended(session, 'poweroff');
      const { instructions, exits } = session.machine.stats().vcpus[0];
      assert.ok(instructions > 100_000_000n && exits.sbi > 0n);
    });

    it('works on an ext4 disk with four vCPUs, and leaves it clean', async function () {
      needTool(this, 'mke2fs', 'e2fsprogs');
      const disk = join(directory, 'disk.raw');
      const root = join(directory, 'from-host');
      writeFileSync(root, 'written by the host\n');
      const make = spawnSync('mke2fs', ['-q', '-t', 'ext4', disk, '32M']);
      assert.equal(make.status, 0, String(make.stderr));
      spawnSync('debugfs', ['-w', '-R', `write ${root} from-host`, disk]);

      session = await boot({
        ...image,
        cpuBackend,
        append: `${image.append} quiet nodevisor.run="${DISK_SCRIPT.replaceAll('"', "'")}"`,
        vcpus: 4,
        disks: [disk],
      });
      await session.expect('written by the host');
      await session.expect('6 times 7 is 42');
      await ended(session, 'poweroff');
      assert.ok(session.machine.stats().vcpus.every(({ instructions }) => instructions > 1_000_000n));

      const check = spawnSync('e2fsck', ['-f', '-n', disk]);
      assert.equal(check.status, 0, String(check.stdout));
      const list = String(spawnSync('debugfs', ['-R', 'ls -p /', disk]).stdout);
      assert.match(list, /file-1[\s\S]*file-2[\s\S]*file-3/);
      assert.doesNotMatch(list, /from-host/);
      const back = spawnSync('debugfs', ['-R', 'cat /file-2', disk], { maxBuffer: 2 ** 20 });
      assert.ok(String(back.stdout) === HUNDRED_K_OF_2);
    });

    it('is started by OpenSBI on two vCPUs, restarts once, and switches off', async function () {
      const firmware = installed(this, 'opensbi', '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin');
      session = await boot({ ...image, cpuBackend, firmware, append: `${image.append} quiet`, vcpus: 2 });
      await session.expect(/OpenSBI v\d/);
      await session.expect('A busybox shell');
      await session.expect('# ');
      session.type('nproc; reboot -f');
      await session.expect('\n2\r\n');
      await session.expect(/OpenSBI v\d/);
      await session.expect('A busybox shell');
      await session.expect('# ');
      session.type('poweroff');
      await ended(session, 'poweroff');
    });
  });
});

forEachBackend((cpuBackend) => {
  describe(`boot: a command in Debian on ${cpuBackend}`, function () {
    this.timeout(600_000);

    it('hands its status to the host', async function () {
      const image = await debianImage(this);
      const session = await boot({ ...image, cpuBackend, append: `${image.append} quiet nodevisor.run="exit 7"` });
      try {
        assert.equal((await ended(session, 'fail')).code, 7);
      } finally {
        await session.machine.destroy();
      }
    });
  });
});
