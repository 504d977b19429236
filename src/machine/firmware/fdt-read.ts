import { VirtError } from '../../util/index.ts';
import type { Image } from '../config.ts';
import { Fdt, FdtBuilder, type FdtTreeNode } from './fdt.ts';

/** Largest blob taken: Linux maps no more of it early (arch/riscv, MAX_FDT_SIZE). */
export const FDT_BYTES_MAX = 2 * 1024 * 1024;

/** Deepest nesting taken; Linux stops at the same depth. */
export const FDT_DEPTH_MAX = 64;

/** Longest name taken; the specification has 31. */
const NAME_MAX = 255;

/** Header fields as far as they are used (Devicetree Specification v0.4, section 5.2). */
interface Header {
  readonly total: number;
  readonly struct: number;
  readonly structBytes: number;
  readonly strings: number;
  readonly stringsBytes: number;
  readonly reserved: number;
  readonly bootCpuid: number;
}

/** One blob being parsed: every read is checked against the block it must lie in. */
class Parser {
  readonly #image: Image;
  readonly #view: DataView;
  readonly #tree = new FdtBuilder();
  /** Position in the structure block, relative to the blob, and its end. */
  #at = 0;
  #end = 0;

  constructor(image: Image) {
    this.#image = image;
    this.#view = new DataView(image.bytes.buffer, image.bytes.byteOffset, image.bytes.byteLength);
  }

  fail(why: string): never {
    throw new VirtError('INVALID_ARG', `device tree ${this.#image.name}: ${why}`, { data: { file: this.#image.name } });
  }

  parse(): FdtBuilder {
    const header = this.#header();
    this.#reservations(header);
    this.#at = header.struct;
    this.#end = header.struct + header.structBytes;
    this.#tree.bootCpuid = header.bootCpuid;
    this.#nodes(header);
    return this.#tree;
  }

  #header(): Header {
    const bytes = this.#view.byteLength;
    if (bytes === 0) this.fail('the file is empty');
    if (bytes < Fdt.HEADER_BYTES) this.fail(`truncated: ${bytes} bytes are less than the header`);
    const word = (index: number) => this.#view.getUint32(index * 4);
    if (word(0) !== Fdt.MAGIC) this.fail('not a device tree blob (compile a .dts with dtc)');
    const header: Header = {
      total: word(1),
      struct: word(2),
      strings: word(3),
      reserved: word(4),
      bootCpuid: word(7),
      stringsBytes: word(8),
      structBytes: word(9),
    };
    if (word(5) < Fdt.VERSION || word(6) > Fdt.VERSION) {
      this.fail(`version ${word(5)} (compatible from ${word(6)}) is not supported, ${Fdt.VERSION} is`);
    }
    if (header.total > bytes) this.fail(`truncated: ${bytes} bytes of ${header.total}`);
    if (header.total > FDT_BYTES_MAX) this.fail(`${header.total} bytes are more than a kernel maps (${FDT_BYTES_MAX})`);
    const inside = (at: number, length: number) => at >= Fdt.HEADER_BYTES && at + length <= header.total;
    if (header.struct % 4 !== 0 || !inside(header.struct, header.structBytes)) this.fail('bad structure block');
    if (!inside(header.strings, header.stringsBytes)) this.fail('bad strings block');
    if (header.reserved % 8 !== 0 || !inside(header.reserved, 16)) this.fail('bad memory reservation block');
    return header;
  }

  #reservations(header: Header): void {
    for (let at = header.reserved; ; at += 16) {
      if (at + 16 > header.total) this.fail('the memory reservation block has no end');
      const gpa = this.#view.getBigUint64(at);
      const bytes = this.#view.getBigUint64(at + 8);
      if (gpa === 0n && bytes === 0n) return;
      this.#tree.reservations.push({ gpa, bytes });
    }
  }

  #word(): number {
    if (this.#at + 4 > this.#end) this.fail('the structure block has no end');
    const value = this.#view.getUint32(this.#at);
    this.#at += 4;
    return value;
  }

  /** A NUL-terminated string that must end before `limit`; gives it and the position after the NUL. */
  #string(from: number, limit: number, what: string): { text: string; next: number } {
    const { bytes } = this.#image;
    const nul = bytes.subarray(0, Math.min(limit, from + NAME_MAX + 1)).indexOf(0, from);
    if (from >= limit || nul < 0) this.fail(`${what} has no end within ${NAME_MAX} bytes`);
    const text = String.fromCharCode(...bytes.subarray(from, nul));
    if (!/^[!-~]*$/.test(text)) this.fail(`${what} has characters that no name has`);
    return { text, next: nul + 1 };
  }

  #nodes(header: Header): void {
    const open: FdtTreeNode[] = [];
    let rootSeen = false;
    for (;;) {
      const token = this.#word();
      const node = open.at(-1);
      if (token === Fdt.BEGIN_NODE) {
        if (node === undefined && rootSeen) this.fail('there is more than one root node');
        if (open.length >= FDT_DEPTH_MAX) this.fail(`nodes are nested deeper than ${FDT_DEPTH_MAX}`);
        rootSeen = true;
        open.push(this.#beginNode(node));
      } else if (token === Fdt.END_NODE) {
        if (open.pop() === undefined) this.fail('a node ends that never began');
      } else if (token === Fdt.PROP) {
        if (node === undefined) this.fail('there is a property outside all nodes');
        this.#property(node, header);
      } else if (token === Fdt.END) {
        if (node !== undefined || !rootSeen) this.fail('the structure block ends too early');
        return;
      } else if (token !== Fdt.NOP) {
        this.fail(`unknown token ${token} in the structure block`);
      }
    }
  }

  #beginNode(parent: FdtTreeNode | undefined): FdtTreeNode {
    const { text, next } = this.#string(this.#at, this.#end, 'a node name');
    this.#at = Math.ceil(next / 4) * 4;
    if (parent === undefined) return this.#tree.root;
    if (text === '' || text.includes('/')) this.fail(`${JSON.stringify(text)} is no node name`);
    if (parent.get(text) !== undefined) this.fail(`there are two nodes ${text}`);
    return parent.child(text);
  }

  #property(node: FdtTreeNode, header: Header): void {
    const length = this.#word();
    const nameOffset = this.#word();
    const end = this.#at + length;
    if (end > this.#end) this.fail('a property reaches past the structure block');
    const stringsEnd = header.strings + header.stringsBytes;
    const { text: name } = this.#string(header.strings + nameOffset, stringsEnd, 'a property name');
    if (name === '') this.fail('a property has no name');
    if (node.properties.has(name)) this.fail(`node ${node.name} has two properties ${name}`);
    node.set(name, this.#image.bytes.subarray(this.#at, end));
    if (name === 'phandle' && length === 4) this.#tree.usePhandle(this.#view.getUint32(this.#at));
    this.#at = Math.ceil(end / 4) * 4;
  }
}

/**
 * Reads a device tree blob into a tree that can be changed and built again.
 * @throws VirtError INVALID_ARG naming the file and what is wrong with it.
 */
export function parseFdt(image: Image): FdtBuilder {
  return new Parser(image).parse();
}
