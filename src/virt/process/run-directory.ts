import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, makeDirectory } from '../../util/index.ts';
import { removeFile, removeUnfinished, writeFileAtomically } from '../local/atomic-file.ts';
import type { RunRecord } from '../local/hypervisor.ts';
import { JobQueue } from '../local/job-queue.ts';
import type { ProcessIdentity } from './identity.ts';
import { looseObject } from './messages.ts';

/** Version of the files. */
const RECORD_VERSION = 1;

/** A run as its file tells it: the record, and which process has its machine. */
export interface StoredRun {
  readonly record: RunRecord;
  readonly process: ProcessIdentity & { readonly name: string };
}

const recordFile = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json$/;
const processFile = /^(m-[0-9a-f]+)\.(?:sock|end|err)$/;

/**
 * The directory of what runs: `UUID.json` for each running domain, replaced as a whole, and the files of processes. It
 * means something only as long as the host runs, so it need not reach the disk.
 */
export class RunDirectory {
  readonly path: string;
  readonly #logger: Logger;
  /** Writes of one run, one after another; of several that wait the last counts. */
  readonly #writes = new Map<string, { readonly jobs: JobQueue; next: StoredRun | undefined }>();

  private constructor(path: string, logger: Logger) {
    this.path = path;
    this.#logger = logger;
  }

  static async open(path: string, logger: Logger): Promise<RunDirectory> {
    await makeDirectory(path, 0o700);
    // Whoever reaches a socket in it has the machine.
    await chmod(path, 0o700);
    await removeUnfinished(path);
    return new RunDirectory(path, logger);
  }

  /** Keeps a run, in place of what was kept of the domain. */
  save(run: StoredRun): Promise<void> {
    const { uuid } = run.record;
    const queue = this.#writes.get(uuid) ?? { jobs: new JobQueue(), next: undefined };
    this.#writes.set(uuid, queue);
    queue.next = run;
    return queue.jobs.run(async () => {
      const { next } = queue;
      queue.next = undefined;
      if (next !== undefined) await writeFileAtomically(this.#file(uuid), formatRun(next));
    });
  }

  /** Forgets a run. */
  async remove(uuid: string): Promise<void> {
    const queue = this.#writes.get(uuid);
    if (queue !== undefined) queue.next = undefined;
    this.#writes.delete(uuid);
    await queue?.jobs.idle();
    // It may have started again meanwhile.
    if (!this.#writes.has(uuid)) await removeFile(this.#file(uuid));
  }

  /** What is kept. A file that cannot be read is logged and passed over. */
  async load(): Promise<StoredRun[]> {
    const runs: StoredRun[] = [];
    for (const file of await readdir(this.path)) {
      const uuid = recordFile.exec(file)?.[1];
      if (uuid === undefined) continue;
      try {
        runs.push(parseRun(await readFile(join(this.path, file), 'utf8'), uuid));
      } catch (error) {
        this.#logger.log('error', `what was kept of running domain ${uuid} cannot be read: ${String(error)}`);
        await removeFile(join(this.path, file));
      }
    }
    return runs;
  }

  /** Names of processes that have left files. */
  async processes(): Promise<string[]> {
    const names = (await readdir(this.path)).flatMap((file) => processFile.exec(file)?.[1] ?? []);
    return [...new Set(names)];
  }

  #file(uuid: string): string {
    return join(this.path, `${uuid}.json`);
  }
}

function formatRun({ record, process }: StoredRun): string {
  return `${JSON.stringify({ version: RECORD_VERSION, process, ...record }, null, 1)}\n`;
}

/** Throws for what is no such file. */
function parseRun(text: string, uuid: string): StoredRun {
  const all = looseObject(JSON.parse(text), 'the file');
  if (all['version'] !== RECORD_VERSION) throw new TypeError(`its version is ${String(all['version'])}`);
  const process = looseObject(all['process'], 'its process');
  const { name, xml, id, state, reason, autodestroy, messages } = all;
  if (all['uuid'] !== uuid || typeof name !== 'string' || typeof xml !== 'string') {
    throw new TypeError('it names another domain');
  }
  if (![id, state, reason, process['pid']].every(Number.isSafeInteger) || !Array.isArray(messages)) {
    throw new TypeError('it does not tell what ran');
  }
  if (typeof process['name'] !== 'string' || !/^m-[0-9a-f]+$/.test(process['name'])) {
    throw new TypeError('its process has no name');
  }
  return {
    record: {
      uuid,
      name,
      xml,
      id: id as number,
      state: state as number,
      reason: reason as number,
      autodestroy: autodestroy === true,
      messages: messages.map(String),
    },
    process: process as unknown as StoredRun['process'],
  };
}
