import type { DiskError, DomainRef, DomainResourceProcedures, IothreadInfo, TypedParam } from '../backend.ts';
import { type FilledDomainDef, formatDomain, parseCpuSet } from '../conf/index.ts';
import { Affect, DomainLifecycleAction, DomainLifecycleWhen } from '../enums.ts';
import { virtError } from '../errors.ts';
import { getBlockIoTune, setBlockIoTune } from './block-io-tune.ts';
import { cpuMap, cpusOfMap, formatCpuSet } from './cpu-set.ts';
import { changeDefinitions, defToRead } from './definition-change.ts';
import type { LocalDomain } from './domain.ts';
import { findInterface } from './domain-io.ts';
import { cpuTimeNs } from './domain-read.ts';
import { checkFlags, impactOf } from './impact.ts';
import { refuseLimits, unlimited } from './resource-params.ts';
import type { World } from './world.ts';

const affects = Affect.LIVE | Affect.CONFIG;
/** VIR_TYPED_PARAM_STRING_OKAY. */
const paramFlags = affects | 4;

const whens = Object.entries(DomainLifecycleWhen);
const actions = Object.entries(DomainLifecycleAction);

/** Limits on the host's resources, and what there is to know of them. */
export class LocalDomainResources implements Omit<DomainResourceProcedures, 'domainDetachDeviceAlias'> {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainGetEmulatorPinInfo(ref: DomainRef, flags: number): Promise<Uint8Array> {
    checkFlags(flags, affects, 'domainGetEmulatorPinInfo');
    const { vcpu, cputune } = defToRead(this.#find(ref), flags);
    const { cpus } = this.#world.hypervisor.host;
    const all = Array.from({ length: cpus }, (_, cpu) => cpu);
    return cpuMap(parseCpuSet(cputune?.emulatorpin?.cpuset ?? vcpu.cpuset) ?? all, cpus);
  }

  async domainPinEmulator(ref: DomainRef, cpumap: Uint8Array, flags: number): Promise<void> {
    checkFlags(flags, affects, 'domainPinEmulator');
    const { hypervisor } = this.#world;
    const cpus = cpusOfMap(cpumap, hypervisor.host.cpus);
    if (cpus.length === 0) throw virtError('INVALID_ARG', 'Empty cpu list for pinning');
    return changeDefinitions(this.#world, this.#find(ref), flags, async (def, { live }, domain) => {
      if (live) {
        domain.liveGuest();
        if (hypervisor.pinEmulator === undefined) {
          throw virtError('OPERATION_UNSUPPORTED', 'the domain has no thread of its own beside those of its vCPUs');
        }
        await hypervisor.pinEmulator(domain.activeRun().made, cpus);
      }
      const tune = def.cputune ?? { vcpupins: [] };
      return { ...def, cputune: { ...tune, emulatorpin: { cpuset: formatCpuSet(cpus) } } };
    });
  }

  async domainGetIothreadInfo(ref: DomainRef, flags: number): Promise<IothreadInfo[]> {
    checkFlags(flags, affects, 'domainGetIothreadInfo');
    // A definition with <iothreads> is refused, so there are none.
    defToRead(this.#find(ref), flags);
    return [];
  }

  async domainSetMemoryStatsPeriod(ref: DomainRef, period: number, flags: number): Promise<void> {
    checkFlags(flags, affects, 'domainSetMemoryStatsPeriod');
    if (!Number.isInteger(period) || period < 0 || period > 0x7fff_ffff) {
      throw virtError('INVALID_ARG', `period in domainSetMemoryStatsPeriod must be zero or greater, not ${period}`);
    }
    return changeDefinitions(this.#world, this.#find(ref), flags, async (def, { live }) => {
      const [balloon] = def.devices.memballoons;
      if (balloon === undefined || balloon.model === 'none') {
        throw virtError('OPERATION_INVALID', 'Memory balloon model must be virtio to set the collection period');
      }
      if (live && !this.#world.hypervisor.hasBalloon) {
        throw virtError('OPERATION_UNSUPPORTED', 'the machine has no balloon whose statistics could be collected');
      }
      return { ...def, devices: { ...def.devices, memballoons: [{ ...balloon, stats: { period } }] } };
    });
  }

  async domainGetBlkioParameters(ref: DomainRef, flags: number): Promise<TypedParam[]> {
    return this.#limits(ref, flags, 'domainGetBlkioParameters', unlimited.blkio);
  }

  async domainSetBlkioParameters(ref: DomainRef, params: readonly TypedParam[], flags: number): Promise<void> {
    this.#setLimits({ ref, flags, where: 'domainSetBlkioParameters' }, params, unlimited.blkio);
  }

  async domainGetMemoryParameters(ref: DomainRef, flags: number): Promise<TypedParam[]> {
    return this.#limits(ref, flags, 'domainGetMemoryParameters', unlimited.memory);
  }

