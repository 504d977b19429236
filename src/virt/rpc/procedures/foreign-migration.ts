/** Domains that go to another host, which is between hosts of libvirt's. */
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

/** The five steps, in order: the first, third and last at the source, the others at the destination. */
const steps = [
  writes.direct(302, 'domainMigrateBegin3Params', [{ domain }, { params }, { flags: bits }], { cookie, xml: text }),
  writes.direct(303, 'domainMigratePrepare3Params', [{ params }, { cookie }, { flags: bits }], {
    cookie,
    uri: optional(text),
  }),
  writes.direct(
    305,
    'domainMigratePerform3Params',
    [{ domain }, { destination: optional(text) }, { params }, { cookie }, { flags: bits }],
    { cookie },
  ),
  writes.direct(306, 'domainMigrateFinish3Params', [{ params }, { cookie }, { flags: bits }, { cancelled: int }], {
    domain,
    cookie,
  }),
  writes.direct(
    307,
    'domainMigrateConfirm3Params',
    [{ domain }, { params }, { cookie }, { flags: bits }, { cancelled: int }],
    {},
  ),
];

/** Rows of migration. */
export const foreignMigrationProcedures = [...limits, ...steps];
