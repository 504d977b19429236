import { strict as assert } from 'node:assert';
import { readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needTool } from '../../support/need-tool.ts';
import { startCli } from '../cli/support.ts';
import { fileIn, type Played, play, scratchDirectory } from './support.ts';

const PROMPT = 'nodevisor # ';
const UP = '\x1b[A';
const GUEST = fileURLToPath(new URL('../../../src/guest/guest.elf', import.meta.url));

function guestXml(): string {
  return `<domain type='qemu'>
  <name>guest</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='riscv64' machine='virt'>hvm</type><kernel>${GUEST}</kernel><cmdline>shell</cmdline></os>
  <devices><console type='pty'/></devices>
</domain>`;
}

describe('the shell', function () {
  this.timeout(30_000);
  const directory = scratchDirectory();
  const env = () => ({ XDG_STATE_HOME: directory(), NODEVISOR_URI: 'test:///default' });
  before(function () {
    needTool(this, 'python3', 'python3');
  });

  describe('one session', () => {
    let played: Played;
    before(() => {
      played = play(
        [],
        [
          [PROMPT, 'suspend test; domstate test\r'],
          [PROMPT, 'domstate nope\r'],
          [PROMPT, 'resume test\r'],
          [PROMPT, ' echo unseen\r'],
          // A tab among other keys at once would be a pasted one.
          [PROMPT, 'domsta'],
          ['domsta', '\t'],
          ['t', '\t'],
          ['domstats', 'e t'],
          ['e t', '\t'],
          ['est ', '--re'],
          ['--re', '\t'],
          ['ason ', '\r'],
          ['running (unpaused)', 'net-info def'],
          ['net-info def', '\t'],
          ['ault ', '\r'],
          ['virbr0', 'destroy test\x03'],
          ['^C\r\n', 'event --all --loop\r'],
          ['event --all --loop\r', '\x03'],
          ['event loop interrupted', 'domstate test\r'],
          ['running', `cd ${directory()}\r`],
          [PROMPT, 'pwd\r'],
          [PROMPT, 'connect nope:///\r'],
          [PROMPT, 'connect test:///default --readonly\r'],
          ['nodevisor > ', 'destroy test\r'],
          ['nodevisor > ', 'domuuid test\r'],
          ['nodevisor > ', 'quit\r'],
        ],
        env(),
      );
    });

    it('runs commands one after the other, and several of a line', () => {
      const { text, status, restored } = played;
      assert.equal(status, 0);
      assert.ok(restored);
      assert.match(text, /Domain 'test' suspended\r\n\r\npaused\r\n/);
      assert.match(text, /error: failed to get domain 'nope'\r\n/);
    });

    it('completes commands, options and names', () => {
      assert.match(played.text, /running \(unpaused\)/);
      assert.match(played.text, /Bridge: +virbr0/);
    });

    it('gives a line up at Ctrl-C, and stops a command that waits', () => {
      assert.match(played.text, /events received: 0/);
      assert.doesNotMatch(played.text, /'test' destroyed/);
    });

    it('changes its directory and its connection', () => {
      const { text } = played;
      assert.ok(text.includes(`${directory()}\r\n`));
      assert.match(
        text,
        /error: failed to connect to the hypervisor\r\nerror: Failed to connect socket to '.*libvirt-sock'/,
      );
      assert.match(text, /error: operation forbidden/);
    });

    it('leaves its history for the next, in a file for the user alone', () => {
      const history = join(directory(), 'nodevisor', 'history');
      assert.equal(statSync(history).mode & 0o777, 0o600);
      const lines = readFileSync(history, 'utf8');
      assert.match(lines, /suspend test; domstate test\n[\s\S]*domuuid test\nquit\n$/);
      assert.doesNotMatch(lines, /unseen|destroy test\nevent/);
      const { text, status } = play(
        [],
        [
          [PROMPT, `${UP}${UP}\r`],
          ['6695eb01', '\x04'],
        ],
        env(),
      );
      assert.equal(status, 0);
      assert.match(text, /domuuid test[^\n]*\r\n6695eb01-f6a4-8304-79aa-97f2502e193f/);
    });
  });

  it('goes into the console of a domain and comes back', () => {
    const xml = fileIn(directory(), 'guest.xml', guestXml());
    const { text, status, restored } = play(
      ['-c', 'nodevisor:///embed'],
      [
        [PROMPT, `create ${xml}\r`],
        ['created from', 'console guest\r'],
        ['Escape character', '\r'],
        ['guest> ', 'echo in the guest\r'],
        ['\nin the guest', '\x1d'],
        [PROMPT, 'domstate guest\r'],
        ['running', 'quit\r'],
        ['would end with this shell', 'destroy guest\r'],
        ["'guest' destroyed", 'quit\r'],
      ],
      env(),
    );
    assert.equal(status, 0);
    assert.ok(restored, 'the terminal was not restored');
    assert.match(text, /Connected to domain 'guest'/);
  });

  it('gives the terminal back when a signal ends it in the console', () => {
    const xml = fileIn(directory(), 'guest.xml', guestXml());
    const { status, raw, restored } = play(
      ['-c', 'nodevisor:///embed', 'create', xml, '--console'],
      [
        ['Escape character', ''],
        ['guest> ', { signal: constants.signals.SIGTERM }],
      ],
      env(),
    );
    assert.equal(status, 143);
    assert.equal(raw.at(-1), true);
    assert.ok(restored, 'the terminal was not restored');
  });

  it('opens the editor, shows what is wrong with an edit, and opens it again', () => {
    const editor = fileIn(
      directory(),
      'editor.sh',
      `if [ -e ${directory()}/edited ]; then sed -i '$d; s/<on_crash>destroy/<on_crash>restart/' "$1"
       else touch ${directory()}/edited; echo '<' >> "$1"; fi`,
    );
    const { text } = play(
      [],
      [
        [PROMPT, 'edit test\r'],
        ['Try again? [y,n,i,?]:', 'y\r'],
        ['edited.', 'quit\r'],
      ],
      { ...env(), EDITOR: `sh ${editor}`, VISUAL: '' },
    );
    assert.match(text, /error: .*XML/);
    assert.match(text, /Domain 'test' XML configuration edited\./);
  });
});

describe('a script on standard input', () => {
  it('runs line by line, past failures, to its end', async () => {
    const running = startCli(['-c', 'test:///default']);
    running.type('# a comment\n\nsuspend test\ndomstate nope\ndomstate test; echo done\n');
    running.type('quit\n');
    const { code, out, err } = await running.result;
    assert.equal(code, 0);
    assert.equal(out, "Domain 'test' suspended\n\n\npaused\n\ndone\n");
    assert.equal(err, "error: failed to get domain 'nope'\n");
  });

  it('cannot have a console, which would read the rest of it', async () => {
    const running = startCli(['-c', 'test:///default']);
    running.type('console test\nquit\n');
    const { err } = await running.result;
    assert.match(err, /^error: Cannot run interactive console without a controlling TTY\n/);
  });
});
