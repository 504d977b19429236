/** What the tests of machines in processes share: a host on a directory, and what there is of processes and files. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { assetPath } from '../../../src/tools/assets.ts';
import type { Logger } from '../../../src/util/index.ts';
import { Connection, type Domain, MachineHost } from '../../../src/virt/index.ts';
import { processes } from '../../support/processes.ts';
import { until } from '../backend-contract.ts';

export const guestElf = assetPath('guest/guest.elf');

/** A domain of 32 MiB that runs the bundled guest's shell. */
export function domainXml(name: string, { os = '', top = '', devices = '' } = {}): string {
  const boot = os === '' ? `<kernel>${guestElf}</kernel><cmdline>shell</cmdline>` : os;
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory>
    <os><type arch='riscv64' machine='virt'>hvm</type>${boot}</os>${top}
    <devices><console type='pty'/>${devices}</devices></domain>`;
}

/** Processes whose standard error is a file at a path that begins so, by their ids; zombies have none. */
export function processesWith(path: string): number[] {
  return processes((pid) => readlinkSync(`/proc/${pid}/fd/2`).startsWith(path));
}

/** Opens a console, and collects what comes over it. */
export class Listener {
  readonly stream: Duplex;
  output = '';

  private constructor(stream: Duplex) {
    this.stream = stream;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.output += text;
    });
  }

  static async on(domain: Domain, flags = 0): Promise<Listener> {
    return new Listener(await domain.openConsole(undefined, flags));
  }

  async heard(text: string): Promise<void> {
    await until(() => this.output.includes(text), `the guest says '${text}'; so far: ${this.output.slice(-500)}`, 20);
  }
}

/** A state directory and, one after another, the hosts on it. */
export class HostBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'nodevisor-host-'));
  readonly state: string;
  readonly logged: string[] = [];
  readonly logger: Logger = { log: (level, message) => this.logged.push(`${level} ${message}`) };
  #host: MachineHost | undefined;
  #connection: Connection | undefined;

  constructor(name = 'state') {
    this.state = join(this.directory, name);
  }

  get host(): MachineHost {
    if (this.#host === undefined) throw new Error('there is no host');
    return this.#host;
  }

  get connection(): Connection {
    if (this.#connection === undefined) throw new Error('there is no host');
    return this.#connection;
  }

  async open({ keepSpare = false } = {}): Promise<Connection> {
    this.#host = await MachineHost.open({ state: this.state, logger: this.logger, keepSpare });
    this.#connection = new Connection(await this.#host.open('', false));
    return this.#connection;
  }

  /** The host goes, and its machines go on. */
  async leave(): Promise<void> {
    await this.#connection?.close();
    await this.#host?.leave();
    this.#host = undefined;
    this.#connection = undefined;
  }

  /** What runs and lies about: nothing once all domains are off. */
  leftOver(): { files: string[]; processes: number[] } {
    return { files: this.files(), processes: processesWith(this.state) };
  }

  /** Fails unless nothing of a machine is left, now or soon. */
  async nothingLeft(): Promise<void> {
    await until(
      () => this.leftOver().files.length + this.leftOver().processes.length === 0,
      `nothing is left: ${JSON.stringify(this.leftOver())}`,
    );
  }

  files(): string[] {
    try {
      return readdirSync(join(this.state, 'run')).sort();
    } catch {
      return [];
    }
  }

  /** Ids of the machines' processes, by what is kept of the runs. */
  pids(): number[] {
    return this.files()
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(join(this.state, 'run', file), 'utf8')).process.pid as number);
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    await this.#host?.close();
    rmSync(this.directory, { recursive: true });
  }
}
