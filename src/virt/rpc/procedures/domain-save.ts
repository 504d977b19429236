/** Domains' state in files, and jobs that take their time. */
import type { TypedParam } from '../../backend.ts';
import { virtError } from '../../errors.ts';
import { reads, writes, writesWhen } from '../procedure.ts';
import { domain, typedParams } from '../shapes.ts';
import { bits, int, optional, text, uhyper, uint } from '../xdr-types.ts';

/** VIR_DOMAIN_SAVE_IMAGE_XML_SECURE. */
const SECURE = 1;

/** The value of a parameter that is text. Throws INVALID_ARG for what else is among them. */
function textParam(params: readonly TypedParam[], field: string): string | undefined {
  for (const param of params) {
    if (!['file', 'dxml', 'image_format', 'parallel.channels'].includes(param.field)) {
      throw virtError('INVALID_ARG', `parameter '${param.field}' not supported`);
    }
  }
  const found = params.find((param) => param.field === field);
  return found?.type === 'string' ? found.value : undefined;
}

function fileParam(params: readonly TypedParam[]): string {
  const file = textParam(params, 'file');
  if (file === undefined) throw virtError('OPERATION_UNSUPPORTED', 'a save or restore needs the parameter file');
  return file;
}

const saving = [
  writes.direct(232, 'domainSaveFlags', [{ domain }, { to: text }, { dxml: optional(text) }, { flags: bits }], {}),
  writes.variant(
    55,
    'DOMAIN_SAVE',
    'domainSaveFlags',
    [{ domain }, { to: text }],
    {},
    {
      serve: (backend, ref, to) => backend.domainSaveFlags(ref, to, undefined, 0),
      call: ({ send }, ref, to, dxml, flags) => (dxml === undefined && flags === 0 ? send(ref, to) : undefined),
    },
  ),
  writes.variant(
    440,
    'DOMAIN_SAVE_PARAMS',
    'domainSaveFlags',
    [{ domain }, { params: typedParams(64) }, { flags: bits }],
    {},
    {
      serve: async (backend, ref, params, flags) =>
        backend.domainSaveFlags(ref, fileParam(params), textParam(params, 'dxml'), flags),
    },
  ),
  writes.direct(233, 'domainRestoreFlags', [{ from: text }, { dxml: optional(text) }, { flags: bits }], {}),
  writes.variant(
    54,
    'DOMAIN_RESTORE',
    'domainRestoreFlags',
    [{ from: text }],
    {},
    {
      serve: (backend, from) => backend.domainRestoreFlags(from, undefined, 0),
      call: ({ send }, from, dxml, flags) => (dxml === undefined && flags === 0 ? send(from) : undefined),
    },
  ),
  writes.variant(
    441,
    'DOMAIN_RESTORE_PARAMS',
    'domainRestoreFlags',
    [{ params: typedParams(64) }, { flags: bits }],
    {},
    {
      serve: async (backend, params, flags) =>
        backend.domainRestoreFlags(fileParam(params), textParam(params, 'dxml'), flags),
    },
  ),
  writes.direct(235, 'domainSaveImageGetXmlDesc', [{ file: text }, { flags: bits }], { xml: text }),
  writes.direct(236, 'domainSaveImageDefineXml', [{ file: text }, { dxml: text }, { flags: bits }], {}),
  writes.direct(182, 'domainManagedSave', [{ domain }, { flags: bits }], {}),
  writes.direct(184, 'domainManagedSaveRemove', [{ domain }, { flags: bits }], {}),
  writesWhen(
    reads.direct(388, 'domainManagedSaveGetXmlDesc', [{ domain }, { flags: bits }], { xml: text }),
    (_domain: unknown, flags: number) => (flags & SECURE) !== 0,
  ),
  writes.direct(334, 'domainCoreDumpWithFormat', [{ domain }, { to: text }, { format: uint }, { flags: bits }], {}),
  writes.variant(
    53,
    'DOMAIN_CORE_DUMP',
    'domainCoreDumpWithFormat',
    [{ domain }, { to: text }, { flags: bits }],
    {},
    {
      serve: (backend, ref, to, flags) => backend.domainCoreDumpWithFormat(ref, to, 0, flags),
      call: ({ send }, ref, to, format, flags) => (format === 0 ? send(ref, to, flags) : undefined),
    },
  ),
];

const jobs = [
  reads.direct(163, 'domainGetJobInfo', [{ domain }], {
    type: int,
    timeElapsed: uhyper,
    timeRemaining: uhyper,
    dataTotal: uhyper,
    dataProcessed: uhyper,
    dataRemaining: uhyper,
    memTotal: uhyper,
    memProcessed: uhyper,
    memRemaining: uhyper,
    fileTotal: uhyper,
    fileProcessed: uhyper,
    fileRemaining: uhyper,
  }),
  writes.direct(442, 'domainAbortJobFlags', [{ domain }, { flags: bits }], {}),
  writes.variant(
    164,
    'DOMAIN_ABORT_JOB',
    'domainAbortJobFlags',
    [{ domain }],
    {},
    {
      serve: (backend, ref) => backend.domainAbortJobFlags(ref, 0),
      call: ({ send }, ref, flags) => (flags === 0 ? send(ref) : undefined),
    },
  ),
  reads.mapped(
    238,
    'domainGetBlockJobInfo',
    [{ domain }, { disk: text }, { flags: bits }],
    { found: int, type: int, bandwidth: uhyper, cur: uhyper, end: uhyper },
    {
      async serve(backend, ref, disk, flags) {
        const job = await backend.domainGetBlockJobInfo(ref, disk, flags);
        return { found: job === undefined ? 0 : 1, type: 0, bandwidth: 0n, cur: 0n, end: 0n, ...job };
      },
      async call({ send }, ref, disk, flags) {
        const { found, ...job } = await send(ref, disk, flags);
        return found === 0 ? undefined : job;
      },
    },
  ),
  writes.direct(237, 'domainBlockJobAbort', [{ domain }, { disk: text }, { flags: bits }], {}),
];

/** Rows of domains' state in files, and of their jobs. */
export const domainSaveProcedures = [...saving, ...jobs];
