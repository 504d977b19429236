/** Between a key and the next, in milliseconds: the guest does its work in the background. */
const PAUSE_MS = 500;
/** Between two tries while the guest has input to read. */
const RETRY_MS = 20;
/** A guest that reads none of its input for so long will not. */
const PATIENCE_MS = 10_000;

/** Keys of Linux' Magic SysRq (Documentation/admin-guide/sysrq.rst): sync, remount read-only, then off or boot. */
const keys = { poweroff: 'suo', reboot: 'sub' } as const;

/** Sends the keys of a wish, one after another, until they are all sent or it is stopped. */
export class SysRqKeys {
  readonly #send: (key: number) => boolean;
  readonly #keys: string;
  #next = 0;
  #waitedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Begins at once. @param send a break and the key behind it; false: not now */
  constructor(send: (key: number) => boolean, wish: keyof typeof keys) {
    this.#send = send;
    this.#keys = keys[wish];
    this.#step();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#next = this.#keys.length;
  }

  #step(): void {
    if (this.#next >= this.#keys.length) return;
    const sent = this.#send(this.#keys.charCodeAt(this.#next));
    if (sent) this.#next++;
    this.#waitedMs = sent ? 0 : this.#waitedMs + RETRY_MS;
    if (this.#waitedMs > PATIENCE_MS) return;
    this.#timer = setTimeout(() => this.#step(), sent ? PAUSE_MS : RETRY_MS);
    this.#timer.unref();
  }
}
