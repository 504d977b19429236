import { strict as assert } from 'node:assert';
import { commandGroups } from '../../../src/tools/cli/virsh/groups.ts';
import { cli } from '../cli/support.ts';
import { ask } from './ask.ts';
import type { Case, MissingCase } from './cases/case.ts';
import { cases } from './cases/index.ts';
import { missingCases } from './cases/missing.ts';
import { fileIn, scratchDirectory, virsh } from './support.ts';

const FILES = {
  'new.xml': "<domain type='test'><name>new</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>",
  'bad.xml': '<domain',
  'disk.xml': "<disk type='file' device='disk'><source file='/z'/><target dev='vdz' bus='virtio'/></disk>",
  'net.xml': "<network><name>other</name><bridge name='virbr9'/></network>",
  'pool.xml': "<pool type='dir'><name>p2</name><target><path>/p2</path></target></pool>",
  'vol.xml': "<volume><name>v2</name><capacity unit='bytes'>1048576</capacity></volume>",
  'cpu.xml': '<cpu><model>rv64</model></cpu>',
  'cd.xml': `<domain type='test'><name>cd</name><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>
    <disk type='file' device='cdrom'><source file='/iso'/><target dev='hdc' bus='ide'/></disk></devices></domain>`,
  'screens.xml': `<domain type='test'><name>screens</name><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>
    <graphics type='vnc' port='5901' listen='127.0.0.1'/>
    <graphics type='spice' port='5902' tlsPort='5903' listen='0.0.0.0'/></devices></domain>`,
  data: 'hello',
};

function same(actual: string, expected: string | RegExp, what: string): void {
  if (typeof expected === 'string') assert.equal(actual, expected, what);
  else assert.match(actual, expected, what);
}

describe('the commands over a connection', () => {
  const directory = scratchDirectory();
  const env = { NODEVISOR_URI: 'test:///default', EDITOR: 'true', VISUAL: '' };
  const here = <T extends string | RegExp>(text: T): T =>
    typeof text === 'string' ? (text.replaceAll('DIR', directory()) as T) : text;
  before(() => {
    for (const [name, contents] of Object.entries(FILES)) fileIn(directory(), name, contents);
  });

  /** What the last command of a line shows: commands before it are run, and what they say is cut off. */
  async function lastOf(options: readonly string[], line: string) {
    const run = (text: string) => cli([...options, `${here(text)};`], env);
    const earlier = line.slice(0, line.lastIndexOf('; ') + 1);
    const before = /; (quit|exit)/.test(line) || earlier === '' ? '' : (await run(earlier)).out;
    const { code, out, err } = await run(line);
    // Numbers that pass and texts of temporary things are not in what comes before.
    return { code, out: out.slice(before.length), err };
  }

  /** The same of one command over a backend with other answers. */
  async function answered({ answers }: Case, format: 'table' | 'json', line: string) {
    if (answers === undefined) return lastOf(format === 'json' ? ['--output', 'json'] : [], line);
    return { ...(await ask(here(line), format, answers, env)), err: '' };
  }

  async function checkTable(one: Case) {
    const [line, shown] = one.table;
    const { code, out, err } = await answered(one, 'table', line);
    assert.equal(err, '', line);
    assert.equal(code, 0, line);
    const help = line.includes('--help') || line.startsWith('completion');
    const text = help ? out : out.replace(/\n$/, '');
    assert.ok(help || out.endsWith('\n'), line);
    same(text, here(shown), line);
  }

  async function checkJson(one: Case) {
    const { table, json } = one;
    const [line, expected] = json;
    const command = (line ?? table[0]).replace(' --human', '').replace('--print-xml --print-xml', '--print-xml');
    const { code, out, err } = await answered(one, 'json', command);
    assert.equal(err, '', command);
    assert.equal(code, 0, command);
    const value: unknown = JSON.parse(out);
    if (typeof expected === 'function') assert.ok(expected(value), `${command}: ${out}`);
    else assert.deepEqual(value, expected, command);
  }

  async function checkError({ error: [line, ...said] }: Case) {
    const { code, err } = await lastOf([], line);
    const lines = err.trimEnd().split('\n');
    assert.equal(lines.length, said.length, `${line}: ${err}`);
    for (const [i, expected] of said.entries()) {
      assert.ok(lines[i]?.startsWith('error: '), err);
      same(lines[i]?.slice('error: '.length) ?? '', here(expected), line);
    }
    assert.equal(code, 1, line);
  }

  async function checkMissing({ line, said }: MissingCase) {
    const wanted = said.map((text) => `error: ${here(text)}\n`).join('');
    assert.deepEqual(await cli([`${here(line)};`], env), { code: 1, out: '\n', err: wanted });
    assert.deepEqual(await cli(['--output', 'json', `${here(line)};`], env), { code: 1, out: '', err: wanted });
  }

  it('has no case that belongs to no command', () => {
    const names = commandGroups.flatMap(({ commands }) => commands.map(({ name }) => name));
    assert.deepEqual(
      [...Object.keys(cases), ...Object.keys(missingCases)].filter((name) => !names.includes(name)),
      [],
    );
  });

  for (const { commands, title } of commandGroups) {
    describe(title, () => {
      for (const { name } of commands) {
        const absent = missingCases[name];
        if (absent !== undefined) {
          it(`${name}: says that there is no such call, in libvirt's words`, () => checkMissing(absent));
          continue;
        }
        it(`${name}: for people, for programs, and when it fails`, async () => {
          const one = cases[name];
          assert.ok(one, `there is no case for ${name}`);
          await checkTable(one);
          await checkJson(one);
          await checkError(one);
        });
      }
    });
  }
});

