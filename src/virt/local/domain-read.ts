import type { DomainInfo, DomainReadProcedures, DomainRef, TypedParam } from '../backend.ts';
import { formatDomain } from '../conf/index.ts';
import { DomainXml } from '../enums.ts';
import { virtError } from '../errors.ts';
import type { LocalDomain } from './domain.ts';
import type { MachineNumbers } from './hypervisor.ts';
import { checkFlags } from './impact.ts';
import type { World } from './world.ts';

const xmlFlags = DomainXml.SECURE | DomainXml.INACTIVE | DomainXml.UPDATE_CPU | DomainXml.MIGRATABLE;

/** What domains are and how they do. */
export class LocalDomainRead implements DomainReadProcedures {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainGetXmlDesc(ref: DomainRef, flags: number): Promise<string> {
    checkFlags(flags, xmlFlags, 'domainGetXmlDesc');
    const domain = this.#find(ref);
    const secure = (flags & DomainXml.SECURE) !== 0;
    const run = (flags & DomainXml.INACTIVE) === 0 ? domain.run : undefined;
    if (run !== undefined) return formatDomain(run.def, { secure, id: domain.id });
    return formatDomain(domain.config ?? domain.current, { secure, inactive: true });
  }

  async domainGetInfo(ref: DomainRef): Promise<DomainInfo> {
    const domain = this.#find(ref);
    const def = domain.current;
    return {
      state: domain.state.state,
      maxMem: BigInt(def.memory),
      memory: BigInt(memoryOf(domain, this.#world.hypervisor.hasBalloon)),
      nrVirtCpu: def.vcpu.current ?? def.vcpu.max,
      cpuTime: await cpuTimeNs(domain),
    };
  }

  async domainGetState(ref: DomainRef, flags: number): Promise<{ state: number; reason: number }> {
    checkFlags(flags, 0, 'domainGetState');
    return { ...this.#find(ref).state };
  }

  async domainGetOsType(ref: DomainRef): Promise<string> {
    return this.#find(ref).current.os.type.value;
  }

  async domainIsActive(ref: DomainRef): Promise<boolean> {
    return this.#find(ref).active;
  }

  async domainIsPersistent(ref: DomainRef): Promise<boolean> {
    return this.#find(ref).persistent;
  }

  async domainIsUpdated(ref: DomainRef): Promise<boolean> {
    return this.#find(ref).updated;
  }

  async domainGetMaxMemory(ref: DomainRef): Promise<bigint> {
    return BigInt(this.#find(ref).current.memory);
  }

  async domainGetControlInfo(
    ref: DomainRef,
    flags: number,
  ): Promise<{ state: number; details: number; stateTime: bigint }> {
    checkFlags(flags, 0, 'domainGetControlInfo');
    this.#find(ref).activeRun();
    return { state: 0, details: 0, stateTime: 0n };
  }

  async domainGetJobStats(ref: DomainRef, flags: number): Promise<{ type: number; params: TypedParam[] }> {
    checkFlags(flags, 3, 'domainGetJobStats');
    this.#find(ref);
    // Jobs in this sense are saving and migrating; all others are done before anyone could ask.
    return { type: 0, params: [] };
  }

  async domainGetMessages(ref: DomainRef, flags: number): Promise<string[]> {
    checkFlags(flags, 3, 'domainGetMessages');
    return [...this.#find(ref).messages];
  }

  async domainGetTime(ref: DomainRef, flags: number): Promise<{ seconds: bigint; nseconds: number }> {
    checkFlags(flags, 0, 'domainGetTime');
    const domain = this.#find(ref);
    domain.activeRun();
    const ns = this.#world.hypervisor.guestTimeNs?.();
    if (ns === undefined) throw virtError('ARGUMENT_UNSUPPORTED', 'QEMU guest agent is not configured');
    return { seconds: ns / 1_000_000_000n, nseconds: Number(ns % 1_000_000_000n) };
  }

  async domainHasManagedSaveImage(ref: DomainRef, flags: number): Promise<boolean> {
    checkFlags(flags, 0, 'domainHasManagedSaveImage');
    this.#find(ref);
    return false;
  }

  #find(ref: DomainRef): LocalDomain {
    return this.#world.domains.find(ref);
  }
}

/** CPU time of the vCPUs of this run so far, in nanoseconds. */
export async function cpuTimeNs(domain: LocalDomain): Promise<bigint> {
  const numbers = await domain.run?.made.numbers();
  return numbers === undefined ? 0n : cpuTimeOf(numbers);
}

/** CPU time of all vCPUs together, in nanoseconds. */
export function cpuTimeOf({ vcpus }: MachineNumbers): bigint {
  const seconds = vcpus.reduce((sum, vcpu) => sum + vcpu.cpuSeconds, 0);
  return BigInt(Math.round(seconds * 1e9));
}

/** RAM in KiB: a running machine without a balloon has all of it. */
export function memoryOf(domain: LocalDomain, hasBalloon: boolean): number {
  const { memory, currentMemory } = domain.current;
  return hasBalloon || !domain.active ? currentMemory : memory;
}
