/** Domains' memory, vCPUs, devices and descriptions. */
import { Affect, MemoryFlags, VcpuFlags } from '../../enums.ts';
import { virtError } from '../../errors.ts';
import { reads, writes } from '../procedure.ts';
import { CPUMAP_MAX_BYTES, CPUMAPS_MAX_BYTES, domain, LIST_MAX, typedParams } from '../shapes.ts';
import { bits, int, list, opaque, optional, struct, text, uhyper, uint } from '../xdr-types.ts';
import { bytesOfCpuMap, STRING_PARAMS, withoutStringParams } from './common.ts';

const cpumap = opaque(CPUMAP_MAX_BYTES);

/** Maps of CPUs one after the other, each in so many bytes. */
function joinMaps(maps: readonly Uint8Array[], count: number, maplen: number): Uint8Array {
  const bytes = new Uint8Array(count * maplen);
  for (const [index, map] of maps.slice(0, count).entries()) bytes.set(map.subarray(0, maplen), index * maplen);
  return bytes;
}

function splitMaps(bytes: Uint8Array, count: number, maplen: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => bytes.slice(index * maplen, (index + 1) * maplen));
}

/** Holds what a caller has room for to what an answer can have. */
function checkRoom(count: number, maplen: number): void {
  if (count < 0 || maplen < 0 || count > LIST_MAX || count * maplen > CPUMAPS_MAX_BYTES) {
    throw virtError('RPC', `maps of ${maplen} bytes for ${count} vCPUs are more than an answer can have`);
  }
}

const cpus = [
  reads.direct(200, 'domainGetVcpusFlags', [{ domain }, { flags: bits }], { num: int }),
  writes.direct(199, 'domainSetVcpusFlags', [{ domain }, { vcpus: uint }, { flags: bits }], {}),
  reads.mapped(
    20,
    'domainGetVcpus',
    [{ domain }, { maxinfo: int }, { maplen: int }],
    {
      infos: list(struct({ number: uint, state: int, cpuTime: uhyper, cpu: int }), LIST_MAX),
      cpumaps: opaque(CPUMAPS_MAX_BYTES),
    },
    {
      async serve(backend, ref, maxinfo, maplen) {
        checkRoom(maxinfo, maplen);
        const infos = (await backend.domainGetVcpus(ref)).slice(0, maxinfo);
        const maps = infos.map((info) => info.cpumap);
        return { infos, cpumaps: joinMaps(maps, infos.length, maplen) };
      },
      async call({ send, backend }, ref) {
        const { nrVirtCpu } = await backend.domainGetInfo(ref);
        const maplen = await bytesOfCpuMap(backend);
        const { infos, cpumaps } = await send(ref, nrVirtCpu, maplen);
        const maps = splitMaps(cpumaps, infos.length, maplen);
        return infos.map((info, index) => ({ ...info, cpumap: maps[index] ?? new Uint8Array() }));
      },
    },
  ),
  reads.mapped(
    230,
    'domainGetVcpuPinInfo',
    [{ domain }, { ncpumaps: int }, { maplen: int }, { flags: bits }],
    { cpumaps: opaque(CPUMAPS_MAX_BYTES), num: int },
    {
      async serve(backend, ref, ncpumaps, maplen, flags) {
        checkRoom(ncpumaps, maplen);
        const maps = await backend.domainGetVcpuPinInfo(ref, flags);
        const num = Math.min(ncpumaps, maps.length);
        return { cpumaps: joinMaps(maps, num, maplen), num };
      },
      async call({ send, backend }, ref, flags) {
        const count = await backend.domainGetVcpusFlags(ref, flags | VcpuFlags.MAXIMUM);
        const maplen = await bytesOfCpuMap(backend);
        const { cpumaps, num } = await send(ref, count, maplen, flags);
        return splitMaps(cpumaps, num, maplen);
      },
    },
  ),
  // Before the one with flags: libvirt's test driver takes none.
  writes.variant(
    26,
    'DOMAIN_PIN_VCPU',
    'domainPinVcpuFlags',
    [{ domain }, { vcpu: uint }, { cpumap }],
    {},
    {
      serve: (backend, ref, vcpu, map) => backend.domainPinVcpuFlags(ref, vcpu, map, Affect.LIVE),
      call: ({ send }, ref, vcpu, map, flags) => (flags === Affect.LIVE ? send(ref, vcpu, map) : undefined),
    },
  ),
  writes.direct(225, 'domainPinVcpuFlags', [{ domain }, { vcpu: uint }, { cpumap }, { flags: bits }], {}),
  reads.direct(56, 'domainGetSchedulerType', [{ domain }], { type: text, nparams: int }),
  // Before the one with flags: there are drivers that take none.
  reads.variant(
    57,
    'DOMAIN_GET_SCHEDULER_PARAMETERS',
    'domainGetSchedulerParametersFlags',
    [{ domain }, { nparams: int }],
    { params: typedParams(16) },
    {
      serve: async (backend, ref, nparams) =>
        (await backend.domainGetSchedulerParametersFlags(ref, 0)).slice(0, Math.max(0, nparams)),
      call({ send, backend }, ref, flags) {
        if (flags !== 0) return undefined;
        return backend.domainGetSchedulerType(ref).then(({ nparams }) => send(ref, nparams));
      },
    },
  ),
  reads.mapped(
    223,
    'domainGetSchedulerParametersFlags',
    [{ domain }, { nparams: int }, { flags: bits }],
    { params: typedParams(16) },
    {
      async serve(backend, ref, nparams, flags) {
        const params = await backend.domainGetSchedulerParametersFlags(ref, withoutStringParams(flags));
        return params.slice(0, Math.max(0, nparams));
      },
      async call({ send, backend }, ref, flags) {
        const { nparams } = await backend.domainGetSchedulerType(ref);
        return send(ref, nparams, flags | STRING_PARAMS);
      },
    },
  ),
  writes.direct(
    219,
    'domainSetSchedulerParametersFlags',
    [{ domain }, { params: typedParams(16) }, { flags: bits }],
    {},
  ),
];

