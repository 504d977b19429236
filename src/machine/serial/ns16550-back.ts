import type { CharBackend } from '../backend/char.ts';
import type { BackHalf } from '../device.ts';
import type { Ns16550 } from './ns16550.ts';

/** Most output handed to the host at once. */
const CHUNK_BYTES = 4096;

/** The UART's host half: carries bytes between its rings and a character backend. */
export class Ns16550Back implements BackHalf {
  readonly #uart: Ns16550;
  readonly #backend: CharBackend;
  #hostSlow = false;
  #closed = false;

  /** Connects to the backend at once. */
  constructor(uart: Ns16550, backend: CharBackend) {
    this.#uart = uart;
    this.#backend = backend;
    backend.connect({
      receive: (bytes) => (this.#closed ? 0 : uart.giveInput(bytes)),
      drained: () => {
        this.#hostSlow = false;
        this.service();
      },
    });
  }

  service(): void {
    while (!this.#hostSlow && !this.#closed) {
      const bytes = this.#uart.takeOutput(CHUNK_BYTES);
      if (bytes.length === 0) break;
      this.#hostSlow = !this.#backend.write(bytes);
    }
    if (!this.#closed && this.#uart.takeRoomNotice()) this.#backend.resume();
  }

  /** Hands the host what is left of the output, slow or not, and closes the backend. */
  async close(): Promise<void> {
    this.#hostSlow = false;
    this.service();
    this.#closed = true;
    await this.#backend.close();
  }
}
