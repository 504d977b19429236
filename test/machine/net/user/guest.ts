import { hostTimers } from '../../../../src/drivers/host-timers.ts';
import type { Frame } from '../../../../src/machine/backend/net.ts';
import { formatIp, type IpAddress, parseIp, sameIp } from '../../../../src/machine/net/address.ts';
import { setU16, u16 } from '../../../../src/machine/net/checksum.ts';
import { IpProtocol, transportLayout } from '../../../../src/machine/net/ether.ts';
import { completeFrames } from '../../../../src/machine/net/offload.ts';
import { TcpEndpoint } from '../../../../src/machine/net/tcp/endpoint.ts';
import { parseSegment } from '../../../../src/machine/net/tcp/segment.ts';
import { fragmentsOf } from '../../../../src/machine/net/user/fragments.ts';
import { arpFrame } from '../../../../src/machine/net/user/link.ts';
import type { UserNetOptions } from '../../../../src/machine/net/user/options.ts';
import { openPacket, udpFrame } from '../../../../src/machine/net/user/packet.ts';
import { Reassembler } from '../../../../src/machine/net/user/reassembly.ts';
import { tcpFrame } from '../../../../src/machine/net/user/tcp-wire.ts';
import { UserNet } from '../../../../src/machine/net/user/user-net.ts';
import { HostClock, SeededRandom, silentLogger } from '../../../../src/util/index.ts';

export const GUEST_IP = parseIp('10.0.2.15');
export const ROUTER = parseIp('10.0.2.2');
export const DNS = parseIp('10.0.2.3');
/** Ports that connections come from begin here. */
const FIRST_PORT = 40_000;
const MAC = Uint8Array.of(0x52, 0x54, 0, 0, 0, 1);

/** One datagram that came. */
export interface Datagram {
  readonly from: string;
  readonly port: number;
  readonly to: number;
  readonly data: Buffer;
}

/** A connection of the guest's with what it has heard. */
export interface GuestConnection {
  readonly endpoint: TcpEndpoint;
  readonly heard: string[];
  /** All bytes that came. */
  bytes(): Buffer;
  /** Keeps them no longer: a connection is remembered for a while after it is over. */
  drop(): void;
}

/** A small guest of a user network: it answers ARP, keeps what comes and speaks TCP. */
export class NetGuest {
  readonly net: UserNet;
  readonly ip: IpAddress;
  readonly datagrams: Datagram[] = [];
  /** Frames that are neither TCP nor UDP nor ARP. */
  readonly others: Uint8Array[] = [];
  readonly replies: Uint8Array[] = [];
  /** Accepts connections to any port when set. */
  onConnection: ((connection: GuestConnection, port: number) => void) | undefined;
  /** Of 1,000 frames each way, how many are lost. */
  loss = 0;
  readonly #random = new SeededRandom(99);
  readonly #clock = new HostClock();
  readonly #reassembler = new Reassembler(this.#clock);
  #fragmentId = 0;
  readonly #connections = new Map<string, GuestConnection>();
  #routerMac = new Uint8Array(6).fill(0xff);
  #port = FIRST_PORT;

