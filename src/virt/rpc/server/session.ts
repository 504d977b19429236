import type { Backend } from '../../backend.ts';
import { virtError } from '../../errors.ts';
import { Feature } from '../feature.ts';
import type { Argument, ReadArguments, SessionProcedure, WrittenResult } from '../procedure.ts';
import { sessionProcedures } from '../procedures/index.ts';
import type { Shape } from '../xdr-types.ts';
import type { ServerEvents } from './server-events.ts';

const supported = new Set<number>(Object.values(Feature));

/** VIR_CONNECT_RO. */
const READ_ONLY = 1;
/** VIR_AUTH_NONE on the wire: whoever could connect is let in. */
const AUTH_NONE = 0;

/** What the connection's own procedures have to do with. */
export interface SessionHost {
  readonly events: ServerEvents;
  /** The client takes part in keepalive from now on. */
  keepalive(): void;
  /** The client wants to be told when the server closes. */
  wantsCloseNotice(wants: boolean): void;
  /** Opens the backend. */
  open(name: string | undefined, readOnly: boolean): Promise<void>;
  /** Closes the backend; the socket goes when the answer has been sent. */
  close(): Promise<void>;
}

type Handler = (host: SessionHost, args: readonly unknown[]) => Promise<unknown>;

type HandlerOf<P> =
  P extends SessionProcedure<infer A extends readonly Argument[], infer R extends Shape>
    ? (host: SessionHost, ...args: ReadArguments<A>) => Promise<WrittenResult<R>> | WrittenResult<R>
    : never;

const handlers: { readonly [K in keyof typeof sessionProcedures]: HandlerOf<(typeof sessionProcedures)[K]> } = {
  authList: () => [AUTH_NONE],
  authPolkit() {
    throw virtError('AUTH_FAILED', 'authentication failed: nobody has to say who they are here', { domain: 'AUTH' });
  },
  connectSupportsFeature(host, feature) {
    // Asked by clients that answer questions themselves: from now on they may be asked.
    if (feature === Feature.PROGRAM_KEEPALIVE) host.keepalive();
    return supported.has(feature);
  },
  connectOpen: (host, name, flags) => host.open(name === '' ? undefined : name, (flags & READ_ONLY) !== 0),
  connectClose: (host) => host.close(),
  setIdentity() {
    throw virtError('OPERATION_DENIED', 'a client has the identity of its connection and no other');
  },
  registerCloseCallback: (host) => host.wantsCloseNotice(true),
  unregisterCloseCallback: (host) => host.wantsCloseNotice(false),
  eventRegister(host) {
    host.events.registerLegacy(0);
    return true;
  },
  eventDeregister(host) {
    host.events.deregisterLegacy(0);
    return false;
  },
  eventRegisterAny: ({ events }, event) => events.registerLegacy(event),
  eventDeregisterAny: ({ events }, event) => events.deregisterLegacy(event),
  eventCallbackRegisterAny: ({ events }, event, domain) => events.register('domain', event, domain?.uuid),
  eventCallbackDeregisterAny: ({ events }, callback) => events.deregister('domain', callback),
  networkEventRegisterAny: ({ events }, event, network) => events.register('network', event, network?.uuid),
  networkEventDeregisterAny: ({ events }, callback) => events.deregister('network', callback),
  poolEventRegisterAny: ({ events }, event, pool) => events.register('pool', event, pool?.uuid),
  poolEventDeregisterAny: ({ events }, callback) => events.deregister('pool', callback),
  // Devices and secrets of the host do not come and go: nothing is ever told of them.
  nodeDeviceEventRegisterAny: ({ events }, event, device) => events.register('nodeDevice', event, device?.name),
  nodeDeviceEventDeregisterAny: ({ events }, callback) => events.deregister('nodeDevice', callback),
  secretEventRegisterAny: ({ events }, event, secret) => events.register('secret', event, secret?.uuid),
  secretEventDeregisterAny: ({ events }, callback) => events.deregister('secret', callback),
};

const byNumber = new Map<number, Handler>(
  Object.entries(sessionProcedures).map(([name, { number }]) => {
    const handler = handlers[name as keyof typeof handlers] as (host: SessionHost, ...args: unknown[]) => unknown;
    return [number, async (host, args) => handler(host, ...args)];
  }),
);

const { authList, connectOpen, connectSupportsFeature } = sessionProcedures;
const beforeOpen = new Set<number>([authList.number, connectOpen.number, connectSupportsFeature.number]);

/** Whether a procedure of the connection's own may be called before CONNECT_OPEN. */
export function mayComeBeforeOpen(number: number): boolean {
  return beforeOpen.has(number);
}

/** Answers a procedure that has no method of the backend. */
export function serveSession(host: SessionHost, number: number, args: readonly unknown[]): Promise<unknown> {
  const handler = byNumber.get(number);
  if (handler === undefined) throw virtError('RPC', `unknown procedure: ${number}`);
  return handler(host, args);
}

/** What opens the backend of a connection. */
export type OpenBackend = (uri: string | undefined, readOnly: boolean) => Promise<Backend>;
