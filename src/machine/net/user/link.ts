import type { Frame } from '../../backend/net.ts';
import type { Timer, Timers } from '../../bus/timers.ts';
import { formatIp, type IpAddress, parseIp } from '../address.ts';
import { ETHER_HEADER, EtherType, formatMac } from '../ether.ts';

/** Stations that are remembered; the one heard of longest ago makes room. */
const NEIGHBOURS_MAX = 1024;

/** Packets that wait for an address to be found, for each of so many addresses. */
const WAITING_PACKETS = 32;
const WAITING_ADDRESSES = 64;

/** Questions before an address counts as unused, and the time between them. */
const TRIES = 3;
const TRY_NS = 500e6;

/** Frames that wait for a guest without room. What comes beyond is lost, as in a router. */
const BACKLOG_FRAMES = 1024;

interface Search {
  readonly packets: Frame[];
  timer: Timer;
  tries: number;
}

/** How a link reaches the guests. */
export interface LinkOptions {
  /** The router's own address on the wire. */
  readonly mac: Uint8Array;
  readonly timers: Timers;
  /** Asks who has an address. */
  ask(address: IpAddress): Frame;
}

/** The router's interface: finds out which station has an address, and sends it packets. */
export class Link {
  readonly #options: LinkOptions;
  readonly #neighbours = new Map<string, Uint8Array>();
  readonly #searches = new Map<string, Search>();
  #backlog: Frame[] = [];
  #deliver: (frame: Frame) => boolean = () => true;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get mac(): Uint8Array {
    return this.#options.mac;
  }

  /** Says how frames are handed over; false: later, after `flush`. */
  connect(deliver: (frame: Frame) => boolean): void {
    this.#deliver = deliver;
  }

  /** Who has been heard, the last one last. */
  neighbours(): { ip: IpAddress; mac: string }[] {
    return [...this.#neighbours].map(([ip, mac]) => ({ ip: parseIp(ip), mac: formatMac(mac) }));
  }

  /** A station has been heard to have an address. */
  heard(address: IpAddress, mac: Uint8Array): void {
    const key = formatIp(address);
    this.#neighbours.delete(key);
    this.#neighbours.set(key, mac.slice(0, 6));
    if (this.#neighbours.size > NEIGHBOURS_MAX) this.#neighbours.delete(this.#neighbours.keys().next().value as string);
    const search = this.#searches.get(key);
    if (search === undefined) return;
    this.#end(key, search);
    for (const frame of search.packets) this.sendTo(mac, frame);
  }

  /** Sends a packet to whoever has the address. */
  send(to: IpAddress, frame: Frame): void {
    const key = formatIp(to);
    const mac = this.#neighbours.get(key);
    if (mac !== undefined) this.sendTo(mac, frame);
    else this.#search(key, to, frame);
  }

  /** Sends a frame to a station, or a group of them: its addresses are put in here. */
  sendTo(mac: Uint8Array, frame: Frame): void {
    frame.bytes.set(mac.subarray(0, 6), 0);
    frame.bytes.set(this.#options.mac, 6);
    if (this.#backlog.length === 0 && this.#deliver(frame)) return;
    if (this.#backlog.length < BACKLOG_FRAMES) this.#backlog.push(frame);
  }

  /** The guest has room again. */
  flush(): void {
    const waiting = this.#backlog;
    this.#backlog = [];
    for (const [index, frame] of waiting.entries()) {
      if (this.#deliver(frame)) continue;
      this.#backlog = waiting.slice(index);
      return;
    }
  }

  close(): void {
    for (const [key, search] of this.#searches) this.#end(key, search);
    this.#backlog = [];
  }

  #search(key: string, address: IpAddress, frame: Frame): void {
    const running = this.#searches.get(key);
    if (running !== undefined) {
      if (running.packets.length < WAITING_PACKETS) running.packets.push(frame);
      return;
    }
    if (this.#searches.size >= WAITING_ADDRESSES) return;
    const search: Search = { packets: [frame], timer: { cancel() {} }, tries: 0 };
    this.#searches.set(key, search);
    this.#ask(key, address, search);
  }

  #ask(key: string, address: IpAddress, search: Search): void {
    if (search.tries++ >= TRIES) {
      this.#end(key, search);
      return;
    }
    search.timer = this.#options.timers.after(TRY_NS, () => this.#ask(key, address, search));
    const question = this.#options.ask(address);
    this.sendTo(groupOf(address), question);
  }

  #end(key: string, search: Search): void {
    search.timer.cancel();
    this.#searches.delete(key);
  }
}

/** Where the question for an address goes: to all, or for IPv6 to the solicited-node group (RFC 4291, 2.7.1). */
export function groupOf(address: IpAddress): Uint8Array {
  if (address.length === 4) return new Uint8Array(6).fill(0xff);
  return Uint8Array.of(0x33, 0x33, 0xff, address[13], address[14], address[15]);
}

/** An ARP message in a frame (RFC 826). */
export function arpFrame(
  operation: 1 | 2,
  sender: { mac: Uint8Array; ip: IpAddress },
  target: { mac: Uint8Array; ip: IpAddress },
): Frame {
  const bytes = new Uint8Array(ETHER_HEADER + 28);
  bytes.set([EtherType.ARP >> 8, EtherType.ARP & 0xff, 0, 1, EtherType.IPV4 >> 8, 0, 6, 4, 0, operation], 12);
  bytes.set(sender.mac, 22);
  bytes.set(sender.ip, 28);
  bytes.set(target.mac, 32);
  bytes.set(target.ip, 38);
  return { bytes };
}
