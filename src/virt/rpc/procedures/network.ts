/** Networks. */
import { ListObjects } from '../../enums.ts';
import { reads, writes } from '../procedure.ts';
import { LIST_MAX, network } from '../shapes.ts';
import { bits, flag, hyper, int, list, optional, struct, text, uint, uuid } from '../xdr-types.ts';
import { firstNames, listing, need } from './common.ts';

/** VIR_DRV_FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER. */
const UPDATE_IN_ORDER = 16;

const lease = struct({
  iface: text,
  expirytime: hyper,
  type: int,
  mac: optional(text),
  iaid: optional(text),
  ipaddr: text,
  prefix: uint,
  hostname: optional(text),
  clientid: optional(text),
});

const current = [
  reads.mapped(
    283,
    'connectListAllNetworks',
    [{ need }, { flags: bits }],
    { objects: list(network, LIST_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllNetworks(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
  reads.direct(46, 'networkLookupByName', [{ name: text }], { network }),
  reads.direct(47, 'networkLookupByUuid', [{ uuid }], { network }),
  writes.direct(437, 'networkCreateXmlFlags', [{ xml: text }, { flags: bits }], { network }),
  writes.direct(432, 'networkDefineXmlFlags', [{ xml: text }, { flags: bits }], { network }),
  writes.direct(39, 'networkCreate', [{ network }], {}),
  writes.direct(42, 'networkDestroy', [{ network }], {}),
  writes.direct(49, 'networkUndefine', [{ network }], {}),
  writes.mapped(
    291,
    'networkUpdate',
    [{ network }, { command: uint }, { section: uint }, { parentIndex: int }, { xml: text }, { flags: bits }],
    {},
    {
      serve: (backend, ...args) => backend.networkUpdate(...args),
      async call({ send, supports }, ref, command, section, ...rest) {
        // Servers that know nothing of the order have the two the other way round.
        if (await supports(UPDATE_IN_ORDER)) await send(ref, command, section, ...rest);
        else await send(ref, section, command, ...rest);
      },
    },
  ),
  reads.direct(43, 'networkGetXmlDesc', [{ network }, { flags: bits }], { xml: text }),
  reads.direct(45, 'networkGetBridgeName', [{ network }], { name: text }),
  reads.direct(152, 'networkIsActive', [{ network }], { active: flag }),
  reads.direct(153, 'networkIsPersistent', [{ network }], { persistent: flag }),
  reads.direct(44, 'networkGetAutostart', [{ network }], { autostart: flag }),
  writes.direct(48, 'networkSetAutostart', [{ network }, { autostart: flag }], {}),
  reads.mapped(
    341,
    'networkGetDhcpLeases',
    [{ network }, { mac: optional(text) }, { need }, { flags: bits }],
    { objects: list(lease, 65_536), ret: uint },
    {
      serve: async (backend, ref, mac, needed, flags) =>
        listing(needed, await backend.networkGetDhcpLeases(ref, mac, flags)),
      call: async ({ send }, ref, mac, flags) => (await send(ref, mac, 1, flags)).objects,
    },
  ),
];

const older = [
  writes.variant(
    40,
    'NETWORK_CREATE_XML',
    'networkCreateXmlFlags',
    [{ xml: text }],
    { network },
    {
      serve: (backend, xml) => backend.networkCreateXmlFlags(xml, 0),
      call: ({ send }, xml, flags) => (flags === 0 ? send(xml) : undefined),
    },
  ),
  writes.variant(
    41,
    'NETWORK_DEFINE_XML',
    'networkDefineXmlFlags',
    [{ xml: text }],
    { network },
    {
      serve: (backend, xml) => backend.networkDefineXmlFlags(xml, 0),
      call: ({ send }, xml, flags) => (flags === 0 ? send(xml) : undefined),
    },
  ),
  ...(
    [
      [36, 50, 'DEFINED_NETWORKS', ListObjects.INACTIVE],
      [38, 52, 'NETWORKS', ListObjects.ACTIVE],
    ] as const
  ).flatMap(([names, count, what, flags]) => [
    reads.variant(
      names,
      `CONNECT_LIST_${what}`,
      'connectListAllNetworks',
      [{ max: int }],
      { names: list(text, LIST_MAX) },
      {
        serve: async (backend, max) => firstNames(await backend.connectListAllNetworks(flags), max),
      },
    ),
    reads.variant(
      count,
      `CONNECT_NUM_OF_${what}`,
      'connectListAllNetworks',
      [],
      { num: int },
      {
        serve: async (backend) => (await backend.connectListAllNetworks(flags)).length,
      },
    ),
  ]),
];

/** Rows of networks. */
export const networkProcedures = [...current, ...older];
