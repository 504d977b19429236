import type { Frame, NetBackend } from '../../backend/net.ts';
import { type IpAddress, inSubnet, sameIp } from '../address.ts';
import { addWords, fold, pseudoHeader, u16 } from '../checksum.ts';
import { EtherType, frameLayout, IpProtocol, type TransportLayout, transportLayout } from '../ether.ts';
import { parseSegment } from '../tcp/segment.ts';
import type { Flow, UserContext } from './context.ts';
import { DhcpServer, type Lease } from './dhcp.ts';
import { parseDhcp } from './dhcp-message.ts';
import { DnsRelay, type DnsServer, hostServers } from './dns.ts';
import { Forwards } from './forward.ts';
import { fragmentsOf } from './fragments.ts';
import { Echo, echoReply, unreachable } from './icmp.ts';
import { arpFrame, Link } from './link.ts';
import { NdType, neighbourAdvertisement, neighbourSolicitation, routerAdvertisement } from './neighbour.ts';
import {
  type FilledAddresses,
  fillAddresses,
  LINK_LOCAL_ROUTER,
  type UserNetHost,
  type UserNetOptions,
} from './options.ts';
import { udpFrame } from './packet.ts';
import { Pinger } from './ping.ts';
import { Policy, type UserAddresses } from './policy.ts';
import { Reassembler } from './reassembly.ts';
import { TcpNat } from './tcp-nat.ts';
import { TftpServer } from './tftp.ts';
import { UdpNat } from './udp-nat.ts';

/** QEMU's router has this address on the wire. */
const ROUTER_MAC = Uint8Array.of(0x52, 0x55, 10, 0, 2, 2);
const MTU = 1500;
const BROADCAST = Uint8Array.of(255, 255, 255, 255);
const Port = { DNS: 53, DHCP_SERVER: 67, DHCP_CLIENT: 68, TFTP: 69 } as const;

/**
 * A network for guests that needs no privileges: a router with DHCP, DNS and TFTP, which passes what guests say to the
 * world on through sockets of this process (as slirp does for QEMU).
 */
export class UserNet {
  readonly #options: UserNetOptions;
  readonly #addresses: FilledAddresses;
  readonly #link: Link;
  readonly #context: UserContext;
  readonly #dhcp: DhcpServer | undefined;
  readonly #dns: DnsRelay;
  readonly #dnsServers: () => readonly DnsServer[];
  readonly #udp: UdpNat;
  readonly #tcp: TcpNat;
  readonly #forwards: Forwards;
  readonly #pinger = new Pinger();
  readonly #tftp: TftpServer | undefined;
  readonly #reassembler: Reassembler;
  #fragmentId = 0;

