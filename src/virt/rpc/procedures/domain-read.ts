/** What domains are and how they do. */
import { DomainXml } from '../../enums.ts';
import { reads, writesWhen } from '../procedure.ts';
import { domain, typedParams } from '../shapes.ts';
import { bits, byte, flag, int, list, text, uhyper, uint } from '../xdr-types.ts';

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
  reads.direct(426, 'domainGetMessages', [{ domain }, { flags: bits }], { messages: list(text, 2048) }),
];
