/**
 * `nodevisor image` beside qemu-img: what takes long with images of 2 GiB, and the host's CPU time for it. All that is
 * read is in the host's memory, and what is written stays there: the disk below is nobody's merit.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inTurn } from './lib/in-turn.ts';
import { type BenchContext, type Benchmark, type Measurement, measurement } from './lib/result.ts';

const MIB = 2 ** 20;
const DISK_BYTES = 2048 * MIB;
/** Of what is compressed: both need some seconds for that much. */
const TEXT_BYTES = 256 * MIB;

/** As `npm run build` makes it: a tool that runs for a second is not to spend it on being translated. */
const program = fileURLToPath(new URL('../dist/tools/cli/main.js', import.meta.url));

const noise = 'openssl enc -aes-128-ctr -nosalt -pass pass:image -pbkdf2 </dev/zero 2>/dev/null';

interface Preparation {
  /** Of which images. */
  readonly of?: string;
  /** By the shell in the images' folder. */
  readonly command: string;
}

const preparations: Readonly<Record<string, Preparation>> = {
  'random.raw': { command: `${noise} | head -c ${DISK_BYTES} > random.raw` },
  'random.qcow2': { of: 'random.raw', command: 'qemu-img convert -f raw -O qcow2 random.raw random.qcow2' },
  // Every other MiB has something.
  'half.raw': {
    of: 'random.raw',
    command:
      `truncate -s ${DISK_BYTES} half.raw; seq 0 2 2046 | ` +
      'xargs -I{} dd if=random.raw of=half.raw bs=1M count=1 skip={} seek={} conv=notrunc status=none',
  },
  'half.qcow2': { of: 'half.raw', command: 'qemu-img convert -f raw -O qcow2 half.raw half.qcow2' },
  // Zeroes that are there.
  'zeroes.raw': { command: `head -c ${DISK_BYTES} /dev/zero > zeroes.raw` },
  'zeroes.qcow2': { of: 'zeroes.raw', command: 'qemu-img convert -S 0 -f raw -O qcow2 zeroes.raw zeroes.qcow2' },
  // Every fourth MiB is its own.
  'overlay.qcow2': {
    of: 'random.qcow2',
    command:
      'qemu-img create -q -f qcow2 -b random.qcow2 -F qcow2 overlay.qcow2; ' +
      `seq 0 4 2044 | awk '{ print "write -P", $1 % 250 + 1, $1 "M 1M" }' | qemu-io overlay.qcow2 >/dev/null`,
  },
  // Packs to a half, about, as programs do.
  'text.raw': {
    command: `${noise} | head -c ${TEXT_BYTES / 2} | od -An -v -tx1 -w32 | head -c ${TEXT_BYTES} > text.raw`,
  },
  'zlib.qcow2': { of: 'text.raw', command: 'qemu-img convert -c -f raw -O qcow2 text.raw zlib.qcow2' },
  'zstd.qcow2': {
    of: 'text.raw',
    command: 'qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd text.raw zstd.qcow2',
  },
};

interface Case {
  readonly what: string;
  /** What both are given. */
  readonly args: readonly string[];
  /** What is changed, as a copy of an image that was prepared. */
  readonly changes?: string;
}

function conversion(content: string, from: string, to: string, options: readonly string[] = []): Case {
  const file = /\./.test(content) ? content : `${content}.${from}`;
  const shown = options.length > 0 ? ` ${options.join(' ')}` : '';
  return {
    what: `convert, ${content}, ${from} to ${to}${shown}`,
    args: ['convert', '-f', from, '-O', to, ...options, file, 'out'],
  };
}

const formats = ['raw', 'qcow2'] as const;

const conversions: readonly Case[] = [
  ...['random', 'half', 'zeroes'].flatMap((content) =>
    formats.flatMap((from) => formats.map((to) => conversion(content, from, to))),
  ),
  ...formats.map((to) => conversion('overlay', 'qcow2', to)),
  conversion('overlay', 'qcow2', 'qcow2', ['-B', 'random.qcow2', '-F', 'qcow2']),
];

const compressions: readonly Case[] = [
  ...['zlib', 'zstd'].flatMap((content) => formats.map((to) => conversion(content, 'qcow2', to))),
  conversion('text', 'raw', 'qcow2', ['-c', '-o', 'compression_type=zstd']),
  conversion('text', 'raw', 'qcow2', ['-c']),
];

