/** A node of a flattened device tree under construction (Devicetree Specification v0.4). */
export interface FdtNode {
  /** Adds a child; `name` includes the unit address (`serial@10000000`). */
  child(name: string): FdtNode;
  /** Adds a property: nothing (empty), strings (NUL-separated list), cells (big-endian u32), or raw bytes. */
  set(name: string, value?: string | readonly string[] | readonly number[] | Uint8Array): this;
  /** Adds a property of 64-bit cells, each two u32: `reg` with #address-cells = #size-cells = 2. */
  set64(name: string, values: readonly number[]): this;
  /** This node's phandle, assigned on first use. */
  readonly phandle: number;
}

/** Numbers of the flattened format (Devicetree Specification v0.4, section 5). */
export const Fdt = {
  MAGIC: 0xd00dfeed,
  VERSION: 17,
  LAST_COMPATIBLE_VERSION: 16,
  HEADER_BYTES: 40,
  BEGIN_NODE: 1,
  END_NODE: 2,
  PROP: 3,
  NOP: 4,
  END: 9,
} as const;

const utf8 = new TextEncoder();

function u32Cells(values: readonly number[]): Uint8Array {
  const out = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw new RangeError(`${value} is not a u32 cell`);
    out.setUint32(i * 4, value);
  });
  return new Uint8Array(out.buffer);
}

function encode(value: string | readonly string[] | readonly number[] | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value.slice();
  if (typeof value === 'string') return utf8.encode(`${value}\0`);
  if (value.every((item) => typeof item === 'number')) return u32Cells(value);
  return utf8.encode(value.map((item) => `${item}\0`).join(''));
}

/** A node in memory: what FdtBuilder makes and parseFdt returns. Properties and children keep their order. */
export class FdtTreeNode implements FdtNode {
  readonly name: string;
  readonly properties = new Map<string, Uint8Array>();
  readonly #children = new Map<string, FdtTreeNode>();
  readonly #allocatePhandle: () => number;

  /** @param name as in the tree, '' for the root; `allocatePhandle` gives a number unused in the whole tree. */
  constructor(name: string, allocatePhandle: () => number) {
    this.name = name;
    this.#allocatePhandle = allocatePhandle;
  }

  /** @throws RangeError when the name is empty, holds '/' or NUL, or is taken. */
  child(name: string): FdtTreeNode {
    if (name === '' || /[/\0]/.test(name)) throw new RangeError(`${JSON.stringify(name)} is no device-tree node name`);
    if (this.get(name) !== undefined) throw new RangeError(`device-tree node ${name} exists already`);
    const node = new FdtTreeNode(name, this.#allocatePhandle);
    this.#children.set(name, node);
    return node;
  }

  get children(): Iterable<FdtTreeNode> {
    return this.#children.values();
  }

  /** The child of that full name. */
  get(name: string): FdtTreeNode | undefined {
    return this.#children.get(name);
  }

  /** Sets a property, in place of one of the same name. */
  set(name: string, value: string | readonly string[] | readonly number[] | Uint8Array = []): this {
    if (name === '' || name.includes('\0')) throw new RangeError(`${JSON.stringify(name)} is no property name`);
    this.properties.set(name, encode(value));
    return this;
  }

  set64(name: string, values: readonly number[]): this {
    return this.set(
      name,
      values.flatMap((value) => {
        if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no address or size`);
        return [Math.floor(value / 2 ** 32), value % 2 ** 32];
      }),
    );
  }

  get phandle(): number {
    const present = this.properties.get('phandle');
    if (present !== undefined && present.length === 4) {
      return new DataView(present.buffer, present.byteOffset, 4).getUint32(0);
    }
    const phandle = this.#allocatePhandle();
    this.set('phandle', [phandle]);
    return phandle;
  }
}

/** Big-endian output that grows. */
class Writer {
  #bytes = new Uint8Array(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #grow(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      bigger.set(this.#bytes.subarray(0, at));
      this.#bytes = bigger;
    }
    return at;
  }

  u32(value: number): void {
    const at = this.#grow(4);
    new DataView(this.#bytes.buffer).setUint32(at, value);
  }

  u64(value: bigint): void {
    const at = this.#grow(8);
    new DataView(this.#bytes.buffer).setBigUint64(at, value);
  }

  /** Bytes, padded with zeroes to a multiple of `align`. */
  raw(bytes: Uint8Array, align = 1): void {
    const at = this.#grow(Math.ceil(bytes.length / align) * align);
    this.#bytes.set(bytes, at);
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** The strings block: each property name once. */
class Strings {
  readonly #offsets = new Map<string, number>();
  readonly #out = new Writer();

  offset(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const at = this.#out.length;
    this.#offsets.set(name, at);
    this.#out.raw(utf8.encode(`${name}\0`));
    return at;
  }

  take(): Uint8Array {
    return this.#out.take();
  }
}

function emitNode(node: FdtTreeNode, out: Writer, strings: Strings): void {
  out.u32(Fdt.BEGIN_NODE);
  out.raw(utf8.encode(`${node.name}\0`), 4);
  for (const [name, value] of node.properties) {
    out.u32(Fdt.PROP);
    out.u32(value.length);
    out.u32(strings.offset(name));
    out.raw(value, 4);
  }
  for (const child of node.children) emitNode(child, out, strings);
  out.u32(Fdt.END_NODE);
}

/** A device tree under construction; `build()` gives the blob (version 17). */
export class FdtBuilder {
  #lastPhandle = 0;
  readonly root = new FdtTreeNode('', () => this.allocatePhandle());
  /** Memory reservation block: ranges the guest must leave alone. */
  readonly reservations: { gpa: bigint; bytes: bigint }[] = [];
  /** Hart id of the boot hart. */
  bootCpuid = 0;

  /** A phandle that nothing in the tree has. */
  allocatePhandle(): number {
    return ++this.#lastPhandle;
  }

  /** Makes phandles that are assigned from now on greater than `phandle`, which the tree already holds. */
  usePhandle(phandle: number): void {
    this.#lastPhandle = Math.max(this.#lastPhandle, phandle);
  }

  /** The node at an absolute path of full names (`/soc/serial@10000000`), `/` for the root. */
  find(path: string): FdtTreeNode | undefined {
    let node: FdtTreeNode | undefined = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) node = node?.get(name);
    return node;
  }

  /** The flattened tree. Ends with the strings block; `totalsize` is exactly its length. */
  build(): Uint8Array {
    const strings = new Strings();
    const struct = new Writer();
    emitNode(this.root, struct, strings);
    struct.u32(Fdt.END);
    const stringBytes = strings.take();

    const reservedAt = Fdt.HEADER_BYTES;
    const structAt = reservedAt + (this.reservations.length + 1) * 16;
    const stringsAt = structAt + struct.length;
    const out = new Writer();
    for (const word of [
      Fdt.MAGIC,
      stringsAt + stringBytes.length,
      structAt,
      stringsAt,
      reservedAt,
      Fdt.VERSION,
      Fdt.LAST_COMPATIBLE_VERSION,
      this.bootCpuid,
      stringBytes.length,
      struct.length,
    ]) {
      out.u32(word);
    }
    for (const { gpa, bytes } of [...this.reservations, { gpa: 0n, bytes: 0n }]) {
      out.u64(gpa);
      out.u64(bytes);
    }
    out.raw(struct.take());
    out.raw(stringBytes);
    return out.take();
  }
}
