/** Storage pools. */
import { ListObjects } from '../../enums.ts';
import { reads, writes } from '../procedure.ts';
import { LIST_MAX, pool, volume } from '../shapes.ts';
import { bits, byte, flag, int, list, text, uhyper, uint, uuid } from '../xdr-types.ts';
import { firstNames, listing, need } from './common.ts';

const current = [
  reads.mapped(
    281,
    'connectListAllStoragePools',
    [{ need }, { flags: bits }],
    { objects: list(pool, LIST_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllStoragePools(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
  reads.direct(403, 'connectGetStoragePoolCapabilities', [{ flags: bits }], { xml: text }),
  reads.direct(84, 'storagePoolLookupByName', [{ name: text }], { pool }),
  reads.direct(85, 'storagePoolLookupByUuid', [{ uuid }], { pool }),
  reads.direct(86, 'storagePoolLookupByVolume', [{ volume }], { pool }),
  reads.direct(391, 'storagePoolLookupByTargetPath', [{ path: text }], { pool }),
  writes.direct(76, 'storagePoolCreateXml', [{ xml: text }, { flags: bits }], { pool }),
  writes.direct(77, 'storagePoolDefineXml', [{ xml: text }, { flags: bits }], { pool }),
  writes.direct(78, 'storagePoolCreate', [{ pool }, { flags: bits }], {}),
  writes.direct(79, 'storagePoolBuild', [{ pool }, { flags: bits }], {}),
  writes.direct(80, 'storagePoolDestroy', [{ pool }], {}),
  writes.direct(81, 'storagePoolDelete', [{ pool }, { flags: bits }], {}),
  writes.direct(82, 'storagePoolUndefine', [{ pool }], {}),
  writes.direct(83, 'storagePoolRefresh', [{ pool }, { flags: bits }], {}),
  reads.direct(87, 'storagePoolGetInfo', [{ pool }], {
    state: byte,
    capacity: uhyper,
    allocation: uhyper,
    available: uhyper,
  }),
  reads.direct(88, 'storagePoolGetXmlDesc', [{ pool }, { flags: bits }], { xml: text }),
  reads.direct(89, 'storagePoolGetAutostart', [{ pool }], { autostart: flag }),
  writes.direct(90, 'storagePoolSetAutostart', [{ pool }, { autostart: flag }], {}),
  reads.direct(154, 'storagePoolIsActive', [{ pool }], { active: flag }),
  reads.direct(155, 'storagePoolIsPersistent', [{ pool }], { persistent: flag }),
];

const older = (
  [
    [72, 71, 'STORAGE_POOLS', ListObjects.ACTIVE],
    [74, 73, 'DEFINED_STORAGE_POOLS', ListObjects.INACTIVE],
  ] as const
).flatMap(([names, count, what, flags]) => [
  reads.variant(
    names,
    `CONNECT_LIST_${what}`,
    'connectListAllStoragePools',
    [{ max: int }],
    { names: list(text, LIST_MAX) },
    { serve: async (backend, max) => firstNames(await backend.connectListAllStoragePools(flags), max) },
  ),
  reads.variant(
    count,
    `CONNECT_NUM_OF_${what}`,
    'connectListAllStoragePools',
    [],
    { num: int },
    {
      serve: async (backend) => (await backend.connectListAllStoragePools(flags)).length,
    },
  ),
]);

/** Rows of storage pools. */
export const storagePoolProcedures = [...current, ...older];
