import { spawnSync } from 'node:child_process';

/** What a command of qemu-utils said and how it ended. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs qemu-img or qemu-io. */
export function run(command: 'qemu-img' | 'qemu-io', ...args: string[]): Ran {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (error !== undefined) throw error;
  return { status: status ?? -1, stdout, stderr };
}

/** Runs qemu-img and throws with what it said unless it ended well. */
export function qemuImg(...args: string[]): string {
  const { status, stdout, stderr } = run('qemu-img', ...args);
  if (status !== 0) throw new Error(`qemu-img ${args.join(' ')}: ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Runs commands of qemu-io on an image; throws with what it said if one of them failed. */
export function qemuIo(image: readonly string[], commands: readonly string[]): string {
  const args = [...commands.flatMap((command) => ['-c', command]), ...image];
  const { status, stdout, stderr } = run('qemu-io', ...args);
  if (status !== 0 || /failed|error/i.test(stdout + stderr)) {
    throw new Error(`qemu-io ${image.join(' ')}: ${status}\n${stdout}${stderr}`);
  }
  return stdout;
}
