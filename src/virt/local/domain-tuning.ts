import type { DomainRef, DomainResourceProcedures, DomainTuningProcedures, TypedParam, VcpuInfo } from '../backend.ts';
import { type FilledDomainDef, getMetadata, parseCpuSet, setMetadata } from '../conf/index.ts';
import { Affect, MemoryFlags, MetadataType, VcpuFlags } from '../enums.ts';
import { virtError } from '../errors.ts';
import { cpuMap, cpusOfMap, formatCpuSet } from './cpu-set.ts';
import { changeDefinitions, type DefinitionChange, defToRead } from './definition-change.ts';
import { attachToDef, detachFromDef, deviceOfAlias, updateInDef, withoutDevice } from './device-list.ts';
import type { LocalDomain } from './domain.ts';
import type { DeviceChange, SchedulerFace } from './hypervisor.ts';
import { checkFlags, impactOf } from './impact.ts';
import { carryOut, type LiveChange, planAttach, planDetach, planDetachAlias, planUpdate } from './live-devices.ts';
import type { World } from './world.ts';

const affects = Affect.LIVE | Affect.CONFIG;

/** Memory, vCPUs, devices and descriptions of domains. */
export class LocalDomainTuning
  implements DomainTuningProcedures, Pick<DomainResourceProcedures, 'domainDetachDeviceAlias'>
{
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainSetMemoryFlags(ref: DomainRef, kib: bigint, flags: number): Promise<void> {
    checkFlags(flags, affects | MemoryFlags.MAXIMUM, 'domainSetMemoryFlags');
    await this.#change(ref, flags, async (def, { live }) => {
      if (kib > BigInt(Number.MAX_SAFE_INTEGER)) throw virtError('OVERFLOW', `memory must be less than ${2 ** 53} KiB`);
      if (kib <= 0n) {
        throw virtError('INVALID_ARG', 'memory in virDomainSetMemoryFlags must not be zero');
      }
      const size = Number(kib);
      if ((flags & MemoryFlags.MAXIMUM) !== 0) {
        if (live) throw virtError('OPERATION_INVALID', 'cannot resize the maximum memory on an active domain');
        return { ...def, memory: size, currentMemory: Math.min(def.currentMemory, size) };
      }
      if (size > def.memory) throw virtError('INVALID_ARG', 'cannot set memory higher than max memory');
      if (live && !this.#world.hypervisor.hasBalloon) {
        const reason =
          'Unable to change memory of active domain without the balloon device and guest OS balloon driver';
        throw virtError('OPERATION_INVALID', reason);
      }
      return { ...def, currentMemory: size };
    });
    const domain = this.#find(ref);
    const { live } = impactOf(domain, flags);
    if (live) this.#world.emit('balloonChange', domain.ref, kib);
  }

  async domainGetVcpusFlags(ref: DomainRef, flags: number): Promise<number> {
    checkFlags(flags, affects | VcpuFlags.MAXIMUM | VcpuFlags.GUEST, 'domainGetVcpusFlags');
    const domain = this.#find(ref);
    const { vcpu } = defToRead(domain, flags);
    refuseGuestVcpus(flags);
    return (flags & VcpuFlags.MAXIMUM) !== 0 ? vcpu.max : (vcpu.current ?? vcpu.max);
  }

  async domainSetVcpusFlags(ref: DomainRef, vcpus: number, flags: number): Promise<void> {
    checkFlags(flags, affects | VcpuFlags.MAXIMUM | VcpuFlags.GUEST, 'domainSetVcpusFlags');
    refuseGuestVcpus(flags);
    if (!Number.isInteger(vcpus) || vcpus < 1) throw virtError('INVALID_ARG', `invalid number of vCPUs: ${vcpus}`);
    return this.#change(ref, flags, async (def, { live }, domain) => {
      const { max, current = max } = def.vcpu;
      if ((flags & VcpuFlags.MAXIMUM) !== 0) {
        if (live) throw virtError('INVALID_ARG', 'cannot adjust maximum vcpus on running domain');
        const vcpu = { ...def.vcpu, max: vcpus };
        return { ...def, vcpu: current < vcpus ? { ...vcpu, current } : withoutCurrent(vcpu) };
      }
      if (vcpus > max) {
        const where = live ? 'live domain' : 'domain';
        const reason = `requested vcpus is greater than max allowable vcpus for the ${where}: ${vcpus} > ${max}`;
        throw virtError('INVALID_ARG', reason);
      }
      if (live && vcpus !== current) {
        const { made } = domain.activeRun();
        if (made.setVcpus === undefined) {
          throw virtError('OPERATION_UNSUPPORTED', 'cannot change vcpu count of this domain while it runs');
        }
        await made.setVcpus(vcpus);
      }
      return { ...def, vcpu: vcpus < max ? { ...def.vcpu, current: vcpus } : withoutCurrent(def.vcpu) };
    });
  }

  async domainGetVcpus(ref: DomainRef): Promise<VcpuInfo[]> {
    const domain = this.#find(ref);
    const { made, def } = domain.activeRun();
    const maps = this.#pins(def);
    return (await made.numbers()).vcpus.map(({ id, cpuSeconds }) => ({
      number: id,
      state: 1,
      cpuTime: BigInt(Math.round(cpuSeconds * 1e9)),
      cpu: -1,
      cpumap: maps[id] ?? new Uint8Array(),
    }));
  }

  async domainGetVcpuPinInfo(ref: DomainRef, flags: number): Promise<Uint8Array[]> {
    checkFlags(flags, affects, 'domainGetVcpuPinInfo');
    return this.#pins(defToRead(this.#find(ref), flags));
  }

  async domainPinVcpuFlags(ref: DomainRef, vcpu: number, cpumap: Uint8Array, flags: number): Promise<void> {
    checkFlags(flags, affects, 'domainPinVcpuFlags');
    const { hypervisor } = this.#world;
    const cpus = cpusOfMap(cpumap, hypervisor.host.cpus);
    if (cpus.length === 0) throw virtError('INVALID_ARG', 'Empty cpu list for pinning');
    return this.#change(ref, flags, async (def, { live }, domain) => {
      const max = def.vcpu.max;
      if (!Number.isInteger(vcpu) || vcpu < 0 || vcpu >= max) {
        throw virtError(
          'INVALID_ARG',
          `vcpu ${vcpu} is out of range of ${live ? 'live' : 'persistent'} cpu count ${max}`,
        );
      }
      if (live) {
        domain.liveGuest();
        await hypervisor.pin(domain.activeRun().made, vcpu, cpus);
      }
      const tune = def.cputune ?? { vcpupins: [] };
      const others = tune.vcpupins.filter((pin) => pin.vcpu !== vcpu);
      const vcpupins = [...others, { vcpu, cpuset: formatCpuSet(cpus) }].sort((a, b) => a.vcpu - b.vcpu);
      return { ...def, cputune: { ...tune, vcpupins } };
    });
  }

  async domainGetSchedulerType(ref: DomainRef): Promise<{ type: string; nparams: number }> {
    this.#find(ref);
    const { type, params } = this.#scheduler();
    return { type, nparams: params.length };
  }

  async domainGetSchedulerParametersFlags(ref: DomainRef, flags: number): Promise<TypedParam[]> {
    checkFlags(flags, affects | 4, 'domainGetSchedulerParametersFlags');
    return schedulingOf(this.#find(ref), this.#scheduler());
  }

  async domainSetSchedulerParametersFlags(ref: DomainRef, params: readonly TypedParam[], flags: number): Promise<void> {
    checkFlags(flags, affects | 4, 'domainSetSchedulerParametersFlags');
    const domain = this.#find(ref);
    const scheduler = this.#scheduler();
    checkScheduling(params, scheduler);
    await domain.jobs.run(async () => {
      const now = schedulingOf(this.#find(ref), scheduler);
      const wanted = now.map((param) => params.findLast(({ field }) => field === param.field) ?? param);
      await scheduler.tune?.(domain.run?.made, wanted);
      domain.scheduling = wanted;
    });
  }

  async domainAttachDeviceFlags(ref: DomainRef, xml: string, flags: number): Promise<void> {
    checkFlags(flags, affects, 'domainAttachDeviceFlags');
    const { hypervisor } = this.#world;
    return this.#changeDevice(ref, flags, {
      kept: (def) => attachToDef(def, xml),
      live: (def) => planAttach(def, xml, hypervisor),
    });
  }

  async domainDetachDeviceFlags(ref: DomainRef, xml: string, flags: number): Promise<void> {
    checkFlags(flags, affects, 'domainDetachDeviceFlags');
    return this.#changeDevice(ref, flags, {
      kept: (def) => detachFromDef(def, xml),
      live: (def) => planDetach(def, xml),
    });
  }

  async domainDetachDeviceAlias(ref: DomainRef, alias: string, flags: number): Promise<void> {
    checkFlags(flags, affects, 'domainDetachDeviceAlias');
    return this.#changeDevice(ref, flags, {
      kept: (def) => withoutDevice(def, deviceOfAlias(def, alias)),
      live: (def) => planDetachAlias(def, alias),
    });
  }

  async domainUpdateDeviceFlags(ref: DomainRef, xml: string, flags: number): Promise<void> {
    // VIR_DOMAIN_DEVICE_MODIFY_FORCE, 4, is about media that the guest holds fast.
    checkFlags(flags, affects | 4, 'domainUpdateDeviceFlags');
    return this.#changeDevice(ref, flags, {
      kept: (def) => updateInDef(def, xml),
      live: (def) => planUpdate(def, xml, (flags & 4) !== 0),
    });
  }

  async domainGetMetadata(ref: DomainRef, type: number, uri: string | undefined, flags: number): Promise<string> {
    checkFlags(flags, affects, 'domainGetMetadata');
    const def = defToRead(this.#find(ref), flags);
    const found = metadataOf(def, type, uri);
    if (found === undefined) throw virtError('NO_DOMAIN_METADATA', 'Requested metadata element is not present');
    return found;
  }

  async domainSetMetadata(
    ref: DomainRef,
    type: number,
    metadata: string | undefined,
    key: string | undefined,
    uri: string | undefined,
    flags: number,
  ): Promise<void> {
    checkFlags(flags, affects, 'domainSetMetadata');
    await this.#change(ref, flags, async (def) => withMetadata(def, { type, metadata, key, uri }));
    const domain = this.#find(ref);
    this.#world.emit('metadataChange', domain.ref, type, type === MetadataType.ELEMENT ? uri : undefined);
  }

  async #changeDevice(
    ref: DomainRef,
    flags: number,
    how: { kept: (def: FilledDomainDef) => FilledDomainDef; live: (def: FilledDomainDef) => LiveChange },
  ): Promise<void> {
    let done: DeviceChange | undefined;
    await this.#change(ref, flags, async (def, { live }, domain) => {
      if (!live) return how.kept(def);
      domain.liveGuest();
      const plan = how.live(def);
      await carryOut(domain.activeRun().made, plan);
      done = plan.change;
      return plan.def;
    });
    const alias = done?.device.def as { alias?: { name: string } } | undefined;
    if (done === undefined || done.verb === 'update') return;
    const event = done.verb === 'attach' ? 'deviceAdded' : 'deviceRemoved';
    this.#world.emit(event, this.#find(ref).ref, alias?.alias?.name ?? '');
  }

  #change(ref: DomainRef, flags: number, change: DefinitionChange): Promise<void> {
    return changeDefinitions(this.#world, this.#find(ref), flags, change);
  }

  #pins({ vcpu, cputune }: FilledDomainDef): Uint8Array[] {
    const { cpus } = this.#world.hypervisor.host;
    const all = Array.from({ length: cpus }, (_, cpu) => cpu);
    const common = parseCpuSet(vcpu.cpuset) ?? all;
    return Array.from({ length: vcpu.current ?? vcpu.max }, (_, id) => {
      const pin = cputune?.vcpupins.find((one) => one.vcpu === id);
      return cpuMap(parseCpuSet(pin?.cpuset) ?? common, cpus);
    });
  }

  #scheduler(): SchedulerFace {
    const { scheduler } = this.#world.hypervisor;
    if (scheduler === undefined) {
      throw virtError('OPERATION_UNSUPPORTED', "the host's scheduler runs the vCPUs, without parameters of a domain's");
    }
    return scheduler;
  }

  #find(ref: DomainRef): LocalDomain {
    return this.#world.domains.find(ref);
  }
}

