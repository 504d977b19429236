import { strict as assert } from 'node:assert';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { fileHoles, nativeProblem } from '../../../src/cpu/index.ts';
import { FileBlock } from '../../../src/machine/backend/file-block.ts';
import { probeBytes } from '../../../src/machine/backend/host-file.ts';
import { lockImage, lockingOpenFlags, lockKind } from '../../../src/machine/backend/image-lock.ts';
import { missing } from '../../support/need-tool.ts';
import { describeBlockBackend } from './block-contract.ts';
import { tempDir } from './temp-dir.ts';

describe('FileBlock', () => {
  const path = tempDir();

  function image(name: string, bytes = 4096, fill = 0): string {
    writeFileSync(path(name), new Uint8Array(bytes).fill(fill));
    return path(name);
  }

  async function refuses(name: string, reason: RegExp, options: { readOnly?: boolean } = {}): Promise<void> {
    await assert.rejects(FileBlock.open(path(name), options), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'INVALID_ARG');
      assert.ok(error.message.includes(path(name)), error.message);
      assert.ok(!error.message.includes('\n'));
      assert.match(error.message, reason);
      return true;
    });
  }

  describeBlockBackend('FileBlock', async (bytes) => FileBlock.open(image('disk', bytes)));

  it('is the file, byte for byte', async () => {
    const disk = await FileBlock.open(image('disk'));
    await disk.write(1024, Buffer.from('hello'.padEnd(512)));
    await disk.flush();
    await disk.close();
    assert.equal(readFileSync(path('disk')).indexOf('hello'), 1024);
    assert.equal(statSync(path('disk')).size, 4096);
  });

  it('knows where the file has holes, and makes some where its contents do not matter', async function () {
    if (fileHoles() === undefined) missing(this, `holes in files: ${nativeProblem()}`);
    const mb = 2 ** 20;
    const disk = await FileBlock.open(image('disk', 4 * mb, 7));
    const blocks = () => statSync(path('disk')).blocks * 512;
    assert.deepEqual(await disk.extent(512, 2 * mb), { kind: 'data', bytes: 2 * mb, host: 512 });
    const before = blocks();
    await disk.discard(mb, mb);
    await disk.writeZeroes(3 * mb, 65_536, true);
    if (blocks() === before) missing(this, `a file system with holes below ${path('')}`);
    assert.equal(blocks(), before - mb - 65_536);
    assert.deepEqual(await disk.extent(0, 4 * mb), { kind: 'data', bytes: mb, host: 0 });
    assert.deepEqual(await disk.extent(mb + 512, 4096), { kind: 'zero', bytes: 4096 });
    assert.deepEqual(await disk.extent(mb + 512, 3 * mb - 512), { kind: 'zero', bytes: mb - 512 });
    const into = new Uint8Array(65_536).fill(9);
    await disk.read(3 * mb, into);
    assert.ok(into.every((byte) => byte === 0));
    // Zeroes that are to keep their place keep it.
    const holed = blocks();
    await disk.writeZeroes(0, mb, false);
    assert.equal(blocks(), holed);
    await assert.rejects(disk.discard(4 * mb, 512), /beyond the end/);
    await disk.close();
    assert.equal(statSync(path('disk')).size, 4 * mb);
  });

  it('rounds a file of any size up to sectors, the rest reading as zeroes', async () => {
    const disk = await FileBlock.open(image('disk', 700, 5));
    assert.equal(disk.sectors, 2);
    const into = new Uint8Array(1024).fill(9);
    await disk.read(0, into);
    assert.deepEqual(into, new Uint8Array(1024).fill(5, 0, 700));
    assert.equal(statSync(path('disk')).size, 700, 'reading changes nothing');
    await disk.write(512, new Uint8Array(512).fill(6));
    assert.equal(statSync(path('disk')).size, 1024);
    await disk.close();
  });

  it('fails reads of a file that has become shorter', async () => {
    const disk = await FileBlock.open(image('disk'));
    truncateSync(path('disk'), 1024);
    await assert.rejects(disk.read(1024, new Uint8Array(512)), /shorter/);
    await disk.close();
  });

  it('does not write a read-only image, nor resize it', async () => {
    const disk = await FileBlock.open(image('disk'), { readOnly: true });
    assert.equal(disk.readOnly, true);
    await assert.rejects(disk.write(0, new Uint8Array(512)));
    await assert.rejects(disk.resize(512), { code: 'OPERATION_INVALID' });
    await disk.close();
    assert.equal(statSync(path('disk')).size, 4096);
  });

  it('refuses what is not there, not a file or empty, naming it', async () => {
    await refuses('missing', /does not exist/);
    mkdirSync(path('dir'));
    await refuses('dir', /is a directory/);
    await refuses('dir', /is a directory/, { readOnly: true });
    image('empty', 0);
    await refuses('empty', /is empty/);
    symlinkSync('/dev/zero', path('zero'));
    await refuses('zero', /neither a file nor a block device/);
    await refuses('zero', /neither a file nor a block device/, { readOnly: true });
  });

  it('refuses sockets and FIFOs without waiting for them', async function () {
    if (process.platform === 'win32') missing(this, 'Windows has neither FIFOs nor sockets among its files');
    execFileSync('mkfifo', [path('fifo')]);
    await refuses('fifo', /neither a file nor a block device/);
    await refuses('fifo', /neither a file nor a block device/, { readOnly: true });
    const server = createServer().listen(path('socket'));
    await once(server, 'listening');
    await assert.rejects(FileBlock.open(path('socket')), { code: 'INVALID_ARG' });
    server.close();
  });

  it('finds the size of a block device by reading', async () => {
    for (const sectors of [0, 1, 2, 3, 5, 1023, 1024, 1025, 123_456_789, 2 ** 40 + 7]) {
      let reads = 0;
      const bytes = await probeBytes(async (offset) => {
        reads++;
        return offset < sectors * 512;
      });
      assert.equal(bytes, sectors * 512);
      assert.ok(reads < 100);
    }
  });

  describe('lock', () => {
    const holders: ChildProcess[] = [];

    afterEach(async () => {
      for (const holder of holders.splice(0)) await kill(holder);
    });

    async function kill(holder: ChildProcess): Promise<void> {
      if (holder.exitCode !== null || holder.signalCode !== null) return;
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }

    /** Another process that opens an image, and what it says of that. */
    async function hold(name: string, mode: 'write' | 'readonly'): Promise<{ process: ChildProcess; says: string }> {
      const script = fileURLToPath(new URL('./image-holder.ts', import.meta.url));
      const holder = spawn(process.execPath, ['--import', 'tsx', script, path(name), mode], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      holders.push(holder);
      const [output] = (await once(holder.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
      return { process: holder, says: output.toString().trim() };
    }

    it('keeps an image that is being written from others, and lets go when it is closed', async () => {
      const disk = await FileBlock.open(image('disk'));
      await refuses('disk', /in use: Failed to get/);
      await refuses('disk', /in use: Failed to get/, { readOnly: true });
      await disk.close();
      await (await FileBlock.open(path('disk'))).close();
    });

    it('lets many read an image, but nobody write it meanwhile', async () => {
      image('disk');
      const readers = [];
      for (let i = 0; i < 5; i++) readers.push(await FileBlock.open(path('disk'), { readOnly: true }));
      await refuses('disk', /in use/);
      for (const reader of readers) await reader.close();
      await (await FileBlock.open(path('disk'))).close();
    });

    it('is the image’s under any of its names', async () => {
      const disk = await FileBlock.open(image('disk'));
      linkSync(path('disk'), path('hard'));
      symlinkSync(path('disk'), path('soft'));
      await refuses('hard', /in use/);
      await refuses('soft', /in use/);
      image('other');
      await (await FileBlock.open(path('other'))).close();
      await disk.close();
    });

    it('admits one of many that come at the same time', async () => {
      image('disk');
      for (let round = 0; round < 10; round++) {
        const attempts = Array.from({ length: 8 }, (_, i) => FileBlock.open(path('disk'), { readOnly: i % 4 === 3 }));
        const opened = (await Promise.allSettled(attempts)).flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
        const writers = opened.filter((disk) => !disk.readOnly).length;
        assert.ok(writers === 0 || opened.length === 1, `${writers} writers among ${opened.length}`);
        for (const disk of opened) await disk.close();
      }
    });

    it('is released by a failure to open', async () => {
      image('disk', 0);
      await refuses('disk', /empty/);
      image('disk');
      await (await FileBlock.open(path('disk'))).close();
    });

    it('holds between processes, and dies with its holder, even by kill -9', async () => {
      image('disk');
      const writer = await hold('disk', 'write');
      assert.equal(writer.says, 'open');
      await refuses('disk', /in use: Failed to get/);
      assert.match((await hold('disk', 'write')).says, /in use: Failed to get/);
      await kill(writer.process);
      const disk = await FileBlock.open(path('disk'));
      await disk.close();
      const reader = await hold('disk', 'readonly');
      assert.equal(reader.says, 'open');
      await refuses('disk', /in use/);
      await (await FileBlock.open(path('disk'), { readOnly: true })).close();
      await kill(reader.process);
      await (await FileBlock.open(path('disk'))).close();
    });

    it('is seen by processes that have no other, and sees theirs', async () => {
      if (lockKind() === 'open-flags') return;
      const { dev, ino } = statSync(image('disk'), { bigint: true });
      for (const exclusive of [false, true]) {
        const theirs = await lockImage(dev, ino, { exclusive });
        await refuses('disk', /in use/);
        if (exclusive) await refuses('disk', /in use/, { readOnly: true });
        else await (await FileBlock.open(path('disk'), { readOnly: true })).close();
        await theirs?.release();
        const disk = await FileBlock.open(path('disk'), { readOnly: !exclusive });
        assert.equal(await lockImage(dev, ino, { exclusive: true }), undefined);
        await disk.close();
      }
    });

    it('keeps the file open, so that no other gets its numbers', async function () {
      if (process.platform !== 'linux') missing(this, 'lists of open files are of Linux');
      const image1 = image('disk');
      const script = `
        const { FileBlock } = await import(${JSON.stringify(new URL('../../../src/machine/backend/file-block.ts', import.meta.url).href)});
        const { readdirSync, readlinkSync } = await import('node:fs');
        await (async () => void (await FileBlock.open(${JSON.stringify(image1)})))();
        for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 5)).then(() => gc());
        const names = readdirSync('/proc/self/fd').map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } });
        console.log(names.includes(${JSON.stringify(image1)}));
        process.exit();`;
      const args = ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script];
      assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim(), 'true');
    });

    it('is made of what each system frees by itself', () => {
      assert.equal(lockKind('linux'), 'abstract-socket');
      assert.equal(lockKind('win32'), 'named-pipe');
      assert.equal(lockKind('darwin'), 'open-flags');
      assert.equal(lockingOpenFlags(true, 'abstract-socket'), 0);
      assert.equal(lockingOpenFlags(true, 'open-flags'), 0x24);
      assert.equal(lockingOpenFlags(false, 'open-flags'), 0x14);
    });
  });
});
