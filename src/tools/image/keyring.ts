import { readFile } from 'node:fs/promises';
import { type Key, readKeys } from 'openpgp';
import { VirtError } from '../../util/index.ts';
import { assetPath } from '../assets.ts';

/** Where Debian's package `debian-archive-keyring` puts the archive's keys. */
export const SYSTEM_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const BUNDLED_KEYRING = assetPath('tools/image/keys/debian-archive-trixie.asc');

/** The keys that a Release file may be signed with, and the file they came from. */
export interface Keyring {
  readonly file: string;
  readonly keys: readonly Key[];
}

async function parseKeys(bytes: Uint8Array): Promise<Key[]> {
  const text = Buffer.from(bytes).toString('latin1');
  return text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')
    ? readKeys({ armoredKeys: text.slice(text.indexOf('-----BEGIN PGP')) })
    : readKeys({ binaryKeys: bytes });
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch {
    return undefined;
  }
}

/**
 * Reads a keyring, binary or armoured.
 * @param file the keyring; absent: the system's, or the one that the package brings along
 * @throws VirtError naming the file when it cannot be read or holds no keys
 */
export async function loadKeyring(file?: string): Promise<Keyring> {
  const candidates = file === undefined ? [SYSTEM_KEYRING, BUNDLED_KEYRING] : [file];
  for (const candidate of candidates) {
    const bytes = await readIfThere(candidate);
    if (bytes === undefined) continue;
    try {
      return { file: candidate, keys: await parseKeys(bytes) };
    } catch (cause) {
      throw new VirtError('INVALID_ARG', `keyring ${candidate}: holds no OpenPGP keys`, { cause });
    }
  }
  throw new VirtError('INVALID_ARG', `keyring ${candidates.join(', ')}: cannot be read`);
}
