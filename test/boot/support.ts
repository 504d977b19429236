/** What boot tests share: real guests' files, and a conversation with a guest. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from 'mocha';
import { createMachine, type ExitStatus, type MachineHandle, type MachineOptions } from '../../src/index.ts';
import { defaultImageDirectory, readManifest } from '../../src/tools/image/store.ts';
import { Output } from '../support/guest.ts';
import { missing } from '../support/need-tool.ts';

/** Debian's kernel, initramfs and command line. */
export interface DebianImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
}

/** The first of the given files that exists: what Debian's package `debianPackage` installs. */
export function installed(test: Context, debianPackage: string, ...paths: string[]): string {
  return paths.find((path) => existsSync(path)) ?? missing(test, `no ${paths[0]} (Debian package ${debianPackage})`);
}

const pulled = new Set<string>();

/** Has the image made or brought up to date, once for all tests of this process. @throws Error when it cannot be had */
function pull(directory: string): void {
  if (pulled.has(directory)) return;
  const cli = fileURLToPath(new URL('../../src/tools/cli/main.ts', import.meta.url));
  const args = ['--import', 'tsx', cli, 'image', 'pull', 'debian', '--dir', directory];
  // A mirror may be away for a moment, and another process may be at it.
  for (let left = 3; ; left--) {
    const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    if (status === 0) break;
    if (left === 1) {
      // What is there was current not long ago: a mirror's troubles are not the machine's.
      if (!existsSync(join(directory, 'manifest.json'))) throw new Error(`nodevisor image pull debian: ${stderr}`);
      console.error(`The Debian image was not brought up to date: ${stderr}`);
      break;
    }
    spawnSync('sleep', ['5']);
  }
  pulled.add(directory);
}

/**
 * The image that `nodevisor image pull debian` has got: in $NODEVISOR_TEST_IMAGE, which is taken as it is, or where it is
 * put by default. In CI it is pulled there, as what it is made from may have changed.
 */
export async function debianImage(test: Context): Promise<DebianImage> {
  const given = process.env['NODEVISOR_TEST_IMAGE'];
  const directory = given ?? defaultImageDirectory('debian', process.env);
  if (given === undefined && process.env['CI']) pull(directory);
  const manifest = await readManifest(directory);
  if (manifest === undefined) return missing(test, 'no Debian image ("nodevisor image pull debian" gets it)');
  return {
    kernel: join(directory, manifest.kernel),
    initrd: join(directory, manifest.initrd),
    append: manifest.append,
  };
}

/** A running guest and what it has printed. */
export interface Session {
  readonly machine: MachineHandle;
  readonly output: Output;
  /** Waits for text, from the end of what was waited for last; fails with the last of the output when it does not come. */
  expect(wanted: string | RegExp): Promise<string>;
  /** Types a line. */
  type(line: string): void;
}

/** Starts a machine. Its caller destroys it. */
export async function boot(options: MachineOptions): Promise<Session> {
  const machine = await createMachine(options);
  const output = new Output(machine);
  await machine.start();
  let seen = 0;
  return {
    machine,
    output,
    async expect(wanted) {
      const text = await output.after(machine, seen, wanted);
      seen += text.length;
      return text;
    },
    type(line) {
      machine.console.write(`${line}\n`);
    },
  };
}

/** Waits for a guest's end, and says what it printed last when that is not `reason`. */
export async function ended(session: Session, reason: ExitStatus['reason']): Promise<ExitStatus> {
  const status = await session.machine.wait();
  if (status.reason === reason) return status;
  throw new Error(`${status.reason} (${status.detail}) after …${session.output.text.slice(-2000)}`);
}
