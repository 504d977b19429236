/** Reads and writes of a Linux guest past its page cache, in raw and qcow2 images, and the host's CPU time for them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DiskFormat } from '../src/index.ts';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, type LinuxImage, type LinuxRun, runOurs, runQemu, withFiles } from './lib/linux.ts';
import { type BenchContext, type Benchmark, type Measurement, measurement } from './lib/result.ts';

const DISK_BYTES = 256 * 2 ** 20;
const SEQUENTIAL_BYTES = 128 * 1024;
const RANDOM_BYTES = 4096;
const formats: readonly DiskFormat[] = ['raw', 'qcow2'];

interface Part {
  readonly what: string;
  readonly device: string;
  readonly direction: 'read' | 'write';
  readonly order: 'sequential' | 'random';
  readonly bytes: number;
  readonly requests: number;
  readonly depth: number;
}

const orders: readonly Pick<Part, 'order' | 'bytes' | 'requests'>[] = [
  { order: 'sequential', bytes: SEQUENTIAL_BYTES, requests: 4096 },
  { order: 'random', bytes: RANDOM_BYTES, requests: 8192 },
];

/** Reads first: they find what was there, in both formats; writes find it allocated. */
const parts: readonly Part[] = formats.flatMap((format, index) =>
  (['read', 'write'] as const).flatMap((direction) =>
    orders.flatMap(({ order, bytes, requests }) =>
      [1, 16].map((depth) => ({
        what: `${format}, ${order} ${direction} of ${bytes / 1024} KiB, depth ${depth}`,
        device: `/dev/vd${'ab'[index]}`,
        ...{ direction, order, bytes, requests, depth },
      })),
    ),
  ),
);

/** What a part showed. */
interface Figure {
  /** Megabytes or requests a second, by the guest's clock. */
  readonly rate: number;
  readonly cpuSeconds: number;
}

const mark = (index: number) => `@ part ${index}.`;

function script(): string {
  const lines = parts.flatMap(({ device, direction, order, bytes, requests, depth }, index) => [
    `echo "${mark(index)}"`,
    `/bench/disk ${device} ${direction} ${order} ${bytes} ${requests} ${depth}`,
  ]);
  return ['set -e', ...lines, `echo "${mark(parts.length)}"`].join('\n');
}

function figuresOf({ output }: LinuxRun): Figure[] {
  const seconds = [...output.text.matchAll(/TOOK ([\d.]+) s/g)].map((match) => Number(match[1]));
  if (seconds.length !== parts.length) throw new Error(`the guest's disks failed\n${output.text.slice(-2000)}`);
  return parts.map(({ order, bytes, requests }, i) => ({
    rate: (order === 'sequential' ? (bytes * requests) / 1e6 : requests) / seconds[i],
    cpuSeconds: output.cpuAt(mark(i + 1)) - output.cpuAt(mark(i)),
  }));
}

/** Images full of data, the same for everyone. */
function makeImages(folder: string): Readonly<Record<DiskFormat, string>> {
  const raw = join(folder, 'disk.raw');
  const qcow2 = join(folder, 'disk.qcow2');
  const fill = `openssl enc -aes-128-ctr -nosalt -pass pass:disk -pbkdf2 </dev/zero 2>/dev/null | head -c ${DISK_BYTES}`;
  execFileSync('sh', ['-c', `${fill} > '${raw}'`]);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2]);
  return { raw, qcow2 };
}

async function guestImage(folder: string): Promise<LinuxImage> {
  const program = join(folder, 'disk');
  const source = fileURLToPath(new URL('./guest/disk.c', import.meta.url));
  const flags = ['-O2', '-Wall', '-Wextra', '-static'];
  execFileSync('riscv64-linux-gnu-gcc', [...flags, '-o', program, source], { stdio: 'inherit' });
  return withFiles(await debianImage(), [
    { type: 'directory', path: 'bench' },
    { type: 'file', path: 'bench/disk', bytes: readFileSync(program), mode: 0o755 },
    { type: 'file', path: 'bench/disk.sh', bytes: Buffer.from(script()), mode: 0o644 },
  ]);
}

export const disk: Benchmark = {
  name: 'disk',
  help: 'a Linux guest reads and writes raw and qcow2 images past its page cache; with --peers also in QEMU',
  async measure(context) {
    const folder = mkdtempSync(join(tmpdir(), 'nodevisor-disk-'));
    try {
      const images = makeImages(folder);
      const image = await guestImage(folder);
      const command = 'modprobe virtio_blk; sh /bench/disk.sh';
      const subjects = new Map<string, () => Promise<Figure[]>>();
      for (const backend of context.backends) {
        const disks = formats.map((format) => ({ file: images[format], format }));
        subjects.set(backend, async () => figuresOf(await runOurs(image, backend, { command, disks })));
      }
      if (context.peers) {
        // Its slots are filled from the last one on, and Linux names disks in the order of the slots.
        const qemuArguments = [...formats]
          .reverse()
          .flatMap((format) => [
            ...['-drive', `if=none,id=${format},format=${format},file=${images[format]}`],
            ...['-device', `virtio-blk-device,drive=${format}`],
          ]);
        subjects.set('qemu-tcg', async () => figuresOf(await runQemu(image, { command, qemuArguments })));
      }
      return report(context, await inTurn(context, 'disk', subjects));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function report(context: BenchContext, found: ReadonlyMap<string, readonly Figure[][]>): Measurement[] {
  const measurements: Measurement[] = [];
  const peer = context.peers ? found.get('qemu-tcg') : undefined;
  for (const [i, { what, order }] of parts.entries()) {
    const unit = order === 'sequential' ? 'MB/s' : 'requests/s';
    for (const [subject, runs] of found) {
      measurements.push(
        measurement(
          'disk',
          what,
          subject,
          unit,
          runs.map((run) => run[i].rate),
        ),
      );
    }
    for (const [subject, runs] of found) {
      measurements.push(
        measurement(
          'disk',
          what,
          subject,
          'host CPU s',
          runs.map((run) => run[i].cpuSeconds),
        ),
      );
    }
    for (const backend of peer === undefined ? [] : context.backends) {
      const ratios = (found.get(backend) ?? []).map((run, n) => run[i].rate / (peer?.[n]?.[i].rate ?? Number.NaN));
      measurements.push(measurement('disk', what, backend, '× as fast as QEMU', ratios));
    }
  }
  return measurements;
}
