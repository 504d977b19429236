import type { Domain, TypedParam } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, integer, type OptionDef, size, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { SILENT } from '../output.ts';
import { affectOf, affectOptions, domainOption } from '../shared-options.ts';
import { paramList } from '../typed-params.ts';
import { parseSize } from '../units.ts';
import { parseRate } from './attach-interface.ts';

/** What a limit of memory is that does not limit (VIR_DOMAIN_MEMORY_PARAM_UNLIMITED), in KiB. */
const UNLIMITED = 9_007_199_254_740_991n;

/** A command that shows limits, or sets those that are given. */
interface Limits {
  readonly name: string;
  readonly summary: string;
  /** Options between the domain and `--config`. */
  readonly options: readonly OptionDef[];
  /** What is said when they cannot be shown, and when they cannot be set. */
  readonly failed: readonly [showing: string, setting: string];
  /** The limits that the options give. Throws UsageFailure. */
  wanted(args: CommandArgs): readonly TypedParam[];
  get(domain: Domain, args: CommandArgs, flags: number): Promise<readonly TypedParam[]>;
  set(domain: Domain, args: CommandArgs, params: readonly TypedParam[], flags: number): Promise<void>;
  show?(param: TypedParam): string;
}

function limitsCommand({ name, summary, options, failed, wanted, get, set, show }: Limits): CommandDef {
  return {
    name,
    summary,
    description: 'Without a limit to set it shows them all.',
    options: [domainOption(), ...options, ...affectOptions],
    async run(args, session) {
      const flags = affectOf(args);
      const domain = await findDomain(args, session);
      const params = wanted(args);
      if (params.length > 0) {
        await attempt(failed[1], set(domain, args, params, flags));
        return SILENT;
      }
      return paramList(await attempt(failed[0], get(domain, args, flags)), show === undefined ? {} : { show });
    },
  };
}

const MEMORY_LIMITS = [
  ['hard-limit', 'max memory, as scaled integer (default KiB); -1 for no limit'],
  ['soft-limit', 'memory during contention, as scaled integer (default KiB)'],
  ['swap-hard-limit', 'max memory plus swap, as scaled integer (default KiB)'],
  ['min-guarantee', 'min guaranteed memory, as scaled integer (default KiB)'],
] as const;

function memoryLimit(option: string, value: string): TypedParam {
  const field = option.replaceAll('-', '_');
  if (value === '-1') return { field, type: 'ullong', value: UNLIMITED };
  const bytes = parseSize(value, 1024n);
  if (bytes === undefined) throw new UsageFailure(`Unable to parse integer parameter ${option}`);
  return { field, type: 'ullong', value: bytes / 1024n };
}

const memtune: Limits = {
  name: 'memtune',
  summary: 'get or set memory limits',
  options: MEMORY_LIMITS.map(([name, help]) => size(name, help)),
  failed: ['Unable to get number of memory parameters', 'Unable to change memory parameters'],
  wanted: (args) =>
    MEMORY_LIMITS.flatMap(([name]) => {
      const value = args.text(name);
      return value === undefined ? [] : [memoryLimit(name, value)];
    }),
  get: (domain, _args, flags) => domain.getMemoryParameters(flags),
  set: (domain, _args, params, flags) => domain.setMemoryParameters(params, flags),
  show: ({ value }) => (value === UNLIMITED ? 'unlimited' : String(value)),
};

const BLKIO_LISTS = [
  ['device-weights', 'device_weight', 'weights of devices: /path/to/device,weight,…'],
  ['device-read-iops-sec', 'device_read_iops_sec', 'reads of devices a second: /path/to/device,reads,…'],
  ['device-write-iops-sec', 'device_write_iops_sec', 'writes to devices a second: /path/to/device,writes,…'],
  ['device-read-bytes-sec', 'device_read_bytes_sec', 'bytes read of devices a second: /path/to/device,bytes,…'],
  ['device-write-bytes-sec', 'device_write_bytes_sec', 'bytes written to devices a second: /path/to/device,bytes,…'],
] as const;

const blkiotune: Limits = {
  name: 'blkiotune',
  summary: 'get or set limits of block I/O',
  options: [integer('weight', 'weight among the domains'), ...BLKIO_LISTS.map(([name, , help]) => text(name, help))],
  failed: ['Unable to get number of blkio parameters', 'Unable to change blkio parameters'],
  wanted(args) {
    const weight = args.number('weight');
    const lists = BLKIO_LISTS.flatMap(([name, field]) => {
      const value = args.text(name);
      return value === undefined ? [] : [{ field, type: 'string', value } as const];
    });
    return weight === undefined ? lists : [{ field: 'weight', type: 'uint', value: weight }, ...lists];
  },
  get: (domain, _args, flags) => domain.getBlkioParameters(flags),
  set: (domain, _args, params, flags) => domain.setBlkioParameters(params, flags),
};

/** virDomainNumatuneMemMode. */
const NUMA_MODES = ['strict', 'preferred', 'interleave', 'restrictive'];

function numaMode(called: string): TypedParam {
  const value = /^\d+$/.test(called) ? Number(called) : NUMA_MODES.indexOf(called);
  if (value < 0) throw new UsageFailure(`Invalid mode: ${called}`);
  return { field: 'numa_mode', type: 'int', value };
}

