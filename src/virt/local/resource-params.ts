/** Limits that libvirt's domains can have and ours have none of: each has the value that means "no limit". */
import type { TypedParam } from '../backend.ts';
import { virtError } from '../errors.ts';

/** VIR_DOMAIN_MEMORY_PARAM_UNLIMITED. */
const UNLIMITED_KIB = 9_007_199_254_740_991n;

const ullong = (field: string, value = 0n): TypedParam => ({ field, type: 'ullong', value });
const uint = (field: string): TypedParam => ({ field, type: 'uint', value: 0 });
const string = (field: string): TypedParam => ({ field, type: 'string', value: '' });

/** The parameters of each kind without a limit set, with libvirt's names and types. */
export const unlimited = {
  blkio: [
    uint('weight'),
    ...['device_weight', 'device_read_iops_sec', 'device_write_iops_sec', 'device_read_bytes_sec'].map(string),
    string('device_write_bytes_sec'),
  ],
  memory: ['hard_limit', 'soft_limit', 'swap_hard_limit'].map((field) => ullong(field, UNLIMITED_KIB)),
  numa: [string('numa_nodeset'), { field: 'numa_mode', type: 'int', value: 0 }],
  interface: ['inbound.average', 'inbound.peak', 'inbound.burst', 'inbound.floor', 'outbound.average']
    .concat('outbound.peak', 'outbound.burst')
    .map(uint),
} as const satisfies Readonly<Record<string, readonly TypedParam[]>>;

/**
 * Lets parameters pass that set no limit. Throws ARGUMENT_UNSUPPORTED for one that there is none of, INVALID_ARG for a
 * value of another type, OPERATION_UNSUPPORTED for a limit.
 */
export function refuseLimits(params: readonly TypedParam[], known: readonly TypedParam[]): void {
  for (const { field, type, value } of params) {
    const none = known.find((param) => param.field === field);
    if (none === undefined) throw virtError('ARGUMENT_UNSUPPORTED', `parameter '${field}' not supported`);
    if (none.type !== type) {
      throw virtError('INVALID_ARG', `invalid type '${type}' for parameter '${field}', expected '${none.type}'`);
    }
    if (none.value !== value) throw virtError('OPERATION_UNSUPPORTED', `limit '${field}' cannot be set on a domain`);
  }
}
