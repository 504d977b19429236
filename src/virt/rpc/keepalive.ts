/** What a peer's silence asks for. */
export type Silence = 'wait' | 'ask' | 'gone';

/** Watches how long a peer has been silent. */
export class KeepaliveWatch {
  readonly #intervalNs: number;
  readonly #count: number;
  #heardNs: number;
  #askedNs: number;
  #asked = 0;

  constructor(
    { keepaliveMs, keepaliveCount }: { readonly keepaliveMs: number; readonly keepaliveCount: number },
    nowNs: number,
  ) {
    this.#intervalNs = keepaliveMs * 1e6;
    this.#count = keepaliveCount;
    this.#heardNs = nowNs;
    this.#askedNs = nowNs;
  }

  /** Something has come from it. */
  heard(nowNs: number): void {
    this.#heardNs = nowNs;
    this.#asked = 0;
  }

  /**
   * What to do now. With `deaf`, when nothing is read from it anyway, it is only asked: it hears then that we are here.
   */
  check(nowNs: number, deaf: boolean): Silence {
    if (this.#intervalNs === 0) return 'wait';
    if (nowNs - Math.max(this.#heardNs, this.#askedNs) < this.#intervalNs) return 'wait';
    if (this.#asked >= this.#count && !deaf) return 'gone';
    this.#askedNs = nowNs;
    if (!deaf) this.#asked++;
    return 'ask';
  }
}
