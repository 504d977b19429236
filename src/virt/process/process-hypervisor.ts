import { join } from 'node:path';
import { Emitter, type Logger } from '../../util/index.ts';
import { type FilledDomainDef, toMachineOptions } from '../conf/index.ts';
import { virtError } from '../errors.ts';
import type { MachineSurroundings, MadeGuest, RunKeeper, RunRecord, Survivor } from '../local/hypervisor.ts';
import { changeMachine } from '../local/live-devices.ts';
import { MachineHypervisor } from '../local/machine-hypervisor.ts';
import type { NetworkDriver } from '../local/network-driver.ts';
import { SwitchDriver } from '../local/switch-driver.ts';
import { identify, isAlive, killProcess, type ProcessIdentity } from './identity.ts';
import { Launcher } from './launcher.ts';
import { MachineLink } from './machine-link.ts';
import { MachineProcess, processFiles, readEnd, removeFiles } from './machine-process.ts';
import type { Hello } from './messages.ts';
import { noNumbers, ProcessGuest } from './process-guest.ts';
import { RunDirectory, type StoredRun } from './run-directory.ts';

/** How long, in milliseconds, a process of before may take to answer; then it is ended. */
const ANSWER_MS = 30_000;
/** How long, in milliseconds, one that belongs to no domain may take to end. */
const ORPHAN_MS = 5000;

/**
 * Machines in processes of their own, which outlive this one: a process that comes later, on the same directory, takes
 * them over. One process at a time may have the directory; its owner sees to that.
 */
export class ProcessHypervisor extends MachineHypervisor implements RunKeeper {
  readonly runs: RunKeeper = this;
  override readonly networks: NetworkDriver;
  readonly #directory: RunDirectory;
  readonly #launcher: Launcher;
  /** Processes of the runs that are kept, by domain. */
  readonly #kept = new Map<string, string>();
  readonly #guests = new Set<ProcessGuest>();

  private constructor(directory: RunDirectory, networks: NetworkDriver, launcher: Launcher, logger: Logger) {
    super(logger);
    this.networks = networks;
    this.#directory = directory;
    this.#launcher = launcher;
  }

  /** @param state where `run` is made; `keepSpare`: a process is kept ready for the next machine */
  static async open(state: string, options: { logger: Logger; keepSpare: boolean }): Promise<ProcessHypervisor> {
    const directory = await RunDirectory.open(join(state, 'run'), options.logger);
    const launcher = new Launcher(directory.path, options);
    const networks = await SwitchDriver.open({ directory: join(state, 'network'), logger: options.logger });
    return new ProcessHypervisor(directory, networks, launcher, options.logger);
  }

