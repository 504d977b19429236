/** Programs from Debian's riscv64 packages for the guests of tests: with all that they need, as a cpio archive. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from 'mocha';
import { openIndex } from '../../src/tools/image/archive.ts';
import { type CpioEntry, writeCpio } from '../../src/tools/image/cpio.ts';
import { extractDeb } from '../../src/tools/image/deb.ts';
import { loadKeyring } from '../../src/tools/image/keyring.ts';
import { hostMirror, PUBLIC_MIRROR } from '../../src/tools/image/mirror.ts';
import { findPackage, type Package, type PackageIndex } from '../../src/tools/image/packages.ts';
import { defaultImageDirectory, writeAtomically } from '../../src/tools/image/store.ts';
import { missing } from '../support/need-tool.ts';

const SUITE = 'trixie';
const ARCHITECTURE = 'riscv64';
const LIBRARIES = 'usr/lib/riscv64-linux-gnu';
const LOADER = 'ld-linux-riscv64-lp64d.so.1';

/** The packages and all that they depend on, the first of each choice; what only configures a system is left out. */
function closure(index: PackageIndex, names: readonly string[]): Package[] {
  const found = new Map<string, Package>();
  const visit = (name: string): void => {
    if (found.has(name) || /^(adduser|debconf|debconf-2\.0|init-system-helpers|dpkg)$/.test(name)) return;
    const wanted = findPackage(index, name);
    found.set(name, wanted);
    for (const dependency of wanted.depends.split(',')) {
      const choice = dependency.split('|').map((text) => /^\s*([a-z0-9.+-]+)/.exec(text)?.[1]);
      const first = choice.find((text) => text !== undefined && index.has(text));
      if (first !== undefined) visit(first);
    }
  };
  for (const name of names) visit(name);
  return [...found.values()];
}

/** Programs and libraries of a package; libraries under the names that programs ask for too. */
async function entriesOf(file: string): Promise<CpioEntry[]> {
  const wanted = (path: string) =>
    /^(usr\/)?bin\/[^/]+$/.test(path) || /^(usr\/)?lib\/([a-z0-9-]+\/)?[^/]+\.so(\.[0-9.]+)?$/.test(path);
  const files = await extractDeb(file, wanted);
  return files.flatMap(({ path, bytes }): CpioEntry[] => {
    const name = path.split('/').at(-1) as string;
    if (/^(usr\/)?bin\//.test(path)) return [{ type: 'file', path: `bin/${name}`, bytes, mode: 0o755 }];
    const entry: CpioEntry = { type: 'file', path: `${LIBRARIES}/${name}`, bytes, mode: 0o755 };
    const major = /^(.+\.so\.\d+)\.[0-9.]+$/.exec(name)?.[1];
    if (major === undefined) return [entry];
    return [entry, { type: 'symlink', path: `${LIBRARIES}/${major}`, target: name }];
  });
}

async function fetchAll(directory: string, names: readonly string[]): Promise<Uint8Array> {
  const reporter = { note() {}, download: () => ({ progress() {}, end() {} }) };
  const mirror = (await hostMirror()) ?? PUBLIC_MIRROR;
  const keyring = await loadKeyring();
  const place = { mirror, suite: SUITE, architecture: ARCHITECTURE };
  const { archive, index } = await openIndex({ ...place, keyring, directory, reporter }, () => true);
  const directories = ['usr', 'usr/lib', LIBRARIES];
  const entries: CpioEntry[] = directories.map((path) => ({ type: 'directory', path }));
  for (const wanted of closure(index, names)) entries.push(...(await entriesOf(await archive.fetch(wanted))));
  entries.push({ type: 'symlink', path: `lib/${LOADER}`, target: `../${LIBRARIES}/${LOADER}` });
  return writeCpio(entries);
}

/** An archive to put behind an initramfs. It is made once and kept; a test is skipped where there is no mirror. */
export async function debianPackages(test: Context, ...names: string[]): Promise<Uint8Array> {
  const directory = join(dirname(defaultImageDirectory('debian', process.env)), 'test-packages');
  const file = join(directory, `${names.join('-')}.cpio`);
  if (!existsSync(file)) {
    mkdirSync(directory, { recursive: true });
    try {
      await writeAtomically(file, await fetchAll(directory, names));
    } catch (error) {
      missing(test, `Debian's ${names.join(' and ')} for ${ARCHITECTURE}: ${(error as Error).message}`);
    }
  }
  return readFileSync(file);
}
