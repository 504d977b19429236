import { spawnSync } from 'node:child_process';
import type { Context } from 'mocha';

/** Skips the test, visibly, when a command is missing; fails it where nothing may be missing (CI). */
export function needTool(test: Context, command: string, debianPackage: string): void {
  if (spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined) return;
  missing(test, `${command} is missing (Debian package ${debianPackage})`);
}

/** The same for anything else that a test needs of the machine it runs on: `what` says what is missing. */
export function missing(test: Context, what: string): never {
  if (process.env['CI']) throw new Error(what);
  console.log(`      skipped: ${what}`);
  return test.skip();
}
