import { readCleartextMessage, verify } from 'openpgp';
import { VirtError } from '../../util/index.ts';
import { parseStanzas, type Stanza } from './deb822.ts';
import type { Keyring } from './keyring.ts';

/** Size in bytes and SHA256 in hexadecimal of a file of the archive. */
export interface FileFacts {
  readonly bytes: number;
  readonly sha256: string;
}

/** A suite's Release file, its signature checked. */
export interface Release {
  readonly suite: string;
  readonly codename: string;
  readonly version: string;
  readonly date: string;
  /** Index files can be had under their hash, which a mirror in the middle of an update does not change. */
  readonly byHash: boolean;
  /** By path below `dists/<suite>`. */
  readonly files: ReadonlyMap<string, FileFacts>;
}

function parseFiles(list: string): Map<string, FileFacts> {
  const files = new Map<string, FileFacts>();
  for (const line of list.split('\n')) {
    const match = /^([0-9a-f]{64})\s+(\d+)\s+(\S+)$/.exec(line.trim());
    if (match !== null) files.set(match[3]!, { sha256: match[1]!, bytes: Number(match[2]) });
  }
  return files;
}

async function verifiedText(armored: string, keyring: Keyring, source: string): Promise<string> {
  const bad = (why: string, cause?: unknown) =>
    new VirtError('OPERATION_FAILED', `${source}: ${why}`, cause === undefined ? {} : { cause });
  let message: Awaited<ReturnType<typeof readCleartextMessage>>;
  try {
    message = await readCleartextMessage({ cleartextMessage: armored });
  } catch (cause) {
    throw bad('not a signed Release file: is this a Debian mirror? Give another with --mirror', cause);
  }
  const { signatures } = await verify({ message, verificationKeys: [...keyring.keys] });
  const outcomes = await Promise.allSettled(signatures.map((s) => s.verified));
  // Debian signs with several keys, of which a host may know only some: one good signature is enough (as for apt).
  if (!outcomes.some((o) => o.status === 'fulfilled')) {
    const first = outcomes.find((o) => o.status === 'rejected');
    const reason = first?.reason instanceof Error ? first.reason.message : 'no signature';
    throw bad(`signature not valid with the keys in ${keyring.file} (${reason}); nothing from this mirror was used`);
  }
  return message.getText();
}

function checkExpiry(stanza: Stanza, source: string, now: Date): void {
  const until = stanza.get('valid-until');
  if (until !== undefined && !(new Date(until) >= now)) {
    throw new VirtError(
      'OPERATION_FAILED',
      `${source}: was valid until ${until}; the mirror is out of date, give another with --mirror`,
    );
  }
}

/**
 * Checks the signature of an InRelease file and reads it.
 * @param source its address, for messages
 * @throws VirtError when the signature is not by a key of the ring, or the file has expired
 */
export async function readRelease(armored: string, keyring: Keyring, source: string, now: Date): Promise<Release> {
  const [stanza] = await parseStanzas(await verifiedText(armored, keyring, source));
  const list = stanza?.get('sha256');
  if (stanza === undefined || list === undefined) {
    throw new VirtError('OPERATION_FAILED', `${source}: lists no SHA256 sums`);
  }
  checkExpiry(stanza, source, now);
  return {
    suite: stanza.get('suite') ?? '',
    codename: stanza.get('codename') ?? '',
    version: stanza.get('version') ?? '',
    date: stanza.get('date') ?? '',
    byHash: /^yes$/i.test(stanza.get('acquire-by-hash') ?? ''),
    files: parseFiles(list),
  };
}
