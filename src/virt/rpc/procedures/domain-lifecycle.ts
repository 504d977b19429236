/** Finding domains, and their life cycle. */
import { ListDomains } from '../../enums.ts';
import { reads, writes } from '../procedure.ts';
import { domain, LIST_MAX } from '../shapes.ts';
import { bits, flag, int, list, optional, text, uint, uuid } from '../xdr-types.ts';
import { firstNames, listing, need } from './common.ts';

const finding = [
  reads.mapped(
    273,
    'connectListAllDomains',
    [{ need }, { flags: bits }],
    { objects: list(domain, LIST_MAX), ret: uint },
    {
      serve: async (backend, needed, flags) => listing(needed, await backend.connectListAllDomains(flags)),
      call: async ({ send }, flags) => (await send(1, flags)).objects,
    },
  ),
  reads.direct(22, 'domainLookupById', [{ id: int }], { domain }),
  reads.direct(23, 'domainLookupByName', [{ name: text }], { domain }),
  reads.direct(24, 'domainLookupByUuid', [{ uuid }], { domain }),
  reads.variant(
    21,
    'CONNECT_LIST_DEFINED_DOMAINS',
    'connectListAllDomains',
    [{ max: int }],
    { names: list(text, LIST_MAX) },
    {
      serve: async (backend, max) => firstNames(await backend.connectListAllDomains(ListDomains.INACTIVE), max),
    },
  ),
  reads.variant(
    25,
    'CONNECT_NUM_OF_DEFINED_DOMAINS',
    'connectListAllDomains',
    [],
    { num: int },
    {
      serve: async (backend) => (await backend.connectListAllDomains(ListDomains.INACTIVE)).length,
    },
  ),
  reads.variant(
    37,
    'CONNECT_LIST_DOMAINS',
    'connectListAllDomains',
    [{ max: int }],
    { ids: list(int, LIST_MAX) },
    {
      async serve(backend, max) {
        const domains = await backend.connectListAllDomains(ListDomains.ACTIVE);
        return domains.slice(0, Math.max(0, max)).map(({ id }) => id);
      },
    },
  ),
  reads.variant(
    51,
    'CONNECT_NUM_OF_DOMAINS',
    'connectListAllDomains',
    [],
    { num: int },
    {
      serve: async (backend) => (await backend.connectListAllDomains(ListDomains.ACTIVE)).length,
    },
  ),
];

const living = [
  writes.direct(10, 'domainCreateXml', [{ xml: text }, { flags: bits }], { domain }),
  writes.direct(350, 'domainDefineXmlFlags', [{ xml: text }, { flags: bits }], { domain }),
  writes.direct(196, 'domainCreateWithFlags', [{ domain }, { flags: bits }], { domain }),
  writes.direct(231, 'domainUndefineFlags', [{ domain }, { flags: bits }], {}),
  writes.direct(258, 'domainShutdownFlags', [{ domain }, { flags: bits }], {}),
  writes.direct(27, 'domainReboot', [{ domain }, { flags: bits }], {}),
  writes.direct(245, 'domainReset', [{ domain }, { flags: bits }], {}),
  writes.direct(34, 'domainSuspend', [{ domain }], {}),
  writes.direct(28, 'domainResume', [{ domain }], {}),
  writes.direct(234, 'domainDestroyFlags', [{ domain }, { flags: bits }], {}),
  writes.mapped(
    358,
    'domainRename',
    [{ domain }, { name: optional(text) }, { flags: bits }],
    { retcode: int },
    {
      async serve(backend, ref, name, flags) {
        await backend.domainRename(ref, name ?? '', flags);
        return 0;
      },
      async call({ send }, ref, name, flags) {
        await send(ref, name, flags);
      },
    },
  ),
  reads.direct(15, 'domainGetAutostart', [{ domain }], { autostart: flag }),
  writes.direct(29, 'domainSetAutostart', [{ domain }, { autostart: flag }], {}),
];

const older = [
  writes.variant(
    9,
    'DOMAIN_CREATE',
    'domainCreateWithFlags',
    [{ domain }],
    {},
    {
      async serve(backend, ref) {
        await backend.domainCreateWithFlags(ref, 0);
      },
      call({ send, backend }, ref, flags) {
        // It tells no id: the domain is looked up anew.
        return flags === 0 ? send(ref).then(() => backend.domainLookupByUuid(ref.uuid)) : undefined;
      },
    },
  ),
  writes.variant(
    11,
    'DOMAIN_DEFINE_XML',
    'domainDefineXmlFlags',
    [{ xml: text }],
    { domain },
    {
      serve: (backend, xml) => backend.domainDefineXmlFlags(xml, 0),
      call: ({ send }, xml, flags) => (flags === 0 ? send(xml) : undefined),
    },
  ),
  writes.variant(
    12,
    'DOMAIN_DESTROY',
    'domainDestroyFlags',
    [{ domain }],
    {},
    {
      serve: (backend, ref) => backend.domainDestroyFlags(ref, 0),
      call: ({ send }, ref, flags) => (flags === 0 ? send(ref) : undefined),
    },
  ),
  writes.variant(
    33,
    'DOMAIN_SHUTDOWN',
    'domainShutdownFlags',
    [{ domain }],
    {},
    {
      serve: (backend, ref) => backend.domainShutdownFlags(ref, 0),
      call: ({ send }, ref, flags) => (flags === 0 ? send(ref) : undefined),
    },
  ),
  writes.variant(
    35,
    'DOMAIN_UNDEFINE',
    'domainUndefineFlags',
    [{ domain }],
    {},
    {
      serve: (backend, ref) => backend.domainUndefineFlags(ref, 0),
      call: ({ send }, ref, flags) => (flags === 0 ? send(ref) : undefined),
    },
  ),
];

/** Rows of domains' life cycle. */
export const domainLifecycleProcedures = [...finding, ...living, ...older];