  async domainSetMemoryParameters(ref: DomainRef, params: readonly TypedParam[], flags: number): Promise<void> {
    this.#setLimits({ ref, flags, where: 'domainSetMemoryParameters' }, params, unlimited.memory);
  }

  async domainGetNumaParameters(ref: DomainRef, flags: number): Promise<TypedParam[]> {
    return this.#limits(ref, flags, 'domainGetNumaParameters', unlimited.numa);
  }

  async domainSetNumaParameters(ref: DomainRef, params: readonly TypedParam[], flags: number): Promise<void> {
    this.#setLimits({ ref, flags, where: 'domainSetNumaParameters' }, params, unlimited.numa);
  }

  async domainGetBlockIoTune(ref: DomainRef, disk: string | undefined, flags: number): Promise<TypedParam[]> {
    checkFlags(flags, paramFlags, 'domainGetBlockIoTune');
    return getBlockIoTune(this.#find(ref), disk, flags & affects);
  }

  async domainSetBlockIoTune(
    ref: DomainRef,
    disk: string,
    params: readonly TypedParam[],
    flags: number,
  ): Promise<void> {
    checkFlags(flags, paramFlags, 'domainSetBlockIoTune');
    return setBlockIoTune(this.#world, ref, params, { disk, flags: flags & affects });
  }

  async domainGetInterfaceParameters(ref: DomainRef, device: string, flags: number): Promise<TypedParam[]> {
    const limits = this.#limits(ref, flags, 'domainGetInterfaceParameters', unlimited.interface);
    findInterface(defToRead(this.#find(ref), flags & affects), device);
    return limits;
  }

  async domainSetInterfaceParameters(
    ref: DomainRef,
    device: string,
    params: readonly TypedParam[],
    flags: number,
  ): Promise<void> {
    findInterface(this.#find(ref).current, device);
    this.#setLimits({ ref, flags, where: 'domainSetInterfaceParameters' }, params, unlimited.interface);
  }

  async domainGetCpuStats(ref: DomainRef, startCpu: number, ncpus: number, flags: number): Promise<TypedParam[][]> {
    checkFlags(flags, 4, 'domainGetCpuStats');
    const domain = this.#find(ref);
    domain.activeRun();
    if (startCpu === -1) {
      if (ncpus > 1) throw virtError('INVALID_ARG', 'ncpus in domainGetCpuStats must be 1 when start_cpu is -1');
      return [[{ field: 'cpu_time', type: 'ullong', value: await cpuTimeNs(domain) }]];
    }
    throw virtError('OPERATION_UNSUPPORTED', 'the host does not account the CPU time of a domain by CPU');
  }

  async domainGetDiskErrors(ref: DomainRef, flags: number): Promise<DiskError[]> {
    checkFlags(flags, 0, 'domainGetDiskErrors');
    const { diskErrors } = this.#find(ref).activeRun();
    // VIR_DOMAIN_DISK_ERROR_UNSPEC and _NO_SPACE.
    return [...diskErrors].map(([disk, reason]) => ({ disk, error: reason === 'enospc' ? 2 : 1 }));
  }

  async domainSetLifecycleAction(ref: DomainRef, type: number, action: number, flags: number): Promise<void> {
    checkFlags(flags, affects, 'domainSetLifecycleAction');
    const [when] = whens.find(([, value]) => value === type) ?? [];
    const [name] = actions.find(([, value]) => value === action) ?? [];
    if (when === undefined) throw virtError('INVALID_ARG', `unsupported lifecycle type ${type}`);
    if (name === undefined) throw virtError('INVALID_ARG', `unsupported lifecycle action ${action}`);
    const field = `on_${when.toLowerCase()}` as 'on_poweroff' | 'on_reboot' | 'on_crash';
    const wanted = name.toLowerCase().replace('_', '-') as FilledDomainDef[typeof field];
    return changeDefinitions(this.#world, this.#find(ref), flags, async (def, { live }) => {
      if (live && field === 'on_reboot' && def.on_reboot !== wanted) {
        throw virtError('OPERATION_UNSUPPORTED', 'the reboot action of a running machine cannot be changed');
      }
      const changed = { ...def, [field]: wanted };
      // Only to have it checked: a live definition is not filled in anew.
      if (live) this.#world.hypervisor.complete(formatDomain(changed, { secure: true, inactive: true }));
      return changed;
    });
  }

  #limits(ref: DomainRef, flags: number, where: string, none: readonly TypedParam[]): TypedParam[] {
    checkFlags(flags, paramFlags, where);
    defToRead(this.#find(ref), flags & affects);
    return [...none];
  }

  #setLimits(
    { ref, flags, where }: { ref: DomainRef; flags: number; where: string },
    params: readonly TypedParam[],
    none: readonly TypedParam[],
  ): void {
    checkFlags(flags, paramFlags, where);
    impactOf(this.#find(ref), flags & affects);
    refuseLimits(params, none);
  }

  #find(ref: DomainRef): LocalDomain {
    return this.#world.domains.find(ref);
  }
}
