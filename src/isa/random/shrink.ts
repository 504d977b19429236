/** Finds a small list that still fails (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input"). */

/**
 * Leaves out as many elements as it can, so that `fails` stays true. `fails` is not called for the whole list, which
 * must fail. The result is minimal in that leaving out any one more element makes it pass.
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => boolean | Promise<boolean>,
): Promise<readonly T[]> {
  let kept = items;
  let parts = 2;
  while (kept.length >= 1) {
    const size = Math.max(1, Math.ceil(kept.length / parts));
    let smaller: readonly T[] | undefined;
    for (let from = 0; from < kept.length && smaller === undefined; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (await fails(rest)) smaller = rest;
    }
    if (smaller !== undefined) {
      kept = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(kept.length, parts * 2);
  }
  return kept;
}
