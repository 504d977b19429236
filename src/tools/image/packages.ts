import { VirtError } from '../../util/index.ts';
import { readStanzas } from './deb822.ts';
import type { FileFacts } from './release.ts';

/** A package as an archive's Packages index describes it. */
export interface Package extends FileFacts {
  readonly name: string;
  readonly version: string;
  /** Path below the mirror's root. */
  readonly path: string;
  readonly depends: string;
}

/** Packages of an index by name. */
export type PackageIndex = ReadonlyMap<string, Package>;

/** Reads those packages of an index whose names `wanted` accepts. */
export async function readPackages(
  index: AsyncIterable<string>,
  wanted: (name: string) => boolean,
): Promise<PackageIndex> {
  const packages = new Map<string, Package>();
  for await (const stanza of readStanzas(index)) {
    const name = stanza.get('package') ?? '';
    if (!wanted(name)) continue;
    packages.set(name, {
      name,
      version: stanza.get('version') ?? '',
      path: stanza.get('filename') ?? '',
      depends: stanza.get('depends') ?? '',
      bytes: Number(stanza.get('size')),
      sha256: stanza.get('sha256') ?? '',
    });
  }
  return packages;
}

/** A package of the index. @throws VirtError when it is not there or not described in full. */
export function findPackage(index: PackageIndex, name: string): Package {
  const found = index.get(name);
  if (found === undefined) throw new VirtError('OPERATION_FAILED', `the archive has no package ${name}`);
  // A path is joined to the mirror's address and a hash names a file: neither may lead anywhere else.
  const sound =
    /^[0-9a-f]{64}$/.test(found.sha256) &&
    Number.isSafeInteger(found.bytes) &&
    /^[A-Za-z0-9_+.~/-]+$/.test(found.path) &&
    !found.path.split('/').includes('..');
  if (!sound) throw new VirtError('OPERATION_FAILED', `the archive's index describes package ${name} badly`);
  return found;
}

/**
 * The package with the kernel itself: the one that the metapackage (`linux-image-riscv64`) depends on in exactly one
 * version.
 */
export function resolveKernel(index: PackageIndex, metapackage: string): Package {
  const meta = findPackage(index, metapackage);
  for (const dependency of meta.depends.split(',')) {
    const name = /^\s*(linux-image-\S+)/.exec(dependency)?.[1];
    if (name !== undefined) return findPackage(index, name);
  }
  throw new VirtError('OPERATION_FAILED', `package ${metapackage} ${meta.version} depends on no kernel`);
}
