import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { forEachBackend } from '../support/backends.ts';
import { needTool } from '../support/need-tool.ts';
import { NODE_ARGS } from '../tools/cli/support.ts';

const DRIVER = fileURLToPath(new URL('../tools/cli/pty-driver.py', import.meta.url));

/** Waits for a text on the terminal, then types another one or sends a signal. */
type Step = readonly [expected: string, send: string | { signal: number }];

interface Played {
  readonly text: string;
  readonly status: number;
  readonly raw: readonly boolean[];
  readonly restored: boolean;
  readonly error: string | null;
}

/** Runs `nodevisor run` with the bundled guest on a pseudo-terminal. */
function playRun(options: readonly string[], steps: readonly Step[]): Played {
  const job = { argv: [process.execPath, ...NODE_ARGS, 'run', ...options], steps, seconds: 25 };
  const { stdout, stderr, status } = spawnSync('python3', [DRIVER], { input: JSON.stringify(job), encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const played = JSON.parse(stdout) as Played;
  assert.equal(played.error, null, played.text);
  return played;
}

forEachBackend((backend) => {
  describe(`run on a terminal, on ${backend}`, function () {
    this.timeout(30_000);
    const play = (options: readonly string[], steps: readonly Step[]) =>
      playRun(['--cpu-backend', backend, ...options], steps);

    before(function () {
      needTool(this, 'python3', 'python3');
    });

    it('passes every key to the guest, helps on Ctrl-A H, and ends on Ctrl-A X', () => {
      const { status, raw, restored, text } = play(
        ['--append', 'shell', '--smp', '1'],
        [
          ['guest> ', 'run spin\r'],
          // Without raw mode this one would end us, not the guest's program.
          ['run spin', '\x03'],
          ['exit code 130', 'ecx\x7fho hello\r'],
          ['\nhello\r', '\x01h'],
          ['Ctrl-A X  end the machine', '\x01x'],
        ],
      );
      assert.equal(status, 0);
      assert.deepEqual(raw, [true, true, true, true, true]);
      assert.ok(restored, 'the terminal was not restored');
      assert.match(text, /\^C/);
    });

    it('plays the tour in colour and ends in the shell, until the guest powers off', () => {
      const { status, restored, text } = play([], [['guest>', 'poweroff\r']]);
      assert.equal(status, 0);
      assert.ok(restored);
      assert.ok(text.includes('\x1b[1;36m== 6. Several harts =='));
    });

    it('restores the terminal when a signal ends it', () => {
      const { status, raw, restored } = play(
        ['--append', 'shell', '--smp', '1'],
        [['guest> ', { signal: constants.signals.SIGTERM }]],
      );
      assert.equal(status, 143);
      assert.deepEqual(raw, [true]);
      assert.ok(restored);
    });

    it('leaves the terminal alone when the console is elsewhere', () => {
      const { status, raw, restored } = play(
        ['--console', 'none', '--append', 'shell', '--smp', '1', '--timeout', '1'],
        [],
      );
      assert.equal(status, 124);
      assert.deepEqual(raw, []);
      assert.ok(restored);
    });
  });
});
