/** TCP between a Linux guest and the host and between two guests, short connections, and pings; also in QEMU's. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EtherSwitch } from '../src/machine/index.ts';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, type LinuxImage, type LinuxRun, runOurs, runQemu, withFiles } from './lib/linux.ts';
import { type BenchContext, type Benchmark, type Measurement, measurement, median } from './lib/result.ts';

/** How long each kind of traffic flows. */
const SECONDS = 5;
const PINGS = 200;
/** Pings that go before those that are timed: what is used is translated, the guest's code and ours. */
const PINGS_BEFORE = 3000;
/** Pings that are timed, in turn: seconds between them, and how many of no account go before. */
const PING_ROUNDS = {
  'the first, every 2 ms': { seconds: 0.002, before: 0 },
  // What is still in the host's caches from the last one, and what is not.
  'every 2 ms': { seconds: 0.002, before: PINGS_BEFORE },
  'every 20 ms': { seconds: 0.02, before: 0 },
} as const;
/** Short connections that are open at a time. */
const AT_A_TIME = 8;
const GUEST_PORT = 5000;
const END_PORT = 5001;

interface Part {
  readonly what: string;
  readonly unit: string;
  /** Arguments of the traffic program around the address. */
  readonly mode: string;
  readonly streams: number;
  readonly scale: number;
}

const MBIT = 8 / 1e6;
const upload = (what: string, streams: number): Part => ({ what, unit: 'Mbit/s', mode: 'up', streams, scale: MBIT });
const download = (what: string, streams: number): Part => ({ ...upload(what, streams), mode: 'down' });

/** What a guest does with the host. */
export const withHost: readonly Part[] = [
  upload('TCP, guest to host, 1 stream', 1),
  upload('TCP, guest to host, 8 streams', 8),
  download('TCP, host to guest, 1 stream', 1),
  download('TCP, host to guest, 8 streams', 8),
  { what: 'short connections to the host', unit: '/s', mode: 'short', streams: AT_A_TIME, scale: 1 },
];

/** What a guest does with another. */
const withGuest: readonly Part[] = [
  upload('TCP, guest to guest, 1 stream', 1),
  upload('TCP, guest to guest, 8 streams', 8),
];

/** Figures by what they are of: each part's, and the round trip. */
export type Figures = Map<string, number>;

/** The guest's commands: pings, then each part. */
export function script(address: string, port: number, parts: readonly Part[]): string {
  const lines = parts.map(({ mode, streams }) => `/bench/traffic ${mode} ${address} ${port} ${streams} ${SECONDS}`);
  const pings = Object.values(PING_ROUNDS).flatMap(({ seconds, before }) => [
    ...(before > 0 ? [`ping -q -c ${before} -i ${seconds} ${address}`] : []),
    `ping -c ${PINGS} -i ${seconds} ${address}`,
  ]);
  return [...pings, ...lines].join('; ');
}

