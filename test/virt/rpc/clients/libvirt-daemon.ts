/** Debian's libvirtd, without privileges and with all it has in a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { needTool } from '../../../support/need-tool.ts';
import { processes } from '../../../support/processes.ts';
import { until } from '../../contract/bench.ts';

/** root's libvirtd would be the host's: it runs as nobody. */
const NOBODY = 65_534;

/** How long, in milliseconds, it may take to end when it is told to. */
const STOP_MS = 20_000;

/** What starts a program as on a host of another name, and as nobody there. */
function asHost(hostname: string | undefined): readonly string[] {
  if (hostname === undefined) return [];
  const drop = `exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups "$@"`;
  return ['unshare', '--uts', 'sh', '-c', `hostname ${hostname} && ${drop}`, 'sh'];
}

/** Processes whose command names something below a directory. */
function processesIn(directory: string): number[] {
  const names = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`${directory}/`);
  return processes((pid) => pid !== process.pid && names(pid));
}

export class LibvirtDaemon {
  readonly directory = mkdtempSync(join(tmpdir(), 'nodevisor-libvirtd-'));
  readonly socket = join(this.directory, 'run', 'libvirt-sock');
  #child: ChildProcess | undefined;
  #log = '';

  /**
   * @param settings lines for libvirtd.conf
   * @param args beside the configuration's
   * @param hostname as that of a host of its own, which takes root
   */
  async start(
    test: Context,
    settings: readonly string[] = [],
    args: readonly string[] = [],
    hostname?: string,
  ): Promise<void> {
    needTool(test, 'libvirtd', 'libvirt-daemon');
    const root = process.getuid?.() === 0;
    chmodSync(this.directory, 0o755);
    const conf = join(this.directory, 'libvirtd.conf');
    writeFileSync(
      conf,
      [
        `unix_sock_dir = "${join(this.directory, 'run')}"`,
        'auth_unix_ro = "none"',
        'auth_unix_rw = "none"',
        'log_outputs = "3:stderr"',
        ...settings,
        '',
      ].join('\n'),
    );
    const own = ['run', 'home', 'pool'].map((name) => join(this.directory, name));
    for (const directory of own) {
      mkdirSync(directory);
      if (root) chownSync(directory, NOBODY, NOBODY);
    }
    const [run = '', home = ''] = own;
    const [program = '', ...words] = [...asHost(hostname), 'libvirtd', '-f', conf, ...args];
    this.#child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, HOME: home, XDG_RUNTIME_DIR: run, XDG_CACHE_HOME: home },
      ...(root && hostname === undefined ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#log = (this.#log + bytes.toString()).slice(-20_000);
    });
    const child = this.#child;
    await until(() => existsSync(this.socket) || child.exitCode !== null, 'libvirtd listens, or ends', 50);
    if (child.exitCode !== null) throw new Error(`libvirtd ended with status ${child.exitCode}: ${this.#log}`);
  }

  /** A directory that a storage pool of its may have. */
  get pool(): string {
    return join(this.directory, 'pool', 'one');
  }

  /** How it is reached. */
  uri(driver: string, path: string): string {
    return `${driver}+unix://${path}?socket=${this.socket}`;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      // The tests are through: an end that takes long is not theirs to wait for.
      const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(impatience);
    }
    // Its machines outlive it, as they should; the test does not.
    spawnSync('kill', ['-KILL', ...processesIn(this.directory).map(String)]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
