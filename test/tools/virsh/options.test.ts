import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '../../../src/tools/cli/virsh/session.ts';
import { cli, type Result } from '../cli/support.ts';
import { scratchDirectory } from './support.ts';

const TEST = { NODEVISOR_URI: 'test:///default' };
const over = (...argv: string[]): Promise<Result> => cli(argv, TEST);

describe('options before the command', () => {
  const directory = scratchDirectory();

  it('-d: tells what is done, as much of it as asked for', async () => {
    for (const option of [['-d', '0'], ['-d0'], ['--debug=1']]) {
      const { out } = await over(...option, 'domid test; list --all --name');
      assert.equal(
        out.replace('domid: <domain> trying as domain NAME\n', ''),
        [
          'commands: "domid test; list --all --name"',
          'domid: domain(optdata): test',
          'list: all(bool): (none)',
          'list: name(bool): (none)',
          'Failed to setup keepalive on connection',
          'domid: found option <domain>: test',
          '1\n',
          'test\n\n',
        ].join('\n'),
      );
    }
    assert.equal((await over('-d', '2', 'domid', 'test')).out, '1\n\n');
    const { code, err } = await over('-d', '7', 'domid', 'test');
    assert.deepEqual([code, err], [0, 'error: ignoring debug level 7 out of range [0-4]\n']);
  });

  it('-l: writes errors and what -d tells into a file as well, behind what is there', async () => {
    const file = join(directory(), 'log');
    await over('-l', file, 'dominfo nope; echo --err a; domid test');
    await over(`--log=${file}`, '-d', '0', 'domid', 'test');
    const line = (level: string, text: string) =>
      `\\[\\d{4}(\\.\\d\\d){2} \\d\\d(:\\d\\d){2} nodevisor \\d+\\] ${level} ${text}\n`;
    const expected = [
      line('ERROR', "failed to get domain 'nope'"),
      line('ERROR', 'a'),
      line('INFO', 'domid: domain\\(optdata\\): test'),
      line('INFO', 'Failed to setup keepalive on connection'),
      line('INFO', 'domid: found option <domain>: test'),
      line('DEBUG', 'domid: <domain> trying as domain NAME'),
    ];
    assert.match(readFileSync(file, 'utf8'), new RegExp(`^${expected.join('')}$`));
    assert.deepEqual(await over('-l', '/nope/log', 'list'), {
      code: 1,
      out: '',
      err: 'error: failed to open the log file. check the log file path\n',
    });
  });

  it('-k, -K: are refused where there is no server to ask', async () => {
    assert.deepEqual(await over('-k', '3', 'domid', 'test'), {
      code: 1,
      out: '\n',
      err: [
        'error: Cannot setup keepalive on connection as requested, disconnecting',
        'error: failed to connect to the hypervisor',
        'error: this function is not supported by the connection driver: virConnectSetKeepAlive\n',
      ].join('\n'),
    });
    assert.equal((await over('-k', '0', '-K', '7', 'domid', 'test')).out, '1\n\n');
  });

  it('-k, -K: reach the connection', async () => {
    const { Session: Opened } = await import('../../../src/tools/cli/virsh/session.ts');
    const asked: unknown[] = [];
    const connect: NonNullable<ConstructorParameters<typeof Session>[1]>['connect'] = async (uri, options) => {
      asked.push(uri, options);
      throw new Error('far enough');
    };
    const { PassThrough } = await import('node:stream');
    const { EventEmitter } = await import('node:events');
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const context = { stdin, stdout, stderr, env: {}, events: new EventEmitter() };
    const options = { uri: 'nodevisor:///session', keepaliveSeconds: 4, keepaliveCount: 0, connect };
    await assert.rejects(new Opened(context, options).connection());
    assert.deepEqual(asked, ['nodevisor:///session', { readOnly: false, keepaliveMs: 4000, keepaliveCount: 0 }]);
  });

  it('are refused with what is wrong about them', async () => {
    const cases: [string[], string][] = [
      [['-d', 'x'], 'option -d takes a numeric argument'],
      [['--debug='], 'option --debug takes a numeric argument'],
      [['-k', 'x'], 'Invalid value for option -k'],
      [['-k', '99999999999'], 'Invalid value for option -k'],
      [['--keepalive-count=-3'], 'option --keepalive-count requires a positive integer argument'],
      [['-e', 'ab'], "Invalid string 'ab' for escape sequence"],
      [['-Z'], "unsupported option '-Z'. See --help."],
      [['--frob'], "unsupported option '--frob'. See --help."],
      [['--output', 'xml'], "unknown output format 'xml': there are table and json"],
    ];
    assert.equal((await over('-l')).err, "error: option '-l'/'--log' requires an argument\n");
    for (const [argv, said] of cases) {
      assert.deepEqual(await over(...argv, 'list'), { code: 1, out: '', err: `error: ${said}\n` }, argv.join(' '));
    }
  });

  it('-v and -V: show the version, in one line or more', async () => {
    const { out: short } = await over('-v');
    assert.match(short, /^\d+\.\d+\.\d+\n$/);
    for (const argv of [['--version'], ['--version=short']]) assert.equal((await over(...argv)).out, short);
    for (const argv of [['-V'], ['--version=long'], ['-qV']]) {
      const { out } = await over(...argv);
      assert.match(out, new RegExp(`^nodevisor ${short.trim()}: .*\nOn Node\\.js ${process.versions.node}, `));
    }
  });
});
