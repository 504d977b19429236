import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { openDiskImage } from '../../../src/machine/backend/open-disk.ts';
import type { Qcow2CreateOptions } from '../../../src/machine/backend/qcow2/create.ts';
import { memImage } from '../../support/qcow2-image.ts';
import { tempDir } from './temp-dir.ts';

const MIB = 2 ** 20;

describe('openDiskImage', () => {
  const path = tempDir();

  async function make(name: string, options: Partial<Qcow2CreateOptions> = {}): Promise<string> {
    writeFileSync(path(name), (await memImage({ size: MIB, ...options })).content);
    return path(name);
  }

  function raw(name: string, fill: number): string {
    writeFileSync(path(name), new Uint8Array(MIB).fill(fill));
    return path(name);
  }

  async function first(image: string, options: { format?: 'raw' | 'qcow2' } = {}): Promise<number | undefined> {
    const disk = await openDiskImage(image, { format: 'qcow2', readOnly: true, ...options });
    const into = new Uint8Array(512);
    await disk.read(0, into);
    await disk.close();
    return into[0];
  }

  it('opens a chain by names relative to each image’s own directory', async () => {
    mkdirSync(path('below'));
    raw('below/base.raw', 5);
    await make('below/middle', { backingFile: 'base.raw', backingFormat: 'raw' });
    const top = await make('top', { backingFile: 'below/middle', backingFormat: 'qcow2' });
    assert.equal(await first(top), 5);
    const disk = await openDiskImage(top, { format: 'qcow2' });
    assert.equal(disk.backing?.backing?.format, 'raw');
    await assert.rejects(openDiskImage(path('below/base.raw'), { format: 'raw' }), /in use/);
    assert.equal(await first(path('below/middle')), 5, 'what is below can be read by others');
    await disk.close();
    await (await openDiskImage(path('below/base.raw'), { format: 'raw' })).close();
    assert.equal(await first(await make('absolute', { backingFile: path('below/base.raw'), backingFormat: 'raw' })), 5);
    assert.equal(await first(await make('uri', { backingFile: 'file:below/base.raw', backingFormat: 'raw' })), 5);
  });

  it('never looks into a raw image for a format', async () => {
    // What a guest could write to its raw disk.
    const secret = path('secret');
    writeFileSync(secret, new Uint8Array(MIB).fill(0x53));
    const guests = await make('guests.raw', { backingFile: secret, backingFormat: 'raw' });
    assert.equal(await first(guests, { format: 'raw' }), 0x51);
    const above = await make('above', { backingFile: 'guests.raw', backingFormat: 'raw' });
    assert.equal(await first(above), 0x51);
    const unnamed = await make('unnamed', { backingFile: 'guests.raw' });
    await assert.rejects(first(unnamed), { code: 'INVALID_ARG', message: /does not name the format.*rebase -u -F/ });
    raw('plain', 9);
    assert.equal(await first(await make('on-plain', { backingFile: 'plain' })), 9);
  });

  it('refuses chains that lead back into themselves', async () => {
    const self = await make('self', { backingFile: 'self', backingFormat: 'qcow2' });
    await assert.rejects(first(self), { code: 'INVALID_ARG', message: /in its own chain already/ });
    const one = await make('one', { backingFile: 'two', backingFormat: 'qcow2' });
    await make('two', { backingFile: 'link', backingFormat: 'qcow2' });
    symlinkSync(one, path('link'));
    await assert.rejects(first(one), { code: 'INVALID_ARG', message: /in its own chain already/ });
    const data = await make('data', { dataFile: 'data' });
    await assert.rejects(first(data), { code: 'INVALID_ARG', message: /in its own chain already/ });
  });

  it('refuses chains without end', async () => {
    for (let i = 0; i < 202; i++) await make(`c${i}`, { backingFile: `c${i + 1}`, backingFormat: 'qcow2' });
    await assert.rejects(first(path('c0')), { code: 'INVALID_ARG', message: /below 200 others/ });
    await (await openDiskImage(path('c1'), { format: 'qcow2', backing: 'none' })).close();
  });

  it('refuses backing files that are no files, missing, or in another format', async () => {
    for (const [name, message] of [
      ['nbd://host/disk', /'nbd:\/\/host\/disk' is not a file/],
      ['json:{"driver":"null-co"}', /is not a file/],
      ['missing', /backing file cannot be opened: .*missing': it does not exist/],
    ] as const) {
      const image = await make('image', { backingFile: name, backingFormat: 'qcow2' });
      await assert.rejects(first(image), { code: 'INVALID_ARG', message });
      await (await openDiskImage(image, { format: 'qcow2' }).catch(() => undefined))?.close();
    }
    raw('base', 1);
    const vmdk = await make('vmdk', { backingFile: 'base', backingFormat: 'vmdk' });
    await assert.rejects(first(vmdk), { code: 'INVALID_ARG', message: /format 'vmdk' is not supported/ });
    const wrong = await make('wrong', { backingFile: 'base', backingFormat: 'qcow2' });
    await assert.rejects(first(wrong), { code: 'INVALID_ARG', message: /not a qcow2 image/ });
  });

  it('leaves nothing open and locked behind a failure', async () => {
    const image = await make('image', { backingFile: 'missing', backingFormat: 'raw' });
    for (let i = 0; i < 3; i++) await assert.rejects(openDiskImage(image, { format: 'qcow2' }), /missing/);
    raw('missing', 3);
    assert.equal(await first(image), 3);
  });

  it('keeps guest data in the data file that the header names', async () => {
    writeFileSync(path('data'), '');
    const image = await make('image', { dataFile: 'data' });
    const disk = await openDiskImage(image, { format: 'qcow2' });
    await disk.write(65536, new Uint8Array(512).fill(8));
    await disk.close();
    assert.equal(readFileSync(path('data'))[65536], 8);
  });
});
