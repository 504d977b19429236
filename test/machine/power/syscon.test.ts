import { strict as assert } from 'node:assert';
import { machineWord } from '../../../src/cpu/index.ts';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import {
  clearPowerRequest,
  PowerRequest,
  powerRequested,
  requestPower,
} from '../../../src/machine/power/power-request.ts';
import { SYSCON_REGION_BYTES, Syscon } from '../../../src/machine/power/syscon.ts';
import { cells, createTestBoard, describeTree, strings, type TestBoard } from '../device-contract.ts';

describe('SiFive test device', () => {
  let board: TestBoard;
  let syscon: Syscon;

  beforeEach(() => {
    board = createTestBoard(SYSCON_REGION_BYTES);
    syscon = new Syscon(memoryMap.test, board.machine, board.doorbell);
    syscon.reset();
  });

  it('asks for power-off, reset, or an end with an exit code', () => {
    for (const [value, request, code] of [
      [0x5555, PowerRequest.SHUTDOWN, 0],
      [0xffff_5555, PowerRequest.SHUTDOWN, 0],
      [0x7777, PowerRequest.RESET, 0],
      [0x3333, PowerRequest.FAIL, 0],
      [0x002a_3333, PowerRequest.FAIL, 42],
      [0xffff_3333, PowerRequest.FAIL, 0xffff],
    ] as const) {
      clearPowerRequest(board.machine);
      board.doorbell.rings = 0;
      syscon.write(0, 4, value);
      assert.deepEqual(powerRequested(board.machine), { request, code });
      assert.equal(board.doorbell.rings, 1);
    }
  });

  it('takes 16-bit writes, as QEMU’s does', () => {
    syscon.write(0, 2, 0x5555);
    assert.equal(powerRequested(board.machine).request, PowerRequest.SHUTDOWN);
  });

  it('lets the first request stand', () => {
    syscon.write(0, 4, 0x0007_3333);
    syscon.write(0, 4, 0x5555);
    assert.deepEqual(powerRequested(board.machine), { request: PowerRequest.FAIL, code: 7 });
    assert.equal(board.doorbell.rings, 1);
    assert.equal(requestPower(board.machine, board.doorbell, PowerRequest.RESET), false);
  });

  it('ignores everything else', () => {
    for (const value of [0, 1, 0x1111, 0x5554, 0xffff_ffff]) syscon.write(0, 4, value);
    syscon.write(4, 4, 0x5555);
    syscon.write(0, 1, 0x55);
    assert.equal(powerRequested(board.machine).request, PowerRequest.NONE);
    assert.equal(syscon.read(0, 4), 0);
  });

  it('forgets the request on reset', () => {
    syscon.write(0, 4, 0x7777);
    syscon.reset();
    assert.equal(powerRequested(board.machine).request, PowerRequest.NONE);
    assert.equal(requestPower(board.machine, board.doorbell, PowerRequest.SHUTDOWN), true);
  });

  it('shows no request before its code is written', () => {
    Atomics.store(board.machine.words, machineWord.powerRequest, -1);
    assert.equal(powerRequested(board.machine).request, PowerRequest.NONE);
    assert.equal(requestPower(board.machine, board.doorbell, PowerRequest.SHUTDOWN), false);
  });

  it('describes itself with the syscon nodes that use it', () => {
    const { root, soc } = describeTree(syscon);
    const node = soc.get('test@100000');
    assert.deepEqual(strings(node, 'compatible'), ['sifive,test1', 'sifive,test0', 'syscon']);
    for (const [name, value] of [
      ['poweroff', 0x5555],
      ['reboot', 0x7777],
    ] as const) {
      const child = root.get(name);
      assert.deepEqual(strings(child, 'compatible'), [`syscon-${name}`]);
      assert.deepEqual(cells(child, 'regmap'), [node?.phandle]);
      assert.deepEqual(cells(child, 'offset'), [0]);
      assert.deepEqual(cells(child, 'value'), [value]);
    }
  });
});
