import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDefaultNetwork } from '../../../src/virt/local/default-network.ts';
import { DirectoryStore } from '../../../src/virt/local/state-store.ts';

describe('the network that a state directory begins with', () => {
  let directory: string;
  let store: DirectoryStore;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-default-'));
    store = await DirectoryStore.open(directory);
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  const stored = () => (existsSync(join(directory, 'networks')) ? readdirSync(join(directory, 'networks')) : []);

  it('is put there once, to start by itself', async () => {
    await installDefaultNetwork(directory, store);
    const files = stored();
    assert.deepEqual(files.map((name) => name.replace(/^[-0-9a-f]{36}/, 'UUID')).sort(), [
      'UUID.autostart',
      'UUID.xml',
    ]);
    await installDefaultNetwork(directory, store);
    assert.deepEqual(stored(), files);
  });

  it('leaves nothing behind when there is no room for it', async () => {
    const full = Object.assign(Object.create(store) as DirectoryStore, {
      load: () => store.load('networks'),
      setAutostart: (...args: Parameters<DirectoryStore['setAutostart']>) => store.setAutostart(...args),
      save: () => Promise.reject(new Error('no room')),
    });
    await assert.rejects(installDefaultNetwork(directory, full), /no room/);
    assert.deepEqual(stored(), []);
    await installDefaultNetwork(directory, store);
    assert.equal(stored().length, 2);
  });
});
