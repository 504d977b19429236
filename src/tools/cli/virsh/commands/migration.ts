import { connect, type Domain, MigrateFlags, type TypedParam } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { whileAlive } from '../keep-alive.ts';
import { findDomain } from '../lookup.ts';
import { type Output, SILENT, single } from '../output.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { prettySize } from '../units.ts';
import { percent } from './block-job-wait.ts';
import { migrateFlags, migrateOptions, migrateParams } from './migration-options.ts';

const active = domainOption('active-domain');
/** How often a migration is asked how far it is, in ms. */
const POLL_MS = 500;

function checkMigrate(args: CommandArgs): void {
  args.exclusive('live', 'offline');
  args.exclusive('timeout-suspend', 'timeout-postcopy');
  for (const name of ['timeout-suspend', 'timeout-postcopy']) args.requires(name, 'timeout');
  for (const name of ['postcopy-after-precopy', 'timeout-postcopy', 'postcopy-resume']) args.requires(name, 'postcopy');
  args.requires('persistent-xml', 'persistent');
  args.requires('tls-destination', 'tls');
  args.requires('parallel-connections', 'parallel');
  const copies = ['copy-storage-all', 'copy-storage-inc'].some((name) => args.flag(name));
  if (args.flag('copy-storage-synchronous-writes') && !copies) {
    throw new UsageFailure(
      "'--copy-storage-synchronous-writes' requires one of '--copy-storage-all', 'copy-storage-inc'",
    );
  }
  if (args.flag('timeout') && !args.flag('live'))
    throw new UsageFailure('migrate: Unexpected timeout for offline migration');
}

/** Sets the domain off: this host and the other follow us, or this host does all by itself. */
async function setOff(domain: Domain, args: CommandArgs, params: readonly TypedParam[], flags: number): Promise<void> {
  const destination = args.need('desturi');
  if (args.flag('direct')) {
    await domain.migrateToURI3(
      undefined,
      [...params, { field: 'migrate_uri', type: 'string', value: destination }],
      flags,
    );
  } else if (args.flag('p2p')) {
    await domain.migrateToURI3(destination, params, flags);
  } else {
    const there = await connect(destination);
    try {
      await domain.migrate(there, params, flags);
    } finally {
      await there.close();
    }
  }
}

/** Follows a migration: shows how far it is, stops it when interrupted, and does what was asked for when it is late. */
async function follow(domain: Domain, work: Promise<void>, args: CommandArgs, session: Session): Promise<void> {
  const verbose = args.flag('verbose');
  const connection = await session.connection();
  const quietly = (done: Promise<unknown>) => void done.catch(() => {});
  const show = (cur: bigint, end: bigint) => session.context.stderr.write(`\rMigration: ${percent(cur, end)}`);
  const poll = setInterval(() => {
    if (!verbose) return;
    const shown = domain.getJobInfo().then(({ type, dataTotal, dataRemaining }) => {
      if (type !== 0 && dataTotal > 0n) show(dataTotal - dataRemaining, dataTotal);
    });
    quietly(shown);
  }, POLL_MS);
  const seconds = args.number('timeout', 1);
  const late = () => quietly(args.flag('timeout-postcopy') ? domain.migrateStartPostCopy() : domain.suspend());
  const timer = seconds === undefined ? undefined : setTimeout(late, Math.min(seconds * 1000, 2 ** 31 - 1));
  const offInterrupt = session.onInterrupt(() => quietly(domain.abortJob()));
  const onIteration = (of: { readonly uuid: string }, iteration: number) => {
    if (args.flag('postcopy-after-precopy') && of.uuid === domain.uuid && iteration === 2) {
      quietly(domain.migrateStartPostCopy());
    }
  };
  connection.on('migrationIteration', onIteration);
  try {
    await whileAlive(work);
    if (verbose) show(1n, 1n);
  } finally {
    clearInterval(poll);
    clearTimeout(timer);
    offInterrupt();
    connection.off('migrationIteration', onIteration);
  }
}

const migrateCommand: CommandDef = {
  name: 'migrate',
  summary: 'migrate domain to another host',
  options: [active, text('desturi', 'connection URI of the destination host', { required: true }), ...migrateOptions],
  async run(args, session): Promise<Output> {
    checkMigrate(args);
    const domain = await findDomain(args, session);
    const flags = migrateFlags(args);
    const params = await migrateParams(args);
    const running = (flags & MigrateFlags.OFFLINE) === 0;
    const work = setOff(domain, args, params, flags);
    await (running ? follow(domain, work, args, session) : work);
    return SILENT;
  },
};

/** virDomainMigrateMaxSpeedFlags. */
const POSTCOPY = 1;
const postcopyOption = flag('postcopy', 'for the phase after the switch');

const setSpeedCommand: CommandDef = {
  name: 'migrate-setspeed',
  summary: 'set the maximum migration bandwidth',
  options: [active, integer('bandwidth', 'migration bandwidth limit in MiB/s', { required: true }), postcopyOption],
  async run(args, session) {
    const domain = await findDomain(args, session);
    await domain.migrateSetMaxSpeed(BigInt(args.number('bandwidth') ?? 0), args.flag('postcopy') ? POSTCOPY : 0);
    return SILENT;
  },
};

const getSpeedCommand: CommandDef = {
  name: 'migrate-getspeed',
  summary: 'get the maximum migration bandwidth',
  options: [active, postcopyOption],
  async run(args, session) {
    const domain = await findDomain(args, session);
    return single('bandwidth', await domain.migrateGetMaxSpeed(args.flag('postcopy') ? POSTCOPY : 0));
  },
};

const setDowntimeCommand: CommandDef = {
  name: 'migrate-setmaxdowntime',
  summary: 'set maximum tolerable downtime',
  options: [active, integer('downtime', 'maximum tolerable downtime in milliseconds', { required: true })],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const downtime = args.signed('downtime') ?? 0;
    if (downtime < 1) throw new UsageFailure('migrate: Invalid downtime');
    await domain.migrateSetMaxDowntime(BigInt(downtime));
    return SILENT;
  },
};

const getDowntimeCommand: CommandDef = {
  name: 'migrate-getmaxdowntime',
  summary: 'get maximum tolerable downtime',
  options: [active],
  async run(args, session) {
    return single('downtime', await (await findDomain(args, session)).migrateGetMaxDowntime());
  },
};

const cacheCommand: CommandDef = {
  name: 'migrate-compcache',
  summary: 'get/set compression cache size',
  options: [active, integer('size', 'size of the cache in bytes', { named: true })],
  async run(args, session): Promise<Output> {
    const domain = await findDomain(args, session);
    const wanted = args.number('size');
    if (wanted !== undefined) await domain.migrateSetCompressionCache(BigInt(wanted));
    const bytes = await domain.migrateGetCompressionCache();
    return { text: `Compression cache: ${prettySize(bytes, 3)}`, json: { bytes } };
  },
};

const postcopyCommand: CommandDef = {
  name: 'migrate-postcopy',
  summary: 'switch running migration from pre-copy to post-copy',
  options: [active],
  async run(args, session) {
    await (await findDomain(args, session)).migrateStartPostCopy();
    return SILENT;
  },
};

/** Commands about taking a domain to another host. */
export const migrationCommands: readonly CommandDef[] = [
  migrateCommand,
  cacheCommand,
  getDowntimeCommand,
  getSpeedCommand,
  postcopyCommand,
  setDowntimeCommand,
  setSpeedCommand,
];
