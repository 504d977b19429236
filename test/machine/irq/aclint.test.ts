import { strict as assert } from 'node:assert';
import { Attention, Interrupt } from '../../../src/isa/index.ts';
import { MmioBus } from '../../../src/machine/bus/mmio-bus.ts';
import { ACLINT_REGION_BYTES, Aclint } from '../../../src/machine/irq/aclint.ts';
import { memoryMap } from '../../../src/machine/memory-map.ts';
import { cells, createTestBoard, describeTree, strings, type TestBoard } from '../device-contract.ts';

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;

describe('ACLINT', () => {
  let board: TestBoard;
  let aclint: Aclint;
  let bus: MmioBus;

  beforeEach(() => {
    board = createTestBoard(ACLINT_REGION_BYTES, 2);
    aclint = new Aclint(memoryMap.aclint, board.harts, board.guestClock);
    aclint.reset();
    bus = new MmioBus();
    bus.attach(aclint, board.region);
    for (const hart of board.harts) hart.set32('attention', 0);
  });

  const read64 = (off: number) => {
    assert.ok(bus.read(memoryMap.aclint.gpa + off, 8));
    return (BigInt(bus.hi) << 32n) | BigInt(bus.lo);
  };
  const write64 = (off: number, value: bigint) =>
    bus.write(
      memoryMap.aclint.gpa + off,
      8,
      Number(BigInt.asUintN(32, value)),
      Number(BigInt.asUintN(32, value >> 32n)),
    );
  const attention = () => board.harts.map((hart) => hart.get32('attention'));

  it('drives MSIP from bit 0 of each hart’s MSIP register', () => {
    aclint.write(4, 4, 0xffff_ffff);
    assert.deepEqual(
      board.harts.map((hart) => hart.get32('irqLines')),
      [0, 1 << Interrupt.MSI],
    );
    assert.deepEqual([aclint.read(0, 4), aclint.read(4, 4)], [0, 1]);
    assert.deepEqual(attention(), [0, Attention.INTERRUPT]);
    aclint.write(4, 4, 0xffff_fffe);
    assert.equal(board.harts[1]?.get32('irqLines'), 0);
    aclint.write(8, 4, 1);
    assert.equal(aclint.read(8, 4), 0, 'no third hart');
  });

  it('writes MTIMECMP whole or in halves, into the hart’s state, and makes it look', () => {
    write64(MTIMECMP + 8, 0x1234_5678_9abc_def0n);
    assert.equal(board.harts[1]?.get('mtimecmp'), 0x1234_5678_9abc_def0n);
    assert.deepEqual(attention(), [0, Attention.INTERRUPT]);
    aclint.write(MTIMECMP + 12, 4, 0xffff_ffff);
    aclint.write(MTIMECMP + 8, 4, 5);
    assert.equal(board.harts[1]?.get('mtimecmp'), 0xffff_ffff_0000_0005n);
    assert.equal(read64(MTIMECMP + 8), 0xffff_ffff_0000_0005n);
    assert.equal(aclint.read(MTIMECMP + 12, 4), 0xffff_ffff);
  });

  it('reads MTIME from the guest’s clock, in one piece across a carry', () => {
    board.guestClock.set(0x0000_0001_ffff_ffffn);
    assert.equal(read64(MTIME), 0x1_ffff_ffffn);
    board.guestClock.resume();
    board.clock.advance(100);
    assert.equal(read64(MTIME), 0x2_0000_0000n);
    assert.deepEqual([aclint.read(MTIME, 4), aclint.read(MTIME + 4, 4)], [0, 2]);
  });

  it('sets MTIME, whole or in halves, and makes all harts look', () => {
    write64(MTIME, 0x7_0000_0001n);
    assert.equal(board.guestClock.read(), 0x7_0000_0001n);
    assert.deepEqual(attention(), [Attention.INTERRUPT, Attention.INTERRUPT]);
    aclint.write(MTIME + 4, 4, 9);
    assert.equal(board.guestClock.read(), 0x9_0000_0001n);
    aclint.write(MTIME, 4, 3);
    assert.equal(board.guestClock.read(), 0x9_0000_0003n);
  });

  it('has nothing pending after reset', () => {
    write64(MTIMECMP, 0n);
    aclint.write(0, 4, 1);
    board.guestClock.set(99n);
    aclint.reset();
    assert.equal(read64(MTIMECMP), 2n ** 64n - 1n);
    assert.equal(board.harts[0]?.get32('irqLines'), 0);
    assert.equal(board.guestClock.read(), 0n);
  });

  it('describes itself as QEMU’s board does', () => {
    const node = describeTree(aclint).soc.get('clint@2000000');
    assert.deepEqual(strings(node, 'compatible'), ['sifive,clint0', 'riscv,clint0']);
    assert.deepEqual(cells(node, 'interrupts-extended'), [200, 3, 200, 7, 201, 3, 201, 7]);
  });
});
