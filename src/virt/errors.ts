import { VirErrorDomain, type VirErrorName, VirtError, type VirtErrorOptions } from '../util/index.ts';

/** How libvirt begins the message of an error (virErrorMsg); the detail follows. */
const beginnings: Partial<Readonly<Record<VirErrorName, string>>> = {
  INTERNAL_ERROR: 'internal error',
  NO_SUPPORT: 'this function is not supported by the connection driver',
  INVALID_ARG: 'invalid argument',
  OPERATION_FAILED: 'operation failed',
  XML_ERROR: 'XML error',
  OPERATION_DENIED: 'operation forbidden',
  NO_DOMAIN: 'Domain not found',
  NO_NETWORK: 'Network not found',
  NO_STORAGE_POOL: 'Storage pool not found',
  NO_STORAGE_VOL: 'Storage volume not found',
  NO_NODE_DEVICE: 'Node device not found',
  NO_INTERFACE: 'Interface not found',
  MULTIPLE_INTERFACES: 'multiple matching interfaces found',
  NO_NWFILTER: 'Network filter not found',
  OPERATION_INVALID: 'Requested operation is not valid',
  NO_SECRET: 'Secret not found',
  CONFIG_UNSUPPORTED: 'unsupported configuration',
  OPERATION_TIMEOUT: 'Timed out during operation',
  NO_DOMAIN_SNAPSHOT: 'Domain snapshot not found',
  ARGUMENT_UNSUPPORTED: 'argument unsupported',
  OPERATION_ABORTED: 'operation aborted',
  NO_DOMAIN_METADATA: 'metadata not found',
  OVERFLOW: 'numerical overflow',
  OPERATION_UNSUPPORTED: 'Operation not supported',
  RESOURCE_BUSY: 'resource busy',
  XML_INVALID_SCHEMA: 'XML document failed to validate against schema',
  DEVICE_MISSING: 'device not found',
};

/** What libvirt says where a call's arguments are checked (virReportInvalidArg and virCheckFlags): that alone. */
const ARGUMENT_CHECK = /^(unsupported flags \(0x[0-9a-f]+\) in function|\w+ in vir\w+ must )/;

/** An error with libvirt's full text: the code's beginning, then `detail`. */
export function virtError(code: VirErrorName, detail: string, options: VirtErrorOptions = {}): VirtError {
  const beginning = beginnings[code];
  const done = beginning === undefined || detail.startsWith(beginning) || ARGUMENT_CHECK.test(detail);
  return new VirtError(code, done ? detail : `${beginning}: ${detail}`, options);
}

/** What a method of a backend may reject with, from whatever it failed with. `from`: where it is from, if not known. */
export function toVirtError(error: unknown, from: VirtErrorOptions['domain']): VirtError {
  if (error instanceof VirtError) {
    if (error.domain !== VirErrorDomain.NONE) return error;
    return virtError(error.code, error.message, {
      cause: error.cause ?? error,
      data: { ...error.data },
      domain: from,
      level: error.level,
    });
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const { code, path } = cause as NodeJS.ErrnoException;
  if (code === undefined) return virtError('INTERNAL_ERROR', cause.message, { cause, domain: from });
  const data = path === undefined ? { errno: code } : { errno: code, path };
  return virtError('SYSTEM_ERROR', cause.message, { cause, domain: from, data });
}
