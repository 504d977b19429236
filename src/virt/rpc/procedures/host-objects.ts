/** What a host has besides domains: interfaces, devices, secrets, filters. */
import type { Backend } from '../../backend.ts';
import { ListInterfaces } from '../../enums.ts';
import { reads, writes } from '../procedure.ts';
import { iface, LIST_MAX, NODE_DEVICES_MAX, nodeDevice, nwfilter, secret } from '../shapes.ts';
import { bits, flag, int, list, optional, text, uint, uuid } from '../xdr-types.ts';
import { firstNames, listing, need } from './common.ts';

const names = list(text, LIST_MAX);

const interfaces = [
  reads.mapped(
    284,
    'connectListAllInterfaces',
    [{ need }, { flags: bits }],
    { objects: list(iface, LIST_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllInterfaces(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
  reads.direct(128, 'interfaceLookupByName', [{ name: text }], { iface }),
  reads.direct(129, 'interfaceLookupByMacString', [{ mac: text }], { iface }),
  reads.direct(130, 'interfaceGetXmlDesc', [{ iface }, { flags: bits }], { xml: text }),
  reads.direct(156, 'interfaceIsActive', [{ iface }], { active: flag }),
  ...(
    [
      [127, 126, 'INTERFACES', ListInterfaces.ACTIVE],
      [138, 137, 'DEFINED_INTERFACES', ListInterfaces.INACTIVE],
    ] as const
  ).flatMap(([listNumber, countNumber, what, flags]) => [
    reads.variant(
      listNumber,
      `CONNECT_LIST_${what}`,
      'connectListAllInterfaces',
      [{ max: int }],
      { names },
      {
        serve: async (backend, max) => firstNames(await backend.connectListAllInterfaces(flags), max),
      },
    ),
    reads.variant(
      countNumber,
      `CONNECT_NUM_OF_${what}`,
      'connectListAllInterfaces',
      [],
      { num: int },
      {
        serve: async (backend) => (await backend.connectListAllInterfaces(flags)).length,
      },
    ),
  ]),
];

/** Names of devices, all or those that can do something. */
async function devicesWith(backend: Backend, cap: string | undefined): Promise<{ name: string }[]> {
  const all = await backend.connectListAllNodeDevices(0);
  if (cap === undefined) return all;
  const caps = await Promise.all(all.map((device) => backend.nodeDeviceListCaps(device)));
  return all.filter((_device, index) => caps[index]?.includes(cap));
}

const deviceNames = list(text, NODE_DEVICES_MAX);

const nodeDevices = [
  reads.mapped(
    285,
    'connectListAllNodeDevices',
    [{ need }, { flags: bits }],
    { objects: list(nodeDevice, NODE_DEVICES_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllNodeDevices(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
  reads.direct(113, 'nodeDeviceLookupByName', [{ name: text }], { nodeDevice }),
  reads.direct(114, 'nodeDeviceGetXmlDesc', [{ nodeDevice }, { flags: bits }], { xml: text }),
  reads.direct(115, 'nodeDeviceGetParent', [{ nodeDevice }], { name: optional(text) }),
  reads.mapped(
    117,
    'nodeDeviceListCaps',
    [{ nodeDevice }, { max: int }],
    { names: deviceNames },
    {
      serve: async (backend, ref, max) => (await backend.nodeDeviceListCaps(ref)).slice(0, Math.max(0, max)),
      call: ({ send }, ref) => send(ref, NODE_DEVICES_MAX),
    },
  ),
  reads.variant(
    116,
    'NODE_DEVICE_NUM_OF_CAPS',
    'nodeDeviceListCaps',
    [{ nodeDevice }],
    { num: int },
    {
      serve: async (backend, ref) => (await backend.nodeDeviceListCaps(ref)).length,
    },
  ),
  reads.variant(
    111,
    'NODE_NUM_OF_DEVICES',
    'connectListAllNodeDevices',
    [{ cap: optional(text) }, { flags: bits }],
    { num: int },
    { serve: async (backend, cap) => (await devicesWith(backend, cap)).length },
  ),
  reads.variant(
    112,
    'NODE_LIST_DEVICES',
    'connectListAllNodeDevices',
    [{ cap: optional(text) }, { max: int }, { flags: bits }],
    { names: deviceNames },
    { serve: async (backend, cap, max) => firstNames(await devicesWith(backend, cap), max) },
  ),
  reads.direct(433, 'nodeDeviceGetAutostart', [{ nodeDevice }], { autostart: flag }),
  reads.direct(435, 'nodeDeviceIsPersistent', [{ nodeDevice }], { persistent: flag }),
  reads.direct(436, 'nodeDeviceIsActive', [{ nodeDevice }], { active: flag }),
];

const secrets = [
  reads.mapped(
    287,
    'connectListAllSecrets',
    [{ need }, { flags: bits }],
    { objects: list(secret, LIST_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllSecrets(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
  reads.direct(141, 'secretLookupByUuid', [{ uuid }], { secret }),
  reads.direct(147, 'secretLookupByUsage', [{ type: int }, { usage: text }], { secret }),
  writes.direct(142, 'secretDefineXml', [{ xml: text }, { flags: bits }], { secret }),
  reads.variant(
    139,
    'CONNECT_NUM_OF_SECRETS',
    'connectListAllSecrets',
    [],
    { num: int },
    {
      serve: async (backend) => (await backend.connectListAllSecrets(0)).length,
    },
  ),
  reads.variant(
    140,
    'CONNECT_LIST_SECRETS',
    'connectListAllSecrets',
    [{ max: int }],
    { uuids: names },
    {
      serve: async (backend, max) =>
        (await backend.connectListAllSecrets(0)).slice(0, Math.max(0, max)).map((one) => one.uuid),
    },
  ),
];

const nwfilters = [
  reads.mapped(
    286,
    'connectListAllNwfilters',
    [{ need }, { flags: bits }],
    { objects: list(nwfilter, LIST_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllNwfilters(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
  reads.direct(175, 'nwfilterLookupByName', [{ name: text }], { nwfilter }),
  reads.direct(176, 'nwfilterLookupByUuid', [{ uuid }], { nwfilter }),
  writes.direct(180, 'nwfilterDefineXml', [{ xml: text }], { nwfilter }),
  reads.variant(
    178,
    'CONNECT_NUM_OF_NWFILTERS',
    'connectListAllNwfilters',
    [],
    { num: int },
    {
      serve: async (backend) => (await backend.connectListAllNwfilters(0)).length,
    },
  ),
  reads.variant(
    179,
    'CONNECT_LIST_NWFILTERS',
    'connectListAllNwfilters',
    [{ max: int }],
    { names },
    {
      serve: async (backend, max) => firstNames(await backend.connectListAllNwfilters(0), max),
    },
  ),
];

/** Rows of what a host has besides domains. */
export const hostObjectProcedures = [...interfaces, ...nodeDevices, ...secrets, ...nwfilters];
