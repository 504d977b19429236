/** The package as it is installed: for tests that start the command as a process of its own, often. */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

function newest(directory: string): number {
  const times = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => statSync(join(directory, name)).mtimeMs);
  return Math.max(...times);
}

let built: string | undefined;

/** Path of the built command; it is built now if its source is newer. */
export function builtCommand(): string {
  if (built !== undefined) return built;
  const command = join(root, 'dist', 'tools', 'cli', 'main.js');
  const marker = join(root, 'dist', 'virt', 'domain-program', 'package.json');
  const time = statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (time < newest(join(root, 'src')))
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  built = command;
  return built;
}
