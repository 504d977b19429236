import type { Duplex } from 'node:stream';
import type { DomainGuestProcedures, DomainRef, FsInfo, SecurityLabel, TypedParam } from '../backend.ts';
import { virtError } from '../errors.ts';
import type { LocalDomain } from './domain.ts';
import { checkFlags } from './impact.ts';
import { leasedName } from './interface-addresses.ts';
import type { World } from './world.ts';

/** virNodeSuspendTarget has so many members. */
const SUSPEND_TARGETS = 3;
/** VIR_DOMAIN_GUEST_INFO_USERS to _INTERFACES. */
const guestInfoTypes = 0x7f;

/**
 * What an agent in the guest would tell or do: no machine has the channel that one speaks over, so all of that ends as
 * it does with libvirt where no agent is configured.
 */
export class LocalDomainGuest implements DomainGuestProcedures {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async domainGetSecurityLabel(ref: DomainRef): Promise<SecurityLabel> {
    this.#find(ref);
    return { label: '', enforcing: false };
  }

  async domainGetSecurityLabelList(ref: DomainRef): Promise<SecurityLabel[]> {
    this.#find(ref);
    return [];
  }

  async domainGetHostname(ref: DomainRef, flags: number): Promise<string> {
    // VIR_DOMAIN_GET_HOSTNAME_LEASE, _AGENT.
    checkFlags(flags, 3, 'domainGetHostname');
    if (flags !== 1) return this.#agent(ref);
    const domain = this.#find(ref);
    const name = leasedName(this.#world.networks, domain.activeRun().def);
    if (name === undefined) throw virtError('NO_HOSTNAME', `no hostname found for domain ${domain.name}`);
    return name;
  }

  async domainGetGuestInfo(ref: DomainRef, types: number, flags: number): Promise<TypedParam[]> {
    checkFlags(flags, 0, 'domainGetGuestInfo');
    if ((types & ~guestInfoTypes) !== 0) {
      throw virtError(
        'INVALID_ARG',
        `unsupported guest information types '0x${(types & ~guestInfoTypes).toString(16)}'`,
      );
    }
    return this.#agent(ref);
  }

  async domainGetGuestVcpus(ref: DomainRef, flags: number): Promise<TypedParam[]> {
    checkFlags(flags, 0, 'domainGetGuestVcpus');
    return this.#agent(ref);
  }

  async domainGetFsInfo(ref: DomainRef, flags: number): Promise<FsInfo[]> {
    checkFlags(flags, 0, 'domainGetFsInfo');
    return this.#agent(ref);
  }

  async domainFsFreeze(ref: DomainRef, _mountpoints: readonly string[], flags: number): Promise<number> {
    checkFlags(flags, 0, 'domainFsFreeze');
    return this.#agent(ref);
  }

  async domainFsThaw(ref: DomainRef, _mountpoints: readonly string[], flags: number): Promise<number> {
    checkFlags(flags, 0, 'domainFsThaw');
    return this.#agent(ref);
  }

  async domainFsTrim(ref: DomainRef, _mountPoint: string | undefined, _minimum: bigint, flags: number): Promise<void> {
    checkFlags(flags, 0, 'domainFsTrim');
    this.#agent(ref);
  }

  async domainSetTime(ref: DomainRef, _seconds: bigint, nseconds: number, flags: number): Promise<void> {
    // VIR_DOMAIN_TIME_SYNC.
    checkFlags(flags, 1, 'domainSetTime');
    if (!Number.isInteger(nseconds) || nseconds < 0 || nseconds >= 1e9) {
      throw virtError('INVALID_ARG', `nseconds in domainSetTime must be less than a second, not ${nseconds}`);
    }
    this.#agent(ref);
  }

  async domainSetUserPassword(ref: DomainRef, _user: string, _password: string, flags: number): Promise<void> {
    // VIR_DOMAIN_PASSWORD_ENCRYPTED.
    checkFlags(flags, 1, 'domainSetUserPassword');
    this.#agent(ref);
  }

  async domainInjectNmi(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, 0, 'domainInjectNmi');
    this.#find(ref).activeRun();
    throw virtError('OPERATION_UNSUPPORTED', 'the machine has no non-maskable interrupt');
  }

  async domainPmSuspendForDuration(ref: DomainRef, target: number, duration: bigint, flags: number): Promise<void> {
    checkFlags(flags, 0, 'domainPmSuspendForDuration');
    if (target < 0 || target >= SUSPEND_TARGETS) throw virtError('INVALID_ARG', `Unknown suspend target: ${target}`);
    if (duration !== 0n) {
      throw virtError('ARGUMENT_UNSUPPORTED', 'Duration not supported. Use 0 for now');
    }
    this.#find(ref).activeRun();
    noSleep();
  }

  async domainPmWakeup(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, 0, 'domainPmWakeup');
    this.#find(ref).activeRun();
    noSleep();
  }

  async domainOpenChannel(ref: DomainRef, name: string | undefined, flags: number): Promise<Duplex> {
    // VIR_DOMAIN_CHANNEL_FORCE.
    checkFlags(flags, 1, 'domainOpenChannel');
    const { channels } = this.#find(ref).activeRun().def.devices;
    const channel = channels.find(
      ({ target, alias }) => name === undefined || target?.name === name || alias?.name === name,
    );
    const shown = name ?? channel?.target?.name ?? '(null)';
    if (channel === undefined) throw virtError('INTERNAL_ERROR', `cannot find channel ${shown}`);
    throw virtError('OPERATION_UNSUPPORTED', `channel ${shown} is not in the machine`);
  }

  #agent(ref: DomainRef): never {
    this.#find(ref).activeRun();
    throw virtError('ARGUMENT_UNSUPPORTED', 'QEMU guest agent is not configured');
  }

  #find(ref: DomainRef): LocalDomain {
    return this.#world.domains.find(ref);
  }
}

function noSleep(): never {
  throw virtError('OPERATION_UNSUPPORTED', 'Domain does not have suspend support');
}
