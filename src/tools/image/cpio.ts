/** One entry of an archive. Paths have no leading slash; directories come before what is in them. */
export type CpioEntry =
  | { readonly type: 'directory'; readonly path: string; readonly mode?: number }
  | { readonly type: 'file'; readonly path: string; readonly bytes: Uint8Array; readonly mode?: number }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }
  | { readonly type: 'device'; readonly path: string; readonly major: number; readonly minor: number };

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

function modeOf(entry: CpioEntry): number {
  switch (entry.type) {
    case 'directory':
      return S_IFDIR | (entry.mode ?? 0o755);
    case 'file':
      return S_IFREG | (entry.mode ?? 0o644);
    case 'symlink':
      return S_IFLNK | 0o777;
    case 'device':
      return S_IFCHR | 0o600;
  }
}

function bodyOf(entry: CpioEntry): Uint8Array {
  if (entry.type === 'file') return entry.bytes;
  return entry.type === 'symlink' ? Buffer.from(entry.target) : new Uint8Array();
}

function padding(bytes: number): Uint8Array {
  return new Uint8Array((4 - (bytes % 4)) % 4);
}

/** Header, name and contents of one entry, each padded to four bytes. All owned by root, all of 1970. */
function pieces(inode: number, path: string, mode: number, body: Uint8Array, device: readonly number[]): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const links = (mode & S_IFDIR) === S_IFDIR && (mode & S_IFREG) !== S_IFREG ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, body.length, 0, 0, device[0] ?? 0, device[1] ?? 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((f) => f.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), body, padding(body.length)];
}

/**
 * Writes an archive in the format that Linux unpacks as initramfs: cpio "newc" (kernel documentation,
 * driver-api/early-userspace/buffer-format). The same entries give the same bytes.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const all = entries.flatMap((entry, i) => {
    const device = entry.type === 'device' ? [entry.major, entry.minor] : [];
    return pieces(i + 1, entry.path, modeOf(entry), bodyOf(entry), device);
  });
  return Buffer.concat([...all, ...pieces(0, 'TRAILER!!!', 0, new Uint8Array(), [])]);
}
