/** A decision tree over instruction bits, built once from a table's masks. */

/** What the tree is built from. */
interface Row {
  readonly mask: number;
  readonly match: number;
}

interface Node<T> {
  readonly shift: number;
  readonly mask: number;
  /** By the value of the bits that `shift` and `mask` select; undefined: no instruction. Empty in a leaf. */
  readonly children: readonly (Node<T> | undefined)[];
  readonly rows: readonly T[];
}

/** More bits at once would make large, mostly empty tables. */
const BITS_PER_NODE = 7;

/** Finds the row that an instruction word belongs to. */
export class MatchTree<T extends Row> {
  readonly #root: Node<T>;

  constructor(rows: readonly T[]) {
    this.#root = build(rows, 0);
  }

  /** The first row, in table order, with `(raw & mask) === match` that `accept` takes, or undefined. */
  find(raw: number, accept?: (row: T, raw: number) => boolean): T | undefined {
    let node: Node<T> | undefined = this.#root;
    while (node !== undefined && node.mask !== 0) node = node.children[(raw >>> node.shift) & node.mask];
    if (node === undefined) return undefined;
    for (const row of node.rows) {
      if (((raw & row.mask) ^ row.match) === 0 && (accept === undefined || accept(row, raw))) return row;
    }
    return undefined;
  }
}

/** Splits rows by the lowest run of bits that all of them fix and no ancestor has tested. */
function build<T extends Row>(rows: readonly T[], tested: number): Node<T> {
  const common = rows.reduce((mask, row) => mask & row.mask, -1) & ~tested;
  if (rows.length === 1 || common === 0) return { shift: 0, mask: 0, children: [], rows };
  const shift = 31 - Math.clz32(common & -common);
  let width = 1;
  while (width < BITS_PER_NODE && shift + width < 32 && (common >>> (shift + width)) & 1) width++;
  const mask = (1 << width) - 1;
  const children: (Node<T> | undefined)[] = [];
  for (let value = 0; value <= mask; value++) {
    const matching = rows.filter((row) => ((row.match >>> shift) & mask) === value);
    children.push(matching.length === 0 ? undefined : build(matching, tested | (mask << shift)));
  }
  return { shift, mask, children, rows: [] };
}
