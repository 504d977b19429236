/** Letters to insert, leave out, change or swap with the next to get from one word to the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const least = Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      next.push(swapped ? Math.min(least, (before[j - 2] ?? 0) + 1) : least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The name that somebody may have meant who typed another word; undefined: none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  // A word of few letters is near to too much.
  const most = word.length < 4 ? 1 : 2;
  const found = names
    .filter((name) => Math.abs(name.length - word.length) <= most)
    .map((name) => ({ name, steps: distance(word, name) }))
    .filter(({ steps }) => steps <= most)
    .sort((a, b) => a.steps - b.steps);
  return found[0]?.name;
}
