import type { Connection, ConnectionEvent } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, type OptionDef, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { whileAlive } from '../keep-alive.ts';
import { lines } from '../output.ts';
import type { Session } from '../session.ts';
import { timestamp } from '../units.ts';

/** An event as it is shown. */
export interface Shown {
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
  /** What is below it from the margin on. */
  readonly lines?: readonly string[];
  /** The same event as another kind tells it. */
  readonly more?: Shown;
  /** All of it, where that is not as of the others. */
  readonly text?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What a command waits for. */
export interface Watch {
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

/**
 * Shows events until enough have come, the time is over, the user interrupts or the connection is lost.
 * @param register asks for events that come only to those who do
 */
export async function watchEvents(
  watch: Watch,
  args: CommandArgs,
  session: Session,
  register: () => Promise<unknown> = async () => {},
): Promise<number> {
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
      for (const shown of wantedEvents(event, watch)) {
        count++;
        showEvent(shown, watch, args, session);
        if (args.flag('loop')) continue;
        ended.enough = true;
        return;
      }
    }
  };
  try {
    await register();
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

function wantedEvents(event: ConnectionEvent, { describe, kinds, uuid }: Watch): readonly Shown[] {
  const first = describe(event);
  const all = first === undefined ? [] : [first, ...(first.more === undefined ? [] : [first.more])];
  return all.filter(
    (shown) => (kinds === undefined || kinds.includes(shown.kind)) && (uuid === undefined || shown.uuid === uuid),
  );
}

function showEvent(shown: Shown, watch: Watch, args: CommandArgs, session: Session): void {
  const { kind, of, uuid, disk, detail, rows, lines: below, facts } = shown;
  const at = new Date();
  const when = args.flag('timestamp') ? `${timestamp(at)}: ` : '';
  const under = [...(rows ?? []).map((row) => `\n\t${row}`), ...(below ?? []).map((line) => `\n${line}`)].join('');
  const colon = detail === undefined && rows === undefined && below === undefined ? '' : ':';
  const told = `${colon}${detail === undefined ? '' : ` ${detail}`}${under}`;
  const title = `event '${kind}' for ${watch.title(of)}${disk === undefined ? '' : ` disk ${disk}`}`;
  const text = shown.text ?? `${when}${title}${told}\n`;
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

/** What there is to wait for. */
export interface EventCommand {
  readonly name: string;
  readonly summary: string;
  readonly kinds: readonly string[];
  readonly of: OptionDef;
  readonly all: boolean;
  readonly describe: Watch['describe'];
  title(of: string): string;
  uuidOf(connection: Connection, called: string): Promise<string>;
}

/** A command that lists kinds of events, or waits for one. */
export function eventCommand({ name, summary, kinds, of, all, describe, title, uuidOf }: EventCommand): CommandDef {
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
