/** Tests that change the host's network: run in a network namespace of their own, where they harm nobody. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Context } from 'mocha';
import { tapCalls } from '../../src/cpu/index.ts';
import { missing, needTool } from './need-tool.ts';

/** Whether this is the host's own root: root of a namespace alone may less. */
export const isHostRoot = process.getuid?.() === 0 && process.env['NODEVISOR_TEST_NAMESPACE'] !== 'user';

const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');

/**
 * Registers one test that runs the tests of another file, which no pattern finds, in network and mount namespaces of
 * their own: as root, or where users may have them as root of a user namespace. Where neither is to be had it skips,
 * visibly; in CI it fails, unless CI is not root. `prepare`, outside of them, says what they need of the environment.
 */
export function testInNamespace(
  file: string,
  timeoutMs: number,
  prepare: (test: Context) => Promise<Record<string, string>> = async () => ({}),
): void {
  it('hold in a network namespace of their own', async function () {
    this.timeout(timeoutMs);
    if (process.platform !== 'linux') missing(this, 'no network namespaces, which are of Linux');
    needTool(this, 'unshare', 'util-linux');
    needTool(this, 'nsenter', 'util-linux');
    if (spawnSync('ip', ['-V']).error !== undefined) missing(this, 'ip is missing (Debian package iproute2)');
    const calls = tapCalls();
    if ('reason' in calls) missing(this, `no tap devices: ${calls.reason}`);
    const root = process.getuid?.() === 0;
    const spaces = [...(root ? [] : ['--user', '--map-root-user']), '--net', '--mount'];
    const attempt = 'ip tuntap add dev probe mode tap';
    const probe = spawnSync('unshare', [...spaces, 'sh', '-c', attempt], { encoding: 'utf8' });
    if (probe.status !== 0) {
      const what = `no tap devices in a namespace: ${attempt}: ${probe.stderr.trim()}`;
      if (root || !process.env['CI']) missing(this, what);
      console.log(`      skipped, as this is not root: ${what}`);
      this.skip();
    }
    const env = { ...(await prepare(this)), NODEVISOR_TEST_NAMESPACE: root ? 'root' : 'user' };
    const output = await run([...spaces, process.execPath, mocha, ...mochaOptions, file], env, timeoutMs);
    for (const line of output.split('\n')) if (/✔|skipped/.test(line)) console.log(`    ${line}`);
  });
}

const mochaOptions = ['--no-config', '--node-option', 'import=tsx', '--timeout', '60000', '--color=false'];

function run(args: readonly string[], env: Record<string, string>, timeoutMs: number): Promise<string> {
  const all = { ...process.env, ...env };
  const child = spawn('unshare', args, { env: all, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`in the namespace, ${signal ?? `status ${code}`}:\n${output}`));
    });
  });
}

/** Runs a command of the shell, here or in the network namespace of a process; what it printed. Throws if it fails. */
export function sh(command: string, pid?: number): string {
  const into = pid === undefined ? [] : ['nsenter', '--target', String(pid), '--net'];
  const [program = 'sh', ...args] = [...into, 'sh', '-c', command];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

/** Runs a command of the shell while this process, which may be part of the network, goes on. Rejects if it fails. */
export async function shMeanwhile(command: string): Promise<string> {
  return (await promisify(execFile)('sh', ['-c', command])).stdout;
}

/** A process that has another network namespace, until it is closed. */
export async function otherNamespace(): Promise<{ pid: number; close(): void }> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { pid: child.pid as number, close: () => child.kill('SIGKILL') };
}

/** Path of a file beside a module. */
export function beside(module: string, name: string): string {
  const path = fileURLToPath(new URL(name, module));
  if (!existsSync(path)) throw new Error(`there is no ${path}`);
  return path;
}
