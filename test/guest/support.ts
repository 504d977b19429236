import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The sources of the bundled guest, and its committed ELF. */
export const GUEST_DIRECTORY = fileURLToPath(new URL('../../src/guest', import.meta.url));
export const GUEST_ELF = `${GUEST_DIRECTORY}/guest.elf`;

/** Version of the cross compiler that the committed ELF was built with: another one makes other bytes. */
export const GUEST_COMPILER = { command: 'riscv64-linux-gnu-gcc', major: '12', package: 'gcc-riscv64-linux-gnu' };

/** Major version of the cross compiler, undefined when there is none. */
export function compilerMajor(): string | undefined {
  const { stdout, error } = spawnSync(GUEST_COMPILER.command, ['-dumpversion'], { encoding: 'utf8' });
  return error === undefined ? stdout.trim().split('.')[0] : undefined;
}
