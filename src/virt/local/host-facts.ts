import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, type CpuInfo, cpus, freemem, hostname, machine, totalmem } from 'node:os';
import type { NodeInfo, NodeStat } from '../backend.ts';
import { virtError } from '../errors.ts';

/** Architectures by Linux's names. */
const archNames: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686' };

/** The host's architecture as Linux calls it. */
export function hostArch(): string {
  return archNames[arch()] ?? arch();
}

/** A UUID of the host that stays the same: from its machine id, or else its name. */
export function hostUuid(): string {
  const id = readText('/etc/machine-id') ?? readText('/var/lib/dbus/machine-id') ?? hostname();
  // Hashed: the machine id itself is not to be shown around (machine-id(5)).
  const digits = createHash('sha256').update(`nodevisor host ${id}`).digest('hex').slice(0, 32);
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-8$3-8$4-$5');
}

/** virNodeInfo of this host, as far as Node tells: one socket, a core for each CPU. */
export function nodeInfo(): NodeInfo {
  const all = cpus();
  return {
    model: machine().slice(0, 31),
    memory: BigInt(Math.floor(totalmem() / 1024)),
    cpus: all.length,
    mhz: all[0]?.speed ?? 0,
    nodes: 1,
    sockets: 1,
    cores: all.length,
    threads: 1,
  };
}

/** Times of one CPU, or with −1 of all together, in nanoseconds. */
export function cpuStats(cpuNum: number): NodeStat[] {
  const all = cpus();
  const chosen = cpuNum < 0 ? all : all.slice(cpuNum, cpuNum + 1);
  const sum = (of: (times: CpuInfo['times']) => number) =>
    BigInt(chosen.reduce((total, { times }) => total + of(times), 0)) * 1_000_000n;
  return [
    { field: 'kernel', value: sum(({ sys, irq }) => sys + irq) },
    { field: 'user', value: sum(({ user, nice }) => user + nice) },
    { field: 'idle', value: sum(({ idle }) => idle) },
  ];
}

/** KiB of the host's memory. */
export function memoryStats(): NodeStat[] {
  return [
    { field: 'total', value: BigInt(Math.floor(totalmem() / 1024)) },
    { field: 'free', value: BigInt(Math.floor(freemem() / 1024)) },
  ];
}

/** `<sysinfo>` from what the host's firmware says of it. Throws OPERATION_UNSUPPORTED where it says nothing. */
export function sysinfo(): string {
  const entries = (['manufacturer:sys_vendor', 'product:product_name', 'version:product_version'] as const).flatMap(
    (pair) => {
      const [name = '', file = ''] = pair.split(':');
      const value = readText(`/sys/class/dmi/id/${file}`);
      return value === undefined || value === '' ? [] : [`    <entry name='${name}'>${escapeXml(value)}</entry>`];
    },
  );
  if (entries.length === 0) throw virtError('OPERATION_UNSUPPORTED', 'Host SMBIOS information is not available');
  return ["<sysinfo type='smbios'>", '  <system>', ...entries, '  </system>', '</sysinfo>', ''].join('\n');
}

/** Why threads cannot be pinned to CPUs here; undefined: they can, by util-linux' taskset. */
export function pinningObstacle(): string | undefined {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return "there is no 'taskset' (util-linux) on this host";
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
