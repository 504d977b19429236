import type { Connection, ConnectionEvent } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, type OptionDef, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { whileAlive } from '../keep-alive.ts';
import { domainCalled, poolCalled } from '../lookup.ts';
import { lifecycleNames, networkEventName, poolEventName } from '../names.ts';
import { lines } from '../output.ts';
import type { Session } from '../session.ts';
import { timestamp } from '../units.ts';

/** An event as it is shown. */
interface Shown {
  /** virsh's name of its kind. */
  readonly kind: string;
  /** Name of the domain, network or pool. */
  readonly of: string;
  readonly uuid: string;
  /** The disk that it is of. */
  readonly disk?: string;
  /** What follows the colon. */
  readonly detail?: string;
  /** What follows it in lines of its own. */
  readonly rows?: readonly string[];
  readonly facts?: Readonly<Record<string, unknown>>;
}

const TRAY_CHANGES = ['opened', 'closed'];
const IO_ERROR_ACTIONS = ['none', 'pause', 'report'];
const METADATA_TYPES = ['description', 'title', 'element'];

/** An event of a domain; undefined for others. */
function domainEvent(event: ConnectionEvent): Shown | undefined {
  switch (event.name) {
    case 'lifecycle': {
      const [{ name: of, uuid }, type, detail] = event.args;
      const names = lifecycleNames(type, detail);
      return {
        kind: 'lifecycle',
        of,
        uuid,
        detail: `${names.event} ${names.detail}`,
        facts: { type: names.event, detail: names.detail },
      };
    }
    case 'reboot':
      return { kind: 'reboot', of: event.args[0].name, uuid: event.args[0].uuid };
    case 'rtcChange': {
      const [{ name: of, uuid }, offset] = event.args;
      return { kind: 'rtc-change', of, uuid, detail: String(offset), facts: { offset } };
    }
    case 'ioError': {
      const [{ name: of, uuid }, path, alias, action, reason] = event.args;
      const does = IO_ERROR_ACTIONS[action] ?? 'unknown';
      const because = reason === '' ? '' : ` due to ${reason}`;
      const facts = { path, alias, action: does, reason };
      return { kind: 'io-error', of, uuid, detail: `${path} (${alias}) ${does}${because}`, facts };
    }
    case 'trayChange': {
      const [{ name: of, uuid }, alias, reason] = event.args;
      const now = TRAY_CHANGES[reason] ?? 'unknown';
      return { kind: 'tray-change', of, uuid, disk: alias, detail: now, facts: { alias, tray: now } };
    }
    case 'balloonChange': {
      const [{ name: of, uuid }, kib] = event.args;
      return { kind: 'balloon-change', of, uuid, detail: `${kib}KiB`, facts: { kib } };
    }
    case 'deviceAdded':
    case 'deviceRemoved': {
      const [{ name: of, uuid }, alias] = event.args;
      const kind = event.name === 'deviceAdded' ? 'device-added' : 'device-removed';
      return { kind, of, uuid, detail: alias, facts: { alias } };
    }
    case 'tunable': {
      const [{ name: of, uuid }, params] = event.args;
      const rows = params.map(({ field, value }) => `${field}: ${value}`);
      const facts = { params: Object.fromEntries(params.map(({ field, value }) => [field, value])) };
      return { kind: 'tunable', of, uuid, rows, facts };
    }
    case 'metadataChange': {
      const [{ name: of, uuid }, type, uri] = event.args;
      const what = METADATA_TYPES[type] ?? 'unknown';
      const facts = { what, ...(uri === undefined ? {} : { uri }) };
      return { kind: 'metadata-change', of, uuid, detail: `${what} ${uri ?? ''}`.trim(), facts };
    }
    default:
      return undefined;
  }
}

function networkEvent(event: ConnectionEvent): Shown | undefined {
  if (event.name !== 'network') return undefined;
  const [{ name: of, uuid }, type] = event.args;
  return { kind: 'lifecycle', of, uuid, detail: networkEventName(type), facts: { type: networkEventName(type) } };
}

function poolEvent(event: ConnectionEvent): Shown | undefined {
  if (event.name === 'poolRefresh') return { kind: 'refresh', of: event.args[0].name, uuid: event.args[0].uuid };
  if (event.name !== 'pool') return undefined;
  const [{ name: of, uuid }, type] = event.args;
  return { kind: 'lifecycle', of, uuid, detail: poolEventName(type), facts: { type: poolEventName(type) } };
}

/** What a command waits for. */
interface Watch {
  readonly describe: (event: ConnectionEvent) => Shown | undefined;
  /** `domain 'x'`, `network x`. */
  title(of: string): string;
  /** Kinds wanted; undefined: all. */
  readonly kinds: readonly string[] | undefined;
  /** UUID of the one wanted; undefined: all. */
  readonly uuid: string | undefined;
}

/** Why the waiting ended early, and what is said about it. */
const ENDS = { timeout: 'event loop timed out', interrupted: 'event loop interrupted' } as const;

