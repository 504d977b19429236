/** Debian short of memory for a while: page tables that change all the time, processes that come, go and are killed. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nativeProblem } from '../../src/cpu/index.ts';
import { writeCpio } from '../../src/tools/image/cpio.ts';
import { missing, needTool } from '../support/need-tool.ts';
import { boot, debianImage, ended } from './support.ts';

/** Seconds of the guest's time, for each number of vCPUs: whole it takes half an hour. */
const SECONDS = Number(process.env['NODEVISOR_SOAK_SECONDS'] ?? (process.env['NODEVISOR_TEST_FULL'] ? 900 : 12));
/** What the kernel says when something is wrong with it, rather than with a program or for want of memory. */
const TROUBLE = /\bBUG\b|Oops|Unable to handle|rcu.*stall|soft lockup|Bad page|segfault|unhandled signal|Kernel panic/;

function build(folder: string): Buffer {
  const source = fileURLToPath(new URL('./churn.c', import.meta.url));
  const program = join(folder, 'churn');
  const args = ['-O2', '-Wall', '-Wextra', '-Werror', '-static', '-pthread', '-o', program, source];
  const { status, stderr } = spawnSync('riscv64-linux-gnu-gcc', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return readFileSync(program);
}

describe('boot: Debian short of memory', function () {
  this.timeout((SECONDS + 300) * 1000);

  for (const vcpus of [1, 2]) {
    it(`keeps every page of every process on ${vcpus} vCPU${vcpus > 1 ? 's' : ''}, for ${SECONDS} s`, async function () {
      if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
      needTool(this, 'riscv64-linux-gnu-gcc', 'gcc-riscv64-linux-gnu');
      const image = await debianImage(this);
      const folder = mkdtempSync(join(tmpdir(), 'nodevisor-soak-'));
      try {
        const initrd = readFileSync(image.initrd);
        const aligned = Buffer.concat([initrd, Buffer.alloc(-initrd.length & 3)]);
        const churn = writeCpio([{ type: 'file', path: 'bin/churn', bytes: build(folder), mode: 0o755 }]);
        const session = await boot({
          ...image,
          initrd: Buffer.concat([aligned, churn]),
          append: `${image.append} quiet nodevisor.run="churn ${SECONDS}"`,
          cpuBackend: 'native',
          memory: '160M',
          vcpus,
        });
        try {
          await ended(session, 'poweroff');
          const { text } = session.output;
          assert.doesNotMatch(text, TROUBLE);
          assert.doesNotMatch(text, /WRONG/);
          const end = /CHURN END rounds=(\d+) killed=(\d+) refused=(\d+) wrong=0\r/.exec(text);
          assert.ok(end, text.slice(-1000));
          const [rounds, killed, refused] = [Number(end[1]), Number(end[2]), Number(end[3])];
          assert.ok(rounds >= 4, `only ${rounds} rounds`);
          // It must have been near the end of its memory, without most of the work being lost to that.
          assert.ok(killed + refused > 0, `nothing was killed in ${rounds} rounds`);
          assert.ok(killed + refused < 2 * rounds, `${killed} killed, ${refused} gave up in ${rounds} rounds`);
        } finally {
          await session.machine.destroy();
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
