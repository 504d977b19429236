/** All that virsh does with Debian's libvirtd and our own daemon does not do, by our commands. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needTool } from '../support/need-tool.ts';
import type { Result } from '../tools/cli/support.ts';
import { differences } from './libvirtd/differences.ts';
import { files, qemuStory, testStory } from './libvirtd/stories.ts';
import { type Driver, Twins } from './libvirtd/twins.ts';

function shown(line: string, results: readonly Result[]): string {
  const one = ({ code, out, err }: Result, who: string) => `--- ${who}, status ${code}\n${out}${err}`;
  return `$ ${line}\n${results.map((result, i) => one(result, i === 0 ? 'virsh' : 'nodevisor')).join('\n')}`;
}

describe("the command line over Debian's libvirtd, beside virsh", function () {
  this.timeout(300_000);
  const twins = new Twins();

  before(async function () {
    needTool(this, 'virsh', 'libvirt-clients');
    await twins.start(this, files);
  });
  after(() => twins.stop());

  /** Tells both the story; what comes to something else must be listed. */
  async function tell(driver: Driver, story: readonly string[]): Promise<void> {
    const wrong: string[] = [];
    for (const line of story) {
      const [real, ours] = await twins.both(driver, line);
      const same = real.code === ours.code && real.out === ours.out && real.err === ours.err;
      const why = differences[line];
      if (same !== (why === undefined)) wrong.push(shown(line, [real, ours]));
      else if (why !== undefined) assert.ok(why.holds(real, ours), shown(line, [real, ours]));
    }
    assert.equal(wrong.length, 0, wrong.join('\n\n'));
  }

  it(`comes to the same in ${testStory.length} commands over the test driver, but for those listed`, () =>
    tell(['test', '/default'], testStory));

  it(`comes to the same in ${qemuStory.length} commands over QEMU's, but for those listed`, async function () {
    needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    needTool(this, 'qemu-img', 'qemu-utils');
    const image = join(tmpdir(), `nodevisor-base-${process.pid}.qcow2`);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '8M']);
    try {
      twins.give('base.qcow2', image);
    } finally {
      rmSync(image);
    }
    await tell(['qemu', '/session'], qemuStory);
  });
});
