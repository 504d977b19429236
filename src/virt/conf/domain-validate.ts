/** What makes a definition one that there can be: contradictions, and wishes that there is no support for. */
import { VirtError } from '../../util/index.ts';
import { validateDevices } from './device-validate.ts';
import type { DomainDef, FilledDomainDef } from './domain-def.ts';
import { refuseUnsupported, unsupported } from './domain-refuse.ts';
import type { HostCapabilities } from './host-capabilities.ts';

/**
 * Throws XML_ERROR for a definition that contradicts itself, CONFIG_UNSUPPORTED, with its name, for what a machine of
 * ours cannot be. What is known and merely without effect passes: `toMachineOptions` lists it.
 */
export function validateDomain(def: FilledDomainDef, host: HostCapabilities): void {
  checkNames(def);
  checkMachine(def, host);
  checkVcpus(def, host);
  checkCpu(def);
  checkBehaviour(def);
  refuseUnsupported(def);
  validateDevices(def);
}

function xmlError(message: string): VirtError {
  return new VirtError('XML_ERROR', `XML error: ${message}`, { domain: 'DOMAIN' });
}

/** Throws XML_ERROR for a name or a title that a domain cannot have. */
export function checkNames({ name, title }: Pick<DomainDef, 'name' | 'title'>): void {
  if (name.trim() === '') throw xmlError('missing name information');
  if (name.includes('/')) throw xmlError(`name ${name} cannot contain '/'`);
  if (/[\n\r]/.test(name)) throw xmlError('name cannot contain newlines');
  if (title !== undefined && /[\n\r]/.test(title)) throw xmlError("Domain title can't contain newlines");
}

function checkMachine({ type, os, memory }: FilledDomainDef, host: HostCapabilities): void {
  if (type !== 'qemu') throw unsupported(`domain type '${type}': there is 'qemu', which is emulation`);
  if (os.type.value !== 'hvm') throw unsupported(`os type '${os.type.value}': there is 'hvm'`);
  if (os.type.arch !== 'riscv64') throw unsupported(`No emulator found for arch '${os.type.arch}': there is 'riscv64'`);
  if (os.type.machine !== 'virt') throw unsupported(`machine type '${os.type.machine}': there is 'virt'`);
  if (memory === 0) throw xmlError('Memory size must be specified via <memory> or in the <numa> configuration');
  if (memory > host.maxMemoryKib) {
    throw unsupported(`memory of ${memory} KiB: a machine can have ${host.maxMemoryKib} KiB at most`);
  }
  if (os.firmware !== undefined) throw unsupported(`firmware '${os.firmware}': give the file of a <loader>`);
  if (os.loader?.secure) throw unsupported("<loader secure='yes'>");
  if (os.nvram !== undefined && os.loader?.type !== 'pflash')
    throw unsupported("<nvram> without a <loader type='pflash'>");
  if (os.kernel === undefined && os.initrd !== undefined) throw unsupported('<initrd> without a <kernel>');
}

function checkVcpus({ vcpu, cputune }: FilledDomainDef, host: HostCapabilities): void {
  const { max, current = max, placement } = vcpu;
  if (current > max) throw unsupported('maximum vCPU count must not be less than current vCPU count');
  if (max > host.maxVcpus) throw unsupported(`Maximum CPUs greater than specified machine type limit ${host.maxVcpus}`);
  if (placement === 'auto') throw unsupported("<vcpu placement='auto'>: there is no numad");
  parseCpuSet(vcpu.cpuset);
  for (const pin of cputune?.vcpupins ?? []) {
    if (pin.vcpu >= max) throw xmlError(`vcpupin: there is no vCPU ${pin.vcpu}`);
    parseCpuSet(pin.cpuset);
  }
  parseCpuSet(cputune?.emulatorpin?.cpuset);
}

/**
 * The CPUs of a set like `0-3,^2,8`, in order. Throws XML_ERROR when it is none or has none in it.
 */
export function parseCpuSet(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\^?)(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    if (match === null) throw xmlError(`Failed to parse bitmap '${text}'`);
    const [, not, first, last = first] = match;
    if (Number(last) < Number(first)) throw xmlError(`Failed to parse bitmap '${text}'`);
    for (let cpu = Number(first); cpu <= Number(last); cpu++) not ? cpus.delete(cpu) : cpus.add(cpu);
  }
  if (cpus.size === 0) throw xmlError(`Invalid value of 'cpuset': ${text}`);
  return [...cpus].sort((a, b) => a - b);
}

function checkCpu({ cpu, vcpu }: FilledDomainDef): void {
  if (cpu === undefined) return;
  if (cpu.mode !== undefined && cpu.mode !== 'custom') throw unsupported(`CPU mode '${cpu.mode}': there is 'custom'`);
  if (cpu.model !== undefined && cpu.model.name !== 'rv64') {
    throw unsupported(`CPU model '${cpu.model.name}': there is 'rv64'`);
  }
  const { topology } = cpu;
  if (topology === undefined) return;
  const { sockets, dies = 1, clusters = 1, cores, threads } = topology;
  if (sockets * dies * clusters * cores * threads !== vcpu.max) {
    throw unsupported("CPU topology doesn't match maximum vcpu count");
  }
}

function checkBehaviour(def: FilledDomainDef): void {
  const { clock } = def;
  if (clock.offset !== 'utc') throw unsupported(`clock offset '${clock.offset}': there is 'utc'`);
  for (const name of ['on_poweroff', 'on_reboot', 'on_crash'] as const) {
    const action = def[name];
    const isKept = action === 'preserve' && name !== 'on_crash';
    if (action === 'rename-restart' || isKept || action.startsWith('coredump')) {
      throw unsupported(`action '${action}' for '${name}'`);
    }
  }
}
