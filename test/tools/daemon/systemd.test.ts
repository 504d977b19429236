import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtCommand } from '../../support/built.ts';
import { needTool } from '../../support/need-tool.ts';
import { until } from '../../virt/backend-contract.ts';
import { DaemonBench, run } from './daemon-process.ts';

const readme = fileURLToPath(new URL('../../../README.md', import.meta.url));

/** The units that the README has, by the names of their files. */
function unitsOfReadme(): Map<string, string> {
  const lines = readFileSync(readme, 'utf8').split('\n');
  const units = new Map<string, string[]>();
  let unit: string[] | undefined;
  for (const line of lines) {
    const name = /^ {4}# \/etc\/systemd\/system\/(\S+)$/.exec(line)?.[1];
    if (name !== undefined) {
      unit = [];
      units.set(name, unit);
    } else if (line.startsWith('    ')) unit?.push(line.slice(4));
    else if (line !== '') unit = undefined;
  }
  return new Map([...units].map(([name, text]) => [name, `${text.join('\n')}\n`]));
}

describe('a daemon under systemd', function () {
  this.timeout(60_000);
  let bench: DaemonBench;

  beforeEach(() => {
    bench = new DaemonBench();
  });
  afterEach(() => bench.remove());

  it('has units in the README that systemd finds nothing wrong with', async function () {
    needTool(this, 'systemd-analyze', 'systemd');
    const units = unitsOfReadme();
    assert.deepEqual([...units.keys()], ['nodevisor.service', 'nodevisor.socket']);
    const paths = [...units].map(([name, text]) => {
      const path = join(bench.directory, name);
      // The program that is to be run is not installed there while it is tested.
      assert.ok(name !== 'nodevisor.service' || text.includes('ExecStart=/usr/bin/nodevisor daemon '));
      writeFileSync(path, text.replace('/usr/bin/nodevisor ', `${process.execPath} `));
      return path;
    });
    const { code, out, err } = await run('systemd-analyze', ['verify', '--man=no', ...paths]);
    const about = `${out}${err}`.split('\n').filter((line) => line.includes('nodevisor'));
    assert.deepEqual([code, about], [0, []]);
  });

  it('is started by the first client of its sockets, and by the next after it has gone', async function () {
    needTool(this, 'systemd-socket-activate', 'systemd');
    needTool(this, 'virsh', 'libvirt-clients');
    const socket = join(bench.directory, 'sock');
    const daemon = [process.execPath, builtCommand(), 'daemon', '--state', bench.state, '--idle-timeout', '1'];
    for (const round of ['first', 'next']) {
      const names = '--fdname=nodevisor.socket:nodevisor-ro.socket';
      const child = spawn('systemd-socket-activate', ['-l', socket, '-l', `${socket}-ro`, names, ...daemon], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const exit = new Promise((resolve) => child.once('exit', resolve));
      let said = '';
      child.stderr.on('data', (text: Buffer) => {
        said += text;
      });
      await until(() => said.includes('-ro as 4'), 'systemd listens');
      assert.equal(existsSync(bench.state) && round === 'first', false, 'nothing runs before somebody comes');
      const uri = (suffix = '') => `nodevisor:///session?socket=${socket}${suffix}`;
      const list = await run('virsh', ['-q', '-c', uri(), 'list', '--all']);
      assert.deepEqual([list.code, list.err], [0, ''], round);
      const start = await run('virsh', ['-q', '-c', uri('-ro'), 'net-define', '/dev/null']);
      assert.match(start.err, /read only access/);
      assert.equal(await exit, 0, 'it ends when nobody has wanted it for a while');
      assert.ok(existsSync(socket), 'the sockets are not its own');
    }
  });
});
