import { strict as assert } from 'node:assert';
import { flashRegionBytes, Pflash } from '../../../src/machine/flash/pflash.ts';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import { createTestBoard, describeDevice } from '../device-contract.ts';
import { platformDevices } from '../device-factories.ts';

const BLOCK = 256 * 1024;

/** A bank of four blocks, erased but for a pattern in the second one. */
function bank(readOnly = false) {
  const board = createTestBoard(flashRegionBytes(2));
  const storage = new Uint8Array(4 * BLOCK).fill(0xff);
  storage.set([1, 2, 3, 4, 5, 6, 7, 8], BLOCK);
  const maps: boolean[] = [];
  const wiring = { bank: 1, storage, readOnly, doorbell: board.doorbell, map: (on: boolean) => maps.push(on) };
  const flash = new Pflash({ gpa: memoryMap.flash.gpa, size: storage.length }, board.region, wiring);
  flash.reset();
  return { flash, storage, maps, board };
}

if (platformDevices['flash'] !== undefined) describeDevice('flash', platformDevices['flash']);

describe('flash', () => {
  it('is memory until it gets a command, and again after READ ARRAY', () => {
    const { flash, maps } = bank();
    assert.deepEqual(
      [flash.read(BLOCK, 4), flash.read(BLOCK + 2, 2), flash.read(BLOCK + 1, 1)],
      [0x0403_0201, 0x0403, 2],
    );
    flash.write(0, 4, 0x0070_0070);
    assert.equal(flash.read(BLOCK, 4), 0x0080_0080, 'ready');
    flash.write(0, 4, 0x0090_0090);
    flash.write(0, 4, 0x00ff_00ff);
    assert.equal(flash.read(BLOCK, 4), 0x0403_0201);
    flash.write(0, 4, 0x00f0_00f0);
    assert.deepEqual(maps, [false, true], 'slots change only when they must');
  });

  it('answers queries as two chips side by side', () => {
    const { flash } = bank();
    const query = (at: number) => flash.read(4 * at, 4);
    flash.write(0x55 * 4, 4, 0x0098_0098);
    assert.deepEqual([0x10, 0x11, 0x12].map(query), [0x0051_0051, 0x0052_0052, 0x0059_0059], 'QRY');
    assert.deepEqual([0x13, 0x15, 0x27, 0x2c, 0x2d].map(query), [0x1_0001, 0x31_0031, 0x13_0013, 0x1_0001, 0x3_0003]);
    assert.deepEqual([0x2f, 0x30].map(query), [0, 0x2_0002], 'blocks of 128 KiB in a chip');
    assert.deepEqual([flash.read(0x40, 2), flash.read(0x40, 1), query(0x3fff)], [0x51, 0x51, 0]);
    flash.write(0, 4, 0x0090_0090);
    assert.deepEqual([flash.read(0, 4), flash.read(4, 4), flash.read(8, 4)], [0x0089_0089, 0x0018_0018, 0]);
  });

  it('programs: bits can be cleared, not set', () => {
    const { flash, storage, board } = bank();
    const program = (at: number, value: number) => {
      flash.write(at, 4, 0x0040_0040);
      flash.write(at, 4, value);
      assert.equal(flash.read(at, 4), 0x0080_0080, 'ready');
    };
    program(8, 0x1234_5678);
    program(8, 0xffff_00ff);
    flash.write(0, 4, 0xff);
    assert.equal(flash.read(8, 4), 0x1234_0078);
    assert.deepEqual(flash.takeDirty(), [0]);
    assert.deepEqual(flash.takeDirty(), []);
    assert.ok(board.doorbell.rings > 0);
    assert.equal(storage[8], 0x78);
  });

  it('erases whole blocks', () => {
    const { flash, storage } = bank();
    storage.fill(0, BLOCK, 3 * BLOCK);
    flash.write(BLOCK + 0x100, 4, 0x0020_0020);
    flash.write(BLOCK + 0x100, 4, 0x00d0_00d0);
    assert.equal(flash.read(0, 4), 0x0080_0080);
    assert.ok(storage.subarray(BLOCK, 2 * BLOCK).every((byte) => byte === 0xff));
    assert.ok(storage.subarray(2 * BLOCK, 3 * BLOCK).every((byte) => byte === 0));
    assert.deepEqual(
      flash.takeDirty(),
      Array.from({ length: 64 }, (_, i) => 64 + i),
    );
  });

  it('programs through its buffer', () => {
    const { flash } = bank();
    flash.write(0x40, 4, 0x00e8_00e8);
    assert.equal(flash.read(0x40, 4), 0x0080_0080);
    flash.write(0x40, 4, 0x0002_0002);
    for (const [i, value] of [11, 22, 33].entries()) flash.write(0x40 + 4 * i, 4, value);
    flash.write(0x40, 4, 0x00d0_00d0);
    flash.write(0, 4, 0x00ff_00ff);
    assert.deepEqual(
      [0x40, 0x44, 0x48, 0x4c].map((at) => flash.read(at, 4)),
      [11, 22, 33, 0xffff_ffff],
    );
    flash.write(0, 4, 0x00e8_00e8);
    flash.write(0, 4, 0xffff_ffff);
    assert.equal(flash.read(0, 4), 0x0090_0090, 'more than the buffer holds');
  });

  it('keeps what is in it over a reset, and in the middle of a command', () => {
    const { flash, maps } = bank();
    flash.write(8, 4, 0x40);
    flash.reset();
    assert.equal(flash.read(BLOCK, 4), 0x0403_0201);
    assert.deepEqual(maps, [false, true]);
  });

  it('cannot be changed when it is read-only, and says so', () => {
    const { flash, storage } = bank(true);
    const before = storage.slice();
    flash.write(BLOCK, 4, 0x40);
    flash.write(BLOCK, 4, 0);
    assert.equal(flash.read(0, 4), 0x0090_0090);
    flash.write(0, 4, 0x50);
    flash.write(BLOCK, 4, 0x20);
    flash.write(BLOCK, 4, 0xd0);
    assert.equal(flash.read(0, 4), 0x00a0_00a0);
    assert.deepEqual(storage, before);
    assert.deepEqual(flash.takeDirty(), []);
  });
});