/** Shows events until enough have come, the time is over, the user interrupts or the connection is lost. */
async function watchEvents(watch: Watch, args: CommandArgs, session: Session): Promise<number> {
  const seconds = args.number('timeout', 1);
  const stream = (await session.connection()).eventStream();
  const ended: { why?: keyof typeof ENDS; enough?: boolean } = {};
  const stop = (why: keyof typeof ENDS) => {
    ended.why = why;
    void stream.return?.();
  };
  const timer =
    seconds === undefined ? undefined : setTimeout(() => stop('timeout'), Math.min(seconds * 1000, 2 ** 31 - 1));
  const offInterrupt = session.onInterrupt(() => stop('interrupted'));
  let count = 0;
  const follow = async () => {
    for await (const event of stream) {
      if (ended.why !== undefined) break;
      const shown = wantedEvent(event, watch);
      if (shown === undefined) continue;
      count++;
      showEvent(shown, watch, args, session);
      if (args.flag('loop')) continue;
      ended.enough = true;
      break;
    }
  };
  try {
    await whileAlive(follow());
  } finally {
    clearTimeout(timer);
    offInterrupt();
  }
  if (session.format === 'table') {
    if (ended.why !== undefined) session.write(`${ENDS[ended.why]}\n`);
    session.write(`events received: ${count}\n`);
  }
  const lost = ended.why === undefined && ended.enough !== true;
  return count > 0 && !lost ? 0 : 1;
}

function wantedEvent(event: ConnectionEvent, { describe, kinds, uuid }: Watch): Shown | undefined {
  const shown = describe(event);
  if (shown === undefined || (kinds !== undefined && !kinds.includes(shown.kind))) return undefined;
  return uuid === undefined || shown.uuid === uuid ? shown : undefined;
}

function showEvent(shown: Shown, watch: Watch, args: CommandArgs, session: Session): void {
  const { kind, of, uuid, disk, detail, rows, facts } = shown;
  const at = new Date();
  const when = args.flag('timestamp') ? `${timestamp(at)}: ` : '';
  const told =
    detail !== undefined ? `: ${detail}` : rows !== undefined ? `:${rows.map((row) => `\n\t${row}`).join('')}` : '';
  const text = `${when}event '${kind}' for ${watch.title(of)}${disk === undefined ? '' : ` disk ${disk}`}${told}\n`;
  session.showPart(text, { event: kind, name: of, uuid, time: at.toISOString(), ...facts });
}

function eventOptions(kinds: readonly string[], of: OptionDef, all: boolean): readonly OptionDef[] {
  return [
    of,
    text('event', 'which event type to wait for', { complete: kinds }),
    ...(all ? [flag('all', 'wait for all events instead of just one type')] : []),
    flag('loop', 'loop until timeout or interrupt, rather than one-shot'),
    integer('timeout', 'timeout seconds'),
    flag('list', 'list valid event types'),
    flag('timestamp', 'show timestamp for each printed event'),
  ];
}

function wanted(args: CommandArgs, kinds: readonly string[], all: boolean): readonly string[] | undefined {
  args.exclusive('all', 'event');
  const kind = args.text('event');
  if (kind === undefined) {
    if (all && args.flag('all')) return undefined;
    throw new UsageFailure(`${all ? 'one of --list, --all,' : 'either --list'} or --event <type> is required`);
  }
  if (!kinds.includes(kind)) throw new UsageFailure(`unknown event type ${kind}`);
  return [kind];
}

const DOMAIN_EVENTS = [
  'lifecycle',
  'reboot',
  'rtc-change',
  'io-error',
  'tray-change',
  'balloon-change',
  'device-removed',
  'tunable',
  'device-added',
  'metadata-change',
];

interface EventCommand {
  readonly name: string;
  readonly summary: string;
  readonly kinds: readonly string[];
  readonly of: OptionDef;
  readonly all: boolean;
  readonly describe: Watch['describe'];
  title(of: string): string;
  uuidOf(connection: Connection, called: string): Promise<string>;
}

function eventCommand({ name, summary, kinds, of, all, describe, title, uuidOf }: EventCommand): CommandDef {
  return {
    name,
    summary,
    options: eventOptions(kinds, of, all),
    async run(args, session) {
      if (args.flag('list')) return lines(kinds);
      const watched = wanted(args, kinds, all);
      const called = args.text(of.name);
      const uuid = called === undefined ? undefined : await uuidOf(await session.connection(), called);
      return watchEvents({ describe, title, kinds: watched, uuid }, args, session);
    },
  };
}

/** Waits for what happens to domains. */
export const domainEventCommand = eventCommand({
  name: 'event',
  summary: 'domain events',
  kinds: DOMAIN_EVENTS,
  of: text('domain', 'filter by domain name, id or uuid', { complete: 'domain' }),
  all: true,
  describe: domainEvent,
  title: (of) => `domain '${of}'`,
  uuidOf: async (connection, called) => (await domainCalled(connection, called)).uuid,
});

/** Waits for what happens to networks. */
export const networkEventCommand = eventCommand({
  name: 'net-event',
  summary: 'network events',
  kinds: ['lifecycle'],
  of: text('network', 'filter by network name or uuid', { complete: 'network' }),
  all: false,
  describe: networkEvent,
  title: (of) => `network ${of}`,
  uuidOf: async (connection, called) => (await connection.networkLookupByName(called)).uuid,
});

/** Waits for what happens to storage pools. */
export const poolEventCommand = eventCommand({
  name: 'pool-event',
  summary: 'storage pool events',
  kinds: ['lifecycle', 'refresh'],
  of: text('pool', 'filter by storage pool name or uuid', { complete: 'pool' }),
  all: false,
  describe: poolEvent,
  title: (of) => `storage pool ${of}`,
  uuidOf: async (connection, called) => (await poolCalled(connection, called)).uuid,
});
