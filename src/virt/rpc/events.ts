/** Events on the wire: which number, which message, which arguments. */
import type { BackendEvents } from '../backend.ts';
import { DomainEventId } from '../enums.ts';
import { type Argument, argumentList, type Procedure, type ReadArguments, type WrittenArguments } from './procedure.ts';
import { sessionProcedures } from './procedures/session.ts';
import { domain, network, pool, typedParams } from './shapes.ts';
import { hyper, int, optional, text, uhyper, type XdrType } from './xdr-types.ts';

/** Whose events there are. */
export type EventSource = 'domain' | 'network' | 'pool' | 'nodeDevice' | 'secret';

/** One kind of event. */
export interface EventRow {
  readonly source: EventSource;
  /** What it is registered by. */
  readonly id: number;
  /** The backend's name of it. */
  readonly name: keyof BackendEvents;
  /** The message that carries the callback's id before the arguments. */
  readonly message: number;
  /** The message to those who registered without getting a callback's id. */
  readonly legacyMessage?: number;
  /** As many of the event's arguments as it has, in order. */
  readonly args: XdrType<unknown[], readonly unknown[]>;
  /** Another row tells clients the same, and more. */
  readonly less?: true;
}

/** All but their arguments' types. */
type EventFace = Omit<EventRow, 'args' | 'name'>;

type Starts<Whole extends readonly unknown[], Part extends readonly unknown[]> = Whole extends readonly [
  ...Part,
  ...unknown[],
]
  ? []
  : ['the arguments are not those that the event begins with'];

function row<N extends keyof BackendEvents, const A extends readonly Argument[]>(
  name: N,
  face: EventFace,
  args: A,
  ..._problem: [...Starts<BackendEvents[N], WrittenArguments<A>>, ...Starts<BackendEvents[N], ReadArguments<A>>]
): EventRow {
  return { ...face, name, args: argumentList(args) };
}

const ofDomain = (id: number, message: number, legacyMessage?: number): EventFace => ({
  source: 'domain',
  id,
  message,
  ...(legacyMessage === undefined ? {} : { legacyMessage }),
});

/** Kinds of events that backends have. */
export const eventRows: readonly EventRow[] = [
  row('lifecycle', ofDomain(DomainEventId.LIFECYCLE, 318, 107), [{ domain }, { event: int }, { detail: int }]),
  row('reboot', ofDomain(DomainEventId.REBOOT, 319, 169), [{ domain }]),
  row('rtcChange', ofDomain(DomainEventId.RTC_CHANGE, 320, 170), [{ domain }, { offset: hyper }]),
  row('ioError', { ...ofDomain(DomainEventId.IO_ERROR, 322, 172), less: true }, [
    { domain },
    { path: text },
    { alias: text },
    { action: int },
  ]),
  row('ioError', ofDomain(DomainEventId.IO_ERROR_REASON, 324, 195), [
    { domain },
    { path: text },
    { alias: text },
    { action: int },
    { reason: text },
  ]),
  row('trayChange', ofDomain(DomainEventId.TRAY_CHANGE, 328, 268), [{ domain }, { alias: text }, { reason: int }]),
  row('balloonChange', ofDomain(DomainEventId.BALLOON_CHANGE, 331, 276), [{ domain }, { actual: uhyper }]),
  row('deviceRemoved', ofDomain(DomainEventId.DEVICE_REMOVED, 333, 311), [{ domain }, { alias: text }]),
  row('tunable', ofDomain(DomainEventId.TUNABLE, 346), [{ domain }, { params: typedParams(2048) }]),
  row('deviceAdded', ofDomain(DomainEventId.DEVICE_ADDED, 354), [{ domain }, { alias: text }]),
  row('metadataChange', ofDomain(DomainEventId.METADATA_CHANGE, 379), [
    { domain },
    { type: int },
    { uri: optional(text) },
  ]),
  row('network', { source: 'network', id: 0, message: 315 }, [{ network }, { event: int }, { detail: int }]),
  row('pool', { source: 'pool', id: 0, message: 370 }, [{ pool }, { event: int }, { detail: int }]),
  row('poolRefresh', { source: 'pool', id: 1, message: 373 }, [{ pool }]),
];

/** virDomainEventID, virNetworkEventID …: how many there are. */
export const eventIds: Readonly<Record<EventSource, number>> = {
  domain: 27,
  network: 1,
  pool: 2,
  nodeDevice: 2,
  secret: 2,
};

/** Message that tells clients that the server closes the connection, with its reason. */
export const CONNECTION_CLOSED_MESSAGE = 362;

/** How a client registers for events of a kind: the procedure, its arguments, and the message that they come in, if any. */
export function registration(
  row: EventRow,
  withCallbacks: boolean,
): [Procedure, readonly unknown[], number | undefined] {
  const { eventCallbackRegisterAny, eventRegisterAny, networkEventRegisterAny, poolEventRegisterAny } =
    sessionProcedures;
  if (row.source === 'network') return [networkEventRegisterAny, [row.id, undefined], row.message];
  if (row.source === 'pool') return [poolEventRegisterAny, [row.id, undefined], row.message];
  if (withCallbacks) return [eventCallbackRegisterAny, [row.id, undefined], row.message];
  return [eventRegisterAny, [row.id], row.legacyMessage];
}
