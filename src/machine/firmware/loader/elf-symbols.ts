import { type ByteReader, fileError } from './bytes.ts';

const SHT_SYMTAB = 2;
const SHDR_BYTES = 64;
const SYM_BYTES = 24;
const SHN_UNDEF = 0;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
  readonly entryBytes: number;
}

function readSections(reader: ByteReader): Section[] {
  const table = reader.offset(40, 'e_shoff');
  const count = reader.u16(60, 'e_shnum');
  const entryBytes = reader.u16(58, 'e_shentsize');
  if (table === 0 || count === 0) return [];
  if (entryBytes < SHDR_BYTES) throw fileError(reader.image, `bad ELF: e_shentsize is ${entryBytes}`);
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * entryBytes;
    const what = `section header ${i}`;
    return {
      type: reader.u32(at + 4, what),
      offset: reader.offset(at + 24, what),
      bytes: reader.offset(at + 32, what),
      link: reader.u32(at + 40, what),
      entryBytes: reader.offset(at + 56, what),
    };
  });
}

/** The wanted name at `at` in the string table, if it is one of them. */
function nameAt(
  strings: Uint8Array,
  at: number,
  wanted: readonly (readonly [string, Uint8Array])[],
): string | undefined {
  for (const [name, bytes] of wanted) {
    let i = 0;
    while (i < bytes.length && strings[at + i] === bytes[i]) i++;
    if (i === bytes.length) return name;
  }
  return undefined;
}

/**
 * Values of the named symbols in an ELF's symbol tables; names that are not defined are absent from the map. The ELF's
 * identity has been checked.
 * @throws VirtError INVALID_ARG when a table does not lie in the file.
 */
export function findElfSymbols(reader: ByteReader, names: readonly string[]): Map<string, bigint> {
  const found = new Map<string, bigint>();
  const wanted = names.map((name) => [name, new TextEncoder().encode(`${name}\0`)] as const);
  const sections = readSections(reader);
  // One symbol table is what the ABI allows; more would let a small file ask for endless scanning.
  const table = sections.find((section) => section.type === SHT_SYMTAB);
  if (table === undefined) return found;
  const { image } = reader;
  if (table.entryBytes !== SYM_BYTES) throw fileError(image, `bad ELF: symbols of ${table.entryBytes} bytes`);
  const strings = sections[table.link];
  if (strings === undefined) throw fileError(image, `bad ELF: no section ${table.link} for the symbols' names`);
  const text = reader.slice(strings.offset, strings.bytes, 'the string table');
  reader.slice(table.offset, table.bytes, 'the symbol table');
  for (let at = table.offset; at + SYM_BYTES <= table.offset + table.bytes; at += SYM_BYTES) {
    const name = nameAt(text, reader.u32(at, 'a symbol'), wanted);
    if (name !== undefined && reader.u16(at + 6, 'a symbol') !== SHN_UNDEF)
      found.set(name, reader.u64(at + 8, 'a symbol'));
  }
  return found;
}
