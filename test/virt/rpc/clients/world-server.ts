/** The test world behind a socket, in a process of its own, and real clients of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ran, run } from '../../../tools/daemon/daemon-process.ts';

const PROGRAM = fileURLToPath(new URL('../serve-world.ts', import.meta.url));

/** A process that serves the test world. */
export class WorldServer {
  readonly directory = mkdtempSync(join(tmpdir(), 'nodevisor-rpc-'));
  readonly socket = join(this.directory, 'sock');
  readonly #child: ChildProcess;

  private constructor() {
    this.#child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, this.socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  static async start(): Promise<WorldServer> {
    const server = new WorldServer();
    await new Promise<void>((resolve, reject) => {
      server.#child.stdout?.once('data', () => resolve());
      server.#child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
    return server;
  }

  /** How clients reach it. @param scheme virt-install takes its defaults by it */
  uri(scheme = 'nodevisor'): string {
    return `${scheme}+unix:///default?socket=${this.socket}`;
  }

  /** Runs a virsh command on it: in its directory, for files that virsh names by itself. */
  virsh(...args: readonly string[]): Promise<Ran> {
    return this.virshOn(this.uri(), args);
  }

  /** The same command elsewhere. */
  virshOn(uri: string, args: readonly string[]): Promise<Ran> {
    return run('virsh', ['-q', '-c', uri, ...args], { timeout: 30_000, cwd: this.directory });
  }

  stop(): void {
    this.#child.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What one virsh session answered to each of its commands, in a directory. */
export async function session(uri: string, commands: readonly string[], directory: string): Promise<string[]> {
  const { out } = await run('sh', ['-c', 'cd "$1" && exec virsh -q -c "$0" 2>&1', uri, directory], {
    input: commands.map((command) => `${command}\n`).join(''),
    timeout: 60_000,
  });
  // Each answer comes after a prompt and the command itself.
  return out
    .split('virsh # ')
    .slice(1, commands.length + 1)
    .map((text) => text.slice(text.indexOf('\n') + 1).trim());
}
