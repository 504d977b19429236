import { VirtError } from '../../util/index.ts';
import type { PackageFile } from './deb.ts';
import { type ModuleInfo, moduleName, readModuleInfo } from './kernel-module.ts';
import { unxzBytes } from './xz.ts';

/** A kernel module to ship, with what it says about itself. */
export interface KernelModule {
  readonly name: string;
  /** File name in the initramfs: `.ko`, or `.ko.xz` when `bytes` are compressed. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** The file of the kernel package. */
  readonly packaged: PackageFile;
  readonly info: ModuleInfo;
}

async function unpack(file: PackageFile): Promise<KernelModule> {
  try {
    const bytes = file.path.endsWith('.xz') ? await unxzBytes(file.bytes) : file.bytes;
    const name = moduleName(file.path);
    return { name, file: `${name}.ko`, bytes, packaged: file, info: readModuleInfo(bytes) };
  } catch (cause) {
    throw new VirtError('OPERATION_FAILED', `kernel module ${file.path}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The module as it came, compressed if it was: for one that few guests load, since all unpack and keep it. The kernel
 * takes it so.
 */
export function asPackaged(module: KernelModule): KernelModule {
  const { packaged } = module;
  return packaged.path.endsWith('.xz') ? { ...module, file: `${module.name}.ko.xz`, bytes: packaged.bytes } : module;
}

/** A soft dependency names a module or an alias of the crypto kind, whose module is called like the algorithm. */
function softCandidates(name: string): string[] {
  const bare = name.replaceAll('-', '_');
  return [bare, `${bare.replace(/^crypto_/, '')}_generic`];
}

/**
 * The wanted modules and all that they depend on, dependencies first.
 * @param files every module of the kernel package, compressed as it is there
 * @throws VirtError when one is missing or damaged
 */
export async function selectModules(files: readonly PackageFile[], wanted: readonly string[]): Promise<KernelModule[]> {
  const byName = new Map(files.map((file) => [moduleName(file.path), file]));
  const selected = new Map<string, KernelModule>();
  const underWay = new Set<string>();
  const visit = async (name: string, neededBy: string): Promise<void> => {
    if (underWay.has(name)) return;
    underWay.add(name);
    const file = byName.get(name);
    if (file === undefined) {
      throw new VirtError('OPERATION_FAILED', `the kernel package has no module ${name}, which ${neededBy} needs`);
    }
    const module = await unpack(file);
    for (const dependency of module.info.depends) await visit(dependency.replaceAll('-', '_'), name);
    for (const soft of module.info.softPre) {
      const found = softCandidates(soft).find((candidate) => byName.has(candidate));
      if (found !== undefined) await visit(found, name);
    }
    selected.set(name, module);
  };
  for (const name of wanted) await visit(name, 'the initramfs');
  return [...selected.values()];
}

/** All modules that `module` needs loaded before it, nearest first, as modules.dep lists them. */
function dependencyClosure(module: KernelModule, all: ReadonlyMap<string, KernelModule>): string[] {
  const closure: string[] = [];
  const visit = (m: KernelModule) => {
    for (const name of m.info.depends) {
      const dependency = all.get(name.replaceAll('-', '_'));
      if (dependency === undefined || closure.includes(dependency.file)) continue;
      closure.push(dependency.file);
      visit(dependency);
    }
  };
  visit(module);
  return closure;
}

/** The files that `modprobe` looks names up in: what `depmod` would write for these modules. */
export function moduleIndexes(modules: readonly KernelModule[]): { dep: string; alias: string; softdep: string } {
  const all = new Map(modules.map((m) => [m.name, m]));
  const dep = modules.map(
    (m) =>
      `${m.file}:${dependencyClosure(m, all)
        .map((file) => ` ${file}`)
        .join('')}\n`,
  );
  const alias = modules.flatMap((m) => m.info.aliases.map((a) => `alias ${a} ${m.name}\n`));
  const softdep = modules
    .filter((m) => m.info.softPre.length > 0)
    .map((m) => `softdep ${m.name} pre: ${m.info.softPre.join(' ')}\n`);
  return { dep: dep.join(''), alias: alias.join(''), softdep: softdep.join('') };
}
