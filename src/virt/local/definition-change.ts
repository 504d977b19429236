/** How the definitions of a domain are changed: the one in force, the one that is kept, or both. */
import { type FilledDomainDef, formatDomain, withTraysOf } from '../conf/index.ts';
import type { LocalDomain } from './domain.ts';
import { type Impact, impactOf, impactToRead } from './impact.ts';
import type { World } from './world.ts';

/** Gives the changed definition, and when it is about the running domain does the same to its machine. */
export type DefinitionChange = (def: FilledDomainDef, impact: Impact, domain: LocalDomain) => Promise<FilledDomainDef>;

/**
 * Changes the definitions that `flags` of Affect mean: first the one that is kept, as trying it changes nothing outside,
 * then the one in force. When either refuses, neither is changed.
 */
export async function changeDefinitions(
  world: World,
  domain: LocalDomain,
  flags: number,
  change: DefinitionChange,
): Promise<void> {
  const { hypervisor, domains, store } = world;
  await domain.jobs.run(async () => {
    // It may have gone while this job waited for others.
    domains.find(domain.ref);
    const { live, config } = impactOf(domain, flags);
    const kept = domain.config;
    let newConfig = kept;
    if (config && kept !== undefined) {
      const changed = await change(kept, { live: false, config: true }, domain);
      // Through the parser: its defaults may have to be filled in anew, and it knows what there can be.
      newConfig = hypervisor.complete(formatDomain(changed, { secure: true, inactive: true }));
    }
    const run = live ? domain.activeRun() : undefined;
    const newLive = run === undefined ? undefined : await change(run.def, { live: true, config: false }, domain);
    // At once: what has been done to the machine stays done, whatever becomes of the files.
    if (run !== undefined && newLive !== undefined) {
      run.def = withTraysOf(run.def, newLive);
      world.life.redefined(domain);
    }
    if (newConfig !== undefined && newConfig !== kept) {
      await store.save('domains', domain.uuid, () => formatDomain(newConfig, { secure: true, inactive: true }));
      domain.config = newConfig;
      domain.updated ||= domain.active && newLive === undefined;
    }
  });
}

/** The definition that `flags` of Affect mean, to read. Throws OPERATION_INVALID, INVALID_ARG. */
export function defToRead(domain: LocalDomain, flags: number): FilledDomainDef {
  const { live } = impactToRead(domain, flags);
  return live ? domain.activeRun().def : (domain.config ?? domain.current);
}
