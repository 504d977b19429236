import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Completer } from '../../../src/tools/cli/virsh/completer.ts';
import { completionScript } from '../../../src/tools/cli/virsh/completion-script.ts';
import { commandGroups } from '../../../src/tools/cli/virsh/groups.ts';
import { type Connection, connect } from '../../../src/virt/index.ts';
import { needTool } from '../../support/need-tool.ts';
import { fileIn, scratchDirectory } from './support.ts';

const ZSH_DRIVER = fileURLToPath(new URL('zsh-driver.zsh', import.meta.url));

function checkSyntax(shell: string): void {
  const { status, stderr } = spawnSync(shell, ['-n'], {
    input: completionScript(shell, commandGroups),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
}

describe('completion in bash', () => {
  const directory = scratchDirectory();
  before(function () {
    needTool(this, 'bash', 'bash');
  });

  /** What bash would offer for the last of these words. */
  function offers(...words: readonly string[]): string[] {
    const script = fileIn(directory(), 'completion.bash', completionScript('bash', commandGroups));
    // In the place of the program: says how it was called.
    const stub = fileIn(
      directory(),
      'nodevisor',
      '#!/bin/sh\necho "alpha beta"; echo "called-$(echo "$*" | tr " " _)"\n',
    );
    chmodSync(stub, 0o755);
    const run = `source ${script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nodevisor; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', run, 'bash', 'nodevisor', ...words], {
      encoding: 'utf8',
      cwd: directory(),
      env: { ...process.env, PATH: `${directory()}:${process.env['PATH']}` },
    });
    assert.equal(stderr, '');
    return stdout.split('\n').filter((line) => line !== '');
  }

  it('has a script that bash accepts', () => checkSyntax('bash'));

  it('offers commands, those without a connection too, and options before them', () => {
    assert.deepEqual(offers('domst'), ['domstate', 'domstats']);
    assert.deepEqual(offers('doc'), ['doctor']);
    assert.deepEqual(offers('--con'), ['--connect']);
  });

  it('offers options of a command, and words for their values', () => {
    assert.deepEqual(offers('domstate', 'x', '--re'), ['--reason']);
    assert.deepEqual(offers('shutdown', 'x', '--mode', 'ac'), ['acpi']);
    assert.deepEqual(offers('list', '--output', ''), ['table', 'json']);
    assert.deepEqual(offers('image', 'c'), ['create', 'convert', 'check', 'commit', 'compare']);
    assert.deepEqual(offers('image', 'create', 'x', '--back').slice(0, 2), ['--backing', '--backing-format']);
    assert.deepEqual(offers('-l', 'file', 'domst'), ['domstate', 'domstats']);
    assert.deepEqual(offers('run', '--smp', 'x', '--mem'), ['--memory']);
  });

  it('asks the program for names, on the connection that was given', () => {
    assert.deepEqual(offers('domstate', ''), ['alpha', 'beta', 'called-list_--all_--name']);
    assert.deepEqual(offers('-c', 'test:///default', 'destroy', 'called'), [
      'called---connect_test:///default_list_--name',
    ]);
    assert.deepEqual(offers('net-start', '--network', 'called'), ['called-net-list_--inactive_--name']);
    assert.deepEqual(offers('snapshot-info', 'box', 'called'), ['called-snapshot-list_box_--name']);
    assert.deepEqual(offers('domifstat', 'box', 'called'), ['called--q_domiflist_box']);
    assert.deepEqual(offers('domstats', '--raw', 'x', 'al'), ['alpha']);
    assert.deepEqual(offers('domstats', '--output', 'j'), ['json']);
  });

  it('offers files where one is wanted', () => {
    fileIn(directory(), 'one.xml', '');
    assert.deepEqual(offers('define', 'one'), ['one.xml']);
    assert.deepEqual(offers('run', '--kernel', 'one'), ['one.xml']);
  });
});

describe('completion in zsh', function () {
  this.timeout(60_000);
  const directory = scratchDirectory();
  before(function () {
    needTool(this, 'zsh', 'zsh');
    fileIn(directory(), '_nodevisor', completionScript('zsh', commandGroups));
    const stub = fileIn(
      directory(),
      'nodevisor',
      '#!/bin/sh\necho "alpha beta"; echo "called-$(echo "$*" | tr " " _)"\n',
    );
    chmodSync(stub, 0o755);
  });

  /** What an interactive zsh would offer at the end of a line, on a pseudo-terminal. */
  function offers(line: string): string[] {
    rmSync(join(directory(), 'offers'), { force: true });
    const { stdout, stderr } = spawnSync('zsh', ['-f', ZSH_DRIVER, directory(), line], { encoding: 'utf8' });
    assert.equal(stderr, '', line);
    return stdout.split('\n').filter((word) => word !== '' && word !== '.');
  }

  it('has a script that zsh accepts', () => checkSyntax('zsh'));

  it('offers commands, options and words for their values', () => {
    assert.deepEqual(offers('domst'), ['domstate', 'domstats']);
    assert.deepEqual(offers('domstate x --re'), ['--reason']);
    assert.deepEqual(offers('list --output '), ['table', 'json']);
    assert.deepEqual(offers('shutdown x --mode ac'), ['acpi']);
    assert.deepEqual(offers('image c'), ['create', 'convert', 'check', 'commit', 'compare']);
  });

  it('asks the program for names, on the connection that was given', () => {
    assert.deepEqual(offers('domstate '), ['alpha', 'beta', 'called-list_--all_--name']);
    assert.deepEqual(offers('-c test:///default destroy called'), ['called---connect_test:///default_list_--name']);
  });
});

describe('completion in the shell', () => {
  let connection: Connection;
  before(async () => {
    connection = await connect('test:///default');
  });
  after(() => connection.close());

  async function offers(line: string): Promise<readonly string[]> {
    const [candidates] = await new Completer(() => Promise.resolve(connection)).complete(line);
    return candidates;
  }

  it('starts with commands, after each semicolon too', async () => {
    assert.deepEqual(await offers('domsta'), ['domstate', 'domstats']);
    assert.deepEqual(await offers('list; domstate'), ['domstate ']);
    assert.deepEqual(await offers('nonsense '), []);
  });

  it('offers options that were not given yet', async () => {
    assert.ok(!(await offers('list --all --')).includes('--all'));
    assert.deepEqual(await offers('list --all --tr'), ['--transient ']);
  });

  it('offers the names that there are', async () => {
    assert.deepEqual(await offers('domstate '), ['test ']);
    assert.deepEqual(await offers('start '), []);
    assert.deepEqual(await offers('domstate --domain t'), ['test ']);
    assert.deepEqual(await offers('net-info d'), ['default ']);
    assert.deepEqual(await offers('vol-list '), ['default-pool ']);
    assert.deepEqual(await offers('shutdown test --mode ac'), ['acpi ']);
    assert.deepEqual(await offers('domifstat test '), ['testnet0 ']);
    assert.deepEqual(await offers('help netw'), ['network ']);
  });

  it('offers files and directories', async () => {
    assert.deepEqual(await offers('define package.j'), ['package.json ']);
    assert.deepEqual(await offers('cd src/too'), ['src/tools/']);
  });

  it('offers nothing where it could not be put back: between quotes, without a connection', async () => {
    assert.deepEqual(await offers("domstate 't"), []);
    assert.deepEqual((await new Completer(() => undefined).complete('domstate '))[0], []);
  });
});
