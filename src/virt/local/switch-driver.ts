import { readdirSync, readFileSync } from 'node:fs';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EtherSwitch, formatIp, type Lease, parseIp, parseMac } from '../../machine/index.ts';
import { type Logger, makeDirectory } from '../../util/index.ts';
import { type FilledNetworkDef, formatNetwork, hostBridge } from '../conf/index.ts';
import { removeFile, removeUnfinished, writeFileAtomically } from './atomic-file.ts';
import { BridgeNetwork } from './bridge-network.ts';
import { JobQueue } from './job-queue.ts';
import type { NetworkDriver, RunningNetwork } from './network-driver.ts';
import { SwitchNetwork } from './switch-network.ts';

const recordFile = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json$/;

/** What is kept of a network: its leases, and while it runs how it runs. */
interface Kept {
  /** Present: it runs. */
  xml?: string;
  /** Which start of the host it runs in. */
  bootId?: string;
  leases: readonly Lease[];
}

/**
 * Networks as switches in this process, or bridges of the host's. With a directory, machines of other processes plug in at `UUID.sock` in it, and
 * `UUID.json` keeps leases and what runs: a process that comes later takes up both.
 */
export class SwitchDriver implements NetworkDriver {
  readonly hasPorts = true;
  readonly #directory: string | undefined;
  readonly #logger: Logger;
  readonly #kept = new Map<string, Kept>();
  readonly #writes = new Map<string, JobQueue>();
  readonly #running = new Map<string, RunningNetwork>();
  /** Without a directory: where machines are plugged in. They stay so while the network is stopped. */
  readonly #switches = new Map<string, EtherSwitch>();

  constructor({ directory, logger }: { directory?: string; logger: Logger }) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Makes the directory, and reads what is in it; a file that cannot be read is logged and passed over. */
  static async open(options: { directory: string; logger: Logger }): Promise<SwitchDriver> {
    const driver = new SwitchDriver(options);
    const { directory } = options;
    await makeDirectory(directory, 0o700);
    // Whoever reaches a socket in it is on the network.
    await chmod(directory, 0o700);
    await removeUnfinished(directory);
    for (const file of readdirSync(directory)) {
      const uuid = recordFile.exec(file)?.[1];
      if (uuid === undefined) continue;
      try {
        driver.#kept.set(uuid, parseKept(await readFile(join(directory, file), 'utf8')));
      } catch (error) {
        options.logger.log('error', `what was kept of network ${uuid} cannot be read: ${String(error)}`);
      }
    }
    return driver;
  }

  async start(def: FilledNetworkDef): Promise<RunningNetwork> {
    const { uuid } = def;
    const directory = this.#directory;
    const bridge = hostBridge(def);
    const network: RunningNetwork =
      bridge !== undefined
        ? new BridgeNetwork(bridge)
        : await SwitchNetwork.open(def, {
            logger: this.#logger,
            ...(directory === undefined ? { ether: this.#switch(uuid) } : { socket: join(directory, `${uuid}.sock`) }),
            leases: this.#kept.get(uuid)?.leases ?? [],
            onLease: () => this.#note(uuid, { ...this.#kept.get(uuid), leases: network.leases() }),
          });
    this.#running.set(uuid, network);
    const keep = (current: FilledNetworkDef) =>
      this.#note(uuid, { xml: formatNetwork(current), ...hostStart(), leases: network.leases() });
    await keep(def);
    return {
      cable: () => network.cable(),
      leases: () => network.leases(),
      neighbours: () => network.neighbours(),
      update: (changed) => {
        network.update(changed);
        void keep(changed);
      },
      close: async () => {
        const leases = network.leases();
        this.#running.delete(uuid);
        await network.close();
        await this.#note(uuid, { leases });
      },
    };
  }

  async find(): Promise<string[]> {
    const { bootId } = hostStart();
    return [...this.#kept.values()].flatMap((kept) =>
      kept.xml !== undefined && kept.bootId === bootId ? kept.xml : [],
    );
  }

  async forget(uuid: string): Promise<void> {
    if (this.#running.has(uuid)) return;
    this.#kept.delete(uuid);
    await this.#write(uuid);
  }

  async release(): Promise<void> {
    await Promise.all([...this.#running.values()].map((network) => network.close()));
    this.#running.clear();
    await Promise.all([...this.#writes.values()].map((jobs) => jobs.idle()));
  }

  /** The switch of a network; those of others that have stopped go once nobody is plugged in. */
  #switch(uuid: string): EtherSwitch {
    for (const [other, ether] of this.#switches) {
      if (ether.empty && !this.#running.has(other)) this.#switches.delete(other);
    }
    const ether = this.#switches.get(uuid) ?? new EtherSwitch();
    this.#switches.set(uuid, ether);
    return ether;
  }

  #note(uuid: string, kept: Kept): Promise<void> {
    this.#kept.set(uuid, kept);
    return this.#write(uuid);
  }

  /** Writes what is kept now; of writes that wait the last one has it all. */
  async #write(uuid: string): Promise<void> {
    const directory = this.#directory;
    if (directory === undefined) return;
    const jobs = this.#writes.get(uuid) ?? new JobQueue();
    this.#writes.set(uuid, jobs);
    let written: Kept | undefined;
    try {
      await jobs.run(async () => {
        const kept = this.#kept.get(uuid);
        if (kept === written && kept !== undefined) return;
        written = kept;
        const path = join(directory, `${uuid}.json`);
        await (kept === undefined ? removeFile(path) : writeFileAtomically(path, formatKept(kept)));
      });
    } catch (error) {
      this.#logger.log('error', `leases of network ${uuid} are not kept: ${String(error)}`);
    }
  }
}

/** Which start of the host this is, where it tells. */
function hostStart(): { bootId?: string } {
  try {
    return { bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() };
  } catch {
    return {};
  }
}

function formatKept({ leases, ...rest }: Kept): string {
  const plain = leases.map(({ ip, expiryNs, ...lease }) => ({
    ...lease,
    ip: formatIp(ip),
    expiryNs: String(expiryNs),
  }));
  return `${JSON.stringify({ version: 1, ...rest, leases: plain }, null, 1)}\n`;
}

/** Throws for what is no such file. */
function parseKept(text: string): Kept {
  const { version, xml, bootId, leases } = JSON.parse(text) as Record<string, unknown>;
  if (version !== 1 || !Array.isArray(leases)) throw new TypeError('it is of another version');
  return {
    ...(typeof xml === 'string' ? { xml } : {}),
    ...(typeof bootId === 'string' ? { bootId } : {}),
    leases: leases.map(parseLease),
  };
}

function parseLease(value: Record<string, unknown>): Lease {
  const { mac, ip, expiryNs, hostname, clientId } = value;
  const address = parseIp(String(ip));
  if (typeof mac !== 'string' || parseMac(mac) === undefined || address.length !== 4) throw new TypeError('no lease');
  return {
    mac,
    ip: address,
    expiryNs: BigInt(String(expiryNs)),
    ...(typeof hostname === 'string' ? { hostname } : {}),
    ...(typeof clientId === 'string' ? { clientId } : {}),
  };
}