  private constructor(net: UserNet, ip: IpAddress) {
    this.net = net;
    this.ip = ip;
    net.connect((frame) => {
      for (const bytes of completeFrames(frame)) if (!this.#lost()) this.#receive(bytes);
      return true;
    });
  }

  static async plug(options: UserNetOptions = {}, ip = GUEST_IP): Promise<NetGuest> {
    const net = await UserNet.open(options, {
      clock: new HostClock(),
      timers: hostTimers,
      random: new SeededRandom(7),
      logger: silentLogger,
    });
    const guest = new NetGuest(net, ip);
    guest.sendRaw(arpFrame(1, { mac: MAC, ip }, { mac: new Uint8Array(6), ip: ROUTER }).bytes);
    return guest;
  }

  /** Sends bytes as a frame, whatever they are. */
  sendRaw(bytes: Uint8Array): void {
    if (bytes.length >= 12) {
      bytes.set(this.#routerMac, 0);
      bytes.set(MAC, 6);
    }
    this.net.receive({ bytes });
  }

  udp(to: IpAddress, port: number, data: Uint8Array, from = 5000): void {
    const envelope = { from: this.ip, to, protocol: IpProtocol.UDP };
    this.#send(udpFrame(envelope, { from, to: port }, data));
  }

  /** Sends an IP packet of any protocol. */
  packet(to: IpAddress, protocol: number, payload: Uint8Array): void {
    const bytes = openPacket({ from: this.ip, to, protocol }, payload.length);
    bytes.set(payload, bytes.length - payload.length);
    this.#send({ bytes, verified: true });
  }

  /** Opens a connection. */
  connect(remote: IpAddress, remotePort: number): GuestConnection {
    const connection = this.#make(remote, remotePort, this.#port);
    this.#port = this.#port === 65_535 ? FIRST_PORT : this.#port + 1;
    connection.endpoint.open();
    return connection;
  }

  #make(remote: IpAddress, remotePort: number, port: number): GuestConnection {
    const got: Uint8Array[] = [];
    const heard: string[] = [];
    // Seen from the guest, the flow's ends are the other way round.
    const flow = { guest: remote, guestPort: remotePort, remote: this.ip, remotePort: port };
    const key = `${formatIp(remote)} ${remotePort} ${port}`;
    const endpoint = new TcpEndpoint({
      clock: this.#clock,
      timers: hostTimers,
      // RFC 9293, 3.4.1: it goes with time, so that ports can be used again soon.
      sequence: Math.floor(this.#clock.nowNs() / 250) >>> 0,
      mss: 1460,
      send: (segment, mss) => this.#send(tcpFrame(flow, segment, mss)),
      owner: {
        opened: () => heard.push('opened'),
        data: (bytes) => {
          got.push(bytes.slice());
          endpoint.consumed(bytes.length);
        },
        ended: () => heard.push('ended'),
        acknowledged: () => {},
        finished: () => {},
        closed: (reset) => {
          heard.push(reset ? 'reset' : 'closed');
          if (this.#connections.get(key) === connection) this.#connections.delete(key);
        },
      },
    });
    const connection = { endpoint, heard, bytes: () => Buffer.concat(got), drop: () => got.splice(0) };
    this.#connections.set(key, connection);
    return connection;
  }

  #send(frame: Frame): void {
    frame.bytes.set(this.#routerMac, 0);
    frame.bytes.set(MAC, 6);
    for (const piece of fragmentsOf(frame, 1500, this.#fragmentId++)) if (!this.#lost()) this.net.receive(piece);
  }

  #lost(): boolean {
    return this.#random.below(1000) < this.loss;
  }

  #receive(bytes: Uint8Array): void {
    if (u16(bytes, 12) === 0x0806) {
      this.replies.push(bytes);
      if (u16(bytes, 20) === 2) this.#routerMac = bytes.slice(6, 12);
      else if (sameIp(bytes.subarray(38, 42), this.ip)) {
        this.sendRaw(arpFrame(2, { mac: MAC, ip: this.ip }, { mac: bytes.slice(22, 28), ip: ROUTER }).bytes);
      }
      return;
    }
    const whole = this.#reassembler.take({ bytes });
    if (whole !== undefined) this.#receiveIp(whole.bytes);
  }

  #receiveIp(bytes: Uint8Array): void {
    const layout = transportLayout(bytes);
    if (layout?.protocol === IpProtocol.UDP) this.#receiveUdp(bytes, layout.ip, layout.transport, layout.end);
    else if (layout?.protocol === IpProtocol.TCP) this.#receiveTcp(bytes, layout.ip, layout.transport, layout.end);
    else this.others.push(bytes);
  }

  #receiveUdp(bytes: Uint8Array, ip: number, at: number, end: number): void {
    const from = formatIp(bytes.slice(ip + 12, ip + 16));
    this.datagrams.push({
      from,
      port: u16(bytes, at),
      to: u16(bytes, at + 2),
      data: Buffer.from(bytes.slice(at + 8, end)),
    });
  }

  #receiveTcp(bytes: Uint8Array, ip: number, at: number, end: number): void {
    const segment = parseSegment(bytes, at, end);
    if (segment === undefined) throw new Error('the network sent a malformed segment');
    const remote = bytes.slice(ip + 12, ip + 16);
    const [remotePort, port] = [u16(bytes, at), u16(bytes, at + 2)];
    const known = this.#connections.get(`${formatIp(remote)} ${remotePort} ${port}`);
    if (known !== undefined) known.endpoint.receive(segment);
    else if ((segment.flags & 0x16) === 2 && this.onConnection !== undefined) {
      const connection = this.#make(remote, remotePort, port);
      connection.endpoint.accept(segment);
      this.onConnection(connection, port);
    }
  }
}

/** A DHCP request of the given type. */
export function dhcpRequest(
  type: number,
  options: readonly (readonly [number, readonly number[]])[],
  mac: Uint8Array = MAC,
): Uint8Array {
  const tail = [53, 1, type, ...options.flatMap(([code, value]) => [code, value.length, ...value]), 255];
  const bytes = new Uint8Array(240 + tail.length);
  bytes.set([1, 1, 6, 0, 1, 2, 3, 4]);
  bytes.set(mac, 28);
  bytes.set([0x63, 0x82, 0x53, 0x63, ...tail], 236);
  return bytes;
}

/** A question for the addresses of a name. */
export function dnsQuery(id: number, name: string, type = 1): Uint8Array {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const bytes = Uint8Array.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1]);
  setU16(bytes, 0, id);
  return bytes;
}

/** Waits, up to ten seconds. */
export async function eventually(condition: () => boolean, what = String(condition)): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain for ${what}`);
}
