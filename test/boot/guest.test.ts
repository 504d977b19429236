import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { usableEngines } from '../../src/cpu/index.ts';
import { assertTour } from '../guest/tour.ts';
import { missing } from '../support/need-tool.ts';
import { NODE_ARGS, startCli } from '../tools/cli/support.ts';

/** What `nodevisor run` writes on the disk that it gives the bundled guest. */
const SECTOR_TEXT = 'This sector came from a disk in memory, through virtio.';

/** Runs `nodevisor run` as a process of its own, without a terminal. */
function run(options: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...NODE_ARGS, 'run', ...options], { encoding: 'utf8', input, timeout: 60_000 });
}

describe('the bundled guest', function () {
  this.timeout(60_000);

  it('plays its tour and powers off when there is no terminal', () => {
    const { status, stdout, stderr } = run([]);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assertTour(stdout, Number(/(\d) harts?,/.exec(stdout)?.[1]), SECTOR_TEXT);
    assert.ok(!stdout.includes('\x1b') && !stdout.includes('\r'), 'colours or carriage returns in a pipe');
  });

  for (const { kind, usable, reason } of usableEngines()) {
    for (const harts of [1, 4, 8]) {
      it(`plays its tour on ${harts} vCPU${harts > 1 ? 's, each a thread' : ''} (${kind})`, function () {
        if (!usable) missing(this, reason);
        const { status, stdout } = run(['--smp', String(harts), '--cpu-backend', kind]);
        assert.equal(status, 0, stdout);
        assertTour(stdout, harts, SECTOR_TEXT);
      });
    }
  }

  it('plays the same tour twice with the virtual clock', () => {
    const options = ['--smp', '3', '--clock', 'virtual'];
    const { status, stdout } = run(options);
    assert.equal(status, 0, stdout);
    assertTour(stdout, 3, SECTOR_TEXT);
    assert.equal(run(options).stdout, stdout);
  });

  describe('with a disk', () => {
    let directory: string;
    let disk: string;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'nodevisor-boot-'));
      disk = join(directory, 'disk.img');
      writeFileSync(disk, Buffer.concat([Buffer.from('Mine.\n'), Buffer.alloc(65_530)]));
    });
    after(() => rmSync(directory, { recursive: true }));

    it('reads its sectors, and leaves it as it was', () => {
      const before = readFileSync(disk);
      const { status, stdout } = run(['--smp', '1', '--disk', disk]);
      assert.equal(status, 0, stdout);
      assertTour(stdout, 1, 'Mine.');
      assert.ok(readFileSync(disk).equals(before));
    });
  });

  it('takes commands that are piped in', () => {
    const commands = ['help', 'run primes 1000', 'trap csr', 'disk 0', 'ps', 'mem', 'regs', 'harts', 'poweroff'];
    const { status, stdout } = run(['--append', 'shell', '--smp', '2'], `${commands.join('\n')}\n`);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /168 primes below 1000, counted on hart [01]/);
    assert.match(stdout, /fault: illegal instruction\r\n.*stval=0x100027f3/);
    assert.match(stdout, /54 68 69 73 20 73 65 63 {2}74 6f 72 20/);
    for (const command of ['tour', 'ps', 'mem', 'harts', 'poweroff']) {
      assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'), `help lists ${command}`);
    }
  });

  it('starts anew on reboot', async () => {
    const running = startCli(['run', '--append', 'shell', '--smp', '2']);
    const prompts = async (count: number) => {
      while (running.output().split('guest> ').length <= count) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await prompts(1);
    running.type('reboot\n');
    await prompts(2);
    running.type('poweroff\n');
    const { code, out } = await running.result;
    assert.equal(code, 0);
    assert.equal(out.match(/nodevisor guest, a small/g)?.length, 2);
  });
});
