import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needTool } from '../support/need-tool.ts';
import { GUEST_ELF } from './support.ts';
import { assertTour } from './tour.ts';

const QEMU = 'qemu-system-riscv64';

describe('the bundled guest on an independent machine', function () {
  this.timeout(60_000);
  let directory: string;

  before(function () {
    needTool(this, QEMU, 'qemu-system-misc');
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-guest-'));
  });

  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  function qemu(append: string, more: readonly string[], input = ''): string {
    const common = ['-M', 'virt', '-display', 'none', '-serial', 'stdio', '-bios', 'default', '-no-reboot'];
    const modern = ['-global', 'virtio-mmio.force-legacy=false'];
    const { status, stdout, signal } = spawnSync(
      QEMU,
      [...common, ...modern, '-kernel', GUEST_ELF, '-append', append, ...more],
      { encoding: 'utf8', timeout: 50_000, input },
    );
    assert.equal(signal, null, `QEMU did not end:\n${stdout}`);
    assert.equal(status, 0, stdout);
    return stdout;
  }

  it('plays its tour on one hart without a disk', () => {
    assertTour(qemu('tour', []), 1);
  });

  it('plays its tour on four harts with a disk', () => {
    const disk = join(directory, 'disk.img');
    writeFileSync(disk, Buffer.concat([Buffer.from('First sector\n'), Buffer.alloc(65_536 - 13)]));
    const drive = ['-drive', `file=${disk},if=none,format=raw,id=d`, '-device', 'virtio-blk-device,drive=d'];
    assertTour(qemu('tour', ['-smp', '4', ...drive]), 4, 'First sector');
  });

  it('colours its text only when told to', () => {
    assert.ok(!qemu('tour', []).includes('\x1b'));
    assert.ok(qemu('tour color', []).includes('\x1b[1;36m== 1. '));
  });
});
