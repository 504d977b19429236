import { MigrateFlags, type TypedParam } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { flag, integer, type OptionDef, text } from '../definition.ts';
import { readTextFile } from '../files.ts';

const FIRST_FLAGS = [
  ['live', 'live migration', MigrateFlags.LIVE],
  ['offline', 'offline migration', MigrateFlags.OFFLINE],
  ['p2p', 'peer-2-peer migration', MigrateFlags.PEER2PEER],
  ['direct', 'direct migration', 0],
  ['tunnelled', 'tunnelled migration', MigrateFlags.TUNNELLED],
  ['persistent', 'persist VM on destination', MigrateFlags.PERSIST_DEST],
  ['undefinesource', 'undefine VM on source', MigrateFlags.UNDEFINE_SOURCE],
  ['suspend', 'do not restart the domain on the destination host', MigrateFlags.PAUSED],
  ['copy-storage-all', 'disks that are not shared are copied whole', MigrateFlags.NON_SHARED_DISK],
  ['copy-storage-inc', 'disks that are not shared are copied but for their base', MigrateFlags.NON_SHARED_INC],
  [
    'copy-storage-synchronous-writes',
    "the guest's writes go to the destination too before they are done",
    MigrateFlags.NON_SHARED_SYNCHRONOUS_WRITES,
  ],
  ['change-protection', 'no changes of the domain until migration ends', MigrateFlags.CHANGE_PROTECTION],
  ['unsafe', 'force migration even if it may be unsafe', MigrateFlags.UNSAFE],
  ['verbose', 'display the progress of migration', 0],
  ['compressed', 'compress repeated pages during live migration', MigrateFlags.COMPRESSED],
  ['auto-converge', 'force convergence during live migration', MigrateFlags.AUTO_CONVERGE],
  ['rdma-pin-all', 'pin all memory before starting RDMA live migration', MigrateFlags.RDMA_PIN_ALL],
  ['abort-on-error', 'abort on soft errors during migration', MigrateFlags.ABORT_ON_ERROR],
  ['postcopy', 'enable post-copy; migrate-postcopy switches to it', MigrateFlags.POSTCOPY],
  ['postcopy-after-precopy', 'switch to post-copy after one pass of pre-copy', 0],
  ['postcopy-resume', 'resume failed post-copy migration', MigrateFlags.POSTCOPY_RESUME],
  ['zerocopy', 'use zero-copy mechanism for migrating memory pages', MigrateFlags.ZEROCOPY],
] as const;

const LAST_FLAGS = [
  ['tls', 'use TLS for migration', MigrateFlags.TLS],
  ['parallel', 'enable parallel migration', MigrateFlags.PARALLEL],
] as const;

interface Parameter {
  readonly option: OptionDef;
  readonly field: string;
  /** `list`: each of the words between commas is one; `file`: what is in the file. */
  readonly type: 'string' | 'list' | 'file' | 'int' | 'ullong';
}

const parameter = (name: string, help: string, field: string, type: Parameter['type']): Parameter => ({
  option:
    type === 'int' || type === 'ullong'
      ? integer(name, help, { named: true })
      : text(name, help, { named: true, ...(type === 'file' ? { complete: 'file' } : {}) }),
  field,
  type,
});

const WHERE = [
  parameter('migrateuri', 'migration URI, usually can be omitted', 'migrate_uri', 'string'),
  parameter('graphicsuri', 'URI of the screen, for viewers that go along', 'graphics_uri', 'string'),
  parameter('listen-address', 'address that the destination listens on', 'listen_address', 'string'),
  parameter('dname', 'rename to new name during migration (if supported)', 'destination_name', 'string'),
];
const TIMEOUTS: readonly OptionDef[] = [
  integer('timeout', 'do what --timeout-… says (default: suspend) after so many seconds', { named: true }),
  flag('timeout-suspend', 'suspend the guest after timeout'),
  flag('timeout-postcopy', 'switch to post-copy after timeout'),
];
const WHAT = [
  parameter('xml', 'file containing updated XML for the target', 'destination_xml', 'file'),
  parameter('migrate-disks', 'comma separated list of disks to be migrated', 'migrate_disks', 'list'),
  parameter('disks-port', 'port of the destination for disks', 'disks_port', 'int'),
  parameter('disks-uri', 'URI for disks (overrides --disks-port)', 'disks_uri', 'string'),
  parameter('comp-methods', 'comma separated list of compression methods', 'compression', 'list'),
  parameter('comp-mt-level', 'compress level for multithread compression', 'compression.mt.level', 'int'),
  parameter('comp-mt-threads', 'number of compression threads', 'compression.mt.threads', 'int'),
  parameter('comp-mt-dthreads', 'number of decompression threads', 'compression.mt.dthreads', 'int'),
  parameter('comp-xbzrle-cache', 'page cache size for xbzrle compression', 'compression.xbzrle.cache', 'ullong'),
  parameter('auto-converge-initial', 'initial CPU throttling rate', 'auto_converge.initial', 'int'),
  parameter('auto-converge-increment', 'CPU throttling rate increment', 'auto_converge.increment', 'int'),
  parameter('persistent-xml', 'file containing updated persistent XML for the target', 'persistent_xml', 'file'),
];
const POSTCOPY = parameter('postcopy-bandwidth', 'post-copy bandwidth limit in MiB/s', 'bandwidth.postcopy', 'ullong');
const HOW = [
  parameter('parallel-connections', 'number of connections for parallel migration', 'parallel.connections', 'int'),
  parameter('bandwidth', 'migration bandwidth limit in MiB/s', 'bandwidth', 'ullong'),
  parameter('tls-destination', 'name of the destination for its certificate', 'tls.destination', 'string'),
];
const [TLS, PARALLEL] = LAST_FLAGS;

/** Options of `migrate` behind the domain and the destination. */
export const migrateOptions: readonly OptionDef[] = [
  ...FIRST_FLAGS.map(([name, help]) => flag(name, help)),
  ...WHERE.map(({ option }) => option),
  ...TIMEOUTS,
  ...WHAT.map(({ option }) => option),
  flag(TLS[0], TLS[1]),
  POSTCOPY.option,
  flag(PARALLEL[0], PARALLEL[1]),
  ...HOW.map(({ option }) => option),
];

/** Flags of MigrateFlags. */
export function migrateFlags(args: CommandArgs): number {
  return [...FIRST_FLAGS, ...LAST_FLAGS].reduce((all, [name, , bit]) => all | (args.flag(name) ? bit : 0), 0);
}

/** Parameters of virDomainMigrate3. */
export async function migrateParams(args: CommandArgs): Promise<TypedParam[]> {
  const params: TypedParam[] = [];
  for (const { option, field, type } of [...WHERE, ...WHAT, POSTCOPY, ...HOW]) {
    const { name } = option;
    if (!args.flag(name)) continue;
    if (type === 'int') params.push({ field, type, value: args.number(name) ?? 0 });
    else if (type === 'ullong') params.push({ field, type, value: BigInt(args.number(name) ?? 0) });
    else {
      const given = args.need(name);
      const values = type === 'list' ? given.split(',') : [type === 'file' ? await readTextFile(given) : given];
      params.push(...values.map((value) => ({ field, type: 'string', value }) as const));
    }
  }
  return params;
}
