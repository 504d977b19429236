/** Events on the wire: which number, which message, which arguments. */
import type { BackendEvents, DomainRef } from '../backend.ts';
import { DomainEventId } from '../enums.ts';
import { type Argument, argumentList, type Procedure, type ReadArguments, type WrittenArguments } from './procedure.ts';
import { sessionProcedures } from './procedures/session.ts';
import { domain, network, nodeDevice, pool, secret, typedParams } from './shapes.ts';
import { bits, hyper, int, list, optional, struct, text, uhyper, uint, type XdrType } from './xdr-types.ts';

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

/** A message that has the reason before the domain, where the event has it behind. */
const reasonFirst: EventRow['args'] = {
  minBytes: int.minBytes + domain.minBytes,
  write(to, [ref, reason]) {
    int.write(to, reason as number);
    domain.write(to, ref as DomainRef);
  },
  read(from) {
    const reason = int.read(from);
    return [domain.read(from), reason];
  },
};

const path = text;
const alias = text;
const graphicsAddress = struct({ family: int, node: text, service: text });

/** Kinds of events that backends of ours have. */
const ownRows: readonly EventRow[] = [
  row('lifecycle', ofDomain(DomainEventId.LIFECYCLE, 318, 107), [{ domain }, { event: int }, { detail: int }]),
  row('reboot', ofDomain(DomainEventId.REBOOT, 319, 169), [{ domain }]),
  row('rtcChange', ofDomain(DomainEventId.RTC_CHANGE, 320, 170), [{ domain }, { offset: hyper }]),
  row('ioError', { ...ofDomain(DomainEventId.IO_ERROR, 322, 172), less: true }, [
    { domain },
    { path },
    { alias },
    { action: int },
  ]),
  row('ioError', ofDomain(DomainEventId.IO_ERROR_REASON, 324, 195), [
    { domain },
    { path },
    { alias },
    { action: int },
    { reason: text },
  ]),
  row('trayChange', ofDomain(DomainEventId.TRAY_CHANGE, 328, 268), [{ domain }, { alias }, { reason: int }]),
  row('balloonChange', ofDomain(DomainEventId.BALLOON_CHANGE, 331, 276), [{ domain }, { actual: uhyper }]),
  row('deviceRemoved', ofDomain(DomainEventId.DEVICE_REMOVED, 333, 311), [{ domain }, { alias }]),
  row('tunable', ofDomain(DomainEventId.TUNABLE, 346), [{ domain }, { params: typedParams(2048) }]),
  row('deviceAdded', ofDomain(DomainEventId.DEVICE_ADDED, 354), [{ domain }, { alias }]),
  row('metadataChange', ofDomain(DomainEventId.METADATA_CHANGE, 379), [
    { domain },
    { type: int },
    { uri: optional(text) },
  ]),
  row('network', { source: 'network', id: 0, message: 315 }, [{ network }, { event: int }, { detail: int }]),
  row('pool', { source: 'pool', id: 0, message: 370 }, [{ pool }, { event: int }, { detail: int }]),
  row('poolRefresh', { source: 'pool', id: 1, message: 373 }, [{ pool }]),
];

const jobArgs = [{ domain }, { disk: text }, { type: int }, { status: int }] as const;

