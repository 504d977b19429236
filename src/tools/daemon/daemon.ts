import type { Logger } from '../../util/index.ts';
import { MachineHost } from '../../virt/index.ts';
import { Clients } from './clients.ts';
import { Listeners } from './listeners.ts';
import type { DaemonSettings } from './settings.ts';
import type { PassedSocket } from './systemd.ts';

/** How long, in milliseconds, clients may take to hear that the daemon ends. */
const FAREWELL_MS = 2000;
/** How often, in milliseconds, an idle daemon looks whether it still is. */
const IDLE_LOOK_MS = 1000;

/** Machines, and clients that manage them over libvirt's protocol. */
export class Daemon {
  readonly #settings: DaemonSettings;
  readonly #logger: Logger;
  readonly #host: MachineHost;
  readonly #clients: Clients;
  readonly #listeners: Listeners;
  #idleTimer: NodeJS.Timeout | undefined;
  #idleSinceMs: number | undefined;
  #hurry: () => void = () => {};
  #stopping: Promise<void> | undefined;

  private constructor(settings: DaemonSettings, logger: Logger, host: MachineHost) {
    this.#settings = settings;
    this.#logger = logger;
    this.#host = host;
    this.#clients = new Clients(host, settings, logger, () => {
      this.#idleSinceMs = undefined;
    });
    this.#listeners = new Listeners(this.#clients, logger);
  }

  /**
   * Opens the state directory, takes over machines that run, starts those that start by themselves, and listens. Throws
   * VirtError; then nothing is left open, and machines go on.
   */
  static async start(settings: DaemonSettings, logger: Logger, passed: readonly PassedSocket[]): Promise<Daemon> {
    const { state, spare } = settings;
    const host = await MachineHost.open({ state, logger, keepSpare: spare, defaultNetwork: true });
    const daemon = new Daemon(settings, logger, host);
    try {
      await daemon.#listeners.open(settings, passed);
    } catch (error) {
      await host.leave();
      throw error;
    }
    return daemon;
  }

  /** Says that it is ready: whoever has waited for that may tell it to stop at once. */
  announce(): void {
    this.#logger.log('info', 'ready', { state: this.#settings.state, domains: this.#host.active });
  }

  /** Calls back once it has had neither clients nor running domains for as long as the settings say. */
  onIdle(callback: () => void): void {
    const { idleTimeoutMs } = this.#settings;
    if (idleTimeoutMs === undefined) return;
    this.#idleTimer = setInterval(
      () => {
        const now = performance.now();
        if (this.#clients.count > 0 || this.#host.active > 0) this.#idleSinceMs = undefined;
        else this.#idleSinceMs ??= now;
        if (this.#idleSinceMs !== undefined && now - this.#idleSinceMs >= idleTimeoutMs) {
          clearInterval(this.#idleTimer);
          callback();
        }
      },
      Math.min(IDLE_LOOK_MS, Math.max(10, idleTimeoutMs / 4)),
    );
  }

  /** Stops in order; what becomes of the guests is in the settings. A second call ends the guests' time. */
  stop(): Promise<void> {
    if (this.#stopping !== undefined) this.#hurry();
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { onStop, stopTimeoutMs } = this.#settings;
    const host = this.#host;
    clearInterval(this.#idleTimer);
    await this.#listeners.close();
    if (onStop === 'shutdown' && host.active > 0) {
      this.#logger.log('info', 'asking guests to switch off', { domains: host.active, seconds: stopTimeoutMs / 1000 });
      const hurried = new Promise<void>((resolve) => {
        this.#hurry = resolve;
      });
      await Promise.race([host.shutDownGuests(stopTimeoutMs), hurried]);
      if (host.active > 0) this.#logger.log('warn', 'guests still run and are destroyed', { domains: host.active });
    }
    // Clients are to hear how their domains ended, before they go themselves.
    if (onStop !== 'leave') await host.destroyGuests();
    await this.#clients.drain(FAREWELL_MS);
    if (onStop === 'leave') await host.leave();
    else await host.close();
    this.#logger.log('info', 'stopped', onStop === 'leave' ? { domainsLeft: host.active } : {});
  }
}
