/** The daemon beside libvirt's own, answering libvirt's own client; how soon a domain runs; what waiting costs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, connect } from '../src/index.ts';
import { assetPath } from '../src/tools/assets.ts';
import { program } from '../test/support/guest.ts';
import {
  callsPerSecond,
  libvirtObstacle,
  memoryMib,
  ownMemoryMib,
  type RunningDaemon,
  startLibvirtd,
  startOurs,
} from './lib/daemons.ts';
import { type BenchContext, type Benchmark, type Measurement, measurement } from './lib/result.ts';

/** Domains that are defined while calls are counted. */
const DOMAINS = 50;
const STARTS = 15;
const IDLE_DOMAINS = 10;

const many = async (count: number, measure: () => Promise<number> | number): Promise<number[]> => {
  const runs: number[] = [];
  for (let run = 0; run < count; run++) runs.push(await measure());
  return runs;
};

/** What is asked for, with how many clients, in which world. */
interface Question {
  readonly what: string;
  readonly call: string;
  readonly clients: number;
  readonly domains: number;
  readonly world: 'test' | 'machines';
}

const questions: readonly Question[] = [
  ...['list', 'dominfo', 'domstats'].flatMap((call) =>
    [1, 4].map((clients) => ({
      what: `${call} of ${DOMAINS} domains`,
      call,
      clients,
      domains: DOMAINS,
      world: 'test' as const,
    })),
  ),
  { what: 'define+undefine in memory', call: 'define+undefine', clients: 1, domains: 1, world: 'test' },
  { what: 'define+undefine on disk', call: 'define+undefine', clients: 1, domains: 1, world: 'machines' },
];

/**
 * Calls a second: worlds without machines are the same in both, so the daemons alone make the difference. They take
 * turns, so that what else the host does falls on both.
 */
function calls(daemons: readonly RunningDaemon[], context: BenchContext): Measurement[] {
  const found: Measurement[] = [];
  for (const { what, call, clients, domains, world } of questions) {
    context.progress(`${what}, ${clients} client${clients === 1 ? '' : 's'}`);
    const runs = daemons.map((): number[] => []);
    for (let run = 0; run < context.runs; run++) {
      for (const [index, { uris }] of daemons.entries()) {
        runs[index]?.push(callsPerSecond(uris[world], call, clients, domains));
      }
    }
    const title = `${what}, ${clients} client${clients === 1 ? '' : 's'}`;
    for (const [index, { name }] of daemons.entries()) {
      found.push(measurement('daemon', title, name, 'calls/s', runs[index] ?? []));
    }
  }
  return found;
}

function domainXml(name: string, kernel: string, cmdline = ''): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory>
    <os><type arch='riscv64' machine='virt'>hvm</type><kernel>${kernel}</kernel><cmdline>${cmdline}</cmdline></os>
    <devices><console type='pty'/></devices></domain>`;
}

/** From the call to a byte that the guest's first instructions print, as a client sees it, in ms. */
async function firstInstruction(connection: Connection, kernel: string, name = 'first'): Promise<number> {
  const domain = await connection.defineXML(domainXml(name, kernel));
  const start = performance.now();
  await domain.create();
  const console = await domain.openConsole();
  await new Promise((resolve) => console.once('data', resolve));
  const ms = performance.now() - start;
  console.destroy();
  await domain.destroy();
  await domain.undefine();
  return ms;
}

/** The same with the daemon at rest: the process for the next machine is made ready meanwhile. */
async function startAtRest(connection: Connection, kernel: string): Promise<number> {
  await sleep(1500);
  return firstInstruction(connection, kernel);
}

/** Starts in a row, none of which waits for anything but the one before it: all but the first. */
async function startsInARow(connection: Connection, kernel: string): Promise<number[]> {
  await sleep(1500);
  const runs: number[] = [];
  for (let run = 0; run <= STARTS; run++) runs.push(await firstInstruction(connection, kernel, `row-${run}`));
  return runs.slice(1);
}

async function starts(context: BenchContext): Promise<Measurement[]> {
  const found: Measurement[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-bench-'));
  const kernel = join(directory, 'first.elf');
  writeFileSync(kernel, program('li t0, UART\n li t1, 33\n sb t1, (t0)\n1: wfi\n j 1b', 0x8020_0000).bytes);
  for (const [subject, options] of [
    ['nodevisor daemon', []],
    ['with --no-spare', ['--no-spare']],
  ] as const) {
    context.progress(`starts, ${subject}`);
    const daemon = await startOurs(...options);
    const connection = await connect(daemon.uris.machines);
    const runs = await many(STARTS, () => startAtRest(connection, kernel));
    found.push(measurement('daemon', 'start to first guest instruction', subject, 'ms', runs));
    const row = await startsInARow(connection, kernel);
    found.push(measurement('daemon', 'start right after another domain’s', subject, 'ms', row));
    await connection.close();
    await daemon.stop();
  }
  rmSync(directory, { recursive: true });
  return found;
}

/** Processes of the machines of a daemon, which are its children. */
function machinesOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(pid);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Memory of the process that is kept ready for the next machine. */
async function spareMemory(): Promise<Measurement> {
  const daemon = await startOurs();
  await sleep(3000);
  const spare = machinesOf(daemon.pid).map(memoryMib);
  await daemon.stop();
  return measurement('daemon', 'memory of the process kept ready', daemon.name, 'MiB', spare);
}

async function memory(context: BenchContext): Promise<Measurement[]> {
  context.progress('memory');
  const spare = await spareMemory();
  const daemon = await startOurs('--no-spare');
  await sleep(2000);
  const idle = memoryMib(daemon.pid);
  const connection = await connect(daemon.uris.machines);
  const guest = assetPath('guest/guest.elf');
  const start = (name: string) => connection.createXML(domainXml(name, guest, 'shell'));
  // With the first one comes all that any domain needs.
  await start('first');
  await sleep(3000);
  const withOne = ownMemoryMib(daemon.pid);
  for (let index = 0; index < IDLE_DOMAINS; index++) await start(`idle-${index}`);
  await sleep(3000);
  const machines = machinesOf(daemon.pid).map(memoryMib);
  const perDomain = (ownMemoryMib(daemon.pid) - withOne) / IDLE_DOMAINS;
  await connection.close();
  await daemon.stop();
  return [
    measurement('daemon', 'memory when idle', daemon.name, 'MiB', [idle]),
    spare,
    measurement('daemon', 'memory of the daemon for each idle domain', daemon.name, 'MiB', [perDomain]),
    measurement('daemon', 'memory of an idle domain’s process, 64 MiB guest', daemon.name, 'MiB', machines),
  ];
}

export const daemon: Benchmark = {
  name: 'daemon',
  help: 'calls a second beside libvirtd, start of a domain, memory',
  async measure(context) {
    const obstacle = libvirtObstacle();
    if (obstacle !== undefined) throw new Error(obstacle);
    const ours = await startOurs('--no-spare');
    const theirs = await startLibvirtd();
    const found: Measurement[] = [];
    try {
      found.push(measurement('daemon', 'memory when idle', theirs.name, 'MiB', [memoryMib(theirs.pid)]));
      found.push(...calls([ours, theirs], context));
    } finally {
      await ours.stop();
      await theirs.stop();
    }
    return [...found, ...(await starts(context)), ...(await memory(context))];
  },
};
