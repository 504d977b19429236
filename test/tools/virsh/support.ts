import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cli, NODE_ARGS, NOWHERE, type Result } from '../cli/support.ts';

/** Runs commands over a world of its own: `test:///default` as it is at first. */
export function virsh(...argv: readonly string[]): Promise<Result> {
  return cli(argv, { NODEVISOR_URI: 'test:///default', HOME: '/dev/null/home' });
}

/** What commands show as JSON; the last document when they are several. */
export async function virshJson(...argv: readonly string[]): Promise<unknown> {
  const { code, out, err } = await virsh('--output', 'json', ...argv);
  assert.equal(code, 0, err);
  const documents = out.split(/\n(?=[[{"])/);
  return JSON.parse(documents.at(-1) ?? '');
}

/** A directory that is gone after the tests of the suite it is called in. */
export function scratchDirectory(): () => string {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-test-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  return () => directory;
}

/** Writes a file into a directory and returns its path. */
export function fileIn(directory: string, name: string, contents: string): string {
  const path = join(directory, name);
  writeFileSync(path, contents);
  return path;
}

const DRIVER = fileURLToPath(new URL('../cli/pty-driver.py', import.meta.url));

/** Waits for a text on the terminal, then types another one or sends a signal. */
export type Step = readonly [expected: string, send: string | { signal: number }];

/** What a play on a terminal came to. */
export interface Played {
  readonly text: string;
  readonly status: number;
  readonly raw: readonly boolean[];
  readonly restored: boolean;
  readonly error: string | null;
}

/** Runs the command line on a pseudo-terminal. */
export function play(argv: readonly string[], steps: readonly Step[], env: NodeJS.ProcessEnv = {}): Played {
  return playCommand([process.execPath, ...NODE_ARGS, ...argv], steps, env);
}

/** Runs any command on a pseudo-terminal. @param raw types only while the terminal is in raw mode @param seconds limit */
export function playCommand(
  argv: readonly string[],
  steps: readonly Step[],
  env: NodeJS.ProcessEnv = {},
  raw = false,
  seconds = 25,
): Played {
  const job = { argv, steps, seconds, raw };
  const { stdout, stderr, status } = spawnSync('python3', [DRIVER], {
    input: JSON.stringify(job),
    encoding: 'utf8',
    env: { ...process.env, ...NOWHERE, ...env },
  });
  assert.equal(status, 0, stderr);
  const played = JSON.parse(stdout) as Played;
  assert.equal(played.error, null, played.text);
  return played;
}
