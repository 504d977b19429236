import type { Frame, NetBackend, NetPort } from '../backend/net.ts';
import { ETHER_HEADER, formatMac, isGroup } from './ether.ts';

/** Stations that a switch remembers; the one seen longest ago makes room. */
const STATIONS_MAX = 4096;

/** Frames and bytes that wait for a port that has no room; what comes beyond them is dropped. */
const BACKLOG_FRAMES = 512;
const BACKLOG_BYTES = 4 * 2 ** 20;

/** Who else is plugged in: a station of the switch that is no machine. */
export interface SwitchStation {
  /** Takes a frame. False: no room; it is offered again after `resume` of the port. */
  receive(frame: Frame): boolean;
}

/** An Ethernet switch in memory: it learns where stations are and sends what it does not know everywhere. */
export class EtherSwitch {
  readonly #ports = new Set<SwitchPort>();
  readonly #stations = new Map<string, SwitchPort>();
  #on = true;

  /** Whether nothing is plugged in. */
  get empty(): boolean {
    return this.#ports.size === 0;
  }

  /** Switches it on, as it is at first, or off: nothing passes then, and what is plugged in stays so. */
  power(on: boolean): void {
    this.#on = on;
    this.#stations.clear();
  }

  /** A port to plug a machine's interface into; it is the interface's backend. */
  plug(): NetBackend {
    return new MachinePort(this);
  }

  /** Plugs in a station of the host's. Returns what it sends with; `close` unplugs it. */
  attach(station: SwitchStation): { send(frame: Frame): void; resume(): void; close(): void } {
    const port = new SwitchPort((frame) => station.receive(frame));
    this.join(port);
    return {
      send: (frame) => this.forward(port, frame),
      resume: () => port.flush(),
      close: () => this.leave(port),
    };
  }

  /** Plugs in the far end of a cable, such as a stream to another process. Returns what unplugs and closes it. */
  bridge(cable: NetBackend): () => Promise<void> {
    let blocked = false;
    const port = this.attach({
      receive: (frame) => {
        if (blocked) return false;
        // Before the call, as the cable may drain even before it returns.
        blocked = true;
        if (cable.send(frame)) blocked = false;
        return true;
      },
    });
    cable.connect({
      receive: (frame) => {
        port.send(frame);
        return true;
      },
      drained: () => {
        blocked = false;
        port.resume();
      },
    });
    return () => {
      port.close();
      return cable.close();
    };
  }

  /** @internal */
  join(port: SwitchPort): void {
    this.#ports.add(port);
  }

  /** @internal */
  leave(port: SwitchPort): void {
    this.#ports.delete(port);
    for (const [mac, at] of this.#stations) if (at === port) this.#stations.delete(mac);
  }

  /** @internal Hands a frame on to the port of its destination, or to all but the one it came by. */
  forward(from: SwitchPort, frame: Frame): void {
    // A station that has been unplugged may have something under way.
    if (!this.#on || !this.#ports.has(from) || frame.bytes.length < ETHER_HEADER) return;
    this.#learn(formatMac(frame.bytes, 6), from, isGroup(frame.bytes, 6));
    const to = isGroup(frame.bytes) ? undefined : this.#stations.get(formatMac(frame.bytes));
    if (to === undefined) {
      for (const port of this.#ports) if (port !== from) port.offer(frame);
    } else if (to !== from) to.offer(frame);
  }

  /** No station sends from a group's address: such frames teach nothing. */
  #learn(mac: string, port: SwitchPort, group: boolean): void {
    if (group || (this.#stations.get(mac) === port && this.#stations.size < STATIONS_MAX)) return;
    this.#stations.delete(mac);
    this.#stations.set(mac, port);
    if (this.#stations.size <= STATIONS_MAX) return;
    const [oldest] = this.#stations.keys();
    if (oldest !== undefined) this.#stations.delete(oldest);
  }
}

/** The switch's side of one cable, with the frames that wait for the other. */
class SwitchPort {
  readonly #deliver: (frame: Frame) => boolean;
  readonly #backlog: Frame[] = [];
  #bytes = 0;

  constructor(deliver: (frame: Frame) => boolean) {
    this.#deliver = deliver;
  }

  offer(frame: Frame): void {
    if (this.#backlog.length === 0 && this.#deliver(frame)) return;
    if (this.#backlog.length >= BACKLOG_FRAMES || this.#bytes + frame.bytes.length > BACKLOG_BYTES) return;
    this.#backlog.push(frame);
    this.#bytes += frame.bytes.length;
  }

  /** The other end has room again. */
  flush(): void {
    let sent = 0;
    for (const frame of this.#backlog) {
      if (!this.#deliver(frame)) break;
      this.#bytes -= frame.bytes.length;
      sent++;
    }
    this.#backlog.splice(0, sent);
  }
}

/** A machine's interface at the switch. */
class MachinePort implements NetBackend {
  readonly #switch: EtherSwitch;
  readonly #port: SwitchPort;
  #device: NetPort | undefined;

  constructor(ether: EtherSwitch) {
    this.#switch = ether;
    this.#port = new SwitchPort((frame) => this.#device?.receive(frame) ?? true);
    ether.join(this.#port);
  }

  send(frame: Frame): boolean {
    this.#switch.forward(this.#port, frame);
    return true;
  }

  connect(port: NetPort): void {
    this.#device = port;
  }

  resume(): void {
    this.#port.flush();
  }

  async close(): Promise<void> {
    this.#switch.leave(this.#port);
  }
}
