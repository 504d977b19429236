/** A range of clusters that is held, or asked for. */
export interface Hold {
  readonly first: number;
  readonly last: number;
  readonly exclusive: boolean;
}

interface Waiting {
  readonly hold: Hold;
  readonly grant: (hold: Hold) => void;
}

function conflict(a: Hold, b: Hold): boolean {
  return (a.exclusive || b.exclusive) && a.first <= b.last && b.first <= a.last;
}

/**
 * Locks on ranges of guest clusters: whoever only uses where a cluster is shares it, whoever changes that has it alone.
 * First come, first served, so that nobody waits for ever.
 */
export class RangeLock {
  readonly #held = new Set<Hold>();
  readonly #waiting: Waiting[] = [];

  /** Takes clusters `first` to `last`, at once if that is possible: then nobody else runs in between. */
  take(first: number, last: number, exclusive: boolean): Hold | Promise<Hold> {
    const wish = { first, last, exclusive };
    if (this.#free(wish, this.#waiting.length)) {
      this.#held.add(wish);
      return wish;
    }
    return new Promise((grant) => {
      this.#waiting.push({ hold: wish, grant });
    });
  }

  release(hold: Hold): void {
    this.#held.delete(hold);
    for (let i = 0; i < this.#waiting.length; ) {
      const { hold: wish, grant } = this.#waiting[i];
      if (!this.#free(wish, i)) {
        i++;
        continue;
      }
      this.#waiting.splice(i, 1);
      this.#held.add(wish);
      grant(wish);
    }
  }

  /** Whether a wish goes with what is held and with the first `ahead` of those that wait. */
  #free(wish: Hold, ahead: number): boolean {
    for (const held of this.#held) if (conflict(wish, held)) return false;
    for (let i = 0; i < ahead; i++) if (conflict(wish, this.#waiting[i].hold)) return false;
    return true;
  }
}
