import {
  VirErrorDomain,
  type VirErrorDomainName,
  type VirErrorName,
  VirtError,
  type VirtErrorOptions,
} from '../util/index.ts';

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
  NO_NETWORK_PORT: 'network port not found',
  NO_DOMAIN_METADATA: 'metadata not found',
  OVERFLOW: 'numerical overflow',
  OPERATION_UNSUPPORTED: 'Operation not supported',
  RESOURCE_BUSY: 'resource busy',
  XML_INVALID_SCHEMA: 'XML document failed to validate against schema',
  DEVICE_MISSING: 'device not found',
};

/** What libvirt says where a call's arguments are checked (virReportInvalidArg and virCheckFlags): that alone. */
const ARGUMENT_CHECK = /^(unsupported flags \(0x[0-9a-f]+\) in function|\w+ in vir\w+ must )/;

/** The longest message, as in libvirt (VIR_ERROR_MAX_LENGTH): a client's own words may be in it. */
const MESSAGE_MAX = 1024;

/** An error with libvirt's full text: the code's beginning, then `detail`; what is too long ends in `…`. */
export function virtError(code: VirErrorName, detail: string, options: VirtErrorOptions = {}): VirtError {
  const beginning = beginnings[code];
  const done = beginning === undefined || detail.startsWith(beginning) || ARGUMENT_CHECK.test(detail);
  const message = done ? detail : `${beginning}: ${detail}`;
  // Not in the middle of a surrogate pair.
  const cut = message.slice(0, MESSAGE_MAX - 2).replace(/[\ud800-\udbff]$/, '');
  return new VirtError(code, message.length < MESSAGE_MAX ? message : `${cut}…`, options);
}

/** What a method of a backend may reject with, from whatever it failed with. `from`: where it is from, if not known. */
export function toVirtError(error: unknown, from: VirtErrorOptions['domain']): VirtError {
  if (error instanceof VirtError) {
    if (error.domain !== VirErrorDomain.NONE && error.message.length < MESSAGE_MAX) return error;
    return virtError(error.code, error.message, {
      cause: error.cause ?? error,
      data: { ...error.data },
      domain: domainName(error) ?? from,
      level: error.level,
    });
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const { code, path } = cause as NodeJS.ErrnoException;
  if (code === undefined) return virtError('INTERNAL_ERROR', cause.message, { cause, domain: from });
  const data = path === undefined ? { errno: code } : { errno: code, path };
  return virtError('SYSTEM_ERROR', cause.message, { cause, domain: from, data });
}

function domainName({ domain }: VirtError): VirErrorDomainName | undefined {
  const [name] = Object.entries(VirErrorDomain).find(([, number]) => number === domain && number !== 0) ?? [];
  return name as VirErrorDomainName | undefined;
}
