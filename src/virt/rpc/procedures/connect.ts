/** Connection and host. */
import { reads } from '../procedure.ts';
import { CPUMAP_MAX_BYTES, nodeStats } from '../shapes.ts';
import { bits, fixedChars, flag, int, opaque, optional, text, uhyper, uint } from '../xdr-types.ts';
import { ask, counted } from './common.ts';

/** Rows of connection and host. */
export const connectProcedures = [
  reads.direct(3, 'connectGetType', [], { type: text }),
  reads.direct(4, 'connectGetVersion', [], { version: uhyper }),
  reads.direct(5, 'connectGetMaxVcpus', [{ type: optional(text) }], { max: int }),
  reads.direct(6, 'nodeGetInfo', [], {
    model: fixedChars(32),
    memory: uhyper,
    cpus: int,
    mhz: int,
    nodes: int,
    sockets: int,
    cores: int,
    threads: int,
  }),
  reads.direct(7, 'connectGetCapabilities', [], { xml: text }),
  reads.direct(59, 'connectGetHostname', [], { hostname: text }),
  reads.direct(102, 'nodeGetFreeMemory', [], { bytes: uhyper }),
  reads.direct(110, 'connectGetUri', [], { uri: text }),
  reads.direct(149, 'connectIsSecure', [], { secure: flag }),
  reads.direct(157, 'connectGetLibVersion', [], { version: uhyper }),
  reads.direct(203, 'connectGetSysinfo', [{ flags: bits }], { xml: text }),
  reads.direct(
    342,
    'connectGetDomainCapabilities',
    [
      { emulator: optional(text) },
      { arch: optional(text) },
      { machine: optional(text) },
      { virttype: optional(text) },
      { flags: bits },
    ],
    { xml: text },
  ),
  reads.mapped(
    227,
    'nodeGetCpuStats',
    [{ cpu: int }, { nparams: int }, { flags: bits }],
    { params: nodeStats, nparams: int },
    {
      serve: async (backend, cpu, nparams, flags) => counted(nparams, await backend.nodeGetCpuStats(cpu, flags)),
      call: ({ send }, cpu, flags) => ask((nparams) => send(cpu, nparams, flags)),
    },
  ),
  reads.mapped(
    228,
    'nodeGetMemoryStats',
    [{ nparams: int }, { cell: int }, { flags: bits }],
    { params: nodeStats, nparams: int },
    {
      serve: async (backend, nparams, cell, flags) => counted(nparams, await backend.nodeGetMemoryStats(cell, flags)),
      call: ({ send }, cell, flags) => ask((nparams) => send(nparams, cell, flags)),
    },
  ),
  reads.mapped(
    293,
    'nodeGetCpuMap',
    [{ needMap: int }, { needOnline: int }, { flags: bits }],
    { cpumap: opaque(CPUMAP_MAX_BYTES), online: uint, ret: int },
    {
      async serve(backend, needMap, needOnline, flags) {
        const { cpumap, online, cpus } = await backend.nodeGetCpuMap(flags);
        return {
          cpumap: needMap === 0 ? new Uint8Array() : cpumap,
          online: needOnline === 0 ? 0 : online,
          ret: cpus,
        };
      },
      async call({ send }, flags) {
        const { cpumap, online, ret: cpus } = await send(1, 1, flags);
        return { cpumap, online, cpus };
      },
    },
  ),
];
