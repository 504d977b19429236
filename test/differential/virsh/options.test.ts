import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needTool } from '../../support/need-tool.ts';
import { cli, type Result } from '../../tools/cli/support.ts';
import { scratchDirectory } from '../../tools/virsh/support.ts';

/** Words after the program's name that both must answer alike; `LOG` is a file of each. */
const ALIKE: readonly (readonly string[])[] = [
  ['-d', '0', 'list'],
  ['-d0', 'list', '--all', '--title'],
  ['--debug=1', 'list --all; domid test'],
  ['-d', '0', 'dominfo nope; domid 6695eb01-f6a4-8304-79aa-97f2502e193f; net-uuid default; net-name nope'],
  ['-d', '0', 'pool-uuid default-pool; domname test; domname 1; pool-info nope'],
  ['-d', '2', 'list'],
  ['-d', '9', 'list'],
  ['-d', '-1', 'list'],
  ['-d', 'x', 'list'],
  ['-d', '', 'list'],
  ['--debug=z', 'list'],
  ['-l', 'LOG', 'dominfo nope; echo --err a; start test'],
  ['--log=LOG', '-d', '0', 'list;'],
  ['-l', '/nope/x', 'list'],
  ['-l', '', 'list'],
  ['-k', '1', 'list'],
  ['-k', '0', 'list'],
  ['-k', 'x', 'list'],
  ['-k', '', 'list'],
  ['-k', '-1', 'list'],
  ['-K', '0', 'list'],
  ['-K', '-1', 'list'],
  ['--keepalive-interval=x', 'list'],
  ['--keepalive-count=-3', 'list'],
  ['-k'],
  ['-l'],
  ['-c'],
  ['-e'],
  ['-e', 'ab', 'list'],
  ['-e', '^', 'list'],
  ['-e', '^x', 'list'],
  ['-c', '', 'list'],
  ['-q', 'list'],
  ['-qr', 'list'],
  ['-r', 'suspend', 'test'],
  ['--quiet', '--readonly', 'domid', 'test'],
  ['-Z', 'list'],
  ['--frob', 'list'],
  ['--frob=1', 'list'],
  ['list', '-q'],
  ['--', 'list'],
  ['--', 'list', '--all'],
];

describe("options before the command, beside Debian's virsh", function () {
  this.timeout(60_000);
  const directory = scratchDirectory();
  before(function () {
    needTool(this, 'virsh', 'libvirt-clients');
  });

  function real(argv: readonly string[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      const env = { PATH: process.env['PATH'], HOME: directory(), LC_ALL: 'C', LIBVIRT_DEFAULT_URI: 'test:///default' };
      const child = execFile('virsh', argv, { env, cwd: directory(), timeout: 15_000 }, (error, out, err) => {
        if (error !== null && typeof error.code !== 'number') reject(error);
        else resolve({ code: error === null ? 0 : Number(error.code), out, err });
      });
      child.stdin?.end();
    });
  }

  /** What is in a log, but for who wrote it when. */
  const logged = (file: string) => readFileSync(file, 'utf8').replaceAll(/^\[.*? \w+ \d+\]/gm, '[]');

  it(`${ALIKE.length} command lines come to the same, to the byte`, async () => {
    const wrong: string[] = [];
    for (const [at, argv] of ALIKE.entries()) {
      const [one, other] = ['real', 'ours'].map((who) => join(directory(), `${who}-${at}`));
      const at1 = (file: string) => argv.map((word) => word.replace('LOG', file));
      const expected = await real(at1(one ?? ''));
      const got = await cli(at1(other ?? ''), {
        HOME: directory(),
        NODEVISOR_URI: '',
        LIBVIRT_DEFAULT_URI: 'test:///default',
      });
      const logs = argv.some((word) => word.includes('LOG')) ? [one, other].map((file) => logged(file ?? '')) : [];
      if (JSON.stringify([expected, logs[0]]) === JSON.stringify([got, logs[1]])) continue;
      wrong.push(`${argv.join(' ')}\n${JSON.stringify([expected, logs[0]])}\n${JSON.stringify([got, logs[1]])}`);
    }
    assert.equal(wrong.length, 0, wrong.join('\n\n'));
  });
});
