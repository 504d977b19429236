import { type MachineState, machineWord } from '../../cpu/index.ts';
import { VirtError } from '../../util/index.ts';
import type { BackHalf, Doorbell } from '../device.ts';

/** Doorbell words in the machine block, and so the number of device indexes. */
const DOORBELL_WORDS = 4;
export const DOORBELLS_MAX = DOORBELL_WORDS * 32;

/** Throws INTERNAL_ERROR for an index without a bit: a board of ours too large. */
function checkIndex(device: number): void {
  if (!Number.isInteger(device) || device < 0 || device >= DOORBELLS_MAX) {
    throw new VirtError('INTERNAL_ERROR', `device index ${device} has no doorbell (0 … ${DOORBELLS_MAX - 1})`);
  }
}

/** One device's bit among the machine's doorbells. */
export class DeviceDoorbell implements Doorbell {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #bit: number;

  /** @param device index of the device, 0 … 127, the same on every thread. */
  constructor(machine: MachineState, device: number) {
    checkIndex(device);
    this.#words = machine.words;
    this.#at = machineWord.doorbell + (device >>> 5);
    this.#bit = 1 << (device & 31);
  }

  ring(): void {
    // Whoever turns the word from zero wakes the listener, who takes all bits at once: with a bit standing, that is
    // already under way.
    if (Atomics.or(this.#words, this.#at, this.#bit) === 0) Atomics.notify(this.#words, this.#at);
  }
}

interface Entry {
  readonly device: number;
  readonly back: Pick<BackHalf, 'service'>;
  /** The doorbell rang since the current `service()` began. */
  again: boolean;
  /** Resolves when the current run of `service()` calls is over; absent while there is none. */
  running: Promise<void> | undefined;
}

/**
 * The I/O thread's end of the doorbells: calls a device's `service()` after its doorbell rang, never twice at a time
 * for one device; rings meanwhile lead to one more call after it.
 *
 * It waits with Atomics.waitAsync. Its promise is resolved by a task that V8 posts to the listening thread's event loop
 * (libuv's async handle underneath), so an idle loop is woken, but a pending wait does not keep the loop alive: the
 * thread must have something that does. The machine's has, as long as a vCPU runs: its Worker.
 */
export class DoorbellListener {
  readonly #words: Int32Array;
  readonly #onFault: (device: number, error: unknown) => void;
  readonly #entries: (Entry | undefined)[] = [];
  readonly #listening = new Set<number>();
  #started = false;
  #closed = false;

  /** @param onFault told when a `service()` throws or rejects: a fault of ours, the machine should be stopped. */
  constructor(machine: MachineState, onFault: (device: number, error: unknown) => void) {
    this.#words = machine.words;
    this.#onFault = onFault;
  }

  /** Puts a back half behind a doorbell. Throws INTERNAL_ERROR on a taken index. */
  attach(device: number, back: Pick<BackHalf, 'service'>): void {
    checkIndex(device);
    if (this.#entries[device] !== undefined) {
      throw new VirtError('INTERNAL_ERROR', `two back halves for the doorbell of device ${device}`);
    }
    const entry: Entry = { device, back, again: false, running: undefined };
    this.#entries[device] = entry;
    if (!this.#started) return;
    this.#listen(device >>> 5);
    // The loop may have taken a ring from before and found nobody behind it.
    void this.#serve(entry);
  }

  /** Begins to listen (threaded machines). Without it doorbells are served by `drain` alone. */
  start(): void {
    this.#started = true;
    for (const entry of this.#entries) if (entry !== undefined) this.#listen(entry.device >>> 5);
  }

  /**
   * Serves all doorbells until none is set and no `service()` is under way: one device after another, lowest index
   * first, so that the order does not depend on the host.
   */
  async drain(): Promise<void> {
    for (;;) {
      let quiet = true;
      for (let word = 0; word < DOORBELL_WORDS; word++) {
        for (const entry of this.#take(word)) {
          quiet = false;
          await this.#serve(entry);
        }
      }
      for (const entry of this.#entries) {
        if (entry?.running === undefined) continue;
        quiet = false;
        await entry.running;
      }
      if (quiet) return;
    }
  }

  /** Stops listening and waits for the `service()` calls under way. The back halves are their owner's to close. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const word of this.#listening) Atomics.notify(this.#words, machineWord.doorbell + word);
    for (const entry of this.#entries) await entry?.running;
  }

  #listen(word: number): void {
    if (this.#listening.has(word)) return;
    this.#listening.add(word);
    void this.#loop(word);
  }

  async #loop(word: number): Promise<void> {
    while (!this.#closed) {
      for (const entry of this.#take(word)) void this.#serve(entry);
      const wait = Atomics.waitAsync(this.#words, machineWord.doorbell + word, 0);
      if (wait.async) await wait.value;
      // Rung again already: everything else on this event loop gets its turn first, else a guest could starve it.
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Takes the bits of one word; those with a back half, lowest first. */
  #take(word: number): Entry[] {
    let bits = Atomics.exchange(this.#words, machineWord.doorbell + word, 0);
    const rung: Entry[] = [];
    while (bits !== 0) {
      const bit = 31 - Math.clz32(bits & -bits);
      bits &= bits - 1;
      const entry = this.#entries[word * 32 + bit];
      if (entry !== undefined) rung.push(entry);
    }
    return rung;
  }

  /** Has the device served after now; resolves when it has been. */
  #serve(entry: Entry): Promise<void> {
    entry.again = true;
    entry.running ??= this.#run(entry);
    return entry.running;
  }

  /** Begins at once, as a guest waits; it never ends at once, so that `running` is set before it does. */
  async #run(entry: Entry): Promise<void> {
    do {
      entry.again = false;
      try {
        await entry.back.service();
      } catch (error) {
        this.#onFault(entry.device, error);
        await undefined;
      }
    } while (entry.again);
    entry.running = undefined;
  }
}
