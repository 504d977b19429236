/** What hypervisors behind libvirt's daemons do with domains, and ours do not. */
import { qemuWrites, reads, writes, writesWhen } from '../procedure.ts';
import { CPUMAP_MAX_BYTES, checkpoint, domain, LIST_MAX, typedParams } from '../shapes.ts';
import { bits, hyper, int, list, opaque, optional, text, uhyper, uint } from '../xdr-types.ts';
import { listing, need } from './common.ts';

const PEEK_MAX_BYTES = 4 * 1024 * 1024;
/** Keys of a user. */
const KEYS_MAX = 2048;

const disks = [
  writes.direct(
    239,
    'domainBlockJobSetSpeed',
    [{ domain }, { disk: text }, { bandwidth: uhyper }, { flags: bits }],
    {},
  ),
  writes.direct(240, 'domainBlockPull', [{ domain }, { disk: text }, { bandwidth: uhyper }, { flags: bits }], {}),
  writes.direct(
    266,
    'domainBlockRebase',
    [{ domain }, { disk: text }, { base: optional(text) }, { bandwidth: uhyper }, { flags: bits }],
    {},
  ),
  writes.direct(
    290,
    'domainBlockCommit',
    [
      { domain },
      { disk: text },
      { base: optional(text) },
      { top: optional(text) },
      { bandwidth: uhyper },
      { flags: bits },
    ],
    {},
  ),
  writes.direct(
    345,
    'domainBlockCopy',
    [{ domain }, { disk: text }, { destXml: text }, { params: typedParams(16) }, { flags: bits }],
    {},
  ),
  writes.direct(
    386,
    'domainSetBlockThreshold',
    [{ domain }, { device: text }, { threshold: uhyper }, { flags: bits }],
    {},
  ),
  writes.direct(
    103,
    'domainBlockPeek',
    [{ domain }, { path: text }, { offset: uhyper }, { size: uint }, { flags: bits }],
    {
      bytes: opaque(PEEK_MAX_BYTES),
    },
  ),
  writes.direct(104, 'domainMemoryPeek', [{ domain }, { offset: uhyper }, { size: uint }, { flags: bits }], {
    bytes: opaque(PEEK_MAX_BYTES),
  }),
  writes.direct(
    421,
    'domainBackupBegin',
    [{ domain }, { backupXml: text }, { checkpointXml: optional(text) }, { flags: bits }],
    {},
  ),
  reads.direct(422, 'domainBackupGetXmlDesc', [{ domain }, { flags: bits }], { xml: text }),
];

const checkpointList = { objects: list(checkpoint, LIST_MAX), ret: int };

const checkpoints = [
  writes.direct(411, 'domainCheckpointCreateXml', [{ domain }, { xml: text }, { flags: bits }], { checkpoint }),
  writesWhen(
    reads.direct(412, 'domainCheckpointGetXmlDesc', [{ checkpoint }, { flags: bits }], { xml: text }),
    // VIR_DOMAIN_CHECKPOINT_XML_SECURE.
    (_checkpoint: unknown, flags: number) => (flags & 1) !== 0,
  ),
  reads.mapped(413, 'domainListAllCheckpoints', [{ domain }, { need }, { flags: bits }], checkpointList, {
    serve: async (backend, ref, needed, flags) => listing(needed, await backend.domainListAllCheckpoints(ref, flags)),
    call: async ({ send }, ref, flags) => (await send(ref, 1, flags)).objects,
  }),
  reads.mapped(414, 'domainCheckpointListAllChildren', [{ checkpoint }, { need }, { flags: bits }], checkpointList, {
    serve: async (backend, ref, needed, flags) =>
      listing(needed, await backend.domainCheckpointListAllChildren(ref, flags)),
    call: async ({ send }, ref, flags) => (await send(ref, 1, flags)).objects,
  }),
  reads.direct(415, 'domainCheckpointLookupByName', [{ domain }, { name: text }, { flags: bits }], { checkpoint }),
  reads.direct(416, 'domainCheckpointGetParent', [{ checkpoint }, { flags: bits }], { checkpoint }),
  writes.direct(417, 'domainCheckpointDelete', [{ checkpoint }, { flags: bits }], {}),
];

const tuning = [
  writes.direct(355, 'domainAddIothread', [{ domain }, { iothreadId: uint }, { flags: bits }], {}),
  writes.direct(356, 'domainDelIothread', [{ domain }, { iothreadId: uint }, { flags: bits }], {}),
  writes.direct(
    352,
    'domainPinIothread',
    [{ domain }, { iothreadId: uint }, { cpumap: opaque(CPUMAP_MAX_BYTES) }, { flags: bits }],
    {},
  ),
  writes.direct(
    402,
    'domainSetIothreadParams',
    [{ domain }, { iothreadId: uint }, { params: typedParams(64) }, { flags: bits }],
    {},
  ),
  writes.direct(384, 'domainSetVcpu', [{ domain }, { vcpus: text }, { state: int }, { flags: bits }], {}),
  writes.direct(372, 'domainSetGuestVcpus', [{ domain }, { vcpus: text }, { state: int }, { flags: bits }], {}),
  reads.direct(365, 'domainGetPerfEvents', [{ domain }, { flags: bits }], { params: typedParams(64) }),
  writes.direct(366, 'domainSetPerfEvents', [{ domain }, { params: typedParams(64) }, { flags: bits }], {}),
  writes.direct(427, 'domainStartDirtyRateCalc', [{ domain }, { seconds: int }, { flags: bits }], {}),
  writes.direct(396, 'domainGetLaunchSecurityInfo', [{ domain }, { flags: bits }], { params: typedParams(64) }),
  writes.direct(439, 'domainSetLaunchSecurityState', [{ domain }, { params: typedParams(64) }, { flags: bits }], {}),
  writes.direct(389, 'domainManagedSaveDefineXml', [{ domain }, { dxml: optional(text) }, { flags: bits }], {}),
];

const guests = [
  writes.direct(295, 'domainSendProcessSignal', [{ domain }, { pid: hyper }, { signal: uint }, { flags: bits }], {}),
  writes.direct(420, 'domainAgentSetResponseTimeout', [{ domain }, { timeout: int }, { flags: bits }], { result: int }),
  writes.direct(424, 'domainAuthorizedSshKeysGet', [{ domain }, { user: text }, { flags: bits }], {
    keys: list(text, KEYS_MAX),
  }),
  writes.direct(
    425,
    'domainAuthorizedSshKeysSet',
    [{ domain }, { user: text }, { keys: list(text, KEYS_MAX) }, { flags: bits }],
    {},
  ),
  qemuWrites.direct(1, 'qemuDomainMonitorCommand', [{ domain }, { command: text }, { flags: bits }], { result: text }),
  qemuWrites.direct(2, 'qemuDomainAttach', [{ pid: uint }, { flags: bits }], { domain }),
  qemuWrites.direct(3, 'qemuDomainAgentCommand', [{ domain }, { command: text }, { timeout: int }, { flags: bits }], {
    result: optional(text),
  }),
  qemuWrites.direct(
    4,
    'qemuConnectDomainMonitorEventRegister',
    [{ domain: optional(domain) }, { event: optional(text) }, { flags: bits }],
    { callbackId: int },
  ),
  qemuWrites.direct(5, 'qemuConnectDomainMonitorEventDeregister', [{ callbackId: int }], {}),
];

/** Rows of what only hypervisors behind libvirt's daemons do with domains. */
export const foreignDomainProcedures = [...disks, ...checkpoints, ...tuning, ...guests];
