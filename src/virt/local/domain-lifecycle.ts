import type { DomainLifecycleProcedures, DomainRef } from '../backend.ts';
import { type FilledDomainDef, formatDomain } from '../conf/index.ts';
import {
  DestroyFlags,
  DomainDefine,
  DomainLifecycle,
  DomainStart,
  DomainState,
  ListDomains,
  ShutdownFlags,
  UndefineFlags,
} from '../enums.ts';
import { virtError } from '../errors.ts';
import type { LocalDomain } from './domain.ts';
import { checkFlags } from './impact.ts';
import { selects } from './list-filter.ts';
import type { Session } from './session.ts';
import type { World } from './world.ts';

const allOf = (flags: Readonly<Record<string, number>>): number =>
  Object.values(flags).reduce((sum, flag) => sum | flag, 0);

const known = {
  list: allOf(ListDomains),
  define: allOf(DomainDefine),
  start: allOf(DomainStart),
  undefine: allOf(UndefineFlags),
  destroy: allOf(DestroyFlags),
  shutdown: allOf(ShutdownFlags),
} as const;

/** Finding domains, and their life cycle. */
export class LocalDomainLifecycle implements DomainLifecycleProcedures {
  readonly #session: Session;
  readonly #world: World;

  constructor(session: Session) {
    this.#session = session;
    this.#world = session.world;
  }

  async connectListAllDomains(flags: number): Promise<DomainRef[]> {
    checkFlags(flags, known.list, 'connectListAllDomains');
    return this.#world.domains.all.filter((domain) => listed(domain, flags)).map(({ ref }) => ref);
  }

  async domainLookupById(id: number): Promise<DomainRef> {
    return this.#world.domains.byId(id).ref;
  }

  async domainLookupByUuid(uuid: string): Promise<DomainRef> {
    return this.#world.domains.byUuid(uuid).ref;
  }

  async domainLookupByName(name: string): Promise<DomainRef> {
    return this.#world.domains.byName(name).ref;
  }

