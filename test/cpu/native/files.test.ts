import { strict as assert } from 'node:assert';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileBlocks, fileHoles, fileLocks, nativeProblem } from '../../../src/cpu/index.ts';
import { missing } from '../../support/need-tool.ts';

describe('system calls on files', () => {
  it('refuse arguments that are none, and say what is wrong with a file', async function () {
    const holes = fileHoles();
    if (holes === undefined) return missing(this, `native addon: ${nativeProblem()}`);
    const wrong: unknown[][] = [
      [],
      [1],
      [1, 2, 3, 4],
      ['1', 2],
      [-1, 0],
      [1, -1],
      [1, 0.5],
      [2 ** 40, 0],
      [1, 2 ** 60],
    ];
    for (const args of wrong) {
      assert.throws(() => Reflect.apply(holes.seekData, undefined, args), TypeError, JSON.stringify(args));
      assert.throws(() => Reflect.apply(holes.seekHole, undefined, args), TypeError, JSON.stringify(args));
      if (args.length !== 3) assert.throws(() => Reflect.apply(holes.punchHole, undefined, args), TypeError);
    }
    assert.throws(() => Reflect.apply(holes.punchHole, undefined, [1, Number.NaN, 1]), TypeError);
    // No file has this number.
    assert.equal(holes.seekData(2 ** 30, 0), -2);
    if (process.platform === 'linux') assert.equal(await holes.punchHole(2 ** 30, 0, 1), constants.errno.EBADF);
  });

  it('lock bytes until a file is closed, and see the locks of others', async function () {
    const locks = fileLocks();
    if (locks === undefined) return missing(this, `native addon: ${nativeProblem()}`);
    if (process.platform !== 'linux') return missing(this, 'locks of open files are of Linux');
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-test-'));
    try {
      writeFileSync(join(directory, 'file'), '');
      const [one, other] = [0, 1].map(() => openSync(join(directory, 'file'), 'r')) as [number, number];
      assert.equal(locks.byteTaken(other, 100), 0);
      assert.equal(locks.lockByte(one, 100), 0);
      assert.equal(locks.byteTaken(one, 100), 0, 'its own is in nobody’s way');
      assert.equal(locks.byteTaken(other, 100), 1);
      assert.equal(locks.byteTaken(other, 101), 0);
      assert.equal(locks.lockByte(other, 100), 0, 'they are shared');
      closeSync(one);
      closeSync(other);
      const third = openSync(join(directory, 'file'), 'r');
      assert.equal(locks.byteTaken(third, 100), 0);
      closeSync(third);
      assert.equal(locks.lockByte(2 ** 30, 100), constants.errno.EBADF);
      assert.equal(locks.byteTaken(2 ** 30, 100), -constants.errno.EBADF);
      for (const args of [[], [1], [1, -1], ['1', 1], [1, 1, 1]]) {
        assert.throws(() => Reflect.apply(locks.lockByte, undefined, args), TypeError);
        assert.throws(() => Reflect.apply(locks.byteTaken, undefined, args), TypeError);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('read blocks and say which are zero', async function () {
    const blocks = fileBlocks();
    if (blocks === undefined) return missing(this, `native addon: ${nativeProblem()}`);
    if (process.platform === 'win32') return missing(this, 'blocks are not read on Windows');
    const directory = mkdtempSync(join(tmpdir(), 'nodevisor-test-'));
    const file = join(directory, 'file');
    const content = new Uint8Array(600_000);
    // Something in the last byte of a block, in the first, and in the middle, on both sides of what is read at once.
    for (const at of [4095, 8192, 262_143, 262_144, 300_000]) content[at] = 1;
    writeFileSync(file, content);
    const fd = openSync(file, 'r');
    try {
      const read = async (offset: number, bytes: number, block: number, room = 64) => {
        const into = new Uint8Array(bytes).fill(7);
        const runs = new Uint32Array(room);
        const count = await blocks.readBlocks(fd, offset, block, into, runs);
        const wanted = new Uint8Array(bytes);
        wanted.set(content.subarray(offset, offset + bytes));
        assert.deepEqual(into, wanted);
        return [...runs.subarray(0, count)];
      };
      const all = [0, 4096, 4096, 4096, 245_760, 8192, 32_768, 4096, 292_896];
      assert.deepEqual(await read(0, 596_000, 4096), all);
      assert.deepEqual(await read(4096, 4096, 4096), [4096]);
      assert.equal(
        await blocks.readBlocks(fd, 590_000, 4096, new Uint8Array(20_000), new Uint32Array(64)),
        -constants.errno.ENODATA,
      );
      assert.deepEqual(await read(8192, 1000, 4096), [0, 1000], 'less than a block');
      assert.deepEqual(await read(0, 12_288, 4096, 2), [0, 12_288], 'no more room than that');
      assert.deepEqual(await read(0, 12_288, 4096, 3), [0, 12_288], 'whole pairs of it');
      assert.deepEqual(await read(0, 600_000, 400_000), [0, 400_000, 200_000]);
      assert.deepEqual(await read(0, 0, 4096), [0]);
      const more: unknown[][] = [
        [fd, 0, 0, new Uint8Array(1), new Uint32Array(2)],
        [fd, 0, 1, new Uint8Array(1), new Uint32Array(1)],
        [fd, 0, 1, new Uint8Array(1), new Uint8Array(8)],
        [fd, 0, 1, new Uint16Array(1), new Uint32Array(2)],
        [fd, -1, 1, new Uint8Array(1), new Uint32Array(2)],
        [fd, 0, 1, new Uint8Array(1)],
      ];
      for (const args of more) assert.throws(() => Reflect.apply(blocks.readBlocks, undefined, args), TypeError);
      const nowhere = blocks.readBlocks(2 ** 30, 0, 4096, new Uint8Array(8), new Uint32Array(2));
      assert.equal(await nowhere, -constants.errno.EBADF);
    } finally {
      closeSync(fd);
      rmSync(directory, { recursive: true });
    }
  });
});
