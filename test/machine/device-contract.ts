import { strict as assert } from 'node:assert';
import { GuestClock, HartState, MachineState } from '../../src/cpu/index.ts';
import { GuestMemory } from '../../src/hypervisor/index.ts';
import { sharedMap } from '../../src/isa/index.ts';
import { deviceRegion } from '../../src/machine/bus/region.ts';
import type { DescribeContext, DeviceRegion, Doorbell, IrqLine, MmioDevice, Width } from '../../src/machine/device.ts';
import { FdtBuilder, type FdtTreeNode } from '../../src/machine/firmware/fdt.ts';
import { ManualClock, SeededRandom } from '../../src/util/index.ts';

/** A line that remembers. */
export class RecordingLine implements IrqLine {
  level = false;
  /** Changes from low to high. */
  rises = 0;

  set(level: boolean): void {
    if (level && !this.level) this.rises++;
    this.level = level;
  }
}

/** A doorbell that counts. */
export class CountingDoorbell implements Doorbell {
  rings = 0;

  ring(): void {
    this.rings++;
  }
}

/** Guest physical address and size of the RAM that a test board has. */
export const TEST_RAM = { gpa: 0x8000_0000, bytes: 0x1_0000 } as const;

/** All that a device may be wired to, over shared memory of its own. */
export interface TestBoard {
  readonly buffer: SharedArrayBuffer;
  readonly machine: MachineState;
  readonly harts: readonly HartState[];
  readonly memory: GuestMemory;
  readonly clock: ManualClock;
  readonly guestClock: GuestClock;
  readonly region: DeviceRegion;
  readonly irq: RecordingLine;
  readonly doorbell: CountingDoorbell;
}

/** A board with a region of `regionBytes`, `harts` harts and 64 KiB of RAM. Its clock stands until it is moved. */
export function createTestBoard(regionBytes: number, harts = 2): TestBoard {
  const buffer = new SharedArrayBuffer(sharedMap.ram + TEST_RAM.bytes);
  const machine = new MachineState(buffer);
  machine.set32('hartCount', harts);
  machine.set('slotGpa', BigInt(TEST_RAM.gpa));
  machine.set('slotLen', BigInt(TEST_RAM.bytes));
  machine.set('slotOffset', BigInt(sharedMap.ram));
  const clock = new ManualClock(0, 1_700_000_000_000_000_000n);
  const guestClock = new GuestClock(buffer, clock);
  guestClock.init(10_000_000, 'host');
  return {
    buffer,
    machine,
    harts: Array.from({ length: harts }, (_, id) => new HartState(buffer, id)),
    memory: new GuestMemory(buffer),
    clock,
    guestClock,
    region: deviceRegion(buffer, sharedMap.devices, regionBytes),
    irq: new RecordingLine(),
    doorbell: new CountingDoorbell(),
  };
}

/** A device under the contract. */
export interface DeviceFactory {
  readonly regionBytes: number;
  /** A front half over the board; called several times for one board, as its threads do. */
  make(board: TestBoard): MmioDevice;
  /** Offsets worth more visits than chance would give them, for large windows. */
  readonly offsets?: readonly number[];
  /** Values worth more visits than chance would give them (magic numbers, addresses of rings). */
  readonly values?: readonly number[];
  /** Names of saved fields that reset leaves alone. */
  readonly survivesReset?: readonly string[];
  /** Prepares RAM for a round of abuse, beyond random contents. */
  fillMemory?(board: TestBoard, random: SeededRandom): void;
}

const WIDTHS: readonly Width[] = [1, 2, 4];
const HOSTILE = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x5555, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0x8000_0010, 0xffff_ffff,
] as const;
/** Windows up to this size are visited byte by byte, larger ones sampled beyond it. */
const EXHAUSTIVE_BYTES = 0x1_0000;

/** One register access; what abuse is made of. */
export interface Access {
  readonly off: number;
  readonly width: Width;
  /** Absent: a read. */
  readonly value?: number;
}

