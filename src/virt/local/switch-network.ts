import { unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { hostTimers, type NetOptions } from '../../drivers/index.ts';
import { EtherSwitch, formatIp, type Lease, StreamNet, UserNet } from '../../machine/index.ts';
import { HostClock, hostRandom, type Logger, type ReachablePath, reachablePath } from '../../util/index.ts';
import { type FilledNetworkDef, networkPlan } from '../conf/index.ts';
import { virtError } from '../errors.ts';
import type { RunningNetwork } from './network-driver.ts';

/** Interfaces that may be plugged in through the socket at a time. */
const PORTS_MAX = 1024;

/** How often, in seconds, an interface whose network has gone looks for it. */
const RECONNECT_SECONDS = 1;

/** What a network has of its owner. */
export interface SwitchNetworkHost {
  readonly logger: Logger;
  /** Where machines of other processes plug in; absent: there are none. */
  readonly socket?: string;
  /** Where machines of this process are plugged in, also while it is off; default: a new one. */
  readonly ether?: EtherSwitch;
  /** What the network had given out before. */
  readonly leases: readonly Lease[];
  /** Told when that has changed. */
  onLease(): void;
}

/** A network as a switch in this process, with its gateway as a station on it. */
export class SwitchNetwork implements RunningNetwork {
  readonly #ether: EtherSwitch;
  readonly #plan: ReturnType<typeof networkPlan>;
  readonly #socket: string | undefined;
  readonly #peers = new Map<Socket, () => Promise<void>>();
  #gateway: UserNet | undefined;
  #unplugGateway = () => {};
  #server: Server | undefined;
  #reachable: ReachablePath | undefined;

  private constructor(def: FilledNetworkDef, { ether = new EtherSwitch(), socket }: SwitchNetworkHost) {
    this.#plan = networkPlan(def);
    this.#ether = ether;
    this.#socket = socket;
    ether.power(true);
  }

  /** Throws CONFIG_UNSUPPORTED for what it cannot be, OPERATION_FAILED when its socket cannot be made. */
  static async open(def: FilledNetworkDef, host: SwitchNetworkHost): Promise<SwitchNetwork> {
    const network = new SwitchNetwork(def, host);
    try {
      await network.#openGateway(host);
      if (host.socket !== undefined) await network.#listen(host.socket);
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  cable(): NetOptions {
    const path = this.#socket;
    return path === undefined
      ? { backend: this.#ether.plug() }
      : { type: 'stream', path, reconnect: RECONNECT_SECONDS };
  }

  leases(): Lease[] {
    return this.#gateway?.leases() ?? [];
  }

  neighbours(): { ip: string; mac: string }[] {
    return (this.#gateway?.neighbours() ?? []).map(({ ip, mac }) => ({ ip: formatIp(ip), mac }));
  }

  update(def: FilledNetworkDef): void {
    const { hosts, ranges, names, records } = networkPlan(def);
    // The gateway looks at these lists each time.
    this.#plan.hosts.splice(0, Infinity, ...hosts);
    this.#plan.ranges.splice(0, Infinity, ...ranges);
    this.#plan.records.splice(0, Infinity, ...records);
    this.#plan.names.clear();
    for (const [name, addresses] of names) this.#plan.names.set(name, addresses);
  }

  async close(): Promise<void> {
    this.#ether.power(false);
    this.#unplugGateway();
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : new Promise((resolve) => server.close(resolve));
    await Promise.all([...this.#peers.values()].map((unplug) => unplug()));
    await closed;
    await this.#reachable?.close();
    await this.#gateway?.close();
  }

  async #openGateway({ logger, leases, onLease }: SwitchNetworkHost): Promise<void> {
    const { gateway } = this.#plan;
    if (gateway === undefined) return;
    const host = { clock: new HostClock(), timers: hostTimers, random: hostRandom, logger };
    const net = await UserNet.open({ ...gateway, leases, onLease }, host);
    this.#gateway = net;
    const port = this.#ether.attach({
      receive: (frame) => {
        net.receive(frame);
        return true;
      },
    });
    this.#unplugGateway = () => port.close();
    net.connect((frame) => {
      port.send(frame);
      return true;
    });
  }

  async #listen(path: string): Promise<void> {
    // What is there is of a process that has ended: this one has the directory.
    await unlink(path).catch(() => {});
    const reachable = await reachablePath(path);
    this.#reachable = reachable;
    const server = createServer((socket) => this.#plug(socket));
    server.maxConnections = PORTS_MAX;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        reject(virtError('OPERATION_FAILED', `cannot listen for interfaces at '${path}': ${cause.message}`, { cause }));
      });
      server.listen(reachable.path, resolve);
    });
  }

  #plug(socket: Socket): void {
    const cable = StreamNet.over(socket, () => {
      if (this.#peers.delete(socket)) void unplug();
    });
    const unplug = this.#ether.bridge(cable);
    this.#peers.set(socket, unplug);
  }
}
