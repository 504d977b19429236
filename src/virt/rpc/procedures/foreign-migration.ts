/** Domains that go to another host, which is between hosts of libvirt's. */
import { MigrateFlags } from '../../enums.ts';
import { virtError } from '../../errors.ts';
import { reads, writes } from '../procedure.ts';
import { domain, typedParams } from '../shapes.ts';
import { bits, int, opaque, optional, text, uhyper } from '../xdr-types.ts';

const cookie = opaque(4 * 1024 * 1024);
const params = typedParams(64);

const limits = [
  writes.direct(166, 'domainMigrateSetMaxDowntime', [{ domain }, { downtime: uhyper }, { flags: bits }], {}),
  writes.direct(387, 'domainMigrateGetMaxDowntime', [{ domain }, { flags: bits }], { downtime: uhyper }),
  writes.direct(207, 'domainMigrateSetMaxSpeed', [{ domain }, { bandwidth: uhyper }, { flags: bits }], {}),
  writes.direct(242, 'domainMigrateGetMaxSpeed', [{ domain }, { flags: bits }], { bandwidth: uhyper }),
  reads.direct(299, 'domainMigrateGetCompressionCache', [{ domain }, { flags: bits }], { cacheSize: uhyper }),
  writes.direct(300, 'domainMigrateSetCompressionCache', [{ domain }, { cacheSize: uhyper }, { flags: bits }], {}),
  writes.direct(364, 'domainMigrateStartPostCopy', [{ domain }, { flags: bits }], {}),
];

/** VIR_DRV_FEATURE_MIGRATE_CHANGE_PROTECTION. */
const MIGRATE_CHANGE_PROTECTION = 7;

/** virDrvFeature of hosts that go to another by themselves, and of those that need nobody there. */
const MIGRATION_P2P = 4;
const MIGRATION_DIRECT = 5;

/** Which kind of migration the third step is of; `feature` is what the source needs for it. */
function wayOf(destination: string | undefined, cookieIn: Uint8Array): { name: string; feature?: number } {
  if (destination !== undefined) return { name: 'p2p', feature: MIGRATION_P2P };
  return cookieIn.length === 0 ? { name: 'direct', feature: MIGRATION_DIRECT } : { name: 'managed' };
}

/** Whether no changes of the domain may come between steps: what libvirt's own client asks for where it can be had. */
async function protection(supports: (feature: number) => Promise<boolean>): Promise<number> {
  return (await supports(MIGRATE_CHANGE_PROTECTION)) ? MigrateFlags.CHANGE_PROTECTION : 0;
}

/** The five steps, in order: the first, third and last at the source, the others at the destination. */
const steps = [
  writes.mapped(
    302,
    'domainMigrateBegin3Params',
    [{ domain }, { params }, { flags: bits }],
    { cookie, xml: text },
    {
      serve: (backend, ...args) => backend.domainMigrateBegin3Params(...args),
      call: async ({ send, supports }, ref, given, flags) => send(ref, given, flags | (await protection(supports))),
    },
  ),
  writes.direct(303, 'domainMigratePrepare3Params', [{ params }, { cookie }, { flags: bits }], {
    cookie,
    uri: optional(text),
  }),
  writes.mapped(
    305,
    'domainMigratePerform3Params',
    [{ domain }, { destination: optional(text) }, { params }, { cookie }, { flags: bits }],
    { cookie },
    {
      serve: (backend, ...args) => backend.domainMigratePerform3Params(...args),
      async call({ send, supports }, ref, destination, given, cookieIn, flags) {
        const how = wayOf(destination, cookieIn);
        // Servers take a step for another one than it is, and break: what they cannot do is not asked of them.
        if (how.feature !== undefined && !(await supports(how.feature))) {
          throw virtError('ARGUMENT_UNSUPPORTED', `${how.name} migration is not supported by the source host`);
        }
        // A host that goes by itself, or without steps, sees to that too.
        const more = how.feature === undefined ? await protection(supports) : 0;
        return send(ref, destination, given, cookieIn, flags | more);
      },
    },
  ),
  writes.direct(306, 'domainMigrateFinish3Params', [{ params }, { cookie }, { flags: bits }, { cancelled: int }], {
    domain,
    cookie,
  }),
  writes.mapped(
    307,
    'domainMigrateConfirm3Params',
    [{ domain }, { params }, { cookie }, { flags: bits }, { cancelled: int }],
    {},
    {
      serve: (backend, ...args) => backend.domainMigrateConfirm3Params(...args),
      call: async ({ send, supports }, ref, given, cookieIn, flags, cancelled) =>
        send(ref, given, cookieIn, flags | (await protection(supports)), cancelled),
    },
  ),
];

/** Rows of migration. */
export const foreignMigrationProcedures = [...limits, ...steps];
