import { strict as assert } from 'node:assert';
import { needTool } from '../support/need-tool.ts';
import { NODE_ARGS } from '../tools/cli/support.ts';
import { playCommand } from '../tools/virsh/support.ts';
import { debianImage } from './support.ts';

describe('install, with Debian', function () {
  this.timeout(180_000);

  it('creates a domain, boots it and attaches the console of a terminal', async function () {
    needTool(this, 'python3', 'python3');
    const { kernel, initrd, append } = await debianImage(this);
    const options = ['--name', 'deb', '--memory', '512', '--disk', 'none', '--network', 'none'];
    const boot = `kernel=${kernel},initrd=${initrd},kernel_args=${append}`;
    const { text, status, raw, restored } = playCommand(
      [process.execPath, ...NODE_ARGS, '-c', 'nodevisor:///embed', 'install', ...options, '--boot', boot],
      [
        ["Domain 'deb' created", ''],
        ['~ #', 'uname -m; echo here$((40 + 2))\r'],
        ['here42', '\x04'],
      ],
      {},
      false,
      150,
    );
    assert.equal(status, 0, text);
    assert.match(text, /\nriscv64\r+\n/);
    assert.equal(raw.at(-1), true);
    assert.ok(restored, 'the terminal was not restored');
  });
});
