import { strict as assert } from 'node:assert';
import { commandGroups, findCommand } from '../../../src/tools/cli/virsh/groups.ts';
import { commandHelp } from '../../../src/tools/cli/virsh/help.ts';
import { needTool } from '../../support/need-tool.ts';
import { scratchDirectory } from '../../tools/virsh/support.ts';
import { helpDifferences, onlyOurs, onlyReal } from './help.ts';
import { lines as host } from './lines/host.ts';
import { lines as lifeCycle } from './lines/life-cycle.ts';
import { lines as monitor } from './lines/monitor.ts';
import { lines as more } from './lines/more.ts';
import { lines as shell } from './lines/shell.ts';
import { lines as storageNetwork } from './lines/storage-network.ts';
import { lines as tuning } from './lines/tuning.ts';
import { lines as volumeSnapshot } from './lines/volume-snapshot.ts';
import { both, type Pair, realHelp, writeFiles } from './oracle.ts';
import { type Difference, differences, equal, type Lines, linesOf, plain } from './verdict.ts';

const groups: Readonly<Record<string, Lines>> = {
  'the command line and the shell': shell,
  "domains' life cycle": lifeCycle,
  'what domains do': monitor,
  'vCPUs, memory, devices and texts': tuning,
  'networks and pools': storageNetwork,
  'volumes and snapshots': volumeSnapshot,
  'the host': host,
  'limits, saving, guests and what the host has': more,
};

/** Processes of virsh that run at a time. */
const AT_A_TIME = 4;

function shown({ real, ours }: Pair): string {
  const one = (who: string, { code, out, err }: Pair['real']) =>
    `--- ${who}, status ${code}\n${out}${err === '' ? '' : `--- on stderr\n${err}`}`;
  return `${one('virsh', real)}\n${one('nodevisor', ours)}`;
}

describe("the command line beside Debian's virsh", function () {
  this.timeout(120_000);
  const directory = scratchDirectory();
  before(function () {
    needTool(this, 'virsh', 'libvirt-clients');
    writeFiles(directory());
  });

  async function pairOf(line: string): Promise<Pair> {
    const { real, ours } = await both(line, directory());
    return { real: plain(real), ours: plain(ours) };
  }

  async function check(lines: readonly string[], holds: (pair: Pair) => boolean, what: string): Promise<void> {
    const wrong: string[] = [];
    for (const line of lines) {
      const pair = await pairOf(line);
      if (!holds(pair)) wrong.push(`${line}\n${shown(pair)}`);
    }
    assert.equal(wrong.length, 0, `${what}:\n${wrong.join('\n\n')}`);
  }

  for (const [title, lines] of Object.entries(groups)) {
    describe(title, () => {
      const same = linesOf(lines.same);
      it(`says and does the same, to the byte (${same.length} lines)`, () => check(same, equal, 'not the same'));

      for (const [kind, { why, holds }] of Object.entries(differences)) {
        const different = linesOf(lines[kind as Difference]);
        if (different.length === 0) continue;
        it(`differs on purpose in ${different.length} lines: ${why}`, () =>
          check(
            different,
            // What has become the same belongs to the lines that must stay so.
            (pair) => !equal(pair) && holds(pair.real, pair.ours),
            'differs in another way, or not at all',
          ));
      }

      for (const [line, why] of lines.own ?? []) {
        it(`differs on purpose: ${line} (${why})`, () =>
          check([line], (pair) => !equal(pair), 'does not differ any more'));
      }
    });
  }

  describe('help', () => {
    it('names the commands that virsh has, but for some', async () => {
      const text = await realHelp(undefined, directory());
      const real = text.split('\n').flatMap((line) => /^ {4}([\w-]+) /.exec(line)?.[1] ?? []);
      const ours = commandGroups.flatMap(({ commands }) => commands.map(({ name }) => name));
      assert.ok(real.length > 200, text);
      assert.deepEqual(real.filter((name) => !ours.includes(name)).sort(), Object.values(onlyReal).flat().sort());
      assert.deepEqual(ours.filter((name) => !real.includes(name)).sort(), [...onlyOurs].sort());
    });

    /** Name, synopsis and options: what a script depends on; descriptions are in words of their own. */
    function form(text: string): string {
      const [, name = '', , , synopsis = ''] = text.split('\n');
      const options = (text.split('  OPTIONS\n')[1] ?? '').split('\n').flatMap((line) => {
        const [, option] = /^ {4}(\[?--[\w-]+\]?(?: <\w+>)?|<\w+>) /.exec(line) ?? [];
        return option === undefined ? [] : [option];
      });
      const plainly = (line: string) => line.replace(/\[\[--([\w-]+)\] <string>\]/g, '[<$1>]').trimEnd();
      const named = options.map((option) => option.replace(/^<(\w+)>$/, '[--$1] <string>'));
      return [name.split(' - ')[0], plainly(synopsis), ...named].join('\n');
    }

    it('has the same form for each command, but for the options listed', async () => {
      const wrong: string[] = [];
      const stale = new Set(Object.keys(helpDifferences));
      const names = commandGroups.flatMap(({ commands }) => commands.map(({ name }) => name));
      const common = names.filter((name) => !onlyOurs.includes(name));
      const asked = new Map<string, Promise<string>>();
      for (const [index, name] of common.entries()) {
        for (const next of common.slice(index, index + AT_A_TIME)) {
          if (!asked.has(next)) asked.set(next, realHelp(next, directory()));
        }
        const real = form((await asked.get(name)) ?? '');
        const ours = form(commandHelp(findCommand(name)!));
        if (real === ours) continue;
        stale.delete(name);
        if (helpDifferences[name] === undefined) wrong.push(`--- virsh\n${real}\n--- nodevisor\n${ours}`);
      }
      assert.equal(wrong.length, 0, wrong.join('\n\n'));
      assert.deepEqual([...stale], [], 'does not differ any more');
    });
  });
});
