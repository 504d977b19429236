/** The native core as other hosts have it: without an emitter for their processor, and on Windows. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needTool } from '../support/need-tool.ts';

const PROGRAMS = process.env['NODEVISOR_TEST_FULL'] !== undefined ? 5000 : 500;
const native = fileURLToPath(new URL('../../native', import.meta.url));

/** Runs a command to its end; it must succeed. Returns what it printed. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env });
  const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`;
  assert.equal(status, 0, `${command} ${args.join(' ')} ended with ${signal ?? status}:\n${said.slice(-6000)}`);
  return stdout;
}

describe('the native core', function () {
  this.timeout(600_000);
  let folder: string;

  before(function () {
    needTool(this, 'cmake', 'cmake');
    needTool(this, 'ninja', 'ninja-build');
    folder = mkdtempSync(join(tmpdir(), 'nodevisor-core-'));
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  /** Builds the smoke test without optimization, warnings being errors; returns its folder. */
  function build(name: string, ...options: string[]): string {
    const built = join(folder, name);
    const strict = ['-DCMAKE_BUILD_TYPE=Debug', '-DCMAKE_CXX_FLAGS_DEBUG=-O0 -Werror'];
    run('cmake', ['-S', native, '-B', built, '-G', 'Ninja', ...strict, ...options]);
    run('ninja', ['-C', built, '-j', '2', 'core_smoke']);
    return built;
  }

  it('is the interpreter tier alone where no emitter is chosen', function () {
    needTool(this, 'g++', 'g++');
    const built = build('tier0', '-DNODEVISOR_TIER0=ON', '-DCMAKE_CXX_COMPILER=g++');
    assert.match(run(join(built, 'core_smoke'), [String(PROGRAMS)]), /^core_smoke: the interpreter tier alone$/m);
  });

  it('translates on Windows, by its calling convention and from its code memory', function () {
    needTool(this, 'x86_64-w64-mingw32-g++-win32', 'g++-mingw-w64-x86-64-win32');
    needTool(this, 'wine', 'wine and wine64');
    const target = [
      '-DCMAKE_SYSTEM_NAME=Windows',
      '-DCMAKE_SYSTEM_PROCESSOR=AMD64',
      '-DCMAKE_EXE_LINKER_FLAGS=-static',
    ];
    const built = build('windows', '-DCMAKE_CXX_COMPILER=x86_64-w64-mingw32-g++-win32', ...target);
    // A home of its own for what stands in for Windows, without a desktop.
    const env = { ...process.env, WINEPREFIX: join(folder, 'wine'), WINEDEBUG: '-all', DISPLAY: '' };
    try {
      assert.match(run('wine', [join(built, 'core_smoke.exe'), String(PROGRAMS)], env), /^core_smoke: both tiers\r?$/m);
    } finally {
      spawnSync('wineserver', ['--kill', '--wait'], { env });
    }
  });
});
