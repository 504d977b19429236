import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing, needTool } from '../support/need-tool.ts';
import { compilerMajor, GUEST_COMPILER, GUEST_DIRECTORY, GUEST_ELF } from './support.ts';

describe("the bundled guest's ELF", () => {
  it('is what the cross compiler makes of the sources, wherever they lie', function () {
    this.timeout(60_000);
    needTool(this, 'make', 'make');
    needTool(this, GUEST_COMPILER.command, GUEST_COMPILER.package);
    const major = compilerMajor();
    if (major !== GUEST_COMPILER.major) missing(this, `${GUEST_COMPILER.command} is version ${major}, not 12`);
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-guest-'));
    try {
      cpSync(GUEST_DIRECTORY, join(directory, 'elsewhere'), { recursive: true });
      const elf = join(directory, 'guest.elf');
      const { status, stderr } = spawnSync(
        'make',
        ['-s', '-C', join(directory, 'elsewhere'), `O=${join(directory, 'objects')}`, `ELF=${elf}`],
        { encoding: 'utf8' },
      );
      assert.equal(status, 0, stderr);
      assert.ok(readFileSync(elf).equals(readFileSync(GUEST_ELF)), 'guest.elf is stale: run make -C src/guest');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('starts where firmware hands over, and is small', () => {
    const elf = readFileSync(GUEST_ELF);
    assert.equal(elf.readUInt16LE(18), 243, 'EM_RISCV');
    assert.equal(elf.readBigUInt64LE(24), 0x8020_0000n, 'entry');
    assert.ok(elf.length < 64 * 1024, `${elf.length} bytes`);
  });
});