const others: readonly Case[] = [
  { what: 'check, random', args: ['check', '-f', 'qcow2', 'random.qcow2'] },
  { what: 'compare, random', args: ['compare', '-f', 'raw', '-F', 'qcow2', 'random.raw', 'random.qcow2'] },
  { what: 'compare, half', args: ['compare', '-f', 'raw', '-F', 'qcow2', 'half.raw', 'half.qcow2'] },
  {
    what: 'rebase, a quarter, onto nothing',
    args: ['rebase', '-f', 'qcow2', '-b', '', 'out'],
    changes: 'overlay.qcow2',
  },
  {
    what: 'rebase, a quarter, onto the same as raw',
    args: ['rebase', '-f', 'qcow2', '-b', 'random.raw', '-F', 'raw', 'out'],
    changes: 'overlay.qcow2',
  },
  // The last one: it changes what is below.
  { what: 'commit, a quarter', args: ['commit', '-q', '-d', 'out'], changes: 'overlay.qcow2' },
];

/** What one run of a tool took. */
interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Has all of a file in the host's memory: so it is for whoever reads it next. */
function warm(path: string): void {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(4 * MIB);
  while (readSync(file, buffer) > 0);
  closeSync(file);
}

/** Makes an image, unless it is there. */
function prepare(folder: string, name: string): void {
  const preparation = preparations[name];
  if (preparation === undefined || existsSync(join(folder, name))) return;
  if (preparation.of !== undefined) prepare(folder, preparation.of);
  execFileSync('sh', ['-c', preparation.command], { cwd: folder });
}

/** What a case reads. */
const inputs = ({ args, changes }: Case) => [...args, changes ?? ''].filter((name) => name in preparations);

function run(folder: string, tool: readonly string[], { args, changes }: Case): Took {
  const out = join(folder, 'out');
  // What the one before has made is left to be made anew. Removed earlier, its memory might go back to a host below this
  // one, and whoever starts later would have to wait until it is given out again.
  if (changes !== undefined) copyFileSync(join(folder, changes), out);
  // Nor is what the one before has written to be waited for by this one, when the host finds that it is too much.
  execFileSync('sync');
  const script = 'TIMEFORMAT="took %R %U %S"; time "$@"';
  const { status, stderr } = spawnSync('bash', ['-c', script, 'time', ...tool, ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const times = /took ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr);
  if (status !== 0 || times === null) throw new Error(`${[...tool, ...args].join(' ')} failed: ${stderr}`);
  return { seconds: Number(times[1]), cpuSeconds: Number(times[2]) + Number(times[3]) };
}

function report(bench: string, what: string, found: ReadonlyMap<string, readonly Took[]>): Measurement[] {
  const rows = (unit: string, of: (took: Took) => number) =>
    [...found].map(([subject, runs]) => measurement(bench, what, subject, unit, runs.map(of)));
  // Of the best runs: in others the host below has to give memory out again, which takes longer than all the rest.
  const best = (subject: string) => Math.min(...(found.get(subject) ?? []).map(({ seconds }) => seconds));
  const ratio = best('nodevisor') / best('qemu-img');
  return [
    ...rows('s', ({ seconds }) => seconds),
    ...rows('host CPU s', ({ cpuSeconds }) => cpuSeconds),
    ...(found.has('qemu-img') ? [measurement(bench, what, 'nodevisor', '× qemu-img, best of each', [ratio])] : []),
  ];
}

async function measure(bench: string, cases: readonly Case[], context: BenchContext): Promise<Measurement[]> {
  if (!existsSync(program)) throw new Error('the program is not built: npm run build');
  if (spawnSync('qemu-img', ['--version']).status !== 0) throw new Error('qemu-img is missing (Debian: qemu-utils)');
  const folder = mkdtempSync(join(tmpdir(), 'nodevisor-image-'));
  try {
    const found: Measurement[] = [];
    for (const one of cases) {
      for (const name of inputs(one)) prepare(folder, name);
      for (const name of inputs(one)) warm(join(folder, name));
      const ours = async () => run(folder, [process.execPath, program, 'image'], one);
      const theirs = async () => run(folder, ['qemu-img'], one);
      const subjects = new Map([['nodevisor', ours], ...(context.peers ? [['qemu-img', theirs] as const] : [])]);
      found.push(...report(bench, one.what, await inTurn(context, `${bench}: ${one.what}`, subjects)));
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function benchmark(name: string, help: string, cases: readonly Case[]): Benchmark {
  return { name, help: `${help}; with --peers also qemu-img`, measure: (context) => measure(name, cases, context) };
}

export const imageBenchmarks: readonly Benchmark[] = [
  benchmark('convert', 'image convert of 2 GiB of every kind between raw and qcow2', conversions),
  benchmark('compress', 'image convert to and from compressed images', compressions),
  benchmark('image', 'image check, compare, rebase and commit of 2 GiB', others),
];