function schedulingOf(domain: LocalDomain, { params }: SchedulerFace): TypedParam[] {
  return [...(domain.scheduling.length > 0 ? domain.scheduling : params)];
}

function checkScheduling(params: readonly TypedParam[], { params: known, tune }: SchedulerFace): void {
  for (const { field, type } of params) {
    const param = known.find((one) => one.field === field);
    if (param === undefined) throw virtError('INVALID_ARG', `Unrecognized scheduler parameter '${field}'`);
    if (param.type !== type) {
      throw virtError('INVALID_ARG', `invalid type '${type}' for parameter '${field}', expected '${param.type}'`);
    }
    if (tune === undefined)
      throw virtError('OPERATION_UNSUPPORTED', `scheduler parameter '${field}' cannot be changed`);
  }
}

function refuseGuestVcpus(flags: number): void {
  if ((flags & VcpuFlags.GUEST) === 0) return;
  throw virtError('ARGUMENT_UNSUPPORTED', 'QEMU guest agent is not configured');
}

function withoutCurrent(vcpu: FilledDomainDef['vcpu']): FilledDomainDef['vcpu'] {
  const { current: _, ...rest } = vcpu;
  return rest;
}

function metadataOf(def: FilledDomainDef, type: number, uri: string | undefined): string | undefined {
  if (type === MetadataType.DESCRIPTION) return def.description;
  if (type === MetadataType.TITLE) return def.title;
  if (type !== MetadataType.ELEMENT) throw virtError('INVALID_ARG', `unknown metadata type ${type}`);
  if (uri === undefined) throw virtError('INVALID_ARG', 'uri in domainGetMetadata must not be NULL');
  return getMetadata(def, uri);
}

interface MetadataChange {
  readonly type: number;
  readonly metadata: string | undefined;
  readonly key: string | undefined;
  readonly uri: string | undefined;
}

function withMetadata(def: FilledDomainDef, { type, metadata, key, uri }: MetadataChange): FilledDomainDef {
  // Empty is the same as none, as with libvirt.
  const text = metadata === '' ? undefined : metadata;
  if (type === MetadataType.DESCRIPTION) {
    const { description: _, ...rest } = def;
    return text === undefined ? rest : { ...rest, description: text };
  }
  if (type === MetadataType.TITLE) {
    if (text?.includes('\n')) throw virtError('INVALID_ARG', "metadata title can't contain newlines");
    const { title: _, ...rest } = def;
    return text === undefined ? rest : { ...rest, title: text };
  }
  if (type !== MetadataType.ELEMENT) throw virtError('INVALID_ARG', `unknown metadata type ${type}`);
  if (uri === undefined) throw virtError('INVALID_ARG', 'uri in domainSetMetadata must not be NULL');
  if (text !== undefined && key === undefined) {
    throw virtError('INVALID_ARG', 'key in domainSetMetadata must not be NULL');
  }
  return setMetadata(def, uri, key, text);
}