const devices = [
  writes.direct(204, 'domainSetMemoryFlags', [{ domain }, { kib: uhyper }, { flags: bits }], {}),
  writes.direct(160, 'domainAttachDeviceFlags', [{ domain }, { xml: text }, { flags: bits }], {}),
  writes.direct(161, 'domainDetachDeviceFlags', [{ domain }, { xml: text }, { flags: bits }], {}),
  writes.direct(174, 'domainUpdateDeviceFlags', [{ domain }, { xml: text }, { flags: bits }], {}),
  reads.direct(265, 'domainGetMetadata', [{ domain }, { type: int }, { uri: optional(text) }, { flags: bits }], {
    metadata: text,
  }),
  writes.direct(
    264,
    'domainSetMetadata',
    [
      { domain },
      { type: int },
      { metadata: optional(text) },
      { key: optional(text) },
      { uri: optional(text) },
      { flags: bits },
    ],
    {},
  ),
];

const older = [
  writes.variant(
    8,
    'DOMAIN_ATTACH_DEVICE',
    'domainAttachDeviceFlags',
    [{ domain }, { xml: text }],
    {},
    {
      serve: (backend, ref, xml) => backend.domainAttachDeviceFlags(ref, xml, Affect.LIVE),
      call: ({ send }, ref, xml, flags) => (flags === Affect.LIVE ? send(ref, xml) : undefined),
    },
  ),
  writes.variant(
    13,
    'DOMAIN_DETACH_DEVICE',
    'domainDetachDeviceFlags',
    [{ domain }, { xml: text }],
    {},
    {
      serve: (backend, ref, xml) => backend.domainDetachDeviceFlags(ref, xml, Affect.LIVE),
      call: ({ send }, ref, xml, flags) => (flags === Affect.LIVE ? send(ref, xml) : undefined),
    },
  ),
  reads.variant(
    18,
    'DOMAIN_GET_MAX_VCPUS',
    'domainGetVcpusFlags',
    [{ domain }],
    { num: int },
    {
      serve: (backend, ref) => backend.domainGetVcpusFlags(ref, VcpuFlags.LIVE | VcpuFlags.MAXIMUM),
      call: ({ send }, ref, flags) => (flags === (VcpuFlags.LIVE | VcpuFlags.MAXIMUM) ? send(ref) : undefined),
    },
  ),
  writes.variant(
    30,
    'DOMAIN_SET_MAX_MEMORY',
    'domainSetMemoryFlags',
    [{ domain }, { kib: uhyper }],
    {},
    {
      serve: (backend, ref, kib) => backend.domainSetMemoryFlags(ref, kib, MemoryFlags.MAXIMUM),
      call: ({ send }, ref, kib, flags) => (flags === MemoryFlags.MAXIMUM ? send(ref, kib) : undefined),
    },
  ),
  writes.variant(
    31,
    'DOMAIN_SET_MEMORY',
    'domainSetMemoryFlags',
    [{ domain }, { kib: uhyper }],
    {},
    {
      serve: (backend, ref, kib) => backend.domainSetMemoryFlags(ref, kib, MemoryFlags.LIVE),
      call: ({ send }, ref, kib, flags) => (flags === MemoryFlags.LIVE ? send(ref, kib) : undefined),
    },
  ),
  writes.variant(
    32,
    'DOMAIN_SET_VCPUS',
    'domainSetVcpusFlags',
    [{ domain }, { vcpus: uint }],
    {},
    {
      serve: (backend, ref, vcpus) => backend.domainSetVcpusFlags(ref, vcpus, VcpuFlags.LIVE),
      call: ({ send }, ref, vcpus, flags) => (flags === VcpuFlags.LIVE ? send(ref, vcpus) : undefined),
    },
  ),
  writes.variant(
    58,
    'DOMAIN_SET_SCHEDULER_PARAMETERS',
    'domainSetSchedulerParametersFlags',
    [{ domain }, { params: typedParams(16) }],
    {},
    {
      serve: (backend, ref, params) => backend.domainSetSchedulerParametersFlags(ref, params, 0),
      call: ({ send }, ref, params, flags) => (flags === 0 ? send(ref, params) : undefined),
    },
  ),
];

/** Rows of what one changes of domains. */
export const domainTuningProcedures = [...cpus, ...devices, ...older];
