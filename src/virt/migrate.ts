import { VirtError } from '../util/index.ts';
import type { Backend, DomainRef, TypedParam } from './backend.ts';
import { MigrateFlags } from './enums.ts';
import { virtError } from './errors.ts';

/** What the destination has nothing to do with. */
const SOURCE_ONLY = MigrateFlags.ABORT_ON_ERROR | MigrateFlags.AUTO_CONVERGE;

/** The parameters with one that is text set anew. */
function withText(params: readonly TypedParam[], field: string, value: string): readonly TypedParam[] {
  return [...params.filter((param) => param.field !== field), { field, type: 'string', value }];
}

/** What a step came to, or why it failed. */
async function outcome<T>(step: Promise<T>): Promise<{ readonly value: T } | { readonly failure: unknown }> {
  try {
    return { value: await step };
  } catch (failure) {
    return { failure };
  }
}

/** NO_SUPPORT of the first step says that the host has no migration at all, which has a name of its own. */
function nameRefusal(error: unknown): never {
  if (!(error instanceof VirtError) || error.code !== 'NO_SUPPORT') throw error;
  throw virtError('NO_SUPPORT', 'virDomainMigrate3', { cause: error, domain: 'DOMAIN' });
}

/**
 * Takes a domain from one host to another, both of which follow us: the five steps of libvirt's third protocol. Whatever
 * fails, the source is told so and keeps the domain. @param params of virDomainMigrate3 @param flags of MigrateFlags
 */
export async function migrate(
  source: Backend,
  domain: DomainRef,
  destination: Backend,
  params: readonly TypedParam[],
  flags: number,
): Promise<DomainRef> {
  const destinationFlags = flags & ~SOURCE_ONLY;
  const begun = await source.domainMigrateBegin3Params(domain, params, flags).catch(nameRefusal);
  const prepared = await outcome(
    destination.domainMigratePrepare3Params(
      withText(params, 'destination_xml', begun.xml),
      begun.cookie,
      destinationFlags,
    ),
  );
  if ('failure' in prepared) {
    // The source has begun: it must hear that nothing comes of it.
    await outcome(source.domainMigrateConfirm3Params(domain, params, new Uint8Array(), flags, 1));
    throw prepared.failure;
  }
  const { uri } = prepared.value;
  const going = uri === undefined ? params : withText(params, 'migrate_uri', uri);
  const offline = (flags & MigrateFlags.OFFLINE) !== 0;
  const performed = offline
    ? { value: new Uint8Array() }
    : await outcome(source.domainMigratePerform3Params(domain, undefined, going, prepared.value.cookie, flags));
  const cancelled = 'failure' in performed ? 1 : 0;
  const named = going.some(({ field }) => field === 'destination_name')
    ? going
    : withText(going, 'destination_name', domain.name);
  const cookie = 'failure' in performed ? new Uint8Array() : performed.value;
  const finished = await outcome(destination.domainMigrateFinish3Params(named, cookie, destinationFlags, cancelled));
  const failed = 'failure' in finished;
  const confirmed = await outcome(
    source.domainMigrateConfirm3Params(
      domain,
      going,
      failed ? new Uint8Array() : finished.value.cookie,
      flags,
      failed || cancelled === 1 ? 1 : 0,
    ),
  );
  if ('failure' in performed) throw performed.failure;
  if (failed) throw finished.failure;
  if ('failure' in confirmed) throw confirmed.failure;
  return finished.value.domain;
}
