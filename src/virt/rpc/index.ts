/** libvirt's RPC protocol: what programs above this layer use of it. */
export {
  defaultRpcLimits,
  type OpenBackend,
  type RpcConnection,
  type RpcLimits,
  type RpcServerOptions,
  serveRpc,
} from './server/index.ts';
