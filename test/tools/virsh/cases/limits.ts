import type { TypedParam } from '../../../../src/virt/index.ts';
import { type Case, NO_DOMAIN } from './case.ts';

const ok = async () => {};

/** Limits, CPUs and what becomes of a domain. */
export const limits: Readonly<Record<string, Case>> = {
  memtune: {
    table: ['memtune test', 'hard_limit     : unlimited\nsoft_limit     : unlimited\nswap_hard_limit: unlimited\n'],
    json: [undefined, (value: Record<string, number>) => value['hard_limit'] === 2 ** 53 - 1],
    error: ['memtune test --hard-limit x', 'Unable to parse integer parameter hard-limit'],
  },
  blkiotune: {
    table: ['blkiotune test', /^weight {9}: 0\ndevice_weight {2}: \ndevice_read_iops_sec: \n/],
    json: [undefined, (value: Record<string, unknown>) => value['weight'] === 0],
    error: ['blkiotune test --weight x', "Numeric value 'x' for <weight> option is malformed or out of range"],
  },
  numatune: {
    table: ['numatune test', 'numa_mode      : strict\nnuma_nodeset   : \n'],
    json: [undefined, { numa_mode: 0, numa_nodeset: '' }],
    error: ['numatune test --mode odd', 'Invalid mode: odd'],
  },
  blkdeviotune: {
    table: ['blkdeviotune test vda', /^total_bytes_sec: 0\nread_bytes_sec : 0\n/],
    json: [undefined, (value: Record<string, unknown>) => value['size_iops_sec'] === 0],
    error: [
      'blkdeviotune test vdq',
      'Unable to get block I/O throttle parameters',
      'invalid argument: invalid path vdq not assigned to domain',
    ],
  },
  domiftune: {
    table: ['domiftune test testnet0', /^inbound.average: 0\ninbound.peak {3}: 0\n/],
    json: [undefined, (value: Record<string, unknown>) => value['outbound.burst'] === 0],
    error: ['domiftune test testnet0 --inbound x', "field 'average' is malformed"],
  },
  'cpu-stats': {
    table: [
      'cpu-stats test',
      'CPU0:\n\tcpu_time            24.386308517 seconds\nTotal:\n\tcpu_time            48.772617035 seconds\n',
    ],
    json: [undefined, { cpus: [{ cpu: 0, cpu_time: 24386308517 }], total: { cpu_time: 48772617035 } }],
    error: ['cpu-stats test --start 99', 'Start CPU 99 is out of range (min: 0, max: 15)'],
    answers: {
      domainGetCpuStats: async (_domain, start): Promise<TypedParam[][]> => [
        [{ field: 'cpu_time', type: 'ullong', value: start < 0 ? 48_772_617_035n : 24_386_308_517n }],
      ],
    },
  },
  emulatorpin: {
    table: ['emulatorpin test 0-1; emulatorpin test', `emulator: CPU Affinity\n${'-'.repeat(34)}\n       *: 0-1\n`],
    json: [undefined, { affinity: '0-1' }],
    error: ['emulatorpin test 99', "CPU 99 in cpulist '99' exceed the maxcpu 16"],
  },
  iothreadinfo: {
    table: ['iothreadinfo test', ' IOThread ID   CPU Affinity\n-----------------------------\n 1             0-1\n'],
    json: [undefined, [{ id: 1, affinity: '0-1' }]],
    error: ['iothreadinfo nope', NO_DOMAIN],
    answers: { domainGetIothreadInfo: async () => [{ iothreadId: 1, cpumap: Uint8Array.of(3, 0) }] },
  },
  'set-lifecycle-action': {
    table: [
      'set-lifecycle-action test poweroff restart --config; dumpxml test --inactive --xpath //on_poweroff',
      '<on_poweroff>restart</on_poweroff>\n',
    ],
    json: ['set-lifecycle-action test crash destroy', {}],
    error: ['set-lifecycle-action test odd destroy', "Invalid lifecycle type 'odd'."],
  },
  blockjob: {
    table: ['blockjob test vda', '\rBlock Copy: [ 50 %]    Bandwidth limit: 7340032 bytes/s (7.000 MiB/s)\n'],
    json: [undefined, { job: { type: 2, bandwidth: 7, cur: 5, end: 10, name: 'Block Copy' } }],
    error: ['blockjob test vda --info --abort', 'Options --info and --abort are mutually exclusive'],
    answers: { domainGetBlockJobInfo: async () => ({ type: 2, bandwidth: 7n, cur: 5n, end: 10n }) },
  },
  domjobabort: {
    table: ['domjobabort test', ''],
    json: [undefined, {}],
    error: ['domjobabort test', 'Requested operation is not valid: no job is active on the domain'],
    answers: { domainAbortJobFlags: ok },
  },
};
