import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GENERATED } from '../../src/isa/gen/cpp.ts';
import { decode, insns } from '../../src/isa/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { missing } from '../support/need-tool.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SEED = 0xc99;

/** The first C++ compiler of this host that runs. */
function compiler(): string | undefined {
  return ['g++', 'clang++'].find((name) => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

function line(raw: number): string {
  const insn = decode(raw);
  if (insn === undefined) return 'illegal';
  const { name, length, rd, rs1, rs2, rs3, imm, rm, aqrl } = insn;
  return [name, length, rd, rs1, rs2, rs3, imm, rm, aqrl].join(' ');
}

describe('isa/generated C++ headers', function () {
  // Compiling takes a few seconds on a busy machine.
  this.timeout(60_000);

  it('compile without warnings and decode like the TypeScript tables', function () {
    const cxx = compiler();
    if (cxx === undefined) missing(this, 'neither g++ nor clang++ is there (Debian package g++)');
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-cpp-'));
    try {
      const program = join(directory, 'decode');
      const source = join(root, 'test/isa/generated_decode.cc');
      const flags = ['-std=c++20', '-Wall', '-Wextra', '-Werror', `-I${join(root, GENERATED)}`];
      execFileSync(cxx, [...flags, '-o', program, source], { stdio: 'pipe' });
      const random = new SeededRandom(SEED);
      const words = Array.from({ length: 0x1_0000 }, (_, raw) => raw).filter((raw) => (raw & 3) !== 3);
      for (const insn of insns) {
        for (let i = 0; i < 40; i++) words.push((insn.match | (random.u32() & ~insn.mask)) >>> 0);
      }
      const input = words.map((word) => word.toString(16)).join('\n');
      const output = execFileSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 26 })
        .trimEnd()
        .split('\n');
      assert.equal(output.length, words.length);
      words.forEach((word, i) => {
        if (output[i] !== line(word)) assert.equal(output[i], line(word), `seed ${SEED}: 0x${word.toString(16)}`);
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
