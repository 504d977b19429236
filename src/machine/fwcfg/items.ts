import { VirtError } from '../../util/index.ts';

/** Keys of the items that are not files (QEMU, include/standard-headers/linux/qemu_fw_cfg.h). */
export const FwCfgKey = {
  SIGNATURE: 0x00,
  ID: 0x01,
  FILE_DIR: 0x19,
  FILE_FIRST: 0x20,
} as const;

/** Revision bits of ID: the register interface and DMA. */
const VERSION = 3;
const FILES_MAX = 0x1000;
const FILE_ENTRY_BYTES = 64;
const NAME_BYTES = 56;

/** What a machine offers through fw_cfg. Plain data: it goes to each thread. */
export interface FwCfgContents {
  /** Files of the directory; names are ASCII paths of at most 55 characters (`opt/org.example/data`). */
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Further items by key, for firmware that expects the older interface (0x08 … 0x18: kernel, initrd, command line). */
  readonly items?: readonly { readonly key: number; readonly bytes: Uint8Array }[];
}

/**
 * All items by key, signature and directory included; the directory is sorted by name. Throws INVALID_ARG on a name
 * that is empty, too long, not ASCII or used twice, on too many files, and on a key that is taken.
 */
export function fwCfgItems(contents: FwCfgContents): ReadonlyMap<number, Uint8Array> {
  const files = contents.files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (files.length > FILES_MAX) throw new VirtError('INVALID_ARG', `fw_cfg holds at most ${FILES_MAX} files`);
  const items = new Map<number, Uint8Array>([
    [FwCfgKey.SIGNATURE, new TextEncoder().encode('QEMU')],
    [FwCfgKey.ID, Uint8Array.of(VERSION, 0, 0, 0)],
  ]);
  const directory = new Uint8Array(4 + FILE_ENTRY_BYTES * files.length);
  const view = new DataView(directory.buffer);
  view.setUint32(0, files.length);
  files.forEach((file, index) => {
    checkName(file.name, files[index - 1]?.name);
    const at = 4 + FILE_ENTRY_BYTES * index;
    view.setUint32(at, file.bytes.length);
    view.setUint16(at + 4, FwCfgKey.FILE_FIRST + index);
    directory.set(new TextEncoder().encode(file.name), at + 8);
    items.set(FwCfgKey.FILE_FIRST + index, file.bytes);
  });
  items.set(FwCfgKey.FILE_DIR, directory);
  for (const { key, bytes } of contents.items ?? []) {
    if (!Number.isInteger(key) || key < 0 || key > 0xffff || items.has(key)) {
      throw new VirtError('INVALID_ARG', `fw_cfg key ${key} is taken or out of range`);
    }
    items.set(key, bytes);
  }
  return items;
}

function checkName(name: string, previous: string | undefined): void {
  if (!/^[\x21-\x7e]+$/.test(name) || name.length >= NAME_BYTES) {
    throw new VirtError('INVALID_ARG', `'${name}' is no fw_cfg file name (1 to ${NAME_BYTES - 1} ASCII characters)`);
  }
  if (name === previous) throw new VirtError('INVALID_ARG', `two fw_cfg files are called ${name}`);
}
