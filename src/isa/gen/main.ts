/** `npm run gen` writes the C++ headers; with `--check` it only compares and exits 1 when they are out of date. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { differences, GENERATED, generateCpp } from './cpp.ts';

const folder = fileURLToPath(new URL(`../../../${GENERATED}`, import.meta.url));

function present(): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function check(): number {
  const problems = differences(present());
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.stderr.write('run `npm run gen`\n');
  return problems.length > 0 ? 1 : 0;
}

function write(): number {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of generateCpp()) writeFileSync(join(folder, name), text);
  return 0;
}

process.exitCode = process.argv.includes('--check') ? check() : write();
