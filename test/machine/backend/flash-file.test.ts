import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlashFile } from '../../../src/machine/backend/flash-file.ts';
import { pattern } from '../virtio/blk-driver.ts';

const BYTES = 0x1_0000;
const page = (n: number, seed: number) => ({ at: n * 4096, bytes: pattern(4096, seed) });

describe('the file of a flash bank', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-flash-'));
    path = join(directory, 'vars.fd');
    writeFileSync(path, new Uint8Array(BYTES));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('keeps pages, and leaves no journal behind', async () => {
    const { store, contents } = await FlashFile.open(path, BYTES);
    assert.deepEqual(contents, new Uint8Array(BYTES));
    await store.save([page(0, 1), page(3, 2)]);
    await store.save([page(0, 3)]);
    await store.close();
    const expected = new Uint8Array(BYTES);
    expected.set(pattern(4096, 3), 0);
    expected.set(pattern(4096, 2), 3 * 4096);
    assert.deepEqual(new Uint8Array(readFileSync(path)), expected);
    assert.equal(existsSync(FlashFile.journalPath(path)), false);
  });

  it('has all of a batch or none of it after a crash at any point', async () => {
    const before = pattern(BYTES, 9);
    writeFileSync(path, before);
    const first = await FlashFile.open(path, BYTES);
    await first.store.save([page(1, 1)]);
    const old = readFileSync(FlashFile.journalPath(path));
    const middle = readFileSync(path);
    await first.store.save([page(2, 2), page(5, 3)]);
    const journal = readFileSync(FlashFile.journalPath(path));
    const after = readFileSync(path);
    await first.store.close();
    const recovered = async (file: Uint8Array, left: Uint8Array) => {
      writeFileSync(path, file);
      writeFileSync(FlashFile.journalPath(path), left);
      const { store, contents } = await FlashFile.open(path, BYTES);
      await store.close();
      assert.deepEqual(new Uint8Array(readFileSync(path)), contents);
      return Buffer.from(contents);
    };
    // The journal is written over the one before, byte by byte; then the pages are.
    for (const cut of [0, 1, 11, 12, 20, 44, 60, 4000, journal.length - 1]) {
      const torn = Buffer.concat([journal.subarray(0, cut), old.subarray(cut)]);
      assert.ok((await recovered(middle, torn)).equals(middle), `journal cut at ${cut}`);
    }
    for (const done of [[2], [5], [2, 5], []]) {
      const half = Buffer.from(middle);
      for (const n of done) half.set(after.subarray(n * 4096, n * 4096 + 2000), n * 4096);
      assert.ok((await recovered(half, journal)).equals(after), `pages ${done.join()} written in part`);
    }
  });

  it('takes nothing from a journal that is not its own work', async () => {
    for (const rubbish of [
      pattern(100, 1),
      Buffer.from('NDVFLSH1'),
      Buffer.concat([Buffer.from('NDVFLSH1'), pattern(5000, 2)]),
    ]) {
      writeFileSync(FlashFile.journalPath(path), rubbish);
      const { store, contents } = await FlashFile.open(path, BYTES);
      await store.close();
      assert.deepEqual(contents, new Uint8Array(BYTES));
    }
  });

  it('refuses another size, and a file that is in use', async () => {
    await assert.rejects(() => FlashFile.open(path, 2 * BYTES), /it has 65536 bytes, not 131072; make it so with/);
    const { store } = await FlashFile.open(path, BYTES);
    await assert.rejects(() => FlashFile.open(path, BYTES), /^VirtError: flash '.*': it is in use/);
    await assert.rejects(() => FlashFile.open(`${path}.not`, BYTES), /^VirtError: flash '.*\.not': it does not exist/);
    await store.close();
  });
});
