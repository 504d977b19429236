/** What is changed of hosts behind libvirt's daemons, and of what they have. */
import { reads, writes } from '../procedure.ts';
import {
  filterBinding,
  iface,
  LIST_MAX,
  network,
  networkPort,
  nodeDevice,
  nwfilter,
  secret,
  typedParams,
} from '../shapes.ts';
import { bits, flag, int, list, opaque, optional, text, uhyper, uint, uuid } from '../xdr-types.ts';
import { ask, counted, listing, need, STRING_PARAMS, withoutStringParams } from './common.ts';

/** Sizes of pages, and cells times them. */
const CELLS_MAX = 1024;
const SECRET_MAX_BYTES = 65_536;

const host = [
  reads.direct(
    340,
    'nodeGetFreePages',
    [{ pages: list(uint, CELLS_MAX) }, { startCell: int }, { cellCount: uint }, { flags: bits }],
    { counts: list(uhyper, CELLS_MAX) },
  ),
  writes.direct(
    347,
    'nodeAllocPages',
    [
      { pageSizes: list(uint, CELLS_MAX) },
      { pageCounts: list(uhyper, CELLS_MAX) },
      { startCell: int },
      { cellCount: uint },
      { flags: bits },
    ],
    { ret: int },
  ),
  writes.direct(288, 'nodeSetMemoryParameters', [{ params: typedParams(64) }, { flags: bits }], {}),
  writes.direct(250, 'nodeSuspendForDuration', [{ target: uint }, { duration: uhyper }, { flags: bits }], {}),
  writes.mapped(
    395,
    'nodeGetSevInfo',
    [{ nparams: int }, { flags: bits }],
    { params: typedParams(64), nparams: int },
    {
      serve: async (backend, nparams, flags) =>
        counted(nparams, await backend.nodeGetSevInfo(withoutStringParams(flags))),
      call: ({ send }, flags) => ask((nparams) => send(nparams, flags | STRING_PARAMS)),
    },
  ),
  writes.direct(75, 'connectFindStoragePoolSources', [{ type: text }, { spec: optional(text) }, { flags: bits }], {
    xml: text,
  }),
];

const interfaces = [
  writes.direct(131, 'interfaceDefineXml', [{ xml: text }, { flags: bits }], { iface }),
  writes.direct(132, 'interfaceUndefine', [{ iface }], {}),
  writes.direct(133, 'interfaceCreate', [{ iface }, { flags: bits }], {}),
  writes.direct(134, 'interfaceDestroy', [{ iface }, { flags: bits }], {}),
  writes.direct(220, 'interfaceChangeBegin', [{ flags: bits }], {}),
  writes.direct(221, 'interfaceChangeCommit', [{ flags: bits }], {}),
  writes.direct(222, 'interfaceChangeRollback', [{ flags: bits }], {}),
];

const nodeDevices = [
  writes.direct(123, 'nodeDeviceCreateXml', [{ xml: text }, { flags: bits }], { nodeDevice }),
  writes.direct(428, 'nodeDeviceDefineXml', [{ xml: text }, { flags: bits }], { nodeDevice }),
  reads.direct(297, 'nodeDeviceLookupScsiHostByWwn', [{ wwnn: text }, { wwpn: text }, { flags: bits }], { nodeDevice }),
  writes.direct(124, 'nodeDeviceDestroy', [{ nodeDevice }], {}),
  writes.direct(429, 'nodeDeviceUndefine', [{ nodeDevice }, { flags: bits }], {}),
  writes.direct(430, 'nodeDeviceCreate', [{ nodeDevice }, { flags: bits }], {}),
  writes.direct(434, 'nodeDeviceSetAutostart', [{ nodeDevice }, { autostart: flag }], {}),
  writes.direct(118, 'nodeDeviceDettach', [{ nodeDevice }], {}),
  writes.direct(301, 'nodeDeviceDetachFlags', [{ nodeDevice }, { driver: optional(text) }, { flags: bits }], {}),
  writes.direct(119, 'nodeDeviceReAttach', [{ nodeDevice }], {}),
  writes.direct(120, 'nodeDeviceReset', [{ nodeDevice }], {}),
];

const secrets = [
  reads.direct(143, 'secretGetXmlDesc', [{ secret }, { flags: bits }], { xml: text }),
  writes.direct(144, 'secretSetValue', [{ secret }, { value: opaque(SECRET_MAX_BYTES) }, { flags: bits }], {}),
  writes.direct(145, 'secretGetValue', [{ secret }, { flags: bits }], { value: opaque(SECRET_MAX_BYTES) }),
  writes.direct(146, 'secretUndefine', [{ secret }], {}),
];

const filters = [
  reads.direct(177, 'nwfilterGetXmlDesc', [{ nwfilter }, { flags: bits }], { xml: text }),
  writes.direct(181, 'nwfilterUndefine', [{ nwfilter }], {}),
  writes.direct(431, 'nwfilterDefineXmlFlags', [{ xml: text }, { flags: bits }], { nwfilter }),
  reads.direct(397, 'nwfilterBindingLookupByPortDev', [{ portDev: text }], { filterBinding }),
  reads.direct(398, 'nwfilterBindingGetXmlDesc', [{ filterBinding }, { flags: bits }], { xml: text }),
  writes.direct(399, 'nwfilterBindingCreateXml', [{ xml: text }, { flags: bits }], { filterBinding }),
  writes.direct(400, 'nwfilterBindingDelete', [{ filterBinding }], {}),
  reads.mapped(
    401,
    'connectListAllNwfilterBindings',
    [{ need }, { flags: bits }],
    { objects: list(filterBinding, LIST_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllNwfilterBindings(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
];

const ports = [
  reads.mapped(
    404,
    'networkListAllPorts',
    [{ network }, { need }, { flags: bits }],
    { objects: list(networkPort, LIST_MAX), ret: uint },
    {
      serve: async (backend, ref, needed, flags) => listing(needed, await backend.networkListAllPorts(ref, flags)),
      call: async ({ send }, ref, flags) => (await send(ref, 1, flags)).objects,
    },
  ),
  reads.direct(405, 'networkPortLookupByUuid', [{ network }, { uuid }], { networkPort }),
  writes.direct(406, 'networkPortCreateXml', [{ network }, { xml: text }, { flags: bits }], { networkPort }),
  reads.mapped(
    407,
    'networkPortGetParameters',
    [{ networkPort }, { nparams: int }, { flags: bits }],
    { params: typedParams(16), nparams: int },
    {
      serve: async (backend, ref, nparams, flags) =>
        counted(nparams, await backend.networkPortGetParameters(ref, withoutStringParams(flags))),
      call: ({ send }, ref, flags) => ask((nparams) => send(ref, nparams, flags | STRING_PARAMS)),
    },
  ),
  writes.direct(408, 'networkPortSetParameters', [{ networkPort }, { params: typedParams(16) }, { flags: bits }], {}),
  reads.direct(409, 'networkPortGetXmlDesc', [{ networkPort }, { flags: bits }], { xml: text }),
  writes.direct(410, 'networkPortDelete', [{ networkPort }, { flags: bits }], {}),
];

/** Rows of what is changed of hosts behind libvirt's daemons. */
export const foreignHostProcedures = [...host, ...interfaces, ...nodeDevices, ...secrets, ...filters, ...ports];