describe('the command line of commands', () => {
  it('takes options in any place, by position or by name', async () => {
    for (const argv of [
      ['domstate', '--reason', 'test'],
      ['domstate', '--domain', 'test', '--reason'],
      ['domstate', '--domain=test', '--reason'],
      ['domstate', '--reason', '--', 'test'],
      ['domstate test --reason'],
      ["domstate 'te'st --rea\\son # and a remark"],
    ]) {
      assert.deepEqual(await virsh(...argv), { code: 0, out: 'running (booted)\n\n', err: '' }, argv.join(' '));
    }
  });

  it('finds domains by id, UUID in any form, and name', async () => {
    for (const called of ['1', '6695eb01-f6a4-8304-79aa-97f2502e193f', '6695EB01F6A4830479AA97F2502E193F', 'test']) {
      assert.match((await virsh('dominfo', called)).out, /^Id: +1\nName: +test\n/, called);
    }
  });

  it('runs nothing of a line when one of its commands is called wrongly', async () => {
    const { code, out, err } = await virsh('destroy test; list --frob; frob');
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.equal(err, "error: command 'list' doesn't support option --frob\n");
    assert.equal((await virsh("destroy 'test;")).err, "error: missing '\n");
  });

  it('goes on after a command that failed, and ends with the status of the last', async () => {
    const { code, out, err } = await virsh('domstate nope; domstate test');
    assert.equal(code, 0);
    // An empty line is behind each of them.
    assert.equal(out, '\nrunning\n\n');
    assert.equal(err, "error: failed to get domain 'nope'\n");
    assert.equal((await virsh('domstate test; domstate nope')).code, 1);
  });

  it('takes the connection from -c, from the environment, and refuses changes with --readonly', async () => {
    const { out } = await cli(['-c', 'test:///default', 'uri'], { NODEVISOR_URI: 'odd:///' });
    assert.equal(out, 'test:///default\n\n');
    assert.match(
      (await cli(['uri'], { NODEVISOR_URI: 'odd:///' })).err,
      /^error: failed to connect to the hypervisor\n/,
    );
    const refused = await virsh('-r', 'destroy', 'test');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^error: Failed to destroy domain 'test'\nerror: operation forbidden/);
  });

  it('shows one JSON document for each command, in any command that is asked for it', async () => {
    const { out } = await virsh('domid test --output json; domid test');
    assert.equal(out, '{\n  "id": 1\n}\n1\n\n');
    const { code, err } = await virsh('list', '--output', 'xml');
    assert.equal(code, 1);
    assert.equal(err, "error: unknown output format 'xml': there are table and json\n");
  });

  it('replaces what could move the cursor in a title', async () => {
    const { out } = await virsh(`desc test --title "a\u001b[2Jb"; list --title`);
    assert.ok(!out.includes('\u001b') || /XML|title/.test(out), out);
  });
});

describe('event', () => {
  it('shows each event as it comes, until its time is over', async () => {
    const watching = virsh('event', '--all', '--loop', '--timeout', '1');
    // The world of a test connection is shared by all who are connected.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await virsh('suspend test; resume test; destroy test');
    const { code, out } = await watching;
    assert.equal(code, 0, out);
    assert.match(out, /^event 'lifecycle' for domain 'test': Suspended Paused\n/);
    assert.match(
      out,
      /event 'lifecycle' for domain 'test': Stopped Destroyed\nevent loop timed out\nevents received: \d+\n\n$/,
    );
  });

  it('shows limits of a disk that were set, a line for each', async () => {
    const watching = virsh('event', 'test', 'tunable', '--timeout', '9');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await virsh('blkdeviotune', 'test', 'vda', '--total-bytes-sec', '3000');
    const { code, out } = await watching;
    assert.equal(code, 0, out);
    assert.match(
      out,
      /^event 'tunable' for domain 'test':\n\tblkdeviotune.disk: vda\n\tblkdeviotune.total_bytes_sec: 3000\n/,
    );
  });

  it('ends after one without --loop, and shows JSON one to a line', async () => {
    const watching = virsh('--output', 'json', 'event', 'test', 'lifecycle', '--timeout', '9');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await virsh('suspend test');
    const { code, out } = await watching;
    assert.equal(code, 0);
    const { event, name, type, detail } = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(
      { event, name, type, detail },
      { event: 'lifecycle', name: 'test', type: 'Suspended', detail: 'Paused' },
    );
  });

  it('fails when nothing happened', async () => {
    const { code, out } = await virsh('event', '--all', '--timeout', '1');
    assert.equal(code, 1);
    assert.equal(out, 'event loop timed out\nevents received: 0\n\n');
  });
});
