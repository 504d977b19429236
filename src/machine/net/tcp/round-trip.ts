const MS = 1e6;

/** Least and greatest time after which a segment is sent again: Linux's least, RFC 6298's greatest. */
const RTO_MIN_NS = 200 * MS;
const RTO_MAX_NS = 60_000 * MS;
const RTO_FIRST_NS = 1000 * MS;

/** Estimates how long an answer takes, and so how long to wait for one (RFC 6298). */
export class RoundTrip {
  #smoothedNs: number | undefined;
  #variationNs = 0;
  #backoff = 1;

  /** One measurement, of a segment that was sent once only (Karn's rule, 3). */
  measured(ns: number): void {
    this.#backoff = 1;
    if (this.#smoothedNs === undefined) {
      this.#smoothedNs = ns;
      this.#variationNs = ns / 2;
      return;
    }
    this.#variationNs = 0.75 * this.#variationNs + 0.25 * Math.abs(this.#smoothedNs - ns);
    this.#smoothedNs = 0.875 * this.#smoothedNs + 0.125 * ns;
  }

  /** No answer came: the next wait is twice as long (5.5). */
  backOff(): void {
    this.#backoff = Math.min(this.#backoff * 2, 2 ** 16);
  }

  /** Something new was acknowledged. */
  progress(): void {
    this.#backoff = 1;
  }

  /** How long to wait, in nanoseconds. */
  get timeoutNs(): number {
    const base = this.#smoothedNs === undefined ? RTO_FIRST_NS : this.#smoothedNs + 4 * this.#variationNs;
    return Math.min(Math.max(base, RTO_MIN_NS) * this.#backoff, RTO_MAX_NS);
  }
}
