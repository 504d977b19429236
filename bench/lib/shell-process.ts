/** Processes that boot Debian to its shell: the command line as it is installed, and QEMU. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LinuxImage, qemuArguments } from './linux.ts';
import type { BenchContext } from './result.ts';

/** Size of the guest's RAM. */
export const RAM_MIB = 512;
/** Parted for the console, so that the kernel's echo of its command line is not taken for it. */
const MARK = 'the shell is here';
const COMMAND = "printf 'the shell'; echo ' is here'; sleep 1000";
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds the package: running from source would take a compiler into the process. */
export function buildPackage(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
}

/** A process whose guest has come to its shell. */
export interface ShellProcess {
  readonly pid: number;
  /** Since it was started. */
  readonly seconds: number;
}

/** Runs a command until the guest's shell is there, and gives what `look` finds then. */
async function toShell<T>(command: string, args: readonly string[], look: (process: ShellProcess) => T): Promise<T> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    let output = '';
    for await (const bytes of child.stdout) {
      output += String(bytes);
      if (output.includes(MARK)) {
        return look({ pid: child.pid as number, seconds: (performance.now() - start) / 1e3 });
      }
    }
    throw new Error(`${command} came to no shell\n${output.slice(-2000)}`);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** By subject, what boots the image in a process of its own; `close` removes its files. */
export function shellProcesses<T>(
  image: LinuxImage,
  context: BenchContext,
  look: (process: ShellProcess) => T,
): { readonly subjects: Map<string, () => Promise<T>>; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'nodevisor-bench-'));
  writeFileSync(join(folder, 'kernel'), image.kernel);
  writeFileSync(join(folder, 'initrd'), image.initrd);
  const append = `${image.append} nodevisor.run="${COMMAND}"`;
  const machine = ['--kernel', join(folder, 'kernel'), '--initrd', join(folder, 'initrd'), '--append', append];
  const cli = [join(root, 'dist/tools/cli/main.js'), 'run', ...machine, '--memory', `${RAM_MIB}M`];
  const subjects = new Map<string, () => Promise<T>>();
  for (const backend of context.backends) {
    subjects.set(backend, () => toShell(process.execPath, [...cli, '--cpu-backend', backend], look));
  }
  if (context.peers) {
    const args = qemuArguments(folder, append, { memory: `${RAM_MIB}M` });
    subjects.set('qemu-tcg', () => toShell('qemu-system-riscv64', args, look));
  }
  return { subjects, close: () => rmSync(folder, { recursive: true, force: true }) };
}
