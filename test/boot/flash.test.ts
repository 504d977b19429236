import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needTool } from '../support/need-tool.ts';
import { boot, type DebianImage, debianImage, installed, type Session } from './support.ts';

const EDK2 = '/usr/share/qemu-efi-riscv64';
const UBOOT = '/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf';

describe('boot: firmware finds a disk and starts the system on it', function () {
  this.timeout(300_000);
  let image: DebianImage;
  let directory: string;
  let session: Session | undefined;
  const path = (name: string) => join(directory, name);

  /** A FAT file system with Debian's kernel where UEFI looks for a system, and with an extlinux.conf that names it. */
  function systemDisk(): string {
    const disk = path('system.img');
    if (existsSync(disk)) return disk;
    writeFileSync(disk, '');
    writeFileSync(
      path('extlinux.conf'),
      'default debian\nlabel debian\n  kernel /EFI/BOOT/BOOTRISCV64.EFI\n  append earlycon=sbi console=ttyS0\n',
    );
    for (const [tool, ...args] of [
      ['truncate', '-s', '64M', disk],
      ['mformat', '-i', disk, '-F', '::'],
      ['mmd', '-i', disk, '::EFI', '::EFI/BOOT', '::extlinux'],
      ['mcopy', '-i', disk, image.kernel, '::EFI/BOOT/BOOTRISCV64.EFI'],
      ['mcopy', '-i', disk, path('extlinux.conf'), '::extlinux/extlinux.conf'],
    ] as const) {
      const { status, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
      assert.equal(status, 0, `${tool}: ${stderr}`);
    }
    return disk;
  }

  before(async function () {
    needTool(this, 'mformat', 'mtools');
    image = await debianImage(this);
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-flash-'));
  });
  afterEach(() => session?.machine.destroy());
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  it('EDK2 from flash starts a kernel from a SCSI disk, and keeps its variables', async function () {
    const code = installed(this, 'qemu-efi-riscv64', `${EDK2}/RISCV_VIRT_CODE.fd`);
    const vars = path('vars.fd');
    copyFileSync(`${EDK2}/RISCV_VIRT_VARS.fd`, vars);
    const before = readFileSync(vars);
    session = await boot({
      memory: '512M',
      pflash: [{ file: code, readonly: true }, { file: vars }],
      disks: [{ file: systemDisk(), bus: 'scsi' }],
    });
    await session.expect(/RISC-V EDK2 firmware version \d+/);
    await session.expect(/Linux version \d+\.\d+/);
    await session.machine.destroy();
    const after = readFileSync(vars);
    assert.ok(!before.equals(after), 'the variables are as they were');
    assert.ok(after.includes(Buffer.from('BootOrder', 'utf16le')), 'no boot order');
    assert.equal(existsSync(`${vars}.journal`), false);
  });

  it('U-Boot on the built-in firmware starts a kernel from a disk', async function () {
    const kernel = installed(this, 'u-boot-qemu', UBOOT);
    session = await boot({ kernel, memory: '512M', disks: [systemDisk()] });
    await session.expect(/U-Boot 20\d\d/);
    await session.expect(/Linux version \d+\.\d+/);
  });
});