/** What the commands found; `ping`: what their pings are called. Throws when they failed. */
export function figuresOf({ output }: LinuxRun, ping: string, parts: readonly Part[]): Figures {
  const trips = [...output.text.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  const rates = [...output.text.matchAll(/RATE (\d+)/g)].map((match) => Number(match[1]));
  const rounds = Object.keys(PING_ROUNDS);
  if (trips.length !== rounds.length * PINGS || rates.length !== parts.length) {
    throw new Error(`the guest's network failed\n${output.text.slice(-2000)}`);
  }
  const figures: Figures = new Map();
  for (const [i, round] of rounds.entries()) {
    figures.set(`${ping}, ${round}`, median(trips.slice(i * PINGS, (i + 1) * PINGS)));
  }
  for (const [i, { what, scale }] of parts.entries()) figures.set(what, (rates[i] as number) * scale);
  return figures;
}

export const PING_HOST = 'ping of the router';
const PING_GUEST = 'ping of another guest';

/** Builds the traffic program for the guest and for the host. */
export function build(folder: string): { guest: Uint8Array; host: string } {
  const source = fileURLToPath(new URL('./guest/traffic.c', import.meta.url));
  const flags = ['-O2', '-Wall', '-Wextra'];
  const [guest, host] = [join(folder, 'traffic'), join(folder, 'traffic-host')];
  execFileSync('riscv64-linux-gnu-gcc', [...flags, '-static', '-o', guest, source], { stdio: 'inherit' });
  execFileSync('cc', [...flags, '-o', host, source], { stdio: 'inherit' });
  return { guest: readFileSync(guest), host };
}

/** The host's server, a process of its own. */
export async function serve(program: string): Promise<{ port: number; close(): void }> {
  const child = spawn(program, ['serve', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { port: Number(line.slice('port '.length)), close: () => child.kill() };
}

type Start = (options: { command: string; nets: 'first' | 'second' }) => Promise<LinuxRun>;

/** Two guests on one wire: the first serves until the second has done its part. */
async function pair(start: Start): Promise<Figures> {
  const [first, second] = ['10.9.0.1', '10.9.0.2'];
  const up = (address: string) => `ip addr add ${address}/24 dev eth0`;
  const server = start({
    command: `${up(first)}; /bench/traffic serve ${GUEST_PORT} & nc -l -p ${END_PORT} >/dev/null; exit 0`,
    nets: 'first',
  });
  const commands = script(first, GUEST_PORT, withGuest);
  const client = start({
    command: `${up(second)}; until ping -c 1 -W 1 ${first} >/dev/null; do :; done; sleep 5; ${commands}; nc ${first} ${END_PORT} </dev/null; exit 0`,
    nets: 'second',
  });
  const [, run] = await Promise.all([server, client]);
  return figuresOf(run, PING_GUEST, withGuest);
}

async function ourPair(image: LinuxImage, backend: string): Promise<Figures> {
  const ether = new EtherSwitch();
  return pair(({ command }) => runOurs(image, backend, { command, nets: [{ backend: ether.plug() }] }));
}

async function qemuPair(image: LinuxImage, folder: string): Promise<Figures> {
  const path = join(folder, 'wire');
  rmSync(path, { force: true });
  const figures = await pair(async ({ command, nets }) => {
    while (nets === 'second' && !existsSync(path)) await sleep(20);
    const end = `stream,id=n0,server=${nets === 'first' ? 'on' : 'off'},addr.type=unix,addr.path=${path}`;
    const mac = `52:54:00:aa:00:0${nets === 'first' ? 1 : 2}`;
    return runQemu(image, {
      command,
      qemuArguments: ['-netdev', end, '-device', `virtio-net-device,netdev=n0,mac=${mac}`],
    });
  });
  return figures;
}

/** What is told of a figure. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly lessIsBetter?: boolean;
}

/** The rows of pings. */
export function pings(of: string): Row[] {
  return Object.keys(PING_ROUNDS).map((round) => ({ what: `${of}, ${round}`, unit: 'ms', lessIsBetter: true }));
}

const parts: readonly Row[] = [...pings(PING_HOST), ...withHost, ...pings(PING_GUEST), ...withGuest];

export const net: Benchmark = {
  name: 'net',
  help: 'TCP of a Linux guest with the host and with another guest, short connections, pings; with --peers also QEMU',
  async measure(context) {
    const folder = mkdtempSync(join(tmpdir(), 'nodevisor-net-'));
    const { guest, host } = build(folder);
    const server = await serve(host);
    try {
      const image = withFiles(await debianImage(), [
        { type: 'directory', path: 'bench' },
        { type: 'file', path: 'bench/traffic', bytes: guest, mode: 0o755 },
      ]);
      const command = `${script('10.0.2.2', server.port, withHost)}; exit 0`;
      const subjects = new Map<string, () => Promise<Figures>>();
      for (const backend of context.backends) {
        subjects.set(backend, async () => {
          const run = await runOurs(image, backend, { command, nets: [{ type: 'user', hostLoopback: true }] });
          return new Map([...figuresOf(run, PING_HOST, withHost), ...(await ourPair(image, backend))]);
        });
      }
      if (context.peers) {
        subjects.set('qemu-tcg', async () => {
          const qemuArguments = ['-netdev', 'user,id=n0', '-device', 'virtio-net-device,netdev=n0'];
          const run = await runQemu(image, { command, qemuArguments });
          return new Map([...figuresOf(run, PING_HOST, withHost), ...(await qemuPair(image, folder))]);
        });
      }
      return report('net', parts, context, await inTurn(context, 'net', subjects));
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** The rows of a benchmark as measurements, with QEMU's beside and the ratio where it was measured too. */
export function report(
  bench: string,
  parts: readonly Row[],
  context: BenchContext,
  found: ReadonlyMap<string, readonly Figures[]>,
): Measurement[] {
  const measurements: Measurement[] = [];
  const of = (run: Figures | undefined, what: string) => run?.get(what) as number;
  for (const [subject, runs] of found) {
    for (const { what, unit } of parts) {
      const figures = runs.map((run) => of(run, what));
      measurements.push(measurement(bench, what, subject, unit, figures));
    }
  }
  const peer = found.get('qemu-tcg');
  for (const backend of peer === undefined ? [] : context.backends) {
    for (const { what, lessIsBetter = false } of parts) {
      const ratios = (found.get(backend) ?? []).map((run, i) => {
        const ratio = of(run, what) / of(peer?.[i], what);
        return lessIsBetter ? 1 / ratio : ratio;
      });
      measurements.push(measurement(bench, `${what}, times as good as QEMU`, backend, '×', ratios));
    }
  }
  return measurements;
}
