import { createReadStream } from 'node:fs';
import { VirtError } from '../../util/index.ts';
import { download, type OnProgress } from './download.ts';
import { httpText } from './http.ts';
import type { Keyring } from './keyring.ts';
import { type Package, type PackageIndex, readPackages } from './packages.ts';
import { type Release, readRelease } from './release.ts';
import { downloadPath } from './store.ts';
import { unxzText } from './xz.ts';

/** Shows what is going on. */
export interface Reporter {
  /** One line of news. */
  note(text: string): void;
  /** A download starts: the returned function is told how far it is, and `end` that it is over, well or not. */
  download(name: string, bytes: number): { progress: OnProgress; end(): void };
}

/** More than any InRelease file. */
const RELEASE_MAX_BYTES = 4 << 20;

/** One suite of a Debian mirror, trusted through its signature. */
export class Archive {
  readonly #mirror: string;
  readonly #directory: string;
  readonly #reporter: Reporter;
  readonly #release: Release;
  readonly #suite: string;

  private constructor(mirror: string, suite: string, directory: string, reporter: Reporter, release: Release) {
    this.#mirror = mirror;
    this.#suite = suite;
    this.#directory = directory;
    this.#reporter = reporter;
    this.#release = release;
  }

  /**
   * Gets the suite's Release file and checks its signature.
   * @param directory where downloads are kept
   */
  static async open(
    mirror: string,
    suite: string,
    keyring: Keyring,
    directory: string,
    reporter: Reporter,
  ): Promise<Archive> {
    const url = `${mirror}/dists/${suite}/InRelease`;
    const release = await readRelease(await httpText(url, RELEASE_MAX_BYTES), keyring, url, new Date());
    if (release.codename !== suite && release.suite !== suite) {
      // A mirror could offer an older suite, rightly signed, in place of the one that was asked for.
      throw new VirtError('OPERATION_FAILED', `${url}: is the Release file of ${release.codename}, not of ${suite}`);
    }
    return new Archive(mirror, suite, directory, reporter, release);
  }

  get release(): Release {
    return this.#release;
  }

  async #fetch(name: string, url: string, facts: { bytes: number; sha256: string }): Promise<string> {
    const file = downloadPath(this.#directory, facts.sha256);
    const shown = this.#reporter.download(name, facts.bytes);
    try {
      await download(url, file, facts, shown.progress);
    } finally {
      shown.end();
    }
    return file;
  }

  /** The index of `main` for an architecture, as far as `wanted` accepts names, and the hash of the index file. */
  async packages(
    architecture: string,
    wanted: (name: string) => boolean,
  ): Promise<{ index: PackageIndex; sha256: string }> {
    const directory = `main/binary-${architecture}`;
    const facts = this.#release.files.get(`${directory}/Packages.xz`);
    if (facts === undefined) {
      throw new VirtError('OPERATION_FAILED', `${this.#mirror}: suite ${this.#suite} has no index for ${architecture}`);
    }
    const base = `${this.#mirror}/dists/${this.#suite}/${directory}`;
    const url = this.#release.byHash ? `${base}/by-hash/SHA256/${facts.sha256}` : `${base}/Packages.xz`;
    const file = await this.#fetch(`package index of ${this.#suite}`, url, facts);
    try {
      return { index: await readPackages(unxzText(createReadStream(file)), wanted), sha256: facts.sha256 };
    } catch (cause) {
      throw new VirtError('OPERATION_FAILED', `${url}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Downloads a package and returns the file. */
  fetch(wanted: Package): Promise<string> {
    return this.#fetch(`${wanted.name} ${wanted.version}`, `${this.#mirror}/${wanted.path}`, wanted);
  }
}

/** Where packages are looked up. */
export interface PackageSource {
  readonly mirror: string;
  /** A release's code name. */
  readonly suite: string;
  readonly architecture: string;
  readonly keyring: Keyring;
  /** Where downloads are kept. */
  readonly directory: string;
  readonly reporter: Reporter;
}

/** The index of a suite, with the archive that it and its packages are from. */
export interface OpenIndex {
  readonly archive: Archive;
  readonly index: PackageIndex;
  readonly sha256: string;
}

/** A second name of the release, while it is Debian's current one. */
const CURRENT = 'stable';

/**
 * Opens a suite and gets its index, as far as `wanted` accepts names. A mirror that is being brought up to date, or a
 * cache before it, may have a Release file whose index is not there yet, and the release before it whole under its other
 * name: then that one is taken, as rightly signed as the first.
 */
export async function openIndex(source: PackageSource, wanted: (name: string) => boolean): Promise<OpenIndex> {
  const { mirror, suite, architecture, keyring, directory, reporter } = source;
  const open = (name: string) => Archive.open(mirror, name, keyring, directory, reporter);
  const archive = await open(suite);
  try {
    return { archive, ...(await archive.packages(architecture, wanted)) };
  } catch (error) {
    const current = await open(CURRENT).catch(() => undefined);
    if (current?.release.codename !== suite || current.release.date === archive.release.date) throw error;
    reporter.note(`the mirror is being updated: Debian ${current.release.version} of ${current.release.date} is whole`);
    return { archive: current, ...(await current.packages(architecture, wanted)) };
  }
}
