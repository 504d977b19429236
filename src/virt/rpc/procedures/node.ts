/** The host: what CPUs it can make, its memory cell by cell, its security, other hypervisors' configurations. */
import { reads, writes } from '../procedure.ts';
import { typedParams } from '../shapes.ts';
import { bits, chars, int, list, optional, text, uhyper } from '../xdr-types.ts';
import { ask, counted, listing, need, STRING_PARAMS, withoutStringParams } from './common.ts';

const texts = list(text, 256);
const hypervisor = [
  { emulator: optional(text) },
  { arch: optional(text) },
  { machine: optional(text) },
  { virttype: optional(text) },
] as const;

/** Rows of the host. */
export const nodeProcedures = [
  reads.direct(101, 'nodeGetCellsFreeMemory', [{ start: int }, { max: int }], { cells: list(uhyper, 1024) }),
  reads.mapped(
    289,
    'nodeGetMemoryParameters',
    [{ nparams: int }, { flags: bits }],
    { params: typedParams(64), nparams: int },
    {
      serve: async (backend, nparams, flags) =>
        counted(nparams, await backend.nodeGetMemoryParameters(withoutStringParams(flags))),
      call: ({ send }, flags) => ask((nparams) => send(nparams, flags | STRING_PARAMS)),
    },
  ),
  reads.direct(122, 'nodeGetSecurityModel', [], { model: chars(257), doi: chars(257) }),
  reads.mapped(
    312,
    'connectGetCpuModelNames',
    [{ arch: text }, { need }, { flags: bits }],
    { objects: list(text, 8192), ret: int },
    {
      serve: async (backend, arch, needed, flags) =>
        listing(needed, await backend.connectGetCpuModelNames(arch, flags)),
      call: async ({ send }, arch, flags) => (await send(arch, 1, flags)).objects,
    },
  ),
  reads.direct(158, 'connectCompareCpu', [{ xml: text }, { flags: bits }], { result: int }),
  reads.direct(162, 'connectBaselineCpu', [{ xmls: texts }, { flags: bits }], { xml: text }),
  reads.direct(393, 'connectCompareHypervisorCpu', [...hypervisor, { xml: text }, { flags: bits }], { result: int }),
  reads.direct(394, 'connectBaselineHypervisorCpu', [...hypervisor, { xmls: texts }, { flags: bits }], { xml: text }),
  // Configurations name files, which are looked at.
  writes.direct(135, 'connectDomainXmlFromNative', [{ format: text }, { config: text }, { flags: bits }], {
    xml: text,
  }),
  writes.direct(136, 'connectDomainXmlToNative', [{ format: text }, { xml: text }, { flags: bits }], { config: text }),
];
