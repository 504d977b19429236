import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandGroups } from '../../../src/tools/cli/virsh/groups.ts';
import { commandHelp, groupHelp } from '../../../src/tools/cli/virsh/help.ts';
import { cli } from '../cli/support.ts';
import { virsh } from './support.ts';

const GOLDEN = fileURLToPath(new URL('help.golden.txt', import.meta.url));

/** All help there is, in one text. */
function everything(): string {
  const parts = commandGroups.flatMap((group) => [groupHelp(group), ...group.commands.map(commandHelp)]);
  return `${parts.join('\n')}`;
}

describe('help', () => {
  it('is what was looked at last (NODEVISOR_UPDATE_GOLDEN=1 writes it anew)', () => {
    if (process.env['NODEVISOR_UPDATE_GOLDEN'] !== undefined) writeFileSync(GOLDEN, everything());
    assert.equal(everything(), readFileSync(GOLDEN, 'utf8'));
  });

  it('names every command and every group', async () => {
    const { out } = await virsh('help');
    for (const { keyword, commands } of commandGroups) {
      assert.ok(out.includes(`(help keyword '${keyword}'):`), keyword);
      for (const { name, summary } of commands) assert.ok(out.includes(`    ${name.padEnd(30)} ${summary}\n`), name);
    }
  });

  it('is the same by either way of asking', async () => {
    const [{ out: asked }, { out: option }] = await Promise.all([virsh('help', 'start'), virsh('start', '--help')]);
    assert.equal(asked, option);
  });

  it('shows what there is when nothing is asked for', async () => {
    const { code, out, err } = await cli(['--help']);
    assert.equal(code, 0);
    assert.equal(err, '');
    assert.match(out, /^Usage: nodevisor /);
    assert.match(out, /^ {2}run +/m);
    assert.match(out, /^ {4}net-update +/m);
  });

  it('refuses options before the command that there are not', async () => {
    const refused = (said: string) => ({ code: 1, out: '', err: `error: ${said}\n` });
    assert.deepEqual(await cli(['--frob', 'list']), refused("unsupported option '--frob'. See --help."));
    assert.deepEqual(await cli(['-rx', 'list']), refused("unsupported option '-rx'. See --help."));
    assert.deepEqual(await cli(['-c']), refused("option '-c'/'--connect' requires an argument"));
    assert.deepEqual(
      await cli(['--output', 'xml', 'list']),
      refused("unknown output format 'xml': there are table and json"),
    );
    assert.deepEqual(await cli(['-e', 'ab', 'list']), refused("Invalid string 'ab' for escape sequence"));
  });

  it('takes options before the command in each way of writing them', async () => {
    for (const argv of [
      ['-rctest:///default'],
      ['-rc', 'test:///default'],
      ['--connect=test:///default', '-r', '--'],
    ]) {
      assert.equal((await cli([...argv, 'uri'])).out, 'test:///default\n\n', argv.join(' '));
    }
    const quiet = await cli(['-qc', 'test:///default', 'list; suspend test; domstate nope; vcpupin test 0']);
    assert.equal(quiet.out, ' 1   test   running\n 0   0-15\n');
    assert.match((await cli(['-t', '-c', 'test:///default', 'domid test'])).out, /^1\n\n\(Time: \d+\.\d{3} ms\)\n\n$/);
  });

  it('has options and names that no command gives twice', () => {
    const names = commandGroups.flatMap(({ commands }) => commands.map(({ name }) => name));
    assert.equal(new Set(names).size, names.length);
    for (const { name, options } of commandGroups.flatMap(({ commands }) => commands)) {
      assert.equal(new Set(options.map((option) => option.name)).size, options.length, name);
    }
  });
});