/** A random access to the device's window. */
export function randomAccess(device: MmioDevice, factory: DeviceFactory, random: SeededRandom): Access {
  const width = random.pick(WIDTHS);
  const size = device.window.size;
  const near = Math.min(size, 0x200);
  const anywhere = random.below(3) === 0 ? random.below(size) : random.below(near);
  const favourite = factory.offsets !== undefined && random.below(2) === 0;
  const start = favourite ? random.pick(factory.offsets) : anywhere;
  // Registers are aligned; so is most, not all, of what a guest does, and the bus refuses the rest.
  const off = Math.min(start - (start % width), size - width);
  if (random.below(2) === 0) return { off, width };
  return { off, width, value: randomValue(factory, random) % 2 ** (8 * width) };
}

function randomValue(factory: DeviceFactory, random: SeededRandom): number {
  if (factory.values !== undefined && random.below(2) === 0) return random.pick(factory.values);
  return random.below(2) === 0 ? random.pick(HOSTILE) : random.u32();
}

/** Makes the access; returns what was read, or -1. */
export function perform(device: MmioDevice, access: Access): number {
  if (access.value === undefined) {
    const value = device.read(access.off, access.width);
    const inRange = Number.isInteger(value) && value >= 0 && value < 2 ** (8 * access.width);
    assert.ok(inRange, `read of ${access.width} bytes at 0x${access.off.toString(16)} gave ${value}`);
    return value;
  }
  device.write(access.off, access.width, access.value);
  return -1;
}

/** The board's RAM, without a copy. */
export function ramOf(board: TestBoard): Uint8Array {
  return new Uint8Array(board.buffer, sharedMap.ram, TEST_RAM.bytes);
}

/** Fills RAM with random bytes, half of them zero so that lengths and indexes are not always absurd. */
export function fillRam(board: TestBoard, factory: DeviceFactory, random: SeededRandom): void {
  const ram = ramOf(board);
  for (let i = 0; i < ram.length; i++) ram[i] = random.below(2) === 0 ? 0 : random.below(256);
  factory.fillMemory?.(board, random);
}

/** A device tree with a `soc` node to describe into. */
export function describeTree(device: MmioDevice, harts = 2): { root: FdtTreeNode; soc: FdtTreeNode } {
  const root = new FdtBuilder().root;
  const soc = root.child('soc');
  const context: DescribeContext = {
    plicPhandle: 100,
    irq: 10,
    cpuIntcPhandles: Array.from({ length: harts }, (_, id) => 200 + id),
    root,
  };
  device.describe(soc, context);
  return { root, soc };
}

/** A property as 32-bit cells. */
export function cells(node: FdtTreeNode | undefined, name: string): number[] {
  const bytes = node?.properties.get(name) ?? new Uint8Array(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4));
}

/** A property as a list of strings. */
export function strings(node: FdtTreeNode | undefined, name: string): string[] {
  const bytes = node?.properties.get(name) ?? new Uint8Array(0);
  return new TextDecoder().decode(bytes).split('\0').slice(0, -1);
}

/** A saved state as it comes back from a file. */
function throughJson(state: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(state)) as Record<string, unknown>;
}

function without(state: Record<string, unknown>, names: readonly string[] = []): Record<string, unknown> {
  return Object.fromEntries(Object.entries(throughJson(state)).filter(([name]) => !names.includes(name)));
}

