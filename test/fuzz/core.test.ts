/** The native core without Node, built by clang with AddressSanitizer and UndefinedBehaviorSanitizer. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needTool } from '../support/need-tool.ts';
import { writeCorpus } from './core-corpus.ts';

/** Whole it takes a quarter of an hour, ten minutes of which are libFuzzer's. */
const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const PROGRAMS = FULL ? 5000 : 300;
const SMOKE_PROGRAMS = FULL ? 20_000 : 1000;
const FUZZ_SECONDS = Number(process.env['NODEVISOR_FUZZ_SECONDS'] ?? (FULL ? 600 : 30));

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = join(root, 'build/sanitized');

/** Runs a command to its end; it must succeed. */
function run(command: string, args: readonly string[], cwd = root): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`;
  assert.equal(status, 0, `${command} ${args.join(' ')} ended with ${signal ?? status}:\n${said.slice(-6000)}`);
  return said;
}

describe('the native core under sanitizers', function () {
  this.timeout(3_600_000);
  let folder: string;
  let corpus: string;

  before(function () {
    needTool(this, 'clang++', 'clang and libclang-rt-dev');
    needTool(this, 'cmake', 'cmake');
    run('npm', ['run', '--silent', 'core:sanitized']);
    folder = mkdtempSync(join(tmpdir(), 'nodevisor-fuzz-'));
    corpus = join(folder, 'corpus');
    writeCorpus(corpus, PROGRAMS);
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it('runs its smoke test', () => {
    run(join(built, 'core_smoke'), [String(SMOKE_PROGRAMS)]);
  });

  it(`runs ${PROGRAMS} random programs on both tiers alike`, () => {
    const said = run(join(built, 'core_fuzz'), ['-runs=0', '-len_control=0', '-max_len=16384', corpus], folder);
    assert.match(said, new RegExp(`INFO: +seed corpus: files: ${PROGRAMS} `));
  });

  it(`survives ${FUZZ_SECONDS} s of programs that come from those by mutation`, () => {
    const found = join(folder, 'found-');
    const bounds = [`-max_total_time=${FUZZ_SECONDS}`, '-len_control=0', '-max_len=4096', '-timeout=20'];
    const said = run(join(built, 'core_fuzz'), [...bounds, `-artifact_prefix=${found}`, corpus], folder);
    assert.match(said, /Done \d+ runs/);
  });
});
