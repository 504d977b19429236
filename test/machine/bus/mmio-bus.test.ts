import { strict as assert } from 'node:assert';
import { MmioBus } from '../../../src/machine/bus/mmio-bus.ts';
import { deviceRegion, RegionAllocator } from '../../../src/machine/bus/region.ts';
import type { MmioDevice, WideAccess, Width } from '../../../src/machine/device.ts';

/** Answers reads with its own pattern and notes all accesses. */
class Probe implements MmioDevice {
  readonly id: string;
  readonly window: { gpa: number; size: number };
  readonly log: string[] = [];
  readonly region = deviceRegion(new SharedArrayBuffer(64), 0, 64);
  /** What the lock's word held during the last access. */
  lockWord = -1;
  wide?: WideAccess;
  fails = false;

  constructor(id: string, gpa: number, size: number) {
    this.id = id;
    this.window = { gpa, size };
  }

  read(off: number, width: Width): number {
    this.lockWord = Atomics.load(this.region.words, 0);
    if (this.fails) throw new Error('a bug');
    this.log.push(`r${width}@${off}`);
    return 0x8000_0000 + off;
  }

  write(off: number, width: Width, value: number): void {
    this.log.push(`w${width}@${off}=${value.toString(16)}`);
  }

  reset(): void {}
  save(): Record<string, unknown> {
    return {};
  }
  restore(): void {}
  describe(): void {}
}

function wire(...probes: Probe[]): MmioBus {
  const bus = new MmioBus();
  for (const probe of probes) bus.attach(probe, probe.region);
  return bus;
}

describe('MMIO bus', () => {
  it('routes to the window that holds the address, with the offset inside it', () => {
    const probes = [5, 1, 3, 2, 4].map((n) => new Probe(`d@${n}000`, n * 0x1000, 0x1000));
    const bus = wire(...probes);
    for (const probe of probes) {
      assert.equal(bus.read(probe.window.gpa, 4), true);
      assert.equal(bus.write(probe.window.gpa + 0xffc, 4, 7, 0), true);
      assert.deepEqual(probe.log, ['r4@0', 'w4@4092=7']);
    }
    assert.deepEqual(
      bus.devices.map((d) => d.id),
      ['d@1000', 'd@2000', 'd@3000', 'd@4000', 'd@5000'],
    );
  });

  it('finds nothing between, before and after the windows, and counts it', () => {
    const bus = wire(new Probe('a@1000', 0x1000, 0x100), new Probe('b@3000', 0x3000, 0x100));
    for (const gpa of [0, 0xffc, 0x1100, 0x2ffc, 0x3100, 2 ** 55]) {
      assert.equal(bus.read(gpa, 4), false);
      assert.equal(bus.write(gpa, 4, 0, 0), false);
    }
    assert.equal(bus.unmapped, 12);
  });

  it('refuses misaligned accesses and those that leave the window', () => {
    const probe = new Probe('a@1000', 0x1000, 0x14);
    const bus = wire(probe);
    assert.equal(bus.read(0x1001, 2), false);
    assert.equal(bus.read(0x1002, 4), false);
    assert.equal(bus.read(0x1004, 8), false);
    assert.equal(bus.write(0x1010, 8, 0, 0), false);
    assert.equal(bus.read(0x1010, 4), true);
    assert.deepEqual(probe.log, ['r4@16']);
  });

  it('makes two 4-byte accesses of an 8-byte one, low half first', () => {
    const probe = new Probe('a@1000', 0x1000, 0x100);
    const bus = wire(probe);
    assert.equal(bus.read(0x1008, 8), true);
    assert.deepEqual([bus.lo, bus.hi], [0x8000_0008, 0x8000_000c]);
    bus.write(0x1010, 8, -1, 0x1234);
    assert.deepEqual(probe.log, ['r4@8', 'r4@12', 'w4@16=ffffffff', 'w4@20=1234']);
  });

  it('leaves an 8-byte access whole for a device that takes it so', () => {
    const probe = new Probe('a@1000', 0x1000, 0x100);
    probe.wide = {
      read64(off, into) {
        into.lo = off;
        into.hi = 2;
      },
      write64: (off, lo, hi) => probe.log.push(`w8@${off}=${hi.toString(16)}:${lo.toString(16)}`),
    };
    const bus = wire(probe);
    bus.read(0x1008, 8);
    assert.deepEqual([bus.lo, bus.hi], [8, 2]);
    bus.write(0x1008, 8, -1, -2);
    assert.deepEqual(probe.log, ['w8@8=fffffffe:ffffffff']);
  });

  it('cuts written values to the width and clears the high half of narrow reads', () => {
    const probe = new Probe('a@1000', 0x1000, 0x100);
    const bus = wire(probe);
    bus.write(0x1000, 1, 0x1234_5678, 9);
    bus.write(0x1000, 2, 0x1234_5678, 9);
    bus.write(0x1000, 4, -1, 9);
    assert.deepEqual(probe.log, ['w1@0=78', 'w2@0=5678', 'w4@0=ffffffff']);
    bus.read(0x1000, 8);
    bus.read(0x1000, 1);
    assert.equal(bus.hi, 0);
  });

  it('holds the device’s lock during an access, and lets go of it even if the device throws', () => {
    const probe = new Probe('a@1000', 0x1000, 0x100);
    const bus = wire(probe);
    bus.read(0x1000, 4);
    assert.equal(probe.lockWord, 1);
    assert.equal(probe.region.words[0], 0);
    probe.fails = true;
    assert.throws(() => bus.read(0x1000, 4), /a bug/);
    assert.equal(probe.region.words[0], 0);
  });

  it('rejects overlapping windows, empty ones and equal ids at wiring', () => {
    const bus = wire(new Probe('a@1000', 0x1000, 0x100));
    const attach = (probe: Probe) => () => bus.attach(probe, probe.region);
    assert.throws(attach(new Probe('b@10ff', 0x10ff, 1)), /overlaps that of a@1000/);
    assert.throws(attach(new Probe('b@f00', 0xf00, 0x101)), /overlaps/);
    assert.throws(attach(new Probe('b@2000', 0x2000, 0)), /no range/);
    assert.throws(attach(new Probe('b', Number.NaN, 4)), /no range/);
    assert.throws(attach(new Probe('a@1000', 0x2000, 4)), /two devices are called a@1000/);
    attach(new Probe('b@1100', 0x1100, 0x100))();
  });
});

describe('region allocator', () => {
  it('hands out disjoint, aligned regions in the same order on every thread', () => {
    const buffer = new SharedArrayBuffer(4096);
    const sizes = [1, 64, 65, 200];
    const offsets = () => {
      const allocator = new RegionAllocator(buffer, 100, 4096);
      return sizes.map((bytes) => allocator.take(bytes).offset);
    };
    assert.deepEqual(offsets(), [128, 192, 256, 384]);
    assert.deepEqual(offsets(), offsets());
  });

  it('says when the area is used up', () => {
    const allocator = new RegionAllocator(new SharedArrayBuffer(4096), 0, 256);
    allocator.take(192);
    assert.throws(() => allocator.take(65), /no room for a device region of 65 bytes/);
    allocator.take(64);
  });
});