/** What every device on the bus must hold to, whatever it is. */
export function describeDevice(name: string, factory: DeviceFactory): void {
  describe(`${name}: device contract`, () => {
    const fresh = () => {
      const board = createTestBoard(factory.regionBytes);
      const device = factory.make(board);
      device.reset();
      return { board, device };
    };

    const abuse = (device: MmioDevice, board: TestBoard, seed: number, count: number) => {
      const random = new SeededRandom(seed);
      fillRam(board, factory, random);
      for (let i = 0; i < count; i++) perform(device, randomAccess(device, factory, random));
    };

    it('has an id with its unit address and a window that is a range', () => {
      const { device } = fresh();
      assert.equal(device.id.split('@')[1], device.window.gpa.toString(16));
      assert.ok(device.window.size > 0 && Number.isSafeInteger(device.window.gpa + device.window.size));
    });

    it('is in its power-on state after reset, whatever came before', () => {
      const expected = without(fresh().device.save(), factory.survivesReset);
      for (let seed = 1; seed <= 20; seed++) {
        const { board, device } = fresh();
        abuse(device, board, seed, 200);
        device.reset();
        assert.deepEqual(without(device.save(), factory.survivesReset), expected, `seed ${seed}`);
        assert.equal(board.irq.level, false, `line after reset, seed ${seed}`);
      }
    });

    it('comes back from a saved state exactly, over another state and on another machine', () => {
      for (let seed = 1; seed <= 20; seed++) {
        const { board, device } = fresh();
        abuse(device, board, seed, 300);
        const saved = throughJson(device.save());
        const line = board.irq.level;
        abuse(device, board, seed + 1000, 300);
        device.restore(saved);
        assert.deepEqual(throughJson(device.save()), saved, `same machine, seed ${seed}`);
        assert.equal(board.irq.level, line, `line, same machine, seed ${seed}`);

        const other = fresh();
        other.device.restore(saved);
        assert.deepEqual(throughJson(other.device.save()), saved, `other machine, seed ${seed}`);
        assert.equal(other.board.irq.level, line, `line, other machine, seed ${seed}`);
      }
    });

    it('takes hostile reads and writes of every width everywhere in its window', () => {
      const { board, device } = fresh();
      const random = new SeededRandom(4711);
      fillRam(board, factory, random);
      const size = device.window.size;
      const offsets = Array.from({ length: Math.min(size, EXHAUSTIVE_BYTES) }, (_, off) => off);
      if (size > EXHAUSTIVE_BYTES) {
        for (let i = 0; i < 4096; i++) offsets.push(random.below(size));
        offsets.push(...(factory.offsets ?? []), size - 4);
      }
      for (const off of offsets) {
        for (const width of WIDTHS) {
          if (off % width !== 0 || off + width > size) continue;
          perform(device, { off, width });
          perform(device, { off, width, value: random.pick(HOSTILE) % 2 ** (8 * width) });
          perform(device, { off, width, value: randomValue(factory, random) % 2 ** (8 * width) });
        }
        if (device.wide !== undefined && off % 8 === 0 && off + 8 <= size) {
          const value = { lo: -1, hi: -1 };
          device.wide.read64(off, value);
          for (const half of [value.lo, value.hi]) assert.ok(half >= 0 && half <= 0xffff_ffff);
          device.wide.write64(off, random.u32(), random.pick(HOSTILE));
        }
      }
    });

    it('keeps its state in the shared region alone: any thread may serve the next access', () => {
      for (let seed = 1; seed <= 20; seed++) {
        const one = fresh();
        const many = fresh();
        const instances = [many.device, factory.make(many.board), factory.make(many.board)];
        fillRam(one.board, factory, new SeededRandom(seed));
        fillRam(many.board, factory, new SeededRandom(seed));
        const random = new SeededRandom(seed + 500);
        for (let i = 0; i < 400; i++) {
          const access = randomAccess(one.device, factory, random);
          const instance = instances[i % instances.length] as MmioDevice;
          assert.equal(perform(instance, access), perform(one.device, access), `seed ${seed}, access ${i}`);
          one.board.clock.advance(1e6);
          many.board.clock.advance(1e6);
        }
        const expected = throughJson(one.device.save());
        for (const instance of instances) assert.deepEqual(throughJson(instance.save()), expected, `seed ${seed}`);
        assert.equal(many.board.irq.level, one.board.irq.level, `line, seed ${seed}`);
        assert.deepEqual(ramOf(many.board), ramOf(one.board), `RAM, seed ${seed}`);
      }
    });

    it('describes itself in the device tree', () => {
      const { device } = fresh();
      const node = describeTree(device).soc.get(device.id);
      assert.ok(node, 'no node below soc');
      assert.notDeepEqual(strings(node, 'compatible'), []);
      const { gpa, size } = device.window;
      assert.deepEqual(cells(node, 'reg'), [Math.floor(gpa / 2 ** 32), gpa % 2 ** 32, 0, size]);
    });
  });
}
