import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { VirtError } from '../../util/index.ts';
import { assetPath } from '../assets.ts';
import { type Archive, openIndex, type Reporter } from './archive.ts';
import { extractDeb, type PackageFile } from './deb.ts';
import { buildInitramfs, DEVICE_MODULES, FILE_SYSTEM_MODULES, RARE_DEVICE_MODULES } from './initramfs.ts';
import { loadKeyring } from './keyring.ts';
import { hostMirror, PUBLIC_MIRROR } from './mirror.ts';
import { asPackaged, type KernelModule, selectModules } from './modules.ts';
import { findPackage, type Package, resolveKernel } from './packages.ts';
import { contentName, isCurrent, type Manifest, pruneDownloads, publish, withLock } from './store.ts';

/** What to pull and where to. */
export interface PullOptions {
  /** Where the image goes. */
  readonly directory: string;
  /** Address of a Debian mirror; absent: the one of the host's apt, else Debian's own. */
  readonly mirror?: string;
  /** File with the keys to trust; absent: Debian's. */
  readonly keyring?: string;
  readonly reporter: Reporter;
}

const SUITE = 'trixie';
const ARCHITECTURE = 'riscv64';
const KERNEL_METAPACKAGE = 'linux-image-riscv64';
const USERLAND = 'busybox-static';

/** Messages from the first second on, then on the serial line that is the console. */
const APPEND = 'earlycon=sbi console=ttyS0';

/** Raised when initramfs.ts or the list of modules changes what is built from the same packages. */
const BUILD = 'initramfs 5';

interface Source {
  readonly archive: Archive;
  readonly kernel: Package;
  readonly userland: Package;
}

function cleanMirror(mirror: string): string {
  if (!/^https?:\/\/[^/\s]+/.test(mirror)) {
    throw new VirtError('INVALID_ARG', `mirror ${mirror}: not an http or https address`);
  }
  return mirror.replace(/\/+$/, '');
}

async function findPackages({ directory, mirror, keyring, reporter }: PullOptions): Promise<Source> {
  const address = cleanMirror(mirror ?? (await hostMirror()) ?? PUBLIC_MIRROR);
  const ring = await loadKeyring(keyring);
  reporter.note(`Debian ${SUITE} for ${ARCHITECTURE} from ${address}`);
  const wanted = (name: string) => name === USERLAND || name.startsWith('linux-image-');
  const place = { mirror: address, suite: SUITE, architecture: ARCHITECTURE };
  const { archive, index, sha256 } = await openIndex({ ...place, keyring: ring, directory, reporter }, wanted);
  reporter.note(`Debian ${archive.release.version} of ${archive.release.date}, signature checked with ${ring.file}`);
  const kernel = resolveKernel(index, KERNEL_METAPACKAGE);
  const userland = findPackage(index, USERLAND);
  await pruneDownloads(directory, [sha256, kernel.sha256, userland.sha256]);
  return { archive, kernel, userland };
}

function single(files: readonly PackageFile[], pattern: RegExp, from: Package): PackageFile {
  const found = files.find((file) => pattern.test(file.path));
  if (found === undefined) throw new VirtError('OPERATION_FAILED', `package ${from.name} holds no ${pattern.source}`);
  return found;
}

/** Modules for devices unpacked, those for rare ones and for what is on disks as they were packaged. */
async function initramfsModules(files: readonly PackageFile[]): Promise<KernelModule[]> {
  const early = await selectModules(files, DEVICE_MODULES);
  const all = await selectModules(files, [...DEVICE_MODULES, ...RARE_DEVICE_MODULES, ...FILE_SYSTEM_MODULES]);
  const names = new Set(early.map(({ name }) => name));
  return all.map((module) => (names.has(module.name) ? module : asPackaged(module)));
}

async function build(
  source: Source,
  inputs: Manifest['inputs'],
  scripts: { readonly init: Uint8Array; readonly dhcp: Uint8Array },
): Promise<{ manifest: Manifest; files: Map<string, Uint8Array> }> {
  const { archive, kernel, userland } = source;
  const kernelFiles = await extractDeb(await archive.fetch(kernel), (path) =>
    /^boot\/vmlinu[xz]-|\.ko(\.xz)?$/.test(path),
  );
  const userlandFiles = await extractDeb(await archive.fetch(userland), (path) => /(^|\/)bin\/busybox$/.test(path));
  const image = single(kernelFiles, /^boot\/vmlinu[xz]-/, kernel);
  const kernelRelease = image.path.replace(/^boot\/vmlinu[xz]-/, '');
  const modules = await initramfsModules(kernelFiles.filter((file) => file !== image));
  const busybox = single(userlandFiles, /busybox$/, userland).bytes;
  const initramfs = buildInitramfs({ kernelRelease, busybox, modules, ...scripts });
  const kernelName = contentName(`vmlinux-${kernelRelease}`, image.bytes);
  const initrdName = contentName('initramfs', initramfs, '.cpio');
  const manifest: Manifest = {
    format: 1,
    name: 'debian',
    title: `Debian ${archive.release.version} (${SUITE}), Linux ${kernelRelease}`,
    kernel: kernelName,
    initrd: initrdName,
    append: APPEND,
    inputs,
  };
  return {
    manifest,
    files: new Map([
      [kernelName, image.bytes],
      [initrdName, initramfs],
    ]),
  };
}

/**
 * Gets Debian's current riscv64 kernel, modules and busybox, and makes an image of them that boots to a shell. What
 * is downloaded is trusted through the archive's signature, and kept; the directory's image is replaced only once the
 * new one is whole.
 * @returns the image's manifest, and whether there was anything to do
 * @throws VirtError with one line that says what went wrong and what to do
 */
export async function pullDebian(options: PullOptions): Promise<{ manifest: Manifest; changed: boolean }> {
  return withLock(options.directory, async () => {
    const source = await findPackages(options);
    const init = await readFile(assetPath('tools/image/guest-init.sh'));
    const dhcp = await readFile(assetPath('tools/image/guest-dhcp.sh'));
    const inputs = {
      [source.kernel.name]: source.kernel.sha256,
      [source.userland.name]: source.userland.sha256,
      init: createHash('sha256').update(init).update(dhcp).digest('hex'),
      build: BUILD,
    };
    const current = await isCurrent(options.directory, inputs);
    if (current !== undefined) return { manifest: current, changed: false };
    const { manifest, files } = await build(source, inputs, { init, dhcp });
    await publish(options.directory, manifest, files);
    return { manifest, changed: true };
  });
}
