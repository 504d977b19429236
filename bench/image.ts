/** `nodevisor image` beside qemu-img: what takes long with images of 2 GiB, and the host's CPU time for it. */
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

/** How the images are made that are read, each in turn, by the shell in their folder. */
const preparations: readonly (readonly [name: string, command: string])[] = [
  ['random.raw', `${noise} | head -c ${DISK_BYTES} > random.raw`],
  ['random.qcow2', 'qemu-img convert -f raw -O qcow2 random.raw random.qcow2'],
  // Every other MiB has something.
  [
    'half.raw',
    `truncate -s ${DISK_BYTES} half.raw; for i in $(seq 0 2 2046); do echo $i; done | ` +
      'xargs -I{} dd if=random.raw of=half.raw bs=1M count=1 skip={} seek={} conv=notrunc status=none',
  ],
  ['half.qcow2', 'qemu-img convert -f raw -O qcow2 half.raw half.qcow2'],
  // Zeroes that are there.
  ['zeroes.raw', `head -c ${DISK_BYTES} /dev/zero > zeroes.raw`],
  ['zeroes.qcow2', 'qemu-img convert -S 0 -f raw -O qcow2 zeroes.raw zeroes.qcow2'],
  ['empty.qcow2', `qemu-img create -q -f qcow2 empty.qcow2 ${DISK_BYTES}`],
  // Every fourth MiB of what is on top of random.qcow2 is its own.
  [
    'overlay.qcow2',
    'qemu-img create -q -f qcow2 -b random.qcow2 -F qcow2 overlay.qcow2; ' +
      `seq 0 4 2044 | awk '{ print "write -P", $1 % 250 + 1, $1 "M 1M" }' | qemu-io overlay.qcow2 >/dev/null`,
  ],
  // Packs to a third, about, as programs and texts do.
  ['text.raw', `${noise} | head -c ${TEXT_BYTES / 2} | od -An -v -tx1 -w32 | head -c ${TEXT_BYTES} > text.raw`],
  ['zlib.qcow2', 'qemu-img convert -c -f raw -O qcow2 text.raw zlib.qcow2'],
  ['zstd.qcow2', 'qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd text.raw zstd.qcow2'],
];

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

const cases: readonly Case[] = [
  ...['random', 'half', 'zeroes'].flatMap((content) =>
    formats.flatMap((from) => formats.map((to) => conversion(content, from, to))),
  ),
  ...formats.map((to) => conversion('overlay', 'qcow2', to)),
  conversion('overlay', 'qcow2', 'qcow2', ['-B', 'random.qcow2', '-F', 'qcow2']),
  conversion('text', 'raw', 'qcow2', ['-c']),
  conversion('text', 'raw', 'qcow2', ['-c', '-o', 'compression_type=zstd']),
  ...['zlib', 'zstd'].flatMap((content) => formats.map((to) => conversion(content, 'qcow2', to))),
  { what: 'check, random', args: ['check', '-f', 'qcow2', 'random.qcow2'] },
  { what: 'compare, raw with qcow2', args: ['compare', '-f', 'raw', '-F', 'qcow2', 'random.raw', 'random.qcow2'] },
  { what: 'compare, qcow2 with qcow2', args: ['compare', '-f', 'qcow2', '-F', 'qcow2', 'half.qcow2', 'half.qcow2'] },
  { what: 'commit, a quarter', args: ['commit', '-q', '-d', 'out'], changes: 'overlay.qcow2' },
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

function run(folder: string, tool: readonly string[], { args, changes }: Case): Took {
  const out = join(folder, 'out');
  rmSync(out, { force: true });
  if (changes !== undefined) copyFileSync(join(folder, changes), out);
  // What is still to be written to the disk is nobody's in particular.
  execFileSync('sync');
  for (const arg of args) if (existsSync(join(folder, arg))) warm(join(folder, arg));
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

function report(what: string, found: ReadonlyMap<string, readonly Took[]>): Measurement[] {
  const rows = (unit: string, of: (took: Took) => number) =>
    [...found].map(([subject, runs]) => measurement('image', what, subject, unit, runs.map(of)));
  const peer = found.get('qemu-img');
  const ratios = (found.get('nodevisor') ?? []).map((took, n) => took.seconds / (peer?.[n]?.seconds ?? Number.NaN));
  return [
    ...rows('s', ({ seconds }) => seconds),
    ...rows('host CPU s', ({ cpuSeconds }) => cpuSeconds),
    ...(peer === undefined ? [] : [measurement('image', what, 'nodevisor', '× the time of qemu-img', ratios)]),
  ];
}

async function measure(context: BenchContext, folder: string): Promise<Measurement[]> {
  if (!existsSync(program)) throw new Error('the program is not built: npm run build');
  for (const [name, command] of preparations) {
    if (!existsSync(join(folder, name))) execFileSync('sh', ['-c', command], { cwd: folder });
  }
  const found: Measurement[] = [];
  for (const one of cases) {
    const subjects = new Map([['nodevisor', async () => run(folder, [process.execPath, program, 'image'], one)]]);
    if (context.peers) subjects.set('qemu-img', async () => run(folder, ['qemu-img'], one));
    found.push(...report(one.what, await inTurn(context, `image ${one.what}`, subjects)));
  }
  return found;
}

export const image: Benchmark = {
  name: 'image',
  help: 'image convert, check, compare, commit and rebase of 2 GiB in TMPDIR, all in memory; with --peers also qemu-img',
  async measure(context) {
    const folder = mkdtempSync(join(tmpdir(), 'nodevisor-image-'));
    try {
      return await measure(context, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