/** Kinds of events that only hypervisors behind libvirt's daemons have. */
const foreignRows: readonly EventRow[] = [
  row('watchdog', ofDomain(DomainEventId.WATCHDOG, 321, 171), [{ domain }, { action: int }]),
  row('graphics', ofDomain(DomainEventId.GRAPHICS, 323, 173), [
    { domain },
    { phase: int },
    { local: graphicsAddress },
    { remote: graphicsAddress },
    { authScheme: text },
    { subject: list(struct({ type: text, name: text }), 20) },
  ]),
  row('controlError', ofDomain(DomainEventId.CONTROL_ERROR, 325, 224), [{ domain }]),
  row('blockJob', ofDomain(DomainEventId.BLOCK_JOB, 326, 241), jobArgs),
  row('blockJob2', ofDomain(DomainEventId.BLOCK_JOB_2, 339), jobArgs),
  row('diskChange', ofDomain(DomainEventId.DISK_CHANGE, 327, 248), [
    { domain },
    { oldPath: optional(text) },
    { newPath: optional(text) },
    { alias },
    { reason: int },
  ]),
  { ...ofDomain(DomainEventId.PMWAKEUP, 329), name: 'pmWakeup', args: reasonFirst },
  { ...ofDomain(DomainEventId.PMSUSPEND, 330), name: 'pmSuspend', args: reasonFirst },
  { ...ofDomain(DomainEventId.PMSUSPEND_DISK, 332), name: 'pmSuspendDisk', args: reasonFirst },
  row('agentLifecycle', ofDomain(DomainEventId.AGENT_LIFECYCLE, 348), [{ domain }, { state: int }, { reason: int }]),
  row('migrationIteration', ofDomain(DomainEventId.MIGRATION_ITERATION, 359), [{ domain }, { iteration: int }]),
  row('jobCompleted', ofDomain(DomainEventId.JOB_COMPLETED, 363), [{ domain }, { params: typedParams(64) }]),
  row('deviceRemovalFailed', ofDomain(DomainEventId.DEVICE_REMOVAL_FAILED, 367), [{ domain }, { alias }]),
  row('blockThreshold', ofDomain(DomainEventId.BLOCK_THRESHOLD, 385), [
    { domain },
    { device: text },
    { path: optional(text) },
    { threshold: uhyper },
    { excess: uhyper },
  ]),
  row('memoryFailure', ofDomain(DomainEventId.MEMORY_FAILURE, 423), [
    { domain },
    { recipient: int },
    { action: int },
    { flags: bits },
  ]),
  row('memoryDeviceSizeChange', ofDomain(DomainEventId.MEMORY_DEVICE_SIZE_CHANGE, 438), [
    { domain },
    { alias },
    { size: uhyper },
  ]),
  row('nodeDevice', { source: 'nodeDevice', id: 0, message: 376 }, [{ nodeDevice }, { event: int }, { detail: int }]),
  row('nodeDeviceUpdate', { source: 'nodeDevice', id: 1, message: 377 }, [{ nodeDevice }]),
  row('secret', { source: 'secret', id: 0, message: 382 }, [{ secret }, { event: int }, { detail: int }]),
  row('secretValueChanged', { source: 'secret', id: 1, message: 383 }, [{ secret }]),
];

/** Kinds of events that there are. */
export const eventRows: readonly EventRow[] = [...ownRows, ...foreignRows];

/** What QEMU's monitor tells, in the program that only its driver has: for those who have asked for it. */
export const monitorEvent = {
  name: 'qemuMonitorEvent',
  message: 6,
  args: argumentList([{ domain }, { event: text }, { seconds: hyper }, { micros: uint }, { details: optional(text) }]),
} as const;

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
  const {
    eventCallbackRegisterAny,
    eventRegisterAny,
    networkEventRegisterAny,
    nodeDeviceEventRegisterAny,
    poolEventRegisterAny,
    secretEventRegisterAny,
  } = sessionProcedures;
  const ofAll = [row.id, undefined];
  if (row.source === 'network') return [networkEventRegisterAny, ofAll, row.message];
  if (row.source === 'pool') return [poolEventRegisterAny, ofAll, row.message];
  if (row.source === 'nodeDevice') return [nodeDeviceEventRegisterAny, ofAll, row.message];
  if (row.source === 'secret') return [secretEventRegisterAny, ofAll, row.message];
  if (withCallbacks) return [eventCallbackRegisterAny, ofAll, row.message];
  return [eventRegisterAny, [row.id], row.legacyMessage];
}
