/** Storage volumes. */
import { parseStorageVolume } from '../../conf/index.ts';
import { reads, sparseWhen, writes } from '../procedure.ts';
import { LIST_MAX, pool, volume } from '../shapes.ts';
import { bits, byte, int, list, text, uhyper, uint } from '../xdr-types.ts';
import { firstNames, listing, need, refuseFlags } from './common.ts';

/** VIR_STORAGE_VOL_GET_PHYSICAL: what the file takes stands in place of what is allocated. */
const INFO_PHYSICAL = 1;

const current = [
  reads.mapped(
    282,
    'storagePoolListAllVolumes',
    [{ pool }, { need }, { flags: bits }],
    { objects: list(volume, LIST_MAX), ret: uint },
    {
      serve: async (backend, ref, needed, flags) =>
        listing(needed, await backend.storagePoolListAllVolumes(ref, flags)),
      call: async ({ send }, ref, flags) => (await send(ref, 1, flags)).objects,
    },
  ),
  reads.direct(95, 'storageVolLookupByName', [{ pool }, { name: text }], { volume }),
  reads.direct(96, 'storageVolLookupByKey', [{ key: text }], { volume }),
  reads.direct(97, 'storageVolLookupByPath', [{ path: text }], { volume }),
  writes.direct(93, 'storageVolCreateXml', [{ pool }, { xml: text }, { flags: bits }], { volume }),
  writes.direct(125, 'storageVolCreateXmlFrom', [{ pool }, { xml: text }, { clone: volume }, { flags: bits }], {
    volume,
  }),
  writes.direct(94, 'storageVolDelete', [{ volume }, { flags: bits }], {}),
  writes.direct(165, 'storageVolWipe', [{ volume }, { flags: bits }], {}),
  writes.direct(259, 'storageVolWipePattern', [{ volume }, { algorithm: uint }, { flags: bits }], {}),
  writes.direct(260, 'storageVolResize', [{ volume }, { capacity: uhyper }, { flags: bits }], {}),
  reads.direct(98, 'storageVolGetInfo', [{ volume }], { type: byte, capacity: uhyper, allocation: uhyper }),
  reads.direct(99, 'storageVolGetXmlDesc', [{ volume }, { flags: bits }], { xml: text }),
  reads.direct(100, 'storageVolGetPath', [{ volume }], { path: text }),
];

/**
 * VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM and VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM: there may be holes on the wire, which are
 * zeroes in the streams of backends.
 */
const SPARSE = 1;
const isSparse = (_volume: unknown, _offset: bigint, _length: bigint, flags: number) => (flags & SPARSE) !== 0;

const streams = [
  sparseWhen(
    writes.streamed(
      'send',
      208,
      'storageVolUpload',
      [{ volume }, { offset: uhyper }, { length: uhyper }, { flags: bits }],
      {},
      {
        serve: async (backend, ref, offset, length, flags) => ({
          result: undefined,
          stream: await backend.storageVolUpload(ref, offset, length, flags & ~SPARSE),
        }),
        call: async ({ open }, ...args) => (await open(...args)).stream,
      },
    ),
    isSparse,
  ),
  sparseWhen(
    writes.streamed(
      'receive',
      209,
      'storageVolDownload',
      [{ volume }, { offset: uhyper }, { length: uhyper }, { flags: bits }],
      {},
      {
        serve: async (backend, ref, offset, length, flags) => ({
          result: undefined,
          stream: await backend.storageVolDownload(ref, offset, length, flags & ~SPARSE),
        }),
        call: async ({ open }, ...args) => (await open(...args)).stream,
      },
    ),
    isSparse,
  ),
];

const variants = [
  reads.variant(
    91,
    'STORAGE_POOL_NUM_OF_VOLUMES',
    'storagePoolListAllVolumes',
    [{ pool }],
    { num: int },
    {
      serve: async (backend, ref) => (await backend.storagePoolListAllVolumes(ref, 0)).length,
    },
  ),
  reads.variant(
    92,
    'STORAGE_POOL_LIST_VOLUMES',
    'storagePoolListAllVolumes',
    [{ pool }, { max: int }],
    { names: list(text, LIST_MAX) },
    { serve: async (backend, ref, max) => firstNames(await backend.storagePoolListAllVolumes(ref, 0), max) },
  ),
  reads.variant(
    378,
    'STORAGE_VOL_GET_INFO_FLAGS',
    'storageVolGetInfo',
    [{ volume }, { flags: bits }],
    { type: byte, capacity: uhyper, allocation: uhyper },
    {
      async serve(backend, ref, flags) {
        if (flags !== INFO_PHYSICAL) refuseFlags(flags, 'storageVolGetInfoFlags');
        const info = await backend.storageVolGetInfo(ref);
        if (flags !== INFO_PHYSICAL) return info;
        const { physical } = parseStorageVolume(await backend.storageVolGetXmlDesc(ref, 0));
        return { ...info, allocation: physical === undefined ? info.allocation : BigInt(physical) };
      },
    },
  ),
];

/** Rows of storage volumes. */
export const storageVolumeProcedures = [...current, ...streams, ...variants];
