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
