/** What a kernel module says about itself, in its ELF section `.modinfo`. */
export interface ModuleInfo {
  readonly depends: readonly string[];
  /** Modules or aliases to load before it if they exist (`softdep=pre:`). */
  readonly softPre: readonly string[];
  readonly aliases: readonly string[];
}

interface Section {
  readonly name: number;
  readonly offset: number;
  readonly bytes: number;
}

function readSection(view: DataView, at: number): Section {
  return {
    name: view.getUint32(at, true),
    offset: Number(view.getBigUint64(at + 24, true)),
    bytes: Number(view.getBigUint64(at + 32, true)),
  };
}

/** The contents of a section of a 64-bit little-endian ELF file; RangeError when the file is cut short. */
function findSection(elf: Uint8Array, wanted: string): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (view.getUint32(0, false) !== 0x7f454c46) throw new RangeError('not an ELF file');
  const table = Number(view.getBigUint64(0x28, true));
  const entryBytes = view.getUint16(0x3a, true);
  const sections = Array.from({ length: view.getUint16(0x3c, true) }, (_, i) =>
    readSection(view, table + i * entryBytes),
  );
  const names = sections[view.getUint16(0x3e, true)];
  for (const section of sections) {
    const start = (names?.offset ?? 0) + section.name;
    const name = Buffer.from(elf.subarray(start, start + wanted.length + 1)).toString('latin1');
    if (name === `${wanted}\0`) return elf.subarray(section.offset, section.offset + section.bytes);
  }
  throw new RangeError(`no section ${wanted}`);
}

function list(text: string, separator: RegExp): string[] {
  return text.split(separator).filter((word) => word !== '');
}

/** Reads a module's own description. @throws RangeError when it is no kernel module */
export function readModuleInfo(elf: Uint8Array): ModuleInfo {
  const depends: string[] = [];
  const softPre: string[] = [];
  const aliases: string[] = [];
  for (const entry of Buffer.from(findSection(elf, '.modinfo')).toString('latin1').split('\0')) {
    const [, key = '', value = ''] = /^(\w+)=(.*)$/s.exec(entry) ?? [];
    if (key === 'depends') depends.push(...list(value, /,/));
    if (key === 'alias') aliases.push(value);
    if (key === 'softdep') softPre.push(...list(/pre:(.*?)(?:post:|$)/s.exec(value)?.[1] ?? '', /\s+/));
  }
  return { depends, softPre, aliases };
}

/** A module's name from its file's: `virtio-rng.ko.xz` is `virtio_rng` wherever a name is compared. */
export function moduleName(path: string): string {
  return path
    .replace(/^.*\//, '')
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
