import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageVersion } from '../../../src/tools/cli/cli.ts';
import { commandsOf } from '../../../src/tools/cli/command-loaders.ts';
import type { Diagnosis } from '../../../src/tools/cli/commands/doctor.ts';
import { commands } from '../../../src/tools/cli/machine-commands.ts';
import { cli, NODE_ARGS } from './support.ts';

describe('the command line', () => {
  it('lists its commands', async () => {
    const { code, out, err } = await cli(['--help']);
    assert.equal(code, 0);
    assert.equal(err, '');
    for (const { path, summary } of commands) if (path.length === 1) assert.ok(out.includes(summary), summary);
    assert.match(out, /^ {2}image/m);
  });

  it('explains each command with all its options', async () => {
    for (const { path, options, summary } of commands) {
      const { code, out } = await cli([...path, '--help']);
      assert.equal(code, 0);
      for (const { flags } of options) assert.ok(out.includes(flags), `${path.join(' ')} --help lacks ${flags}`);
      assert.ok(out.includes(summary));
    }
  });

  it('loads for a word the commands that begin with it, and none for others', async () => {
    for (const word of new Set(commands.map(({ path }) => path[0]))) {
      assert.deepEqual(
        await commandsOf(word),
        commands.filter(({ path }) => path[0] === word),
      );
    }
    for (const word of [undefined, '', 'list', 'toString']) assert.equal(await commandsOf(word), undefined);
    const images = commands.filter(({ path }) => path[0] === 'image');
    for (const one of images) assert.deepEqual(await commandsOf('image', one.path[1]), [one]);
    for (const word of ['', 'frob', 'toString', '--help']) assert.deepEqual(await commandsOf('image', word), images);
  });

  it('tells its version', async () => {
    assert.deepEqual(await cli(['--version']), { code: 0, out: `${packageVersion()}\n`, err: '' });
  });

  it('answers bad usage with status 2 and one line', async () => {
    const cases: [string[], RegExp][] = [
      [['frob'], /^nodevisor: unknown command 'frob'\n$/],
      [['frob', '--help'], /^nodevisor: unknown command 'frob'\n$/],
      [['instal', '--name', 'x'], /^nodevisor: unknown command 'instal'; did you mean 'install'\?\n$/],
      [['dominof'], /^nodevisor: unknown command 'dominof'; did you mean 'dominfo'\?\n$/],
      [['imgae'], /^nodevisor: unknown command 'imgae'; did you mean 'image'\?\n$/],
      [['run', '--frob'], /^nodevisor: unknown option '--frob'\n$/],
      [['run', '--smp'], /^nodevisor: option '--smp <n>' argument missing\n$/],
      [['run', 'a', 'b'], /^nodevisor: too many arguments/],
      [['image', 'pull'], /^nodevisor: missing required argument 'name'\n$/],
      [['image', 'pull', 'ubuntu'], /^nodevisor: unknown image 'ubuntu': there is debian\n$/],
      [
        ['run', '--cpu-backend', 'turbo'],
        /^nodevisor: unknown CPU backend 'turbo': there are auto, .*interpreter.*\n$/,
      ],
    ];
    for (const [argv, pattern] of cases) {
      const { code, out, err } = await cli(argv);
      assert.match(err, pattern, argv.join(' '));
      assert.equal(code, 2, argv.join(' '));
      assert.equal(out, '');
    }
  });

  it('explains the commands without a connection as the others', async () => {
    const { code, out } = await cli(['help', 'run']);
    assert.equal(code, 0);
    assert.equal(out, (await cli(['run', '--help'])).out);
    assert.equal((await cli(['help', 'image', 'info'])).out, (await cli(['image', 'info', '--help'])).out);
  });

  it('runs the commands on standard input when none is given', () => {
    const run = (input: string) =>
      spawnSync(process.execPath, NODE_ARGS, {
        input,
        encoding: 'utf8',
        env: { ...process.env, NODEVISOR_URI: 'test:///default' },
      });
    const { status, stdout, stderr } = run('domid test\necho --err a\ndomname 1\n');
    assert.deepEqual([status, stdout, stderr], [0, '1\n\n\ntest\n\n', 'error: a\n']);
    assert.equal(run('domid nope\n').status, 1);
  });

  it('fails when what it says cannot be written, but not when nobody reads on', function () {
    if (!existsSync('/dev/full')) this.skip();
    const file = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [...NODE_ARGS, '--version'], {
      stdio: ['ignore', file, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(file);
    assert.equal(status, 1);
    assert.match(stderr, /^nodevisor: cannot write to standard output: ENOSPC/);
  });

  it('says in one line what the system has refused', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-cli-'));
    try {
      // A file, where the daemon keeps definitions in a directory.
      writeFileSync(join(directory, 'domains'), '');
      const { code, err } = await cli(['daemon', '--state', directory, '--listen', `unix:${join(directory, 'sock')}`]);
      assert.equal(code, 1);
      assert.match(err, /^nodevisor: E[A-Z]+: [^\n]*domains'\n$/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('shows help and status 2 when no command is given', async () => {
    for (const argv of [[], ['image']]) {
      const { code, err } = await cli(argv);
      assert.equal(code, 2);
      assert.match(err, /^Usage: nodevisor/);
    }
  });
});

describe('doctor', () => {
  it('says which backends work, and why the others do not', async () => {
    const { code, out } = await cli(['doctor'], { XDG_CACHE_HOME: '/nonexistent' });
    assert.equal(code, 0);
    assert.match(out, /^ {2}yes {2}interpreter +works/m);
    assert.match(
      out,
      /^ {2}no {3}debian +not in \/nonexistent\/nodevisor\/images\/debian; get it with "nodevisor image/m,
    );
  });

  it('says which networks of the host can be joined, and why not the others', async () => {
    const { code, out } = await cli(['doctor'], { PATH: '/nonexistent' });
    assert.equal(code, 0);
    assert.match(out, /^ {2}no {3}passt +it is not installed$/m);
    for (const name of ['tap devices', 'bridges']) assert.match(out, new RegExp(`^ {2}(yes|no ) {2}${name} +\\S`, 'm'));
  });

  it('names the most memory that run gives', async () => {
    const most = Number(/a machine can have (\d+) MiB/.exec((await cli(['doctor'])).out)?.[1]);
    const dump = (mib: number) => cli(['run', '--memory', `${mib}M`, '--dump-dtb', '-']);
    assert.equal((await dump(most)).code, 0);
    assert.match((await dump(most + 1)).err, new RegExp(`${most} MiB at most`));
  });

  it('says the same for programs', async () => {
    const { code, out } = await cli(['doctor', '--json']);
    assert.equal(code, 0);
    const diagnosis = JSON.parse(out) as Diagnosis;
    assert.deepEqual(diagnosis.backends.map((b) => b.name).sort(), ['interpreter', 'native', 'wasm']);
    assert.equal(diagnosis.backends.filter((b) => b.auto).length, 1);
    for (const { name, ok, detail } of [...diagnosis.backends, ...diagnosis.host, ...diagnosis.networks])
      assert.ok(ok || detail, name);
  });
});
