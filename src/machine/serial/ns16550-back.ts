import type { CharBackend } from '../backend/char.ts';
import type { Timer, Timers } from '../bus/timers.ts';
import type { BackHalf } from '../device.ts';
import type { Ns16550 } from './ns16550.ts';

/** Most output handed to the host at once. */
const CHUNK_BYTES = 4096;

/** After output has been handed over, what follows is gathered for so long: a guest prints byte by byte. */
const GATHER_NS = 1e6;

/** The UART's host half: carries bytes between its rings and a character backend. */
export class Ns16550Back implements BackHalf {
  readonly #uart: Ns16550;
  readonly #backend: CharBackend;
  readonly #timers: Timers | undefined;
  /** While output is gathered. */
  #gathering: Timer | undefined;
  #hostSlow = false;
  #closed = false;

  /** Connects to the backend at once. Without `timers` all output is handed over in `service`. */
  constructor(uart: Ns16550, backend: CharBackend, timers?: Timers) {
    this.#uart = uart;
    this.#backend = backend;
    this.#timers = timers;
    backend.connect({
      receive: (bytes) => (this.#closed ? 0 : uart.giveInput(bytes)),
      drained: () => {
        this.#hostSlow = false;
        this.service();
      },
    });
  }

  service(): void {
    if (this.#gathering === undefined && this.#handOver()) {
      this.#gathering = this.#timers?.after(GATHER_NS, () => {
        this.#gathering = undefined;
        this.service();
      });
    }
    if (!this.#closed && this.#uart.takeRoomNotice()) this.#backend.resume();
  }

  /** Hands the host what is left of the output, slow or not, and closes the backend. */
  async close(): Promise<void> {
    this.#gathering?.cancel();
    this.#hostSlow = false;
    this.#handOver();
    this.#closed = true;
    await this.#backend.close();
  }

  /** Hands the host all output that it takes; false: there was none. */
  #handOver(): boolean {
    let any = false;
    while (!this.#hostSlow && !this.#closed) {
      const bytes = this.#uart.takeOutput(CHUNK_BYTES);
      if (bytes.length === 0) break;
      any = true;
      this.#hostSlow = !this.#backend.write(bytes);
    }
    return any;
  }
}
