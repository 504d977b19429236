/** Debian's kernel as a guest of ours and of QEMU's, with files added to its initramfs. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine, type DiskOptions, type GuestStats, type NetOptions } from '../../src/index.ts';
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

/** What a guest printed, and when. */
export class Transcript {
  #text = '';
  readonly #start = performance.now();
  /** Length of the text after each piece, when that came, and what CPU time the machine had taken by then. */
  readonly #pieces: { readonly end: number; readonly seconds: number; readonly cpuSeconds: number }[] = [];
  readonly #cpuSeconds: () => number;

  /** @param cpuSeconds CPU time of the machine's process so far */
  constructor(cpuSeconds: () => number) {
    this.#cpuSeconds = cpuSeconds;
  }

  add(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString('latin1');
    this.#pieces.push({ end: this.#text.length, seconds: this.seconds, cpuSeconds: this.#cpuSeconds() });
  }

  get text(): string {
    return this.#text;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#start) / 1e3;
  }

  /** Seconds from the start until some text was there. Throws if it never came. */
  at(wanted: string): number {
    return this.#pieceOf(wanted).seconds;
  }

  /** CPU seconds of the machine's process until some text was there. Throws if it never came. */
  cpuAt(wanted: string): number {
    return this.#pieceOf(wanted).cpuSeconds;
  }

  #pieceOf(wanted: string): { readonly seconds: number; readonly cpuSeconds: number } {
    const at = this.#text.indexOf(wanted);
    const piece = at < 0 ? undefined : this.#pieces.find(({ end }) => end >= at + wanted.length);
    if (piece === undefined) throw new Error(`the guest did not print '${wanted}'\n${this.#text.slice(-2000)}`);
    return piece;
  }
}

/** CPU seconds of this process, all its threads together. */
function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The same of another process, in the hundredths that Linux tells. */
function cpuSecondsOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What a run of the guest showed. */
export interface LinuxRun {
  readonly output: Transcript;
  readonly wallSeconds: number;
  readonly stats?: GuestStats;
}

/** What to run and for how long. */
export interface LinuxRunOptions {
  /** Shell command for the guest, which powers off behind it. */
  readonly command: string;
  readonly memory?: string;
  readonly vcpus?: number;
  readonly timeoutSeconds?: number;
  /** Network interfaces of our machine. */
  readonly nets?: readonly NetOptions[];
  /** Disks of our machine. */
  readonly disks?: readonly DiskOptions[];
  /** More arguments for QEMU, such as those of its network. */
  readonly qemuArguments?: readonly string[];
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
    nets: options.nets ?? [],
    disks: options.disks ?? [],
  });
  const output = new Transcript(ownCpuSeconds);
  machine.console.on('data', (bytes: Buffer) => output.add(bytes));
  const timer = setTimeout(() => void machine.destroy(), (options.timeoutSeconds ?? 600) * 1e3);
  await machine.start();
  const status = await machine.wait();
  clearTimeout(timer);
  if (status.reason !== 'poweroff')
    throw new Error(`the guest ended with ${status.detail}\n${output.text.slice(-2000)}`);
  return { output, wallSeconds: output.seconds, stats: machine.stats() };
}

/** QEMU's command line for the same board and a folder with `kernel` and `initrd`. */
export function qemuArguments(
  folder: string,
  append: string,
  options: Pick<LinuxRunOptions, 'memory' | 'vcpus' | 'qemuArguments'>,
): string[] {
  return [
    ...['-M', 'virt', '-nographic', '-m', options.memory ?? '512M', '-smp', String(options.vcpus ?? 1)],
    ...['-kernel', join(folder, 'kernel'), '-initrd', join(folder, 'initrd'), '-append', append],
    ...['-global', 'virtio-mmio.force-legacy=false'],
    ...(options.qemuArguments ?? []),
  ];
}

/** Runs it in QEMU's TCG with the same board. */
export async function runQemu(image: LinuxImage, options: LinuxRunOptions): Promise<LinuxRun> {
  const folder = mkdtempSync(join(tmpdir(), 'nodevisor-bench-'));
  try {
    writeFileSync(join(folder, 'kernel'), image.kernel);
    writeFileSync(join(folder, 'initrd'), image.initrd);
    const output = new Transcript(() => cpuSecondsOf(child.pid));
    const child = spawn('qemu-system-riscv64', qemuArguments(folder, appendOf(image, options.command), options), {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: (options.timeoutSeconds ?? 600) * 1e3,
    });
    child.stdout.on('data', (bytes: Buffer) => output.add(bytes));
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`qemu-system-riscv64 ended with ${String(code)}\n${output.text.slice(-2000)}`);
    return { output, wallSeconds: output.seconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether QEMU is installed. */
export function hasQemu(): boolean {
  return spawnSync('qemu-system-riscv64', ['--version'], { stdio: 'ignore' }).status === 0;
}
