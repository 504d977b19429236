/**
 * What must not be seen. Harts run freely: each writes the numbers 1, 2, 3 … into a variable of its own, and records what
 * it reads of the others'. A number then says how far the other hart had come, and a cycle of such statements is what
 * the memory model forbids. All of these return the first violation in words, or undefined.
 */

/** Numbers that may only grow: reads of one variable by one hart (coherence). */
export function grows(reads: Float64Array, what: string): string | undefined {
  const at = reads.findIndex((value, i) => i > 0 && value < reads[i - 1]!);
  return at < 0 ? undefined : `${what}: ${reads[at]} at ${at}, after ${reads[at - 1]}`;
}

/**
 * Store buffering. Hart 0 writes x = i and then reads y into a[i - 1]; hart 1 writes y = j and reads x into b[j - 1]. It
 * cannot be that a[i - 1] < j (the write of j came later) and b[j - 1] < i (the write of i came later).
 * Returns all i where it was.
 */
export function storeBuffering(a: Float64Array, b: Float64Array): number[] {
  const seen: number[] = [];
  // b only grows, so the smallest j that a[i - 1] had not reached is the one to look at.
  a.forEach((y, at) => {
    const x = b[y];
    if (x !== undefined && x < at + 1) seen.push(at + 1);
  });
  return seen;
}

/**
 * Load buffering. Hart 0 reads x into a[i - 1] and then writes y = i; hart 1 reads y into b[j - 1] and writes x = j. It
 * cannot be that a[i - 1] >= j (j was written before i) and b[j - 1] >= i (i was written before j).
 */
export function loadBuffering(a: Float64Array, b: Float64Array): number[] {
  const seen: number[] = [];
  a.forEach((x, at) => {
    if (x > 0 && (b[x - 1] ?? 0) >= at + 1) seen.push(at + 1);
  });
  return seen;
}

/**
 * Independent reads of independent writes. Pairs of one reader are (x, then y), of the other (y, then x). It cannot be
 * that the first saw x >= m + 1 while y <= n, and the second y >= n + 1 while x <= m: they disagree on which came first.
 * Both lists are pairs one after the other, as recorded; returns an example.
 */
export function independentReads(xy: Float64Array, yx: Float64Array): string | undefined {
  // Both readers' values only grow. For each pair of the first: the second's first pair with more of y than it.
  let j = 0;
  for (let i = 0; i < xy.length; i += 2) {
    const [x, y] = [xy[i]!, xy[i + 1]!];
    while (j < yx.length && yx[j]! <= y) j += 2;
    if (j < yx.length && yx[j + 1]! < x) return `(x ${x}, y ${y}) and (y ${yx[j]}, x ${yx[j + 1]})`;
  }
  return undefined;
}

/** Whether numbers of several harts are 0 … n - 1, each once, and each hart's own grow. */
export function shares(lists: readonly Float64Array[]): string | undefined {
  const total = lists.reduce((n, list) => n + list.length, 0);
  const owner = new Int8Array(total).fill(-1);
  for (const [hart, list] of lists.entries()) {
    const problem = grows(list, `hart ${hart}`);
    if (problem !== undefined) return problem;
    for (const value of list) {
      if (!(value >= 0 && value < total)) return `hart ${hart} got ${value} of ${total}`;
      if (owner[value] !== -1) return `harts ${owner[value]} and ${hart} both got ${value}`;
      owner[value] = hart;
    }
  }
  return undefined;
}

/** Whether what went in came out: `out` is a permutation of `into`. */
export function permutes(into: Iterable<number>, out: Iterable<number>): string | undefined {
  const counts = new Map<number, number>();
  for (const value of into) counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const value of out) {
    const left = (counts.get(value) ?? 0) - 1;
    if (left < 0) return `${value} came out more often than it went in`;
    counts.set(value, left);
  }
  for (const [value, left] of counts) if (left > 0) return `${value} was lost`;
  return undefined;
}
