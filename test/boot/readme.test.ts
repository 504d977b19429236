/** The README's examples, run as they are written: JavaScript against the compiled package, commands in bash. */
import { strict as assert } from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { assetPath } from '../../src/tools/assets.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block, with what it is said to print: the block of text that follows it in its section, if one does. */
interface Example {
  readonly line: number;
  readonly language: string;
  readonly code: string;
  readonly prints?: string;
}

function examplesOf(markdown: string): Example[] {
  const found: Example[] = [];
  for (const section of markdown.split(/^(?=## )/m)) {
    const before = markdown.slice(0, markdown.indexOf(section)).split('\n').length;
    const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
      ({ index, 1: language = '', 2: code = '' }) => ({
        line: before + section.slice(0, index).split('\n').length - 1,
        language,
        code,
      }),
    );
    for (const [at, block] of blocks.entries()) {
      const next = blocks[at + 1];
      if (block.language === 'text') continue;
      found.push(next?.language === 'text' ? { ...block, prints: next.code } : block);
    }
  }
  return found;
}

/** Commands that a test does not run, and why. */
const left: readonly (readonly [command: RegExp, why: string])[] = [
  [/npm install-test/, 'it runs this test'],
  [/image pull/, 'it needs the network'],
  [/run debian/, 'it needs a terminal, and is booted in debian.test.ts'],
];

/** The commands of a block that are run. `npm install` has been. */
function runnable(code: string): string {
  return code
    .replaceAll('npm install && ', '')
    .split('\n')
    .filter((line) => {
      const why = left.find(([command]) => command.test(line))?.[1];
      if (why !== undefined) console.log(`      not run: ${line.trim()} (${why})`);
      return why === undefined;
    })
    .join('\n');
}

/** What a text block stands for: `…` is any text, a line `…` any lines; white space at the ends of lines is nothing. */
function pattern(prints: string): RegExp {
  const lines = prints.trimEnd().split('\n');
  const parts = lines.map((line) => {
    if (line.trim() === '…') return '[\\s\\S]*?';
    return line.trimEnd().split('…').map(literally).join('.*');
  });
  return new RegExp(parts.join('[ \\t]*\\r?\\n'));
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

describe('README', function () {
  this.timeout(120_000);
  let directory: string;
  let folder: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-readme-'));
    folder = join(directory, 'package');
    mkdirSync(folder);
    copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
    for (const name of ['src', 'native', 'build', 'node_modules', 'tsconfig.json']) {
      symlinkSync(join(root, name), join(folder, name));
    }
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', join(root, 'src'), '--outDir', join(folder, 'dist')]);
    // What the examples boot, under the names that they give it.
    copyFileSync(assetPath('guest/guest.elf'), join(folder, 'Image'));
    for (const name of ['initramfs.cpio.gz', 'initrd']) writeFileSync(join(folder, name), gzipSync(Buffer.alloc(512)));
    const command = join(directory, 'bin', 'nodevisor');
    mkdirSync(dirname(command));
    writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${folder}/dist/tools/cli/main.js' "$@"\n`);
    chmodSync(command, 0o755);
  });
  after(() => rmSync(directory, { recursive: true }));

  /** Runs a program in the package's folder; resolves to all that it has printed. */
  function run(command: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          PATH: `${directory}/bin:${process.env['PATH']}`,
          HOME: directory,
          XDG_STATE_HOME: join(directory, 'state'),
          XDG_RUNTIME_DIR: join(directory, 'run'),
          NODEVISOR_URI: `nodevisor:///embed?state=${join(directory, 'state', 'embed')}`,
          CI: '',
        },
        detached: true,
      });
      // With all that it has started.
      const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 60_000);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
      }
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        if (code === 0) resolve(output);
        else reject(new Error(`${command} ended with ${signal ?? code}:\n${output}`));
      });
    });
  }

  const examples = examplesOf(readFileSync(join(root, 'README.md'), 'utf8'));

  it('has examples of the API and of the commands', () => {
    for (const language of ['js', 'sh']) assert.ok(examples.filter((one) => one.language === language).length >= 2);
    assert.ok(examples.filter(({ prints }) => prints !== undefined).length >= 3);
  });

  for (const { line, language, code, prints } of examples) {
    const [first = ''] = code.trim().split('\n');
    it(`line ${line}, ${language}: ${first.slice(0, 60)}`, async () => {
      let output: string;
      if (language === 'js') {
        const file = join(folder, `example-${line}.mjs`);
        writeFileSync(file, code);
        output = await run(process.execPath, [file]);
      } else {
        assert.equal(language, 'sh', 'blocks are of js, sh or text');
        const commands = runnable(code);
        if (commands.trim() === '') return;
        output = await run('bash', ['-euo', 'pipefail', '-c', commands]);
      }
      if (prints !== undefined) assert.match(output, pattern(prints));
    });
  }
});