  private constructor(options: UserNetOptions, host: UserNetHost) {
    const { mac = ROUTER_MAC, mtu = MTU, hostLoopback = false, restrict, dnsServers, tftp, routes } = options;
    const addresses = fillAddresses(options);
    this.#options = options;
    this.#addresses = addresses;
    this.#link = new Link({ mac, timers: host.timers, ask: (address) => this.#question(address) });
    const policy = new Policy({
      ...addresses,
      hostLoopback,
      ...(routes === undefined ? {} : { routes }),
      ...(restrict === undefined ? {} : { allow: restrict }),
    });
    this.#context = { ...host, policy, mtu, send: (to, frame) => this.#send(to, frame) };
    this.#reassembler = new Reassembler(host.clock);
    this.#dhcp = this.#makeDhcp(mtu);
    const isolated = routes?.ipv4 === false && !routes.ipv6;
    this.#dnsServers = () => (isolated ? [] : (dnsServers ?? hostServers()));
    this.#dns = new DnsRelay((name) => this.#lookup(name), options.records ?? [], this.#dnsServers, host.timers);
    this.#udp = new UdpNat(this.#context);
    this.#tcp = new TcpNat(this.#context);
    if (tftp !== undefined) this.#tftp = new TftpServer(tftp, host.timers, mtu - 60);
    this.#forwards = new Forwards({
      context: this.#context,
      tcp: this.#tcp,
      router: (guest) => this.#own(guest)?.router ?? addresses.ipv4.router,
      defaultGuest: () => this.leases()[0]?.ip ?? addresses.ranges?.[0]?.[0] ?? addresses.ipv4.router,
    });
  }

  /** Makes the network; its ports are open then. Throws OPERATION_FAILED when one is not to be had. */
  static async open(options: UserNetOptions, host: UserNetHost): Promise<UserNet> {
    const net = new UserNet(options, host);
    try {
      for (const forward of options.forwards ?? []) await net.#forwards.open(forward);
      return net;
    } catch (error) {
      await net.close();
      throw error;
    }
  }

  /** Says how guests get their frames: as SwitchStation. */
  connect(deliver: (frame: Frame) => boolean): void {
    this.#link.connect(deliver);
  }

  /** The network as what a single interface is plugged into; it closes with it. */
  backend(): NetBackend {
    return {
      send: (frame) => {
        this.receive(frame);
        return true;
      },
      connect: (port) => this.#link.connect((frame) => port.receive(frame)),
      resume: () => this.flush(),
      close: () => this.close(),
    };
  }

  /** Guests have room for frames again. */
  flush(): void {
    this.#link.flush();
  }

  /** Addresses that guests have from us. */
  leases(): Lease[] {
    return this.#dhcp?.leases() ?? [];
  }

  /** Stations that have been heard lately, by what they sent. */
  neighbours(): { ip: IpAddress; mac: string }[] {
    return this.#link.neighbours();
  }

  /** Takes a guest's frame. Whatever is in it, this does not throw. */
  receive(frame: Frame): void {
    const layout = frameLayout(frame.bytes);
    if (layout === undefined || layout.vlan !== undefined) return;
    if (layout.type === EtherType.ARP) this.#receiveArp(frame.bytes, layout.packet);
    const whole = this.#reassembler.take(frame);
    if (whole !== undefined) this.#receiveIp(whole);
  }

  #receiveIp(frame: Frame): void {
    const { bytes } = frame;
    const ip = transportLayout(bytes);
    if (ip === undefined || !intact(frame, ip)) return;
    const [at, size] = ip.version === 4 ? [ip.ip + 12, 4] : [ip.ip + 8, 16];
    const from = bytes.slice(at, at + size);
    const to = bytes.slice(at + size, at + 2 * size);
    this.#learn(from, bytes.subarray(6, 12));
    if (ip.protocol === IpProtocol.UDP) this.#receiveUdp(bytes, ip, from, to);
    else if (ip.protocol === IpProtocol.TCP) this.#receiveTcp(bytes, ip, from, to);
    else if (ip.protocol === IpProtocol.ICMP && ip.version === 4) this.#receiveEcho(bytes, ip, from, to);
    else if (ip.protocol === IpProtocol.ICMPV6 && ip.version === 6) this.#receiveIcmpV6(bytes, ip, from, to);
  }

  async close(): Promise<void> {
    this.#tcp.close();
    this.#udp.close();
    this.#dns.close();
    this.#pinger.close();
    this.#tftp?.close();
    this.#link.close();
    await this.#forwards.close();
  }

  #makeDhcp(mtu: number): DhcpServer | undefined {
    const { ipv4, ranges } = this.#addresses;
    if (ranges === undefined) return undefined;
    const { hosts = [], routes } = this.#options;
    const routed = routes?.ipv4 ?? true;
    return new DhcpServer({ ...this.#options, addresses: ipv4, ranges, hosts, mtu, routed }, this.#context.clock);
  }

  #send(to: IpAddress, frame: Frame): void {
    for (const piece of fragmentsOf(frame, this.#context.mtu, this.#fragmentId++)) this.#link.send(to, piece);
  }

  #own(address: IpAddress): UserAddresses | undefined {
    return address.length === 4 ? this.#addresses.ipv4 : this.#addresses.ipv6;
  }

  /** Whether an address is the router's. */
  #isRouter(address: IpAddress): boolean {
    const own = this.#own(address);
    return (own !== undefined && sameIp(address, own.router)) || sameIp(address, LINK_LOCAL_ROUTER);
  }

  #isDns(address: IpAddress): boolean {
    const own = this.#own(address);
    return own !== undefined && (sameIp(address, own.dns) || this.#isRouter(address));
  }

  /** Whether an address is answered for here. */
  #isOurs(address: IpAddress): boolean {
    return this.#isRouter(address) || this.#isDns(address);
  }

  /** Remembers where a guest is, by what it sends from an address that can be one's. */
  #learn(address: IpAddress, mac: Uint8Array): void {
    const own = this.#own(address);
    const local = address.length === 16 && address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
    if (own === undefined || this.#isOurs(address) || (mac[0] & 1) !== 0) return;
    if (local || inSubnet(address, own.network)) this.#link.heard(address, mac);
  }

  #question(address: IpAddress): Frame {
    const { mac } = this.#link;
    if (address.length === 16) return neighbourSolicitation({ ip: LINK_LOCAL_ROUTER, mac }, address);
    const sender = { mac, ip: this.#addresses.ipv4.router };
    return arpFrame(1, sender, { mac: new Uint8Array(6), ip: address });
  }

  #receiveArp(bytes: Uint8Array, at: number): void {
    if (bytes.length < at + 28 || u16(bytes, at) !== 1 || u16(bytes, at + 2) !== EtherType.IPV4) return;
    const sender = { mac: bytes.slice(at + 8, at + 14), ip: bytes.slice(at + 14, at + 18) };
    const target = bytes.slice(at + 24, at + 28);
    this.#learn(sender.ip, sender.mac);
    if (u16(bytes, at + 6) !== 1 || !this.#isOurs(target)) return;
    this.#link.sendTo(sender.mac, arpFrame(2, { mac: this.#link.mac, ip: target }, sender));
  }

  #receiveUdp(bytes: Uint8Array, ip: TransportLayout, from: IpAddress, to: IpAddress): void {
    const { transport, end } = ip;
    if (transport + 8 > end) return;
    const ports = { from: u16(bytes, transport), to: u16(bytes, transport + 2) };
    const dataEnd = transport + u16(bytes, transport + 4);
    if (dataEnd < transport + 8 || dataEnd > end) return;
    const data = bytes.subarray(transport + 8, dataEnd);
    if (ip.version === 4 && ports.to === Port.DHCP_SERVER) this.#receiveDhcp(data, bytes.subarray(6, 12));
    else if (ports.to === Port.DNS && this.#isDns(to)) void this.#resolve(data, { from, to, port: ports.from });
    else if (ports.to === Port.TFTP && this.#isRouter(to)) this.#serveFile(data, { from, to, port: ports.from });
    else if (this.#isRouter(to) && this.#forwards.answer({ address: from, port: ports.to }, data)) return;
    else this.#sendOut({ guest: from, guestPort: ports.from, remote: to, remotePort: ports.to }, data, bytes, ip);
  }

  #sendOut(flow: Flow, data: Uint8Array, bytes: Uint8Array, ip: TransportLayout): void {
    if (isGroup(flow.remote) || this.#udp.send(flow, data)) return;
    const reason = this.#isRouter(flow.remote) ? 'port' : 'prohibited';
    this.#tell(reason, flow.guest, bytes, ip);
  }

  #receiveDhcp(data: Uint8Array, mac: Uint8Array): void {
    const request = parseDhcp(data);
    const answer = request === undefined ? undefined : this.#dhcp?.answer(request);
    if (request === undefined || answer === undefined) return;
    const to = request.clientIp.some((byte) => byte !== 0) ? request.clientIp : BROADCAST;
    const envelope = { from: this.#addresses.ipv4.router, to, protocol: IpProtocol.UDP };
    const frame = udpFrame(envelope, { from: Port.DHCP_SERVER, to: Port.DHCP_CLIENT }, answer);
    // RFC 2131, 4.1: to all if it says so, as a guest without an address may not hear what is for one.
    const all = (request.flags & 0x8000) !== 0 || to === BROADCAST;
    this.#link.sendTo(all ? new Uint8Array(6).fill(0xff) : mac, frame);
  }

  async #resolve(query: Uint8Array, client: { from: IpAddress; to: IpAddress; port: number }): Promise<void> {
    const { from, to, port } = client;
    const { policy, mtu } = this.#context;
    if (!policy.allowsDns(to)) return;
    const answer = await this.#dns.answer(query.slice());
    if (answer === undefined) return;
    const fits = answer.length + 48 <= mtu;
    // RFC 1035, 4.2.1: what does not fit is cut off, and the guest asks again over TCP.
    const data = fits ? answer : answer.slice(0, 12);
    if (!fits) {
      data[2] |= 2;
      data.fill(0, 4);
    }
    const envelope = { from: to, to: from, protocol: IpProtocol.UDP };
    this.#context.send(from, udpFrame(envelope, { from: Port.DNS, to: port }, data));
  }

  #serveFile(data: Uint8Array, { from, to, port }: { from: IpAddress; to: IpAddress; port: number }): void {
    const envelope = { from: to, to: from, protocol: IpProtocol.UDP };
    this.#tftp?.receive(`${from.join('.')} ${port}`, data, (packet) => {
      this.#context.send(from, udpFrame(envelope, { from: Port.TFTP, to: port }, packet));
    });
  }

  #receiveTcp(bytes: Uint8Array, { transport, end }: TransportLayout, from: IpAddress, to: IpAddress): void {
    const segment = parseSegment(bytes, transport, end);
    if (segment === undefined || isGroup(to)) return;
    const flow = { guest: from, guestPort: u16(bytes, transport), remote: to, remotePort: u16(bytes, transport + 2) };
    this.#tcp.receive(flow, segment, () => this.#target(flow));
  }

  /** Where a guest's new connection goes. */
  #target({ remote, remotePort }: Flow): { host: string; port: number } | undefined {
    const { policy } = this.#context;
    const host = policy.destination(remote, remotePort);
    if (host !== undefined) return { host, port: remotePort };
    const dns = remotePort === Port.DNS && this.#isDns(remote) && policy.allowsDns(remote);
    return dns ? this.#dnsServers()[0] : undefined;
  }

  #receiveEcho(bytes: Uint8Array, ip: TransportLayout, from: IpAddress, to: IpAddress): void {
    const { transport, end, version } = ip;
    if (end < transport + 8 || bytes[transport] !== Echo[version].REQUEST || isGroup(to)) return;
    const request = bytes.slice(transport, end);
    if (this.#isOurs(to)) {
      this.#context.send(from, echoReply(to, from, request));
      return;
    }
    const host = this.#context.policy.destination(to, 0);
    if (host === undefined) this.#tell('prohibited', from, bytes, ip);
    else void this.#ping(host, { from, to, request, bytes, ip });
  }

  async #ping(
    host: string,
    echo: { from: IpAddress; to: IpAddress; request: Uint8Array; bytes: Uint8Array; ip: TransportLayout },
  ): Promise<void> {
    const { from, to, request, bytes, ip } = echo;
    const answered = await this.#pinger.ping(host, request.length - 8);
    if (answered) this.#context.send(from, echoReply(to, from, request));
    else if (answered === undefined) this.#tell('prohibited', from, bytes, ip);
  }

  #receiveIcmpV6(bytes: Uint8Array, ip: TransportLayout, from: IpAddress, to: IpAddress): void {
    const { transport, end } = ip;
    const { ipv6 } = this.#addresses;
    if (ipv6 === undefined || transport + 4 > end) return;
    const type = bytes[transport];
    const mac = bytes.slice(6, 12);
    if (type === NdType.ROUTER_SOLICITATION) {
      const router = { ip: LINK_LOCAL_ROUTER, mac: this.#link.mac };
      const { mtu, policy } = this.#context;
      const dns = policy.allowsDns(ipv6.dns) ? ipv6.dns : undefined;
      const routed = this.#options.routes?.ipv6 ?? true;
      this.#link.sendTo(mac, routerAdvertisement(router, ipv6.network, { dns, mtu, routed }));
    } else if (type === NdType.NEIGHBOUR_SOLICITATION && end >= transport + 24) {
      const target = bytes.slice(transport + 8, transport + 24);
      // A guest that asks from nowhere looks whether an address is free (RFC 4862, 5.4.3): ours are not, all hear that.
      const asker = from.every((byte) => byte === 0) ? undefined : from;
      if (!this.#isOurs(target)) return;
      const answer = neighbourAdvertisement(this.#link.mac, target, asker ?? ALL_NODES_IP);
      this.#link.sendTo(asker === undefined ? ALL_NODES_MAC : mac, answer);
    } else this.#receiveEcho(bytes, ip, from, to);
  }

  #tell(reason: 'host' | 'port' | 'prohibited', guest: IpAddress, bytes: Uint8Array, ip: TransportLayout): void {
    const router = this.#own(guest)?.router;
    if (router === undefined) return;
    const packet = { bytes: bytes.subarray(0, ip.end), ip: ip.ip, transport: ip.transport };
    this.#context.send(guest, unreachable(reason, router, guest, packet));
  }

  /** Addresses of a name that this network knows: those it was told, and its guests'. */
  #lookup(name: string): readonly IpAddress[] | undefined {
    const { names, domain, localDomain } = this.#options;
    const short =
      domain !== undefined && name.endsWith(`.${domain.toLowerCase()}`) ? name.slice(0, -domain.length - 1) : name;
    const told = names?.get(name) ?? names?.get(short);
    if (told !== undefined) return told;
    const guests = this.leases().filter(({ hostname }) => hostname?.toLowerCase() === short);
    if (guests.length === 0 && !(localDomain === true && short !== name)) return undefined;
    return guests.map(({ ip }) => ip);
  }
}

const ALL_NODES_IP = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/** Destinations that are many, not one. */
function isGroup(address: IpAddress): boolean {
  return address.length === 4 ? address[0] >= 224 : address[0] === 0xff;
}

/** Whether the checksums of a packet are right, where its sender has not left them out or vouched for them. */
function intact(
  { bytes, checksum, verified }: Frame,
  { version, ip, transport, end, protocol }: TransportLayout,
): boolean {
  if (version === 4 && fold(addWords(bytes, ip, transport)) !== 0xffff) return false;
  if (checksum !== undefined || verified === true) return true;
  if (protocol === IpProtocol.UDP && version === 4 && end >= transport + 8 && u16(bytes, transport + 6) === 0)
    return true;
  const pseudo = version === 4 && protocol === IpProtocol.ICMP ? 0 : pseudoHeader(bytes, ip, protocol, end - transport);
  return fold(addWords(bytes, transport, end, pseudo)) === 0xffff;
}