  async domainCreateXml(xml: string, flags: number): Promise<DomainRef> {
    checkFlags(flags, known.start, 'domainCreateXml');
    if ((flags & DomainStart.VALIDATE) !== 0) await this.#world.schemas.check('domain', xml);
    const def = this.#world.hypervisor.complete(xml);
    return this.#claimed(def, async (domain) => {
      if (domain.active) throw virtError('OPERATION_INVALID', `domain '${domain.name}' is already active`);
      await this.#start(domain, def, flags);
      return domain.ref;
    });
  }

  async domainDefineXmlFlags(xml: string, flags: number): Promise<DomainRef> {
    checkFlags(flags, known.define, 'domainDefineXmlFlags');
    if ((flags & DomainDefine.VALIDATE) !== 0) await this.#world.schemas.check('domain', xml);
    const def = this.#world.hypervisor.complete(xml);
    return this.#claimed(def, async (domain) => {
      await this.#world.store.save('domains', domain.uuid, () => formatDomain(def, { secure: true, inactive: true }));
      const { ADDED, UPDATED, id } = DomainLifecycle.DEFINED;
      const detail = domain.persistent ? UPDATED : ADDED;
      domain.config = def;
      domain.updated = domain.active;
      this.#world.emitLifecycle(domain, id, detail);
      return domain.ref;
    });
  }

  async domainCreateWithFlags(ref: DomainRef, flags: number): Promise<DomainRef> {
    checkFlags(flags, known.start, 'domainCreateWithFlags');
    return this.#job(ref, async (domain) => {
      if (domain.active) throw virtError('OPERATION_INVALID', 'domain is already running');
      await this.#start(domain, domain.current, flags);
      return domain.ref;
    });
  }

  async domainUndefineFlags(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, known.undefine, 'domainUndefineFlags');
    return this.#job(ref, async (domain) => {
      if (!domain.persistent) throw virtError('OPERATION_INVALID', 'cannot undefine transient domain');
      await this.#world.store.remove('domains', domain.uuid);
      domain.config = undefined;
      domain.autostart = false;
      domain.updated = false;
      this.#world.emitLifecycle(domain, DomainLifecycle.UNDEFINED.id, DomainLifecycle.UNDEFINED.REMOVED);
      this.#world.domains.settle(domain);
    });
  }

  async domainShutdownFlags(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, known.shutdown, 'domainShutdownFlags');
    return this.#press(ref, flags, 'poweroff');
  }

  async domainReboot(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, known.shutdown, 'domainReboot');
    return this.#press(ref, flags, 'reboot');
  }

  async domainReset(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, 0, 'domainReset');
    return this.#job(ref, (domain) => this.#world.life.reset(domain));
  }

  async domainSuspend(ref: DomainRef): Promise<void> {
    return this.#job(ref, (domain) => this.#world.life.suspend(domain));
  }

  async domainResume(ref: DomainRef): Promise<void> {
    return this.#job(ref, (domain) => this.#world.life.resume(domain));
  }

  async domainDestroyFlags(ref: DomainRef, flags: number): Promise<void> {
    checkFlags(flags, known.destroy, 'domainDestroyFlags');
    return this.#job(ref, (domain) => this.#world.life.destroy(domain));
  }

  async domainRename(ref: DomainRef, newName: string, flags: number): Promise<void> {
    checkFlags(flags, 0, 'domainRename');
    return this.#job(ref, async (domain) => {
      const { config } = domain;
      if (config === undefined) throw virtError('OPERATION_INVALID', 'cannot rename a transient domain');
      if (domain.active) throw virtError('OPERATION_INVALID', 'cannot rename active domain');
      if (newName === domain.name) throw virtError('OPERATION_INVALID', "Can't rename domain to itself");
      const xml = formatDomain({ ...config, name: newName }, { secure: true, inactive: true });
      // Once more through the parser: it knows what a name may be.
      const renamed = this.#world.hypervisor.complete(xml);
      const before = domain.ref;
      this.#world.domains.rename(domain, newName);
      try {
        await this.#world.store.save('domains', domain.uuid, () => xml);
      } catch (error) {
        this.#world.domains.rename(domain, before.name);
        throw error;
      }
      domain.config = renamed;
      const { UNDEFINED, DEFINED } = DomainLifecycle;
      this.#world.emit('lifecycle', before, UNDEFINED.id, UNDEFINED.RENAMED);
      this.#world.emitLifecycle(domain, DEFINED.id, DEFINED.RENAMED);
    });
  }

  async domainGetAutostart(ref: DomainRef): Promise<boolean> {
    return this.#world.domains.find(ref).autostart;
  }

  async domainSetAutostart(ref: DomainRef, autostart: boolean): Promise<void> {
    return this.#job(ref, async (domain) => {
      if (!domain.persistent) {
        throw virtError('OPERATION_INVALID', 'cannot set autostart for transient domain');
      }
      if (domain.autostart === autostart) return;
      await this.#world.store.setAutostart('domains', domain.uuid, autostart);
      domain.autostart = autostart;
    });
  }

  async #start(domain: LocalDomain, def: FilledDomainDef, flags: number): Promise<void> {
    const autodestroy = (flags & DomainStart.AUTODESTROY) !== 0;
    await this.#world.life.start(domain, def, { paused: (flags & DomainStart.PAUSED) !== 0, autodestroy });
    if (autodestroy) this.#session.autodestroy.add(domain);
    else this.#session.autodestroy.delete(domain);
  }

  async #press(ref: DomainRef, flags: number, wish: 'poweroff' | 'reboot'): Promise<void> {
    if ((flags & ShutdownFlags.GUEST_AGENT) !== 0) {
      throw virtError('ARGUMENT_UNSUPPORTED', 'QEMU guest agent is not configured');
    }
    if ((flags & (ShutdownFlags.INITCTL | ShutdownFlags.SIGNAL)) !== 0) {
      throw virtError('OPERATION_UNSUPPORTED', 'the guest is no container: it has neither initctl nor signals');
    }
    return this.#job(ref, async (domain) => {
      const guest = domain.liveGuest();
      if (domain.state.state !== DomainState.RUNNING) throw virtError('OPERATION_INVALID', 'domain is not running');
      await this.#world.hypervisor.press(guest, wish);
    });
  }

  #job<T>(ref: DomainRef, job: (domain: LocalDomain) => Promise<T>): Promise<T> {
    const domain = this.#world.domains.find(ref);
    return domain.jobs.run(() => {
      // It may have gone while this job waited for others.
      this.#world.domains.find(ref);
      return job(domain);
    });
  }

  /** Runs a job on the domain that a definition is about, which the job may bring into being. */
  async #claimed<T>(def: FilledDomainDef, job: (domain: LocalDomain) => Promise<T>): Promise<T> {
    const { domains } = this.#world;
    for (;;) {
      const domain = domains.claim(def.uuid, def.name);
      const done = await domain.jobs.run(async () => {
        if (domain.removed) return undefined;
        try {
          return { result: await job(domain) };
        } finally {
          domains.settle(domain);
        }
      });
      if (done !== undefined) return done.result;
    }
  }
}

/** Whether `flags` of ListDomains ask for a domain. */
export function listed(domain: LocalDomain, flags: number): boolean {
  if (flags === 0) return true;
  const { state } = domain.state;
  const listedStates: readonly number[] = [DomainState.RUNNING, DomainState.PAUSED, DomainState.SHUTOFF];
  return (
    selects(flags, [
      [ListDomains.ACTIVE, domain.active, ListDomains.INACTIVE],
      [ListDomains.PERSISTENT, domain.persistent, ListDomains.TRANSIENT],
      [ListDomains.AUTOSTART, domain.autostart, ListDomains.NO_AUTOSTART],
      [ListDomains.MANAGEDSAVE, false, ListDomains.NO_MANAGEDSAVE],
      [ListDomains.HAS_SNAPSHOT, false, ListDomains.NO_SNAPSHOT],
    ]) &&
    selectsOne(flags, [
      [ListDomains.RUNNING, state === DomainState.RUNNING],
      [ListDomains.PAUSED, state === DomainState.PAUSED],
      [ListDomains.SHUTOFF, state === DomainState.SHUTOFF],
      [ListDomains.OTHER, !listedStates.includes(state)],
    ])
  );
}

/** A group with more than two flags: one that is set must fit, unless none is. */
function selectsOne(flags: number, group: readonly (readonly [flag: number, fits: boolean])[]): boolean {
  const asked = group.filter(([flag]) => (flags & flag) !== 0);
  return asked.length === 0 || asked.some(([, fits]) => fits);
}
