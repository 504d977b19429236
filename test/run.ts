/**
 * Runs the whole suite in two lanes at a time: in one what computes, in the other what waits for machines, daemons,
 * clients and other people's programs. Within its lane each file is alone, so that no two use the same ports, displays or
 * bridges. Arguments go to mocha in both. What the one that computes prints is shown when the other has ended.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { builtCommand } from './support/built.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');

/** What computes: about half of the time that the suite takes. */
const COMPUTES = /^test\/(conformance|differential|fuzz)\/|^test\/boot\/(change|debian|shutdown)\./;

const files = readdirSync(`${root}/test`, { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts'));

/** Runs all but some files. Resolves with the exit status, once what was held back has been printed. */
function lane(without: readonly string[], held: Promise<unknown> | undefined): Promise<number> {
  const ignored = without.flatMap((file) => ['--ignore', file]);
  const output = held === undefined ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, [mocha, ...ignored, ...process.argv.slice(2)], {
    cwd: root,
    stdio: ['ignore', output, output],
  });
  const kept: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => kept.push(bytes));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      void Promise.resolve(held).then(() => {
        process.stdout.write(Buffer.concat(kept));
        resolve(code ?? 1);
      });
    });
  });
}

// Tests of both need it, and two must not build it at a time.
builtCommand();
// An interrupt is for the lanes, which are in the foreground as well: what they say of it is still to be shown.
process.on('SIGINT', () => {});
const waits = lane(
  files.filter((file) => COMPUTES.test(file)),
  undefined,
);
const computes = lane(
  files.filter((file) => !COMPUTES.test(file)),
  waits,
);
process.exitCode = Math.min(255, Math.max(await waits, await computes));
