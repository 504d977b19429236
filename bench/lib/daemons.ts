/** Daemons to measure: ours, and libvirt's own where it is installed. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { builtCommand } from '../../test/support/built.ts';

const NOBODY = 65_534;
const CLIENT = fileURLToPath(new URL('./libvirt-client.py', import.meta.url));

/** A daemon that runs. */
export interface RunningDaemon {
  readonly name: string;
  readonly pid: number;
  /** URI of a world without machines, and of real ones. */
  readonly uris: { readonly test: string; readonly machines: string };
  stop(): Promise<void>;
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 3000) throw new Error('a daemon does not come up');
    await sleep(10);
  }
}

async function end(child: ChildProcess, directory: string): Promise<void> {
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exit;
  rmSync(directory, { recursive: true, force: true });
}

/** `nodevisor daemon`, with more options. */
export async function startOurs(...options: string[]): Promise<RunningDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-bench-'));
  const socket = join(directory, 'sock');
  const args = [builtCommand(), 'daemon', '--state', join(directory, 'state'), '--listen', `unix:${socket}`];
  const child = spawn(process.execPath, [...args, '--on-stop', 'destroy', ...options], { stdio: 'ignore' });
  await until(() => existsSync(socket));
  return {
    name: 'nodevisor daemon',
    pid: child.pid ?? 0,
    uris: {
      test: `test+unix:///default?socket=${socket}`,
      machines: `nodevisor+unix:///session?socket=${socket}`,
    },
    stop: () => end(child, directory),
  };
}

/** Why libvirt's daemon cannot be measured here; undefined: it can. */
export function libvirtObstacle(): string | undefined {
  if (spawnSync('libvirtd', ['--version']).error !== undefined) return 'libvirtd is missing (Debian: libvirt-daemon)';
  const binding = spawnSync('/usr/bin/python3', ['-c', 'import libvirt']).status === 0;
  return binding ? undefined : 'python3-libvirt is missing';
}

/** libvirtd as a user has it; as root it runs as nobody, since root's is the whole host's. */
export async function startLibvirtd(): Promise<RunningDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'libvirtd-bench-'));
  const run = join(directory, 'run');
  mkdirSync(run);
  const root = process.getuid?.() === 0;
  if (root) for (const path of [directory, run]) chownSync(path, NOBODY, NOBODY);
  const env = { PATH: process.env['PATH'], HOME: directory, XDG_RUNTIME_DIR: run };
  const child = spawn('libvirtd', [], { stdio: 'ignore', env, ...(root ? { uid: NOBODY, gid: NOBODY } : {}) });
  const socket = join(run, 'libvirt', 'libvirt-sock');
  await until(() => existsSync(socket));
  await sleep(2000);
  return {
    name: 'libvirtd',
    pid: child.pid ?? 0,
    uris: { test: `test+unix:///default?socket=${socket}`, machines: `qemu+unix:///session?socket=${socket}` },
    stop: () => end(child, directory),
  };
}

/** Calls a second that libvirt's own client gets answered. */
export function callsPerSecond(uri: string, call: string, clients: number, domains: number, seconds = 2): number {
  const args = [CLIENT, uri, call, String(seconds), String(clients), String(domains)];
  return Number(execFileSync('/usr/bin/python3', args, { encoding: 'utf8' }));
}

/** Memory of a process alone, its part of shared pages included, in MiB. */
export function memoryMib(pid: number): number {
  return rollupMib(pid, 'Pss');
}

/** What a process has written for itself, in MiB: no other process makes that less by sharing a file's pages. */
export function ownMemoryMib(pid: number): number {
  return rollupMib(pid, 'Anonymous');
}

function rollupMib(pid: number, row: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(new RegExp(`^${row}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]) / 1024;
}
