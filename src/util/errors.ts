/** Error numbers of libvirt (`virErrorNumber` in libvirt's virterror.h); only ever appended to. */
export const VirErrorNumber = {
  OK: 0,
  INTERNAL_ERROR: 1,
  NO_MEMORY: 2,
  NO_SUPPORT: 3,
  NO_CONNECT: 5,
  INVALID_CONN: 6,
  INVALID_DOMAIN: 7,
  INVALID_ARG: 8,
  OPERATION_FAILED: 9,
  XML_ERROR: 27,
  DOM_EXIST: 28,
  OPERATION_DENIED: 29,
  SYSTEM_ERROR: 38,
  RPC: 39,
  NO_DOMAIN: 42,
  NO_NETWORK: 43,
  INVALID_MAC: 44,
  AUTH_FAILED: 45,
  INVALID_STORAGE_POOL: 46,
  INVALID_STORAGE_VOL: 47,
  NO_STORAGE_POOL: 49,
  NO_STORAGE_VOL: 50,
  NO_NODE_DEVICE: 53,
  OPERATION_INVALID: 55,
  NO_INTERFACE: 57,
  MULTIPLE_INTERFACES: 59,
  NO_NWFILTER: 62,
  NO_SECRET: 66,
  CONFIG_UNSUPPORTED: 67,
  OPERATION_TIMEOUT: 68,
  NO_DOMAIN_SNAPSHOT: 72,
  INVALID_STREAM: 73,
  ARGUMENT_UNSUPPORTED: 74,
  SNAPSHOT_REVERT_RISKY: 77,
  OPERATION_ABORTED: 78,
  NO_DOMAIN_METADATA: 80,
  MIGRATE_UNSAFE: 81,
  OVERFLOW: 82,
  OPERATION_UNSUPPORTED: 84,
  AGENT_UNRESPONSIVE: 86,
  RESOURCE_BUSY: 87,
  STORAGE_VOL_EXIST: 90,
  XML_INVALID_SCHEMA: 92,
  DEVICE_MISSING: 99,
} as const;

/** Name of one libvirt error number. */
export type VirErrorName = keyof typeof VirErrorNumber;

/** Which part of libvirt an error is from (`virErrorDomain`), as far as there is such a part here. */
export const VirErrorDomain = {
  NONE: 0,
  XML: 5,
  RPC: 7,
  CONF: 9,
  QEMU: 10,
  NET: 11,
  TEST: 12,
  REMOTE: 13,
  STORAGE: 18,
  NETWORK: 19,
  DOMAIN: 20,
  NODEDEV: 22,
  INTERFACE: 26,
  SECRET: 30,
  CPU: 31,
  NWFILTER: 33,
  DOMAIN_SNAPSHOT: 35,
  STREAMS: 38,
} as const;

/** Name of one part of libvirt. */
export type VirErrorDomainName = keyof typeof VirErrorDomain;

/** `virErrorLevel`. */
export const VirErrorLevel = { NONE: 0, WARNING: 1, ERROR: 2 } as const;
/** Number of one level. */
export type VirErrorLevel = (typeof VirErrorLevel)[keyof typeof VirErrorLevel];

/** What an error carries beside its code and message. */
export interface VirtErrorOptions {
  readonly cause?: unknown;
  /** Structured details, JSON values only. */
  readonly data?: Record<string, unknown>;
  /** The part of libvirt it is from; default NONE. */
  readonly domain?: VirErrorDomainName | undefined;
  /** Default ERROR. */
  readonly level?: VirErrorLevel;
}

/**
 * The one error class of the project: libvirt's error code, and a message that says what was wrong, where, and what
 * to do about it. `data` carries the same facts for programs.
 */
export class VirtError extends Error {
  readonly code: VirErrorName;
  readonly data: Readonly<Record<string, unknown>>;
  /** libvirt's number of the part that the error is from. */
  readonly domain: number;
  readonly level: VirErrorLevel;

  /**
   * @param code libvirt's name of the error without `VIR_ERR_`
   * @param message one sentence, without a full stop
   */
  constructor(code: VirErrorName, message: string, options: VirtErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VirtError';
    this.code = code;
    this.data = options.data ?? {};
    this.domain = VirErrorDomain[options.domain ?? 'NONE'];
    this.level = options.level ?? VirErrorLevel.ERROR;
  }

  /** libvirt's number of `code`. */
  get errno(): number {
    return VirErrorNumber[this.code];
  }

  /** A form that survives JSON and worker messages. */
  toJSON(): {
    name: string;
    code: VirErrorName;
    errno: number;
    domain: number;
    level: number;
    message: string;
    data: Record<string, unknown>;
  } {
    const { name, code, errno, domain, level, message } = this;
    return { name, code, errno, domain, level, message, data: { ...this.data } };
  }
}
