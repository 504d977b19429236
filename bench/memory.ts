/** Memory that Debian's boot takes: the peak of the whole process, and how much of its RAM the guest has touched. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, type LinuxImage, qemuArguments } from './lib/linux.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';

const RAM_MIB = 512;
/** Parted for the console, so that the kernel's echo of its command line is not taken for it. */
const MARK = 'the shell is here';
const COMMAND = "printf 'the shell'; echo ' is here'; sleep 1000";
const root = fileURLToPath(new URL('..', import.meta.url));

/** In MiB. */
interface Footprint {
  readonly peak: number;
  readonly touched: number;
}

/** Peak of a process (VmHWM), and what is resident of its one mapping that can be the guest's RAM, state beside it included. */
function footprint(pid: number): Footprint {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const mappings = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const sizes = mappings.map((text) => ({
    writable: /^\S+ rw/.test(text),
    sizeMib: Number(/^Size:\s+(\d+) kB/m.exec(text)?.[1]) / 1024,
    rssMib: Number(/^Rss:\s+(\d+) kB/m.exec(text)?.[1]) / 1024,
  }));
  const ram = sizes.filter(({ writable, sizeMib }) => writable && sizeMib >= RAM_MIB && sizeMib < RAM_MIB + 64);
  if (peak === undefined || ram.length !== 1) throw new Error(`${ram.length} mappings may be the guest's RAM`);
  return { peak: Number(peak) / 1024, touched: ram[0].rssMib };
}

/** Runs a command until the guest's shell is there; what the process takes then. */
async function measure(command: string, args: readonly string[]): Promise<Footprint> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    let output = '';
    for await (const bytes of child.stdout) {
      output += String(bytes);
      if (output.includes(MARK)) return footprint(child.pid as number);
    }
    throw new Error(`${command} came to no shell\n${output.slice(-2000)}`);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

function ours(folder: string, append: string, backend: string): Promise<Footprint> {
  const cli = join(root, 'dist/tools/cli/main.js');
  const machine = ['--kernel', join(folder, 'kernel'), '--initrd', join(folder, 'initrd'), '--append', append];
  return measure(process.execPath, [cli, 'run', ...machine, '--memory', `${RAM_MIB}M`, '--cpu-backend', backend]);
}

function files(image: LinuxImage): string {
  const folder = mkdtempSync(join(tmpdir(), 'nodevisor-bench-'));
  writeFileSync(join(folder, 'kernel'), image.kernel);
  writeFileSync(join(folder, 'initrd'), image.initrd);
  return folder;
}

export const memory: Benchmark = {
  name: 'memory',
  help: 'peak memory of the process that boots Debian to its shell; with --peers also of QEMU',
  async measure(context) {
    // As it is installed: running from source takes a compiler into the process.
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
    const image = await debianImage();
    const append = `${image.append} nodevisor.run="${COMMAND}"`;
    const folder = files(image);
    try {
      const subjects = new Map<string, () => Promise<Footprint>>();
      for (const backend of context.backends) subjects.set(backend, () => ours(folder, append, backend));
      if (context.peers) {
        const args = qemuArguments(folder, append, { memory: `${RAM_MIB}M` });
        subjects.set('qemu-tcg', () => measure('qemu-system-riscv64', args));
      }
      return report(await inTurn(context, 'memory', subjects));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function report(found: ReadonlyMap<string, readonly Footprint[]>): Measurement[] {
  const figures: Record<string, (f: Footprint) => number> = {
    'peak of Debian’s boot': ({ peak }) => peak,
    'RAM the guest touched': ({ touched }) => touched,
    'peak beyond 1.3 times that': ({ peak, touched }) => peak - 1.3 * touched,
  };
  return [...found].flatMap(([subject, runs]) =>
    Object.entries(figures).map(([what, figure]) => measurement('memory', what, subject, 'MiB', runs.map(figure))),
  );
}
