/** What a connection answers itself: how it begins and ends, and which events it wants. */
import { session } from '../procedure.ts';
import { domain, network, nodeDevice, pool, secret, typedParams } from '../shapes.ts';
import { bits, flag, int, list, optional, text } from '../xdr-types.ts';

/** Rows of the connection itself. */
export const sessionProcedures = {
  connectOpen: session(1, 'CONNECT_OPEN', [{ name: optional(text) }, { flags: bits }], {}),
  connectClose: session(2, 'CONNECT_CLOSE', [], {}),
  connectSupportsFeature: session(60, 'CONNECT_SUPPORTS_FEATURE', [{ feature: int }], { supported: flag }),
  authList: session(66, 'AUTH_LIST', [], { types: list(int, 20) }),
  authPolkit: session(70, 'AUTH_POLKIT', [], { complete: int }),
  eventRegister: session(105, 'CONNECT_DOMAIN_EVENT_REGISTER', [], { registered: flag }),
  eventDeregister: session(106, 'CONNECT_DOMAIN_EVENT_DEREGISTER', [], { registered: flag }),
  eventRegisterAny: session(167, 'CONNECT_DOMAIN_EVENT_REGISTER_ANY', [{ event: int }], {}),
  eventDeregisterAny: session(168, 'CONNECT_DOMAIN_EVENT_DEREGISTER_ANY', [{ event: int }], {}),
  networkEventRegisterAny: session(
    313,
    'CONNECT_NETWORK_EVENT_REGISTER_ANY',
    [{ event: int }, { network: optional(network) }],
    { callback: int },
  ),
  networkEventDeregisterAny: session(314, 'CONNECT_NETWORK_EVENT_DEREGISTER_ANY', [{ callback: int }], {}),
  eventCallbackRegisterAny: session(
    316,
    'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
    [{ event: int }, { domain: optional(domain) }],
    { callback: int },
  ),
  eventCallbackDeregisterAny: session(317, 'CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY', [{ callback: int }], {}),
  registerCloseCallback: session(360, 'CONNECT_REGISTER_CLOSE_CALLBACK', [], {}),
  unregisterCloseCallback: session(361, 'CONNECT_UNREGISTER_CLOSE_CALLBACK', [], {}),
  poolEventRegisterAny: session(
    368,
    'CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY',
    [{ event: int }, { pool: optional(pool) }],
    { callback: int },
  ),
  poolEventDeregisterAny: session(369, 'CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY', [{ callback: int }], {}),
  nodeDeviceEventRegisterAny: session(
    374,
    'CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY',
    [{ event: int }, { device: optional(nodeDevice) }],
    { callback: int },
  ),
  nodeDeviceEventDeregisterAny: session(375, 'CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY', [{ callback: int }], {}),
  secretEventRegisterAny: session(
    380,
    'CONNECT_SECRET_EVENT_REGISTER_ANY',
    [{ event: int }, { secret: optional(secret) }],
    { callback: int },
  ),
  secretEventDeregisterAny: session(381, 'CONNECT_SECRET_EVENT_DEREGISTER_ANY', [{ callback: int }], {}),
  setIdentity: session(419, 'CONNECT_SET_IDENTITY', [{ params: typedParams(20) }, { flags: bits }], {}),
} as const;
