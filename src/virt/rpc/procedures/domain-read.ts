/** What domains are and how they do. */
import type { TypedParam } from '../../backend.ts';
import { DomainXml } from '../../enums.ts';
import { reads, writes, writesWhen } from '../procedure.ts';
import { domain, typedParams } from '../shapes.ts';
import { bits, byte, flag, hyper, int, list, text, uhyper, uint } from '../xdr-types.ts';

/** virDomainJobInfo: its numbers, by the names that job statistics have for them. */
const jobNumbers = [
  'time_elapsed',
  'time_remaining',
  'data_total',
  'data_processed',
  'data_remaining',
  'memory_total',
  'memory_processed',
  'memory_remaining',
  'disk_total',
  'disk_processed',
  'disk_remaining',
] as const;
type JobNumbers = Readonly<Record<(typeof jobNumbers)[number], typeof uhyper>>;

function jobInfo(type: number, params: readonly TypedParam[]): { type: number } & Record<keyof JobNumbers, bigint> {
  const numbers = jobNumbers.map((field) => [field, params.find((param) => param.field === field)?.value ?? 0n]);
  return { type, ...(Object.fromEntries(numbers) as Record<keyof JobNumbers, bigint>) };
}

/** Rows of what one reads of domains. */
export const domainReadProcedures = [
  writesWhen(
    reads.direct(14, 'domainGetXmlDesc', [{ domain }, { flags: bits }], { xml: text }),
    (_domain: unknown, flags: number) => (flags & (DomainXml.SECURE | DomainXml.MIGRATABLE)) !== 0,
  ),
  reads.direct(16, 'domainGetInfo', [{ domain }], {
    state: byte,
    maxMem: uhyper,
    memory: uhyper,
    nrVirtCpu: uint,
    cpuTime: uhyper,
  }),
  reads.direct(17, 'domainGetMaxMemory', [{ domain }], { kib: uhyper }),
  reads.direct(19, 'domainGetOsType', [{ domain }], { type: text }),
  reads.direct(150, 'domainIsActive', [{ domain }], { active: flag }),
  reads.direct(151, 'domainIsPersistent', [{ domain }], { persistent: flag }),
  reads.direct(183, 'domainHasManagedSaveImage', [{ domain }, { flags: bits }], { result: flag }),
  reads.direct(202, 'domainIsUpdated', [{ domain }], { updated: flag }),
  reads.direct(212, 'domainGetState', [{ domain }, { flags: bits }], { state: int, reason: int }),
  reads.direct(229, 'domainGetControlInfo', [{ domain }, { flags: bits }], {
    state: uint,
    details: uint,
    stateTime: uhyper,
  }),
  reads.direct(298, 'domainGetJobStats', [{ domain }, { flags: bits }], { type: int, params: typedParams(64) }),
  reads.variant(
    163,
    'DOMAIN_GET_JOB_INFO',
    'domainGetJobStats',
    [{ domain }],
    { type: int, ...(Object.fromEntries(jobNumbers.map((field) => [field, uhyper])) as JobNumbers) },
    {
      async serve(backend, ref) {
        const { type, params } = await backend.domainGetJobStats(ref, 0);
        return jobInfo(type, params);
      },
    },
  ),
  // It asks the guest.
  writes.direct(337, 'domainGetTime', [{ domain }, { flags: bits }], { seconds: hyper, nseconds: uint }),
  reads.direct(426, 'domainGetMessages', [{ domain }, { flags: bits }], { messages: list(text, 2048) }),
];
