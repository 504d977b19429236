import { strict as assert } from 'node:assert';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DurableDirectory, removeUnfinished } from '../../../src/virt/local/atomic-file.ts';

describe('a directory of files that are whole', () => {
  let path: string;
  let directory: DurableDirectory;

  const content = (name: string) => readFileSync(join(path, name), 'utf8');

  beforeEach(async () => {
    path = mkdtempSync(join(tmpdir(), 'nodevisor-durable-'));
    directory = await DurableDirectory.open(path);
  });
  afterEach(async () => {
    await directory.close();
    rmSync(path, { recursive: true });
  });

  it('writes a file for its user alone, in place of the one that is there', async () => {
    await directory.write('a.xml', 'one');
    await directory.write('a.xml', 'und zwei: ä');
    assert.equal(content('a.xml'), 'und zwei: ä');
    assert.equal(statSync(join(path, 'a.xml')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(path), ['a.xml']);
  });

  it('shows the old content until the new is on the disk, and never half of it', async () => {
    await directory.write('a.xml', 'before');
    const long = 'x'.repeat(1 << 20);
    const written = directory.write('a.xml', long);
    assert.equal(content('a.xml'), 'before');
    await written;
    assert.equal(content('a.xml'), long);
  });

  it('writes many at the same time', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `${index}.xml`);
    await Promise.all(names.map((name) => directory.write(name, name.repeat(100))));
    assert.deepEqual(readdirSync(path).sort(), [...names].sort());
    for (const name of names) assert.equal(content(name), name.repeat(100));
  });

  it('leaves the file that was there, and nothing else, when one cannot be written', async () => {
    mkdirSync(join(path, 'taken'));
    writeFileSync(join(path, 'taken', 'inside'), '');
    await assert.rejects(directory.write('taken', 'text'), { code: 'EISDIR' });
    assert.deepEqual(readdirSync(path), ['taken']);
  });

  it('removes files, also those that are not there', async () => {
    await directory.write('a.xml', 'a');
    await directory.write('a.autostart', '');
    await directory.remove('a.xml', 'none', 'a.autostart');
    assert.deepEqual(readdirSync(path), []);
  });

  it('is rid of what a writer that was killed has left', async () => {
    await directory.write('a.xml', 'a');
    writeFileSync(join(path, '.0.new'), 'hal');
    await removeUnfinished(path);
    assert.equal(existsSync(join(path, '.0.new')), false);
    assert.deepEqual(readdirSync(path), ['a.xml']);
  });
});
