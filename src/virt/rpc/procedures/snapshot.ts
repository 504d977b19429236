/** Snapshots of domains. */
import { reads, writes, writesWhen } from '../procedure.ts';
import { domain, LIST_MAX, snapshot } from '../shapes.ts';
import { bits, flag, int, list, text } from '../xdr-types.ts';
import { firstNames, listing, need } from './common.ts';

/** Rows of snapshots. */
export const snapshotProcedures = [
  reads.mapped(
    274,
    'domainListAllSnapshots',
    [{ domain }, { need }, { flags: bits }],
    { objects: list(snapshot, LIST_MAX), ret: int },
    {
      serve: async (backend, ref, needed, flags) => listing(needed, await backend.domainListAllSnapshots(ref, flags)),
      call: async ({ send }, ref, flags) => (await send(ref, 1, flags)).objects,
    },
  ),
  writes.direct(185, 'domainSnapshotCreateXml', [{ domain }, { xml: text }, { flags: bits }], { snapshot }),
  reads.direct(189, 'domainSnapshotLookupByName', [{ domain }, { name: text }, { flags: bits }], { snapshot }),
  writesWhen(
    reads.direct(186, 'domainSnapshotGetXmlDesc', [{ snapshot }, { flags: bits }], { xml: text }),
    (_snapshot: unknown, flags: number) => (flags & 1) !== 0,
  ),
  writes.direct(192, 'domainRevertToSnapshot', [{ snapshot }, { flags: bits }], {}),
  writes.direct(193, 'domainSnapshotDelete', [{ snapshot }, { flags: bits }], {}),
  reads.variant(
    187,
    'DOMAIN_SNAPSHOT_NUM',
    'domainListAllSnapshots',
    [{ domain }, { flags: bits }],
    { num: int },
    {
      serve: async (backend, ref, flags) => (await backend.domainListAllSnapshots(ref, flags)).length,
    },
  ),
  reads.variant(
    188,
    'DOMAIN_SNAPSHOT_LIST_NAMES',
    'domainListAllSnapshots',
    [{ domain }, { max: int }, { flags: bits }],
    { names: list(text, LIST_MAX) },
    { serve: async (backend, ref, max, flags) => firstNames(await backend.domainListAllSnapshots(ref, flags), max) },
  ),
  reads.mapped(
    275,
    'domainSnapshotListAllChildren',
    [{ snapshot }, { need }, { flags: bits }],
    { objects: list(snapshot, LIST_MAX), ret: int },
    {
      serve: async (backend, ref, needed, flags) =>
        listing(needed, await backend.domainSnapshotListAllChildren(ref, flags)),
      call: async ({ send }, ref, flags) => (await send(ref, 1, flags)).objects,
    },
  ),
  reads.direct(246, 'domainSnapshotNumChildren', [{ snapshot }, { flags: bits }], { num: int }),
  reads.variant(
    247,
    'DOMAIN_SNAPSHOT_LIST_CHILDREN_NAMES',
    'domainSnapshotListAllChildren',
    [{ snapshot }, { max: int }, { flags: bits }],
    { names: list(text, LIST_MAX) },
    {
      serve: async (backend, ref, max, flags) =>
        firstNames(await backend.domainSnapshotListAllChildren(ref, flags), max),
    },
  ),
  reads.direct(244, 'domainSnapshotGetParent', [{ snapshot }, { flags: bits }], { snapshot }),
  reads.direct(190, 'domainHasCurrentSnapshot', [{ domain }, { flags: bits }], { result: flag }),
  reads.direct(191, 'domainSnapshotCurrent', [{ domain }, { flags: bits }], { snapshot }),
  reads.direct(271, 'domainSnapshotIsCurrent', [{ snapshot }, { flags: bits }], { current: flag }),
  reads.direct(272, 'domainSnapshotHasMetadata', [{ snapshot }, { flags: bits }], { metadata: flag }),
];
