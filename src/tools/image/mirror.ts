import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStanzas } from './deb822.ts';

/** The mirror to ask when the host's apt knows none: Debian's own content network. */
export const PUBLIC_MIRROR = 'http://deb.debian.org/debian';

/** Suites of Debian's main archive, where a source of it can be told from one of somebody else's. */
const SUITES =
  /^(stretch|buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)$/;

interface Source {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

/** One-line format: `deb [options] uri suite component…` (sources.list(5)). */
function parseOneLine(text: string): Source[] {
  const sources: Source[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    sources.push({ uri, suites: [suite], components: words(components), signedBy: options });
  }
  return sources;
}

async function parseDeb822(text: string): Promise<Source[]> {
  const sources: Source[] = [];
  for (const stanza of await parseStanzas(text)) {
    if (!words(stanza.get('types')).includes('deb') || /^(no|false|0)$/i.test(stanza.get('enabled') ?? '')) continue;
    for (const uri of words(stanza.get('uris'))) {
      sources.push({
        uri,
        suites: words(stanza.get('suites')),
        components: words(stanza.get('components')),
        signedBy: stanza.get('signed-by') ?? '',
      });
    }
  }
  return sources;
}

/** Debian's main archive, not its security archive and nobody else's. */
function isDebian(source: Source): boolean {
  return (
    /^https?:\/\//.test(source.uri) &&
    source.suites.some((suite) => SUITES.test(suite)) &&
    source.components.includes('main') &&
    (/\/debian\/?$/.test(source.uri) || /debian-archive/.test(source.signedBy))
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch {
    return [];
  }
}

/**
 * The Debian mirror that the host's apt is set up with, without a slash at its end; undefined when there is none (not
 * a Debian host, or only local sources).
 * @param etcApt apt's configuration directory
 */
export async function hostMirror(etcApt = '/etc/apt'): Promise<string | undefined> {
  const parts = join(etcApt, 'sources.list.d');
  const sources = parseOneLine(await readText(join(etcApt, 'sources.list')));
  for (const name of await listDirectory(parts)) {
    if (name.endsWith('.list')) sources.push(...parseOneLine(await readText(join(parts, name))));
    if (name.endsWith('.sources')) sources.push(...(await parseDeb822(await readText(join(parts, name)))));
  }
  return sources.find(isDebian)?.uri.replace(/\/+$/, '');
}
