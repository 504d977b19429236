import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Logger, makeDirectory } from '../../util/index.ts';
import type { Backend } from '../backend.ts';
import { virtError } from '../errors.ts';
import type { ConnectionUri } from '../uri.ts';
import { DirectoryStorage } from './directory-storage.ts';
import { openLocalBackend } from './local-backend.ts';
import { MemoryStorage } from './memory-storage.ts';
import { SharedWorlds } from './shared-worlds.ts';
import { DirectoryStore, MemoryStore } from './state-store.ts';
import { World } from './world.ts';

const worlds = new SharedWorlds();

/** What a local connection is opened with. */
export interface OpenOptions {
  readonly readOnly: boolean;
  readonly logger: Logger;
}

/** `nodevisor:///embed`. Throws INVALID_ARG for a parameter that is unknown. */
export async function openEmbed({ text, params }: ConnectionUri, options: OpenOptions): Promise<Backend> {
  const state = params.get('state');
  for (const name of params.keys()) {
    if (name !== 'state') throw virtError('INVALID_ARG', `unknown parameter '${name}' in '${text}': there is 'state'`);
  }
  if (state === '') throw virtError('INVALID_ARG', `parameter 'state' in '${text}' names no directory`);
  const directory = state === null ? undefined : await realDirectory(state);
  return open(text, `embed:${directory ?? ''}`, options, async () => {
    const store = directory === undefined ? new MemoryStore() : await DirectoryStore.open(directory);
    // Only now: who manages machines of other processes needs no machine of its own.
    const { EmbedHypervisor } = await import('../embed/embed-hypervisor.ts');
    const hypervisor = new EmbedHypervisor(options.logger);
    const world = new World({ hypervisor, store, storage: new DirectoryStorage() });
    await world.load().catch(async (error: unknown) => {
      await world.close();
      throw error;
    });
    return world;
  });
}

/** `test:///default`. */
export function openTest({ text }: ConnectionUri, options: OpenOptions): Promise<Backend> {
  return open(text, 'test', options, async () => {
    const { TestHypervisor } = await import('../test-world/test-hypervisor.ts');
    const { populate } = await import('../test-world/populate.ts');
    const hypervisor = new TestHypervisor(options.logger);
    const world = new World({ hypervisor, store: new MemoryStore(), storage: new MemoryStorage() });
    await populate(world);
    return world;
  });
}

async function open(uri: string, key: string, { readOnly }: OpenOptions, make: () => Promise<World>): Promise<Backend> {
  const { world, release } = await worlds.take(key, make);
  return openLocalBackend({ world, uri, readOnly, onClose: release });
}

/** The one path of a directory, which is made if it is not there. */
async function realDirectory(path: string): Promise<string> {
  await makeDirectory(path, 0o700);
  return realpath(resolve(path));
}
