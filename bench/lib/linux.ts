/** Debian's kernel as a guest of ours and of QEMU's, with files added to its initramfs. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine, type GuestStats } from '../../src/index.ts';
import { type CpioEntry, writeCpio } from '../../src/tools/image/cpio.ts';
import { defaultImageDirectory, readManifest } from '../../src/tools/image/store.ts';

/** Kernel, initramfs and command line of the pulled image. */
export interface LinuxImage {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly append: string;
}

/** The image that `nodevisor image pull debian` made. Throws when there is none. */
export async function debianImage(): Promise<LinuxImage> {
  const directory = process.env['NODEVISOR_DEBIAN'] ?? defaultImageDirectory('debian', process.env);
  const manifest = await readManifest(directory);
  if (manifest === undefined) throw new Error(`no image in ${directory}: run "nodevisor image pull debian" first`);
  return {
    kernel: readFileSync(join(directory, manifest.kernel)),
    initrd: readFileSync(join(directory, manifest.initrd)),
    append: manifest.append,
  };
}

/** The image with more files: Linux unpacks concatenated archives one after the other. */
export function withFiles(image: LinuxImage, entries: readonly CpioEntry[]): LinuxImage {
  const aligned = Buffer.alloc(Math.ceil(image.initrd.length / 4) * 4);
  aligned.set(image.initrd);
  return { ...image, initrd: Buffer.concat([aligned, writeCpio(entries)]) };
}

/** What a run of the guest showed. */
export interface LinuxRun {
  readonly output: string;
  readonly wallSeconds: number;
  /** Seconds from the start until `mark` was printed; NaN if it never was. */
  readonly markSeconds: number;
  readonly stats?: GuestStats;
}

/** What to run and for how long. */
export interface LinuxRunOptions {
  /** Shell command for the guest, which powers off behind it. */
  readonly command: string;
  readonly memory?: string;
  readonly vcpus?: number;
  /** A text on the console to time. */
  readonly mark?: string;
  readonly timeoutSeconds?: number;
}

function appendOf(image: LinuxImage, command: string): string {
  return `${image.append} nodevisor.run="${command}"`;
}

/** Runs the guest on one of our backends. */
export async function runOurs(image: LinuxImage, backend: string, options: LinuxRunOptions): Promise<LinuxRun> {
  const machine = await createMachine({
    memory: options.memory ?? '512M',
    vcpus: options.vcpus ?? 1,
    kernel: image.kernel,
    initrd: image.initrd,
    append: appendOf(image, options.command),
    cpuBackend: backend as 'auto',
  });
  let output = '';
  let markSeconds = Number.NaN;
  const start = performance.now();
  machine.console.on('data', (bytes: Buffer) => {
    output += bytes.toString('latin1');
    if (options.mark !== undefined && Number.isNaN(markSeconds) && output.includes(options.mark)) {
      markSeconds = (performance.now() - start) / 1e3;
    }
  });
  const timer = setTimeout(() => void machine.destroy(), (options.timeoutSeconds ?? 600) * 1e3);
  await machine.start();
  const status = await machine.wait();
  clearTimeout(timer);
  if (status.reason !== 'poweroff') throw new Error(`the guest ended with ${status.detail}\n${output.slice(-2000)}`);
  return { output, wallSeconds: (performance.now() - start) / 1e3, markSeconds, stats: machine.stats() };
}

/** Runs it in QEMU's TCG with the same board. */
export async function runQemu(image: LinuxImage, options: LinuxRunOptions): Promise<LinuxRun> {
  const folder = mkdtempSync(join(tmpdir(), 'nodevisor-bench-'));
  try {
    writeFileSync(join(folder, 'kernel'), image.kernel);
    writeFileSync(join(folder, 'initrd'), image.initrd);
    const start = performance.now();
    const child = spawn(
      'qemu-system-riscv64',
      ['-M', 'virt', '-nographic', '-m', options.memory ?? '512M', '-smp', String(options.vcpus ?? 1)].concat(
        ['-kernel', join(folder, 'kernel'), '-initrd', join(folder, 'initrd')],
        ['-append', appendOf(image, options.command), '-global', 'virtio-mmio.force-legacy=false'],
      ),
      { stdio: ['ignore', 'pipe', 'inherit'], timeout: (options.timeoutSeconds ?? 600) * 1e3 },
    );
    let output = '';
    let markSeconds = Number.NaN;
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString('latin1');
      if (options.mark !== undefined && Number.isNaN(markSeconds) && output.includes(options.mark)) {
        markSeconds = (performance.now() - start) / 1e3;
      }
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`qemu-system-riscv64 ended with ${String(code)}\n${output.slice(-2000)}`);
    return { output, wallSeconds: (performance.now() - start) / 1e3, markSeconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether QEMU is installed. */
export function hasQemu(): boolean {
  return spawnSync('qemu-system-riscv64', ['--version'], { stdio: 'ignore' }).status === 0;
}