const numatune: Limits = {
  name: 'numatune',
  summary: "get or set which of the host's NUMA cells memory comes from",
  options: [
    text('mode', `one of ${NUMA_MODES.join(', ')}, or its number`, { complete: NUMA_MODES }),
    text('nodeset', 'cells, like 0-3,^2', { emptyOk: true }),
  ],
  failed: ['Unable to get number of numa parameters', 'Unable to change numa parameters'],
  wanted(args) {
    const [mode, nodeset] = [args.text('mode'), args.text('nodeset')];
    return [
      ...(nodeset === undefined ? [] : [{ field: 'numa_nodeset', type: 'string', value: nodeset } as const]),
      ...(mode === undefined ? [] : [numaMode(mode)]),
    ];
  },
  async get(domain, _args, flags) {
    const params = await domain.getNumaParameters(flags);
    // The mode comes first, as in virsh.
    return [...params].sort((a, b) => (a.field < b.field ? -1 : 1));
  },
  set: (domain, _args, params, flags) => domain.setNumaParameters(params, flags),
  show: ({ field, value }) => (field === 'numa_mode' ? (NUMA_MODES[Number(value)] ?? String(value)) : String(value)),
};

const BYTES = ['total-bytes-sec', 'read-bytes-sec', 'write-bytes-sec'];
const IOPS = ['total-iops-sec', 'read-iops-sec', 'write-iops-sec'];
const maxOf = (name: string) => `${name}-max`;
const lengthOf = (name: string) => `${name}-max-length`;

function throttleOption(name: string, scaled: boolean, help: string): OptionDef {
  const synonyms = [name.replaceAll('-', '_')];
  return (scaled ? size : integer)(name, help, { named: true, synonyms });
}

const THROTTLES: readonly OptionDef[] = [
  ...BYTES.map((name) => throttleOption(name, true, 'limit in bytes a second, as scaled integer')),
  ...IOPS.map((name) => throttleOption(name, false, 'limit in operations a second')),
  ...BYTES.map((name) => throttleOption(maxOf(name), true, 'the same in a burst')),
  ...IOPS.map((name) => throttleOption(maxOf(name), false, 'the same in a burst')),
  throttleOption('size-iops-sec', false, 'bytes that count as one operation'),
  text('group-name', 'group that shares the limits', { named: true, synonyms: ['group_name'] }),
  ...BYTES.map((name) => throttleOption(lengthOf(name), false, 'how long a burst may be, in seconds')),
  ...IOPS.map((name) => throttleOption(lengthOf(name), false, 'how long a burst may be, in seconds')),
];

const blkdeviotune: Limits = {
  name: 'blkdeviotune',
  summary: 'get or set limits of one block device',
  options: [text('device', 'block device: its target or source', { required: true }), ...THROTTLES],
  failed: ['Unable to get block I/O throttle parameters', 'Unable to change block I/O throttle'],
  wanted: (args) =>
    THROTTLES.flatMap((option): TypedParam[] => {
      const field = option.name.replaceAll('-', '_');
      if (option.kind === 'string') {
        const value = args.text(option.name);
        return value === undefined ? [] : [{ field, type: 'string', value }];
      }
      const value = option.kind === 'size' ? args.bytes(option.name) : args.number(option.name);
      return value === undefined ? [] : [{ field, type: 'ullong', value: BigInt(value) }];
    }),
  get: (domain, args, flags) => domain.getBlockIoTune(args.need('device'), flags),
  set: (domain, args, params, flags) => domain.setBlockIoTune(args.need('device'), params, flags),
};

function rateParams(direction: 'inbound' | 'outbound', value: string | undefined): TypedParam[] {
  if (value === undefined) return [];
  const rate = parseRate(value);
  if (direction === 'outbound' && rate.floor !== undefined) throw new UsageFailure('outbound floor is unsupported yet');
  return Object.entries(rate).map(([name, number]) => ({
    field: `${direction}.${name}`,
    type: 'uint',
    value: Number(number),
  }));
}

const domiftune: Limits = {
  name: 'domiftune',
  summary: 'get or set limits of a network interface',
  options: [
    text('interface', 'interface device: its name or MAC address', { required: true, complete: 'domain-interface' }),
    text('inbound', "limit of the domain's incoming traffic: average,peak,burst,floor"),
    text('outbound', "limit of the domain's outgoing traffic: average,peak,burst"),
  ],
  failed: ['Unable to get interface parameters', 'Unable to set interface parameters'],
  wanted: (args) => [...rateParams('inbound', args.text('inbound')), ...rateParams('outbound', args.text('outbound'))],
  get: (domain, args, flags) => domain.getInterfaceParameters(args.need('interface'), flags),
  async set(domain, args, params, flags) {
    await domain.setInterfaceParameters(args.need('interface'), params, flags);
  },
};

/** Commands about limits on what a domain may use. */
export const limitCommands: readonly CommandDef[] = [
  limitsCommand(memtune),
  limitsCommand(blkiotune),
  limitsCommand(numatune),
  limitsCommand(blkdeviotune),
  limitsCommand(domiftune),
];
