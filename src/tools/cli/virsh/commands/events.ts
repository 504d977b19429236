import type { ConnectionEvent } from '../../../../virt/index.ts';
import { text } from '../definition.ts';
import { domainCalled, poolCalled } from '../lookup.ts';
import { lifecycleNames, networkEventName, poolEventName } from '../names.ts';
import { paramFacts, paramRow } from '../typed-params.ts';
import { eventCommand, type Shown } from './event-watch.ts';
import { foreignDomainEvent } from './foreign-events.ts';
import { secretCalled } from './secret-value.ts';

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
      const detail = `${path} (${alias}) ${does}`;
      const facts = { path, alias, action: does, reason };
      const more = { kind: 'io-error-reason', of, uuid, detail: `${detail} due to ${reason}`, facts };
      return { kind: 'io-error', of, uuid, detail, facts, more };
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
      const rows = params.map(paramRow);
      const facts = { params: paramFacts(params) };
      return { kind: 'tunable', of, uuid, rows, facts };
    }
    case 'metadataChange': {
      const [{ name: of, uuid }, type, uri] = event.args;
      const what = METADATA_TYPES[type] ?? 'unknown';
      const facts = { what, ...(uri === undefined ? {} : { uri }) };
      return { kind: 'metadata-change', of, uuid, detail: `type ${what}, uri ${uri ?? '<null>'}`, facts };
    }
    default:
      return foreignDomainEvent(event);
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

const DOMAIN_EVENTS = [
  'lifecycle',
  'reboot',
  'rtc-change',
  'watchdog',
  'io-error',
  'graphics',
  'io-error-reason',
  'control-error',
  'block-job',
  'disk-change',
  'tray-change',
  'pm-wakeup',
  'pm-suspend',
  'balloon-change',
  'pm-suspend-disk',
  'device-removed',
  'block-job-2',
  'tunable',
  'agent-lifecycle',
  'device-added',
  'migration-iteration',
  'job-completed',
  'device-removal-failed',
  'metadata-change',
  'block-threshold',
  'memory-failure',
  'memory-device-size-change',
];

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

/** virNodeDeviceEventLifecycleType. */
const DEVICE_EVENTS = ['Created', 'Deleted', 'Defined', 'Undefined'];

function nodeDeviceEvent(event: ConnectionEvent): Shown | undefined {
  // Devices have no UUID: their names are theirs.
  if (event.name === 'nodeDeviceUpdate') {
    const [{ name }] = event.args;
    return { kind: 'update', of: name, uuid: name };
  }
  if (event.name !== 'nodeDevice') return undefined;
  const [{ name }, type] = event.args;
  const detail = DEVICE_EVENTS[type] ?? 'unknown';
  return { kind: 'lifecycle', of: name, uuid: name, detail, facts: { type: detail } };
}

/** virSecretEventLifecycleType. */
const SECRET_EVENTS = ['Defined', 'Undefined'];

function secretEvent(event: ConnectionEvent): Shown | undefined {
  if (event.name === 'secretValueChanged') {
    const [{ uuid }] = event.args;
    return { kind: 'value-changed', of: uuid, uuid };
  }
  if (event.name !== 'secret') return undefined;
  const [{ uuid }, type] = event.args;
  const detail = SECRET_EVENTS[type] ?? 'unknown';
  return { kind: 'lifecycle', of: uuid, uuid, detail, facts: { type: detail } };
}

/** Waits for what happens to devices of the host. */
export const nodeDeviceEventCommand = eventCommand({
  name: 'nodedev-event',
  summary: 'node device events',
  kinds: ['lifecycle', 'update'],
  of: text('device', 'filter by node device name', { named: true, complete: 'node-device' }),
  all: false,
  describe: nodeDeviceEvent,
  title: (of) => `node device ${of}`,
  uuidOf: async (connection, called) => (await connection.nodeDeviceLookupByName(called)).name,
});

/** Waits for what happens to secrets. */
export const secretEventCommand = eventCommand({
  name: 'secret-event',
  summary: 'secret events',
  kinds: ['lifecycle', 'value-changed'],
  of: text('secret', 'filter by secret name or uuid', { named: true }),
  all: false,
  describe: secretEvent,
  title: (of) => `secret ${of}`,
  uuidOf: async (connection, called) => (await secretCalled(connection, called)).uuid,
});
