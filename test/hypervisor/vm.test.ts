import { strict as assert } from 'node:assert';
import { createSharedMemory, GuestMemoryError, RAM_BYTES_MAX, Vm } from '../../src/hypervisor/index.ts';
import { sharedMap } from '../../src/isa/index.ts';
import { ManualClock, VirtError } from '../../src/util/index.ts';

const RAM = 0x8000_0000;
const MIB = 2 ** 20;

function makeVm(ramBytes = 4 * MIB): Vm {
  const shared = createSharedMemory({ ramBytes });
  return Vm.create({ shared, clock: new ManualClock(), harts: 2, timebaseHz: 10_000_000, clockMode: 'host' });
}

function slot(
  id: number,
  gpa: number,
  bytes: number,
  offset = 0,
  flags: { readOnly?: boolean; logDirty?: boolean } = {},
) {
  return { id, gpa, bytes, offset: sharedMap.ram + offset, readOnly: false, logDirty: false, ...flags };
}

function isError(code: string, message: RegExp) {
  return (error: unknown) => error instanceof VirtError && error.code === code && message.test(error.message);
}

describe('hypervisor: shared memory', () => {
  it('has room for what was asked and is all zero', () => {
    const { buffer } = createSharedMemory({ ramBytes: 4096 });
    assert.ok(buffer instanceof SharedArrayBuffer);
    assert.ok(buffer.byteLength >= sharedMap.ram + 4096);
    assert.ok(new Uint8Array(buffer).every((b) => b === 0));
  });

  it('refuses sizes that cannot be', () => {
    for (const ramBytes of [0, -4096, 1000, 4096.5, Number.NaN]) {
      assert.throws(() => createSharedMemory({ ramBytes }), isError('INVALID_ARG', /multiple of 4096/));
    }
    assert.throws(
      () => createSharedMemory({ ramBytes: RAM_BYTES_MAX + 4096 }),
      isError('CONFIG_UNSUPPORTED', /more than/),
    );
  });
});

describe('hypervisor: memory slots', () => {
  it('make guest memory where they are and nowhere else', () => {
    const vm = makeVm();
    vm.addSlot(slot(0, RAM, MIB));
    vm.memory.write(RAM + MIB - 4, Uint8Array.of(1, 2, 3, 4));
    assert.equal(vm.memory.u32(RAM + MIB - 4), 0x04030201);
    assert.throws(() => vm.memory.write(RAM + MIB - 3, Uint8Array.of(1, 2, 3, 4)), GuestMemoryError);
    assert.throws(() => vm.memory.u16(RAM - 2), GuestMemoryError);
    vm.removeSlot(0);
    assert.throws(() => vm.memory.u32(RAM), GuestMemoryError);
    assert.deepEqual(vm.slots, []);
  });

  it('are the same to every thread', () => {
    const vm = makeVm();
    const other = Vm.attach(vm.shared, new ManualClock());
    vm.addSlot(slot(3, RAM, MIB, MIB));
    vm.memory.setU32(RAM + 8, 77);
    assert.equal(other.memory.u32(RAM + 8), 77);
    assert.deepEqual(other.slots, vm.slots);
    assert.equal(other.harts.length, 2);
  });

  it('can be read-only, to devices too, and change', () => {
    const vm = makeVm();
    vm.addSlot(slot(0, 0x1000, 0x1000, 0, { readOnly: true }));
    assert.throws(() => vm.memory.setU32(0x1000, 1), /read-only/);
    vm.updateSlot(0, { readOnly: false });
    vm.memory.setU32(0x1000, 1);
    assert.equal(vm.memory.u32(0x1000), 1);
  });

  it('refuse what is misaligned, out of range, overlapping or taken', () => {
    const vm = makeVm();
    vm.addSlot(slot(0, RAM, MIB));
    const bad: [ReturnType<typeof slot>, RegExp][] = [
      [slot(0, 0, 4096), /already in use/],
      [slot(16, 0, 4096), /slots are 0 to 15/],
      [slot(1, 1, 4096), /gpa 1 is no multiple/],
      [slot(1, 0, 100), /bytes 100 is no multiple/],
      [slot(1, 0, 0), /no range/],
      [slot(1, RAM + MIB - 4096, 8192), /overlaps slot 0/],
      [slot(1, RAM - 4096, 8192), /overlaps slot 0/],
      [slot(1, 0, 64 * MIB), /outside the shared memory/],
      [slot(1, 0, 4096, -4096), /outside the shared memory/],
      [slot(1, 2 ** 53 - 4096, 8192), /no range/],
    ];
    for (const [s, message] of bad) assert.throws(() => vm.addSlot(s), isError('INVALID_ARG', message));
    assert.throws(() => vm.removeSlot(5), isError('INVALID_ARG', /not in use/));
    assert.throws(() => vm.dirtyLog(0), isError('OPERATION_INVALID', /no dirty log/));
  });

  it('log written pages and forget them when asked', () => {
    const vm = makeVm();
    vm.addSlot(slot(0, RAM, MIB, 0, { logDirty: true }));
    vm.addSlot(slot(1, 0, MIB, MIB, { logDirty: true }));
    vm.memory.write(RAM + 4095, Uint8Array.of(1, 2));
    vm.memory.setU16(40 * 4096, 1);
    vm.memory.read(RAM + 5 * 4096, new Uint8Array(10));
    const log = vm.dirtyLog(0);
    assert.equal(log.length, 8);
    assert.deepEqual([...log], [3, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual([...vm.dirtyLog(1)], [0, 1 << 8, 0, 0, 0, 0, 0, 0]);
    assert.ok(vm.dirtyLog(0).every((word) => word === 0));
  });

  it('begin a log empty and keep its bitmap apart from the others', () => {
    const vm = makeVm();
    vm.addSlot(slot(0, RAM, MIB));
    vm.addSlot(slot(1, 0, 4096, MIB, { logDirty: true }));
    vm.memory.setU32(0, 1);
    vm.memory.setU32(RAM, 1);
    vm.updateSlot(0, { logDirty: true });
    assert.ok(vm.dirtyLog(0).every((word) => word === 0));
    vm.memory.setU32(RAM + 31 * 4096, 1);
    assert.equal(vm.dirtyLog(0)[0], 0x8000_0000);
    vm.updateSlot(0, { readOnly: true });
    assert.equal(vm.dirtyLog(1)[0], 1);
    vm.updateSlot(0, { logDirty: false });
    assert.throws(() => vm.dirtyLog(0), /no dirty log/);
  });
});

describe('hypervisor: a VM', () => {
  it('has 1 to 8 vCPUs', () => {
    const shared = createSharedMemory({ ramBytes: 4096 });
    for (const harts of [0, 9, 1.5]) {
      assert.throws(
        () => Vm.create({ shared, clock: new ManualClock(), harts, timebaseHz: 1, clockMode: 'host' }),
        isError('INVALID_ARG', /1 to 8/),
      );
    }
  });

  it('cannot be attached to before it is created', () => {
    assert.throws(() => Vm.attach(createSharedMemory({ ramBytes: 4096 }), new ManualClock()), /no machine/);
  });

  it('says what it can do', () => {
    const vm = makeVm();
    assert.equal(vm.supports('dirty-log'), true);
    assert.equal(vm.supports('nested-guests'), false);
  });
});
