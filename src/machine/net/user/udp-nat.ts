import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Timer } from '../../bus/timers.ts';
import { formatIp, type IpAddress, parseIp } from '../address.ts';
import { IpProtocol } from '../ether.ts';
import type { Flow, UserContext } from './context.ts';
import { udpFrame } from './packet.ts';

/** Ports of guests that are open at a time; the one unused longest is closed for another. */
const BINDINGS_MAX = 512;

/** Ends on the host's side that one port of a guest may hear from. */
const REMOTES_MAX = 256;

/** How long a port stays open without a datagram: RFC 4787's least (REQ-5) is two minutes. */
const IDLE_NS = 120e9;

/** Datagrams that the host has not sent yet, for one port. */
const PENDING_MAX = 128;

interface Binding {
  readonly guest: IpAddress;
  readonly port: number;
  readonly socket: Socket;
  /** By host address and port: what the guest knows this end as. */
  readonly remotes: Map<string, { readonly ip: IpAddress; readonly port: number }>;
  usedNs: number;
  pending: number;
}

/** Gives each UDP port of a guest one on the host. Only who was spoken to can answer. */
export class UdpNat {
  readonly #context: UserContext;
  readonly #bindings = new Map<string, Binding>();
  #sweep: Timer | undefined;

  constructor(context: UserContext) {
    this.#context = context;
  }

  /** A guest sends a datagram. False: it may not go there. */
  send(flow: Flow, data: Uint8Array): boolean {
    const host = this.#context.policy.destination(flow.remote, flow.remotePort);
    if (host === undefined) return false;
    const binding = this.#binding(flow);
    binding.usedNs = this.#context.clock.nowNs();
    if (binding.pending >= PENDING_MAX) return true;
    binding.remotes.set(remoteKey(host, flow.remotePort), { ip: flow.remote, port: flow.remotePort });
    if (binding.remotes.size > REMOTES_MAX) binding.remotes.delete(binding.remotes.keys().next().value as string);
    binding.pending++;
    // What the host cannot send is lost, as on any wire.
    binding.socket.send(data, flow.remotePort, host, () => binding.pending--);
    return true;
  }

  close(): void {
    this.#sweep?.cancel();
    for (const [key, binding] of this.#bindings) this.#end(key, binding);
  }

  #binding({ guest, guestPort }: Flow): Binding {
    const key = remoteKey(formatIp(guest), guestPort);
    const known = this.#bindings.get(key);
    if (known !== undefined) {
      this.#bindings.delete(key);
      this.#bindings.set(key, known);
      return known;
    }
    const [oldest] = this.#bindings;
    if (oldest !== undefined && this.#bindings.size >= BINDINGS_MAX) this.#end(...oldest);
    const socket = createSocket(guest.length === 4 ? 'udp4' : 'udp6');
    const binding: Binding = { guest, port: guestPort, socket, remotes: new Map(), usedNs: 0, pending: 0 };
    socket.on('message', (data, from) => this.#received(binding, data, from));
    socket.on('error', (error) => {
      this.#context.logger.log('debug', `a UDP port of a guest failed: ${error.message}`);
      this.#end(key, binding);
    });
    socket.unref();
    this.#bindings.set(key, binding);
    this.#sweep ??= this.#context.timers.after(IDLE_NS / 4, () => this.#sweepIdle());
    return binding;
  }

  #received(binding: Binding, data: Uint8Array, { address, port }: RemoteInfo): void {
    const remote = binding.remotes.get(remoteKey(address, port));
    if (remote === undefined) return;
    binding.usedNs = this.#context.clock.nowNs();
    const envelope = { from: remote.ip, to: binding.guest, protocol: IpProtocol.UDP };
    this.#context.send(binding.guest, udpFrame(envelope, { from: remote.port, to: binding.port }, data));
  }

  #sweepIdle(): void {
    this.#sweep = undefined;
    const before = this.#context.clock.nowNs() - IDLE_NS;
    for (const [key, binding] of this.#bindings) if (binding.usedNs < before) this.#end(key, binding);
    if (this.#bindings.size > 0) this.#sweep = this.#context.timers.after(IDLE_NS / 4, () => this.#sweepIdle());
  }

  #end(key: string, binding: Binding): void {
    if (this.#bindings.get(key) === binding) {
      this.#bindings.delete(key);
      binding.socket.close();
    }
  }
}

/** The same however an address is written. */
function remoteKey(address: string, port: number): string {
  const [plain = ''] = address.split('%');
  return `${formatIp(parseIp(plain))} ${port}`;
}
