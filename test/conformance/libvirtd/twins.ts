/** Two of Debian's libvirtd, each with a world of its own: what virsh says of one is what we are to say of the other. */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { type Connection, connect } from '../../../src/index.ts';
import { cli, type Result } from '../../tools/cli/support.ts';
import { LibvirtDaemon } from '../../virt/rpc/clients/libvirt-daemon.ts';

const NOBODY = 65_534;

/** One of the two, with who asks it. */
export interface Twin {
  readonly daemon: LibvirtDaemon;
  /** Runs one command, as of a shell of its own. */
  ask(uri: string, words: readonly string[]): Promise<Result>;
}

/** A driver of the daemon's and its path. */
export type Driver = readonly [driver: string, path: string];

const env = { LC_ALL: 'C', TZ: 'UTC', EDITOR: 'true' };

async function askVirsh(uri: string, words: readonly string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...env, PATH: process.env['PATH'] }, timeout: 60_000 };
    const child = execFile('virsh', ['-c', uri, ...words], options, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
    child.stdin?.end();
  });
}

const askOurs = (uri: string, words: readonly string[]) => cli(['-c', uri, ...words], env);

/** What is random, of one of the two, or of the moment. */
function plain(text: string, daemon: LibvirtDaemon): string {
  return (
    text
      .replaceAll(daemon.directory, 'DIR')
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d{4}/g, 'STAMP')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}/g, 'TIME')
      .replace(/(?<=creationTime>)\d+/g, 'TIME')
      .replace(/^\d{9,}\.\d{6}/gm, 'TIME')
      .replace(/libvirt-\d+/g, 'libvirt-N')
      .replace(/(?<=KiB: )\d+/g, 'N')
      .replace(/52:54:00(:[0-9a-f]{2}){3}/g, 'MAC')
      // How far a job had got when it was asked is chance.
      .replace(/\r[\w ]+: \[ *\d+ %\]/g, '')
  );
}

/** Both, and files that each has in its own directory. */
export class Twins {
  readonly #twins: readonly Twin[];
  readonly #held: Connection[] = [];

  constructor() {
    this.#twins = [
      { daemon: new LibvirtDaemon(), ask: askVirsh },
      { daemon: new LibvirtDaemon(), ask: askOurs },
    ];
  }

  /** @param files by their names; `DIR` in them is the daemon's directory */
  async start(test: Context, files: Readonly<Record<string, string>>): Promise<void> {
    for (const { daemon } of this.#twins) {
      await daemon.start(test);
      for (const [name, contents] of Object.entries(files)) {
        const file = join(daemon.directory, name);
        writeFileSync(file, contents.replaceAll('DIR', daemon.directory));
        chmodSync(file, 0o666);
      }
      // The test driver's world ends with its last connection.
      this.#held.push(await connect(daemon.uri('test', '/default')));
    }
  }

  /** Gives both a file that their machines may write. */
  give(name: string, from: string): void {
    for (const { daemon } of this.#twins) {
      const file = join(daemon.directory, 'pool', name);
      copyFileSync(from, file);
      if (process.getuid?.() === 0) chownSync(file, NOBODY, NOBODY);
    }
  }

  /** What a command comes to with virsh, and with us. */
  async both([driver, path]: Driver, line: string): Promise<readonly [real: Result, ours: Result]> {
    const [real, ours] = await Promise.all(
      this.#twins.map(async ({ daemon, ask }) => {
        const words = line.split(' ').map((word) => word.replaceAll('_', ' ').replaceAll('DIR', daemon.directory));
        const { code, out, err } = await ask(daemon.uri(driver, path), words);
        return { code, out: plain(out, daemon), err: plain(err, daemon) };
      }),
    );
    return [real as Result, ours as Result];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#held.map((connection) => connection.close()));
    await Promise.all(this.#twins.map(({ daemon }) => daemon.stop()));
  }
}
