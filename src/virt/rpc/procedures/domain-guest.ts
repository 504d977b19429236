/** What an agent in the guest would tell or do, and other ways in. */
import { reads, writes } from '../procedure.ts';
import { domain, typedParams } from '../shapes.ts';
import { bits, chars, flag, hyper, int, list, optional, struct, text, uhyper, uint } from '../xdr-types.ts';

const label = { label: chars(4097), enforcing: flag };

/** Rows of what needs the guest's help. All that asks the guest counts as a change, as in libvirt. */
export const domainGuestProcedures = [
  reads.direct(121, 'domainGetSecurityLabel', [{ domain }], label),
  reads.mapped(
    278,
    'domainGetSecurityLabelList',
    [{ domain }],
    { labels: list(struct(label), 64), ret: int },
    {
      async serve(backend, ref) {
        const labels = await backend.domainGetSecurityLabelList(ref);
        return { labels, ret: labels.length };
      },
      call: async ({ send }, ref) => (await send(ref)).labels,
    },
  ),
  writes.direct(277, 'domainGetHostname', [{ domain }, { flags: bits }], { hostname: text }),
  writes.direct(418, 'domainGetGuestInfo', [{ domain }, { types: bits }, { flags: bits }], {
    params: typedParams(2048),
  }),
  writes.direct(371, 'domainGetGuestVcpus', [{ domain }, { flags: bits }], { params: typedParams(64) }),
  writes.mapped(
    349,
    'domainGetFsInfo',
    [{ domain }, { flags: bits }],
    {
      infos: list(struct({ mountpoint: text, name: text, fstype: text, devAliases: list(text, 256) }), 256),
      ret: uint,
    },
    {
      async serve(backend, ref, flags) {
        const infos = await backend.domainGetFsInfo(ref, flags);
        return { infos, ret: infos.length };
      },
      call: async ({ send }, ref, flags) => (await send(ref, flags)).infos,
    },
  ),
  writes.direct(335, 'domainFsFreeze', [{ domain }, { mountpoints: list(text, 256) }, { flags: bits }], { count: int }),
  writes.direct(336, 'domainFsThaw', [{ domain }, { mountpoints: list(text, 256) }, { flags: bits }], { count: int }),
  writes.direct(
    294,
    'domainFsTrim',
    [{ domain }, { mountPoint: optional(text) }, { minimum: uhyper }, { flags: bits }],
    {},
  ),
  writes.direct(337, 'domainGetTime', [{ domain }, { flags: bits }], { seconds: hyper, nseconds: uint }),
  writes.direct(338, 'domainSetTime', [{ domain }, { seconds: hyper }, { nseconds: uint }, { flags: bits }], {}),
  writes.mapped(
    357,
    'domainSetUserPassword',
    [{ domain }, { user: optional(text) }, { password: optional(text) }, { flags: bits }],
    {},
    {
      serve: (backend, ref, user, password, flags) =>
        backend.domainSetUserPassword(ref, user ?? '', password ?? '', flags),
      call: ({ send }, ...params) => send(...params),
    },
  ),
  writes.direct(210, 'domainInjectNmi', [{ domain }, { flags: bits }], {}),
  writes.direct(
    261,
    'domainPmSuspendForDuration',
    [{ domain }, { target: uint }, { duration: uhyper }, { flags: bits }],
    {},
  ),
  writes.direct(267, 'domainPmWakeup', [{ domain }, { flags: bits }], {}),
  writes.streamed(
    'both',
    296,
    'domainOpenChannel',
    [{ domain }, { name: optional(text) }, { flags: bits }],
    {},
    {
      serve: async (backend, ...args) => ({ result: undefined, stream: await backend.domainOpenChannel(...args) }),
      call: async ({ open }, ...params) => (await open(...params)).stream,
    },
  ),
];
