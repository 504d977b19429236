/** Domains' numbers, and what goes in and out of them. */
import { reads, writes } from '../procedure.ts';
import { domain, LIST_MAX, typedParams } from '../shapes.ts';
import { bits, hyper, int, list, optional, struct, text, uhyper, uint } from '../xdr-types.ts';
import { ask, counted, refuseFlags, STRING_PARAMS, withoutStringParams } from './common.ts';

/** Room for statistics of memory: more than there are kinds. */
const MEMORY_STATS_MAX = 64;

/** Rows of domains' numbers, keys, screens and consoles. */
export const domainIoProcedures = [
  reads.direct(64, 'domainBlockStats', [{ domain }, { path: text }], {
    rdReq: hyper,
    rdBytes: hyper,
    wrReq: hyper,
    wrBytes: hyper,
    errs: hyper,
  }),
  reads.direct(65, 'domainInterfaceStats', [{ domain }, { device: text }], {
    rxBytes: hyper,
    rxPackets: hyper,
    rxErrs: hyper,
    rxDrop: hyper,
    txBytes: hyper,
    txPackets: hyper,
    txErrs: hyper,
    txDrop: hyper,
  }),
  reads.direct(194, 'domainGetBlockInfo', [{ domain }, { path: text }, { flags: bits }], {
    allocation: uhyper,
    capacity: uhyper,
    physical: uhyper,
  }),
  reads.mapped(
    243,
    'domainBlockStatsFlags',
    [{ domain }, { path: text }, { nparams: int }, { flags: bits }],
    { params: typedParams(16), nparams: int },
    {
      serve: async (backend, ref, path, nparams, flags) =>
        counted(nparams, await backend.domainBlockStatsFlags(ref, path, withoutStringParams(flags))),
      call: ({ send }, ref, path, flags) => ask((nparams) => send(ref, path, nparams, flags | STRING_PARAMS)),
    },
  ),
  writes.direct(251, 'domainBlockResize', [{ domain }, { path: text }, { size: uhyper }, { flags: bits }], {}),
  reads.direct(353, 'domainInterfaceAddresses', [{ domain }, { source: uint }, { flags: bits }], {
    interfaces: list(
      struct({
        name: text,
        hwaddr: optional(text),
        addrs: list(struct({ type: int, addr: text, prefix: uint }), 2048),
      }),
      2048,
    ),
  }),
  reads.mapped(
    159,
    'domainMemoryStats',
    [{ domain }, { maxStats: uint }, { flags: bits }],
    { stats: list(struct({ tag: int, value: uhyper }), 1024) },
    {
      serve: async (backend, ref, maxStats, flags) => (await backend.domainMemoryStats(ref, flags)).slice(0, maxStats),
      call: ({ send }, ref, flags) => send(ref, MEMORY_STATS_MAX, flags),
    },
  ),
  reads.direct(
    344,
    'connectGetAllDomainStats',
    [{ domains: list(domain, LIST_MAX) }, { stats: bits }, { flags: bits }],
    {
      records: list(struct({ domain, params: typedParams(262_144) }), LIST_MAX),
    },
  ),
  writes.mapped(
    226,
    'domainSendKey',
    [{ domain }, { codeset: uint }, { holdtime: uint }, { keycodes: list(uint, 16) }, { flags: bits }],
    {},
    {
      async serve(backend, ref, codeset, holdtime, keycodes, flags) {
        refuseFlags(flags, 'domainSendKey');
        await backend.domainSendKey(ref, codeset, holdtime, keycodes);
      },
      call: ({ send }, ref, codeset, holdtime, keycodes) => send(ref, codeset, holdtime, keycodes, 0),
    },
  ),
  writes.streamed(
    'receive',
    211,
    'domainScreenshot',
    [{ domain }, { screen: uint }, { flags: bits }],
    { mime: optional(text) },
    {
      async serve(backend, ref, screen, flags) {
        const { mime, stream } = await backend.domainScreenshot(ref, screen, flags);
        return { result: mime, stream };
      },
      async call({ open }, ref, screen, flags) {
        const { result, stream } = await open(ref, screen, flags);
        return { mime: result ?? 'application/octet-stream', stream };
      },
    },
  ),
  writes.streamed(
    'both',
    201,
    'domainOpenConsole',
    [{ domain }, { device: optional(text) }, { flags: bits }],
    {},
    {
      serve: async (backend, ref, device, flags) => ({
        result: undefined,
        stream: await backend.domainOpenConsole(ref, device, flags),
      }),
      call: async ({ open }, ref, device, flags) => (await open(ref, device, flags)).stream,
    },
  ),
];