  override async make(def: FilledDomainDef, surroundings: MachineSurroundings): Promise<MadeGuest> {
    const { options, disks, nets, notices } = toMachineOptions(def, surroundings);
    const process = await this.#launcher.take();
    try {
      const title = `nodevisor-domain ${def.name}`;
      const { consoles, hostNames } = await process.link.call('make', { options, disks, nets, title });
      const made = this.#made(new ProcessGuest(process, { state: 'created' }, this.logger), consoles, notices);
      return { ...made, hostNames: new Map(hostNames) };
    } catch (error) {
      await process.quit();
      await removeFiles(this.#directory.path, process.name);
      throw error;
    } finally {
      this.#launcher.prepare();
    }
  }

  async keep({ guest }: MadeGuest, record: RunRecord): Promise<void> {
    if (!(guest instanceof ProcessGuest)) return;
    const { name, identity } = guest.process;
    const before = this.#kept.get(record.uuid);
    guest.outlive = !record.autodestroy;
    this.#kept.set(record.uuid, name);
    await this.#directory.save({ record, process: { name, ...identity } });
    // The process before it, of a domain that starts again, has ended, and its end is past.
    if (before !== undefined && before !== name) await removeFiles(this.#directory.path, before);
  }

  async forget(uuid: string): Promise<void> {
    const name = this.#kept.get(uuid);
    this.#kept.delete(uuid);
    try {
      await this.#directory.remove(uuid);
      // Last: how the machine ended counts as long as it is known to have run.
      if (name !== undefined) await removeFiles(this.#directory.path, name);
    } catch (error) {
      this.logger.log('error', `what was kept of domain ${uuid} cannot be removed: ${String(error)}`);
    }
  }

  async find(): Promise<Survivor[]> {
    const runs = await this.#directory.load();
    const survivors = await Promise.all(runs.map((run) => this.#survivor(run)));
    const names = new Set(runs.map(({ process }) => process.name));
    const strangers = (await this.#directory.processes()).filter((name) => !names.has(name));
    await Promise.all(strangers.map((name) => this.#sweep(name)));
    this.#launcher.prepare();
    return survivors;
  }

  async release(): Promise<void> {
    for (const guest of this.#guests) guest.release();
    this.#guests.clear();
    await this.close();
  }

  close(): Promise<void> {
    return this.#launcher.close();
  }

  #made(guest: ProcessGuest, consoles: number, notices: readonly string[]): MadeGuest {
    this.#guests.add(guest);
    guest.events.on('ended', () => this.#guests.delete(guest));
    return {
      guest,
      consoles: guest.process.link.consoles(consoles),
      notices,
      numbers: () => guest.numbers(),
      resizeDisk: (target, bytes) => guest.resizeDisk(target, bytes),
      tuneDisk: (target, tune) => guest.tuneDisk(target, tune),
      changeDevice: (change) => changeMachine(guest, change),
      captureNet: (alias) => guest.captureNet(alias),
    };
  }

  /** The machine of a run that was kept, or how it ended. */
  async #survivor({ record, process: { name, ...identity } }: StoredRun): Promise<Survivor> {
    this.#kept.set(record.uuid, name);
    const found = isAlive(identity) ? await this.#reach(name, identity) : undefined;
    if (found !== undefined && typeof found !== 'string') {
      const { process, hello } = found;
      if (hello.state !== 'ended' && hello.state !== 'none' && hello.state !== 'created') {
        return { record, made: this.#made(new ProcessGuest(process, hello, this.logger), hello.consoles, []) };
      }
      await process.quit();
    }
    const end = await readEnd(this.#directory.path, name);
    const detail = `its process ${identity.pid} ${found === undefined ? 'went while no daemon ran' : 'was ended: '}`;
    const reason = typeof found === 'string' ? `${detail}${found}` : detail;
    return { record, made: goneGuest(), status: end ?? { reason: 'crashed', code: 1, detail: reason } };
  }

  /** Connects to a process of before. One that does not answer, or in another version, is ended; then the reason. */
  async #reach(
    name: string,
    identity: ProcessIdentity,
  ): Promise<{ process: MachineProcess; hello: Hello } | string | undefined> {
    const { socket } = processFiles(this.#directory.path, name);
    let link: MachineLink | undefined;
    try {
      link = await MachineLink.open(socket);
      const hello = await link.hello(ANSWER_MS);
      if (hello.name !== name) throw virtError('OPERATION_FAILED', `it is '${hello.name}'`);
      return { process: new MachineProcess(this.#directory.path, name, identity, link), hello };
    } catch (error) {
      link?.close();
      if (!isAlive(identity)) return undefined;
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.log('error', `process ${identity.pid} cannot be taken over and is ended: ${reason}`);
      killProcess(identity);
      return reason;
    }
  }

  /** Ends a process that belongs to no domain, if it still runs, and removes what it left. */
  async #sweep(name: string): Promise<void> {
    const { path } = this.#directory;
    const link = await MachineLink.open(processFiles(path, name).socket).catch(() => undefined);
    const hello = await link?.hello(ORPHAN_MS).catch(() => undefined);
    if (link !== undefined && hello?.name === name) {
      this.logger.log('warn', `process ${hello.pid} belongs to no domain and is ended`);
      await link.call('destroy', {}, ORPHAN_MS).catch(() => {});
      await new MachineProcess(path, name, identify(hello.pid), link).quit();
    }
    link?.close();
    await removeFiles(path, name);
  }
}

/** In place of a machine whose process has gone. */
function goneGuest(): MadeGuest {
  const gone = async () => {
    throw virtError('OPERATION_INVALID', 'domain is not running');
  };
  return {
    guest: {
      state: 'ended',
      pausedBy: undefined,
      events: new Emitter(),
      start: gone,
      pause: gone,
      resume: gone,
      reset: gone,
      press: gone,
      destroy: async () => {},
    },
    consoles: [],
    notices: [],
    numbers: async () => noNumbers,
    resizeDisk: gone,
    tuneDisk: gone,
  };
}
