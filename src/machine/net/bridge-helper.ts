/** QEMU's bridge helper: a program with root's rights that puts tap devices into the bridges that root allows it. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync } from 'node:fs';
import type { TapCalls } from '../../cpu/index.ts';

/** Where distributions have it. */
const PLACES = ['/usr/lib/qemu/qemu-bridge-helper', '/usr/libexec/qemu-bridge-helper'];

/** The descriptor that it is given its end of the pair of sockets by. */
const HELPER_FD = 3;

/** What it said, for a message. */
const WORDS_MAX = 500;

/** Where the helper is; undefined: not installed. */
export function bridgeHelper(places = PLACES): string | undefined {
  return places.find((path) => existsSync(path));
}

/**
 * A descriptor of a tap device that the helper has made and put into a bridge; or, for people, why there is none. The
 * caller closes it.
 */
export async function bridgeHelperFd(bridge: string, calls: TapCalls, places = PLACES): Promise<number | string> {
  const program = bridgeHelper(places);
  if (program === undefined) return `QEMU's bridge helper, which could, is not installed (${places.join(', ')})`;
  const pair = calls.socketPair();
  if (typeof pair === 'number') return `a pair of sockets for ${program} is not to be had`;
  const [ours, its] = pair;
  try {
    const problem = await run(program, ['--use-vnet', `--br=${bridge}`, `--fd=${HELPER_FD}`], its);
    if (problem !== undefined) return `and ${program} does not either: ${problem}`;
    const fd = calls.receiveFd(ours);
    return fd >= 0 ? fd : `and ${program} gave no device`;
  } finally {
    closeSync(ours);
    closeSync(its);
  }
}

/** Runs it to its end; what it said if it failed. */
function run(program: string, args: readonly string[], socket: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', socket] });
    let words = '';
    child.stderr?.on('data', (data: Buffer) => {
      words = (words + data.toString()).slice(0, WORDS_MAX);
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(words.trim().replaceAll(/\s*\n\s*/g, '; ') || `it ended with ${signal ?? `status ${code}`}`);
    });
  });
}
