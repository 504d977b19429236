/** Error numbers of libvirt (`virErrorNumber` in libvirt's virterror.h); only ever appended to. */
export const VirErrorNumber = {
  OK: 0,
  INTERNAL_ERROR: 1,
  NO_MEMORY: 2,
  NO_SUPPORT: 3,
  INVALID_ARG: 8,
  OPERATION_FAILED: 9,
  SYSTEM_ERROR: 38,
  OPERATION_INVALID: 55,
  CONFIG_UNSUPPORTED: 67,
  OPERATION_TIMEOUT: 68,
} as const;

/** Name of one libvirt error number. */
export type VirErrorName = keyof typeof VirErrorNumber;

/**
 * The one error class of the project: libvirt's error code, and a message that says what was wrong, where, and what
 * to do about it. `data` carries the same facts for programs.
 */
export class VirtError extends Error {
  readonly code: VirErrorName;
  readonly data: Readonly<Record<string, unknown>>;

  /**
   * @param code libvirt's name of the error without `VIR_ERR_`
   * @param message one sentence, without a full stop
   * @param options `cause` as for Error; `data`: structured details, JSON values only
   */
  constructor(code: VirErrorName, message: string, options: { cause?: unknown; data?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VirtError';
    this.code = code;
    this.data = options.data ?? {};
  }

  /** libvirt's number of `code`. */
  get errno(): number {
    return VirErrorNumber[this.code];
  }

  /** A form that survives JSON and worker messages. */
  toJSON(): { name: string; code: VirErrorName; errno: number; message: string; data: Record<string, unknown> } {
    return { name: this.name, code: this.code, errno: this.errno, message: this.message, data: { ...this.data } };
  }
}
