/** What events say that only hypervisors behind libvirt's daemons have. */
import type { ConnectionEvent } from '../../../../virt/index.ts';
import { blockJobName } from '../names.ts';
import { paramFacts, paramRow } from '../typed-params.ts';
import type { Shown } from './event-watch.ts';

const WATCHDOG_ACTIONS = ['none', 'pause', 'reset', 'poweroff', 'shutdown', 'debug', 'inject-nmi'];
const GRAPHICS_PHASES = ['connect', 'initialize', 'disconnect'];
const GRAPHICS_FAMILIES = ['IPv4', 'IPv6', 'unix'];
const JOB_STATUSES = ['completed', 'failed', 'canceled', 'ready'];
const DISK_CHANGES = ['changed', 'dropped'];
const AGENT_STATES = ['unknown', 'connected', 'disconnected'];
const AGENT_REASONS = ['unknown', 'domain started', 'channel event'];
const FAILURE_RECIPIENTS = ['hypervisor', 'guest'];
const FAILURE_ACTIONS = ['ignore', 'inject', 'fatal', 'reset'];
const ACTION_REQUIRED = 1;
const RECURSIVE = 2;

const nameIn = (names: readonly string[], number: number) => names[number] ?? 'unknown';

type EventOf<N extends ConnectionEvent['name']> = Extract<ConnectionEvent, { name: N }>;

/** A job of a disk. */
function jobEvent(event: EventOf<'blockJob' | 'blockJob2'>): Shown {
  const [{ name: of, uuid }, disk, type, status] = event.args;
  const [job, now] = [blockJobName(type), nameIn(JOB_STATUSES, status)];
  const kind = event.name === 'blockJob' ? 'block-job' : 'block-job-2';
  return { kind, of, uuid, detail: `${job} for ${disk} ${now}`, facts: { disk, job, status: now } };
}

function graphicsEvent({ args }: EventOf<'graphics'>): Shown {
  const [{ name: of, uuid }, phase, local, remote, authScheme, subject] = args;
  const end = ({ family, node, service }: typeof local) => `[${nameIn(GRAPHICS_FAMILIES, family)} ${node} ${service}]`;
  const now = nameIn(GRAPHICS_PHASES, phase);
  return {
    kind: 'graphics',
    of,
    uuid,
    detail: `${now} local${end(local)} remote${end(remote)} ${authScheme}`,
    rows: subject.map(({ type, name }) => `${type}=${name}`),
    facts: { phase: now, local, remote, authScheme, subject },
  };
}

function memoryFailure({ args }: EventOf<'memoryFailure'>): Shown {
  const [{ name: of, uuid }, recipient, action, flags] = args;
  const facts = {
    recipient: nameIn(FAILURE_RECIPIENTS, recipient),
    action: nameIn(FAILURE_ACTIONS, action),
    actionRequired: (flags & ACTION_REQUIRED) !== 0,
    recursive: (flags & RECURSIVE) !== 0,
  };
  const marks = [`\taction required: ${Number(facts.actionRequired)}`, `\trecursive: ${Number(facts.recursive)}`];
  const lines = [`recipient: ${facts.recipient}`, `action: ${facts.action}`, 'flags:', ...marks];
  return { kind: 'memory-failure', of, uuid, lines, facts };
}

/** An event about a disk of a domain; undefined for others. */
function diskEvent(event: ConnectionEvent): Shown | undefined {
  switch (event.name) {
    case 'blockJob':
    case 'blockJob2':
      return jobEvent(event);
    case 'diskChange': {
      const [{ name: of, uuid }, from, to, alias, reason] = event.args;
      const why = nameIn(DISK_CHANGES, reason);
      const detail = `${from ?? '<null>'} -> ${to ?? '<null>'}: ${why}`;
      return { kind: 'disk-change', of, uuid, disk: alias, detail, facts: { alias, from, to, reason: why } };
    }
    case 'blockThreshold': {
      const [{ name: of, uuid }, device, path, threshold, excess] = event.args;
      const detail = `dev: ${device}(${path ?? '<null>'}) ${threshold} ${excess}`;
      return { kind: 'block-threshold', of, uuid, detail, facts: { device, path, threshold, excess } };
    }
    case 'deviceRemovalFailed': {
      const [{ name: of, uuid }, alias] = event.args;
      return { kind: 'device-removal-failed', of, uuid, detail: alias, facts: { alias } };
    }
    default:
      return undefined;
  }
}

/** An event about sleep, watchdogs and screens; undefined for others. */
function powerEvent(event: ConnectionEvent): Shown | undefined {
  switch (event.name) {
    case 'watchdog': {
      const [{ name: of, uuid }, action] = event.args;
      const does = nameIn(WATCHDOG_ACTIONS, action);
      return { kind: 'watchdog', of, uuid, detail: does, facts: { action: does } };
    }
    case 'graphics':
      return graphicsEvent(event);
    case 'controlError':
      return { kind: 'control-error', of: event.args[0].name, uuid: event.args[0].uuid };
    case 'pmWakeup':
    case 'pmSuspend':
    case 'pmSuspendDisk': {
      const kind = { pmWakeup: 'pm-wakeup', pmSuspend: 'pm-suspend', pmSuspendDisk: 'pm-suspend-disk' }[event.name];
      return { kind, of: event.args[0].name, uuid: event.args[0].uuid };
    }
    default:
      return undefined;
  }
}

/** An event that only a foreign hypervisor tells of a domain; undefined for others. */
export function foreignDomainEvent(event: ConnectionEvent): Shown | undefined {
  switch (event.name) {
    case 'agentLifecycle': {
      const [{ name: of, uuid }, state, reason] = event.args;
      const facts = { state: nameIn(AGENT_STATES, state), reason: nameIn(AGENT_REASONS, reason) };
      const detail = `state: '${facts.state}' reason: '${facts.reason}'`;
      return { kind: 'agent-lifecycle', of, uuid, detail, facts };
    }
    case 'migrationIteration': {
      const [{ name: of, uuid }, iteration] = event.args;
      return { kind: 'migration-iteration', of, uuid, detail: `iteration: '${iteration}'`, facts: { iteration } };
    }
    case 'jobCompleted': {
      const [{ name: of, uuid }, params] = event.args;
      const rows = params.map(paramRow);
      const facts = { params: paramFacts(params) };
      return { kind: 'job-completed', of, uuid, rows, facts };
    }
    case 'memoryFailure':
      return memoryFailure(event);
    case 'memoryDeviceSizeChange': {
      const [{ name: of, uuid }, alias, size] = event.args;
      const lines = [`alias: ${alias}`, `size: ${size}`];
      return { kind: 'memory-device-size-change', of, uuid, lines, facts: { alias, size } };
    }
    default:
      return diskEvent(event) ?? powerEvent(event);
  }
}
