/** Limits on what domains take of their host, and what there is to know of it. */
import { reads, writes } from '../procedure.ts';
import { CPUMAP_MAX_BYTES, CPUMAPS_MAX_BYTES, domain, LIST_MAX, typedParams } from '../shapes.ts';
import { bits, int, list, opaque, optional, struct, text, uint } from '../xdr-types.ts';
import { ask, bytesOfCpuMap, counted, STRING_PARAMS, withoutStringParams } from './common.ts';

const cpumap = opaque(CPUMAP_MAX_BYTES);
const some = typedParams(16);
const tune = typedParams(32);

const limits = [
  reads.mapped(
    206,
    'domainGetBlkioParameters',
    [{ domain }, { nparams: int }, { flags: bits }],
    { params: some, nparams: int },
    {
      serve: async (backend, ref, nparams, flags) =>
        counted(nparams, await backend.domainGetBlkioParameters(ref, withoutStringParams(flags))),
      call: ({ send }, ref, flags) => ask((nparams) => send(ref, nparams, flags | STRING_PARAMS)),
    },
  ),
  reads.mapped(
    198,
    'domainGetMemoryParameters',
    [{ domain }, { nparams: int }, { flags: bits }],
    { params: some, nparams: int },
    {
      serve: async (backend, ref, nparams, flags) =>
        counted(nparams, await backend.domainGetMemoryParameters(ref, withoutStringParams(flags))),
      call: ({ send }, ref, flags) => ask((nparams) => send(ref, nparams, flags | STRING_PARAMS)),
    },
  ),
  reads.mapped(
    255,
    'domainGetNumaParameters',
    [{ domain }, { nparams: int }, { flags: bits }],
    { params: some, nparams: int },
    {
      serve: async (backend, ref, nparams, flags) =>
        counted(nparams, await backend.domainGetNumaParameters(ref, withoutStringParams(flags))),
      call: ({ send }, ref, flags) => ask((nparams) => send(ref, nparams, flags | STRING_PARAMS)),
    },
  ),
  reads.mapped(
    253,
    'domainGetBlockIoTune',
    [{ domain }, { disk: optional(text) }, { nparams: int }, { flags: bits }],
    { params: tune, nparams: int },
    {
      serve: async (backend, ref, disk, nparams, flags) =>
        counted(nparams, await backend.domainGetBlockIoTune(ref, disk, withoutStringParams(flags))),
      call: ({ send }, ref, disk, flags) => ask((nparams) => send(ref, disk, nparams, flags | STRING_PARAMS)),
    },
  ),
  reads.mapped(
    257,
    'domainGetInterfaceParameters',
    [{ domain }, { device: text }, { nparams: int }, { flags: bits }],
    { params: some, nparams: int },
    {
      serve: async (backend, ref, device, nparams, flags) =>
        counted(nparams, await backend.domainGetInterfaceParameters(ref, device, withoutStringParams(flags))),
      call: ({ send }, ref, device, flags) => ask((nparams) => send(ref, device, nparams, flags | STRING_PARAMS)),
    },
  ),
  writes.direct(205, 'domainSetBlkioParameters', [{ domain }, { params: some }, { flags: bits }], {}),
  writes.direct(197, 'domainSetMemoryParameters', [{ domain }, { params: some }, { flags: bits }], {}),
  writes.direct(254, 'domainSetNumaParameters', [{ domain }, { params: some }, { flags: bits }], {}),
  writes.direct(252, 'domainSetBlockIoTune', [{ domain }, { disk: text }, { params: tune }, { flags: bits }], {}),
  writes.direct(
    256,
    'domainSetInterfaceParameters',
    [{ domain }, { device: text }, { params: some }, { flags: bits }],
    {},
  ),
];

/** CPUs that one call asks for (REMOTE_NCPUS_MAX). */
const CPUS_AT_ONCE = 128;

const facts = [
  reads.mapped(
    280,
    'domainGetEmulatorPinInfo',
    [{ domain }, { maplen: int }, { flags: bits }],
    { cpumap: opaque(CPUMAPS_MAX_BYTES), ret: int },
    {
      async serve(backend, ref, maplen, flags) {
        const map = await backend.domainGetEmulatorPinInfo(ref, flags);
        return { cpumap: map.subarray(0, Math.max(0, maplen)), ret: 1 };
      },
      call: async ({ send, backend }, ref, flags) => (await send(ref, await bytesOfCpuMap(backend), flags)).cpumap,
    },
  ),
  writes.direct(279, 'domainPinEmulator', [{ domain }, { cpumap }, { flags: bits }], {}),
  reads.mapped(
    351,
    'domainGetIothreadInfo',
    [{ domain }, { flags: bits }],
    { infos: list(struct({ iothreadId: uint, cpumap }), LIST_MAX), ret: uint },
    {
      async serve(backend, ref, flags) {
        const infos = await backend.domainGetIothreadInfo(ref, flags);
        return { infos, ret: infos.length };
      },
      call: async ({ send }, ref, flags) => (await send(ref, flags)).infos,
    },
  ),
  writes.direct(308, 'domainSetMemoryStatsPeriod', [{ domain }, { period: int }, { flags: bits }], {}),
  reads.mapped(
    262,
    'domainGetCpuStats',
    [{ domain }, { nparams: uint }, { startCpu: int }, { ncpus: uint }, { flags: bits }],
    { params: typedParams(2048), nparams: int },
    {
      async serve(backend, ref, nparams, startCpu, ncpus, flags) {
        const stats = await backend.domainGetCpuStats(ref, startCpu, Math.max(ncpus, 1), withoutStringParams(flags));
        // With room for no CPU the caller asks how many there are, with room for no number how many each has.
        if (ncpus === 0) return { params: [], nparams: (await backend.nodeGetCpuMap(0)).cpus };
        const [first = []] = stats;
        if (nparams === 0) return { params: [], nparams: first.length };
        return {
          params: stats.flatMap((one) => one.slice(0, nparams)),
          nparams: Math.min(nparams, first.length),
        };
      },
      async call({ send }, ref, startCpu, ncpus, flags) {
        const { nparams } = await send(ref, 0, startCpu, 1, flags | STRING_PARAMS);
        const stats = [];
        for (let cpu = 0; nparams > 0 && cpu < ncpus; cpu += CPUS_AT_ONCE) {
          const count = Math.min(CPUS_AT_ONCE, ncpus - cpu);
          const { params } = await send(ref, nparams, startCpu + cpu, count, flags | STRING_PARAMS);
          for (let at = 0; at < params.length; at += nparams) stats.push(params.slice(at, at + nparams));
        }
        return stats;
      },
    },
  ),
  reads.mapped(
    263,
    'domainGetDiskErrors',
    [{ domain }, { max: uint }, { flags: bits }],
    { errors: list(struct({ disk: text, error: int }), 256), nerrors: int },
    {
      async serve(backend, ref, max, flags) {
        const errors = await backend.domainGetDiskErrors(ref, flags);
        const shown = errors.slice(0, max);
        return { errors: shown, nerrors: max === 0 ? errors.length : shown.length };
      },
      call: async ({ send }, ref, flags) => (await send(ref, 256, flags)).errors,
    },
  ),
  writes.direct(390, 'domainSetLifecycleAction', [{ domain }, { type: uint }, { action: uint }, { flags: bits }], {}),
  writes.direct(392, 'domainDetachDeviceAlias', [{ domain }, { alias: text }, { flags: bits }], {}),
];

/** Rows of domains' limits. */
export const domainResourceProcedures = [...limits, ...facts];
