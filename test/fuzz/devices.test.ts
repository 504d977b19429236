import { strict as assert } from 'node:assert';
import { sharedMap } from '../../src/isa/index.ts';
import { type BusWidth, MmioBus } from '../../src/machine/bus/mmio-bus.ts';
import { RegionAllocator } from '../../src/machine/bus/region.ts';
import { TimerQueue } from '../../src/machine/bus/timers.ts';
import type { DeviceRegion, MmioDevice } from '../../src/machine/device.ts';
import type { Plic } from '../../src/machine/irq/plic.ts';
import { irqMap } from '../../src/machine/memory-map.ts';
import { type GoldfishRtc, GoldfishRtcBack } from '../../src/machine/rtc/goldfish.ts';
import type { Ns16550 } from '../../src/machine/serial/ns16550.ts';
import { SeededRandom, VirtError } from '../../src/util/index.ts';
import {
  createTestBoard,
  type DeviceFactory,
  fillRam,
  RecordingLine,
  randomAccess,
  type TestBoard,
} from '../machine/device-contract.ts';
import { platformDevices } from '../machine/device-factories.ts';

const FULL = process.env['NODEVISOR_TEST_FULL'] !== undefined;
const SEEDS = FULL ? 400 : 20;
const STEPS = FULL ? 20_000 : 4000;

/** A recording line that leads on to the PLIC. */
class PlicTap extends RecordingLine {
  readonly #plic: Plic;
  readonly #source: number;

  constructor(plic: Plic, source: number) {
    super();
    this.#plic = plic;
    this.#source = source;
  }

  override set(level: boolean): void {
    super.set(level);
    this.#plic.setLevel(this.#source, level);
  }
}

interface Plugged {
  readonly device: MmioDevice;
  readonly factory: DeviceFactory;
  readonly region: DeviceRegion;
}

/** All platform devices on one bus, their lines at the PLIC. */
function build() {
  const board = createTestBoard(64);
  const regions = new RegionAllocator(board.buffer, sharedMap.devices + 4096);
  const bus = new MmioBus();
  const plug = (factory: DeviceFactory | undefined, wiring: Partial<TestBoard> = {}): Plugged => {
    assert.ok(factory);
    const region = regions.take(factory.regionBytes);
    const device = factory.make({ ...board, ...wiring, region });
    bus.attach(device, region);
    device.reset();
    return { device, factory, region };
  };
  const plic = plug(platformDevices['plic']);
  const line = (source: number) => ({ irq: new PlicTap(plic.device as Plic, source) });
  const uart = plug(platformDevices['uart'], line(irqMap.uart));
  const rtc = plug(platformDevices['rtc'], line(irqMap.rtc));
  const rest = ['aclint', 'syscon', 'fwCfg', 'flash'].map((name) => plug(platformDevices[name]));
  return { board, bus, uart, rtc, all: [plic, uart, rtc, ...rest] };
}

/** A saved state with one field spoilt. */
function spoil(state: Record<string, unknown>, random: SeededRandom): Record<string, unknown> {
  const names = Object.keys(state);
  if (names.length === 0) return state;
  const rubbish: readonly unknown[] = [undefined, null, -1, 2 ** 40, 'x', [], [null], {}, Number.NaN, [-1], ['5']];
  return { ...state, [random.pick(names)]: random.pick(rubbish) };
}

function abuse(seed: number): void {
  const random = new SeededRandom(seed);
  const { board, bus, uart, rtc, all } = build();
  const timers = new TimerQueue(board.clock);
  const rtcBack = new GoldfishRtcBack(rtc.device as GoldfishRtc, timers);
  const serial = uart.device as Ns16550;
  const widths: readonly BusWidth[] = [1, 2, 4, 8];

  const guestAccess = () => {
    const { device, factory } = random.pick(all);
    const { off, value } = randomAccess(device, factory, random);
    const size = random.pick(widths);
    const gpa = random.below(50) === 0 ? random.u32() : device.window.gpa + off;
    if (value !== undefined) bus.write(gpa, size, value, random.u32());
    else if (bus.read(gpa, size)) {
      for (const half of [bus.lo, bus.hi]) assert.ok(Number.isInteger(half) && half >= 0 && half <= 0xffff_ffff);
    }
  };
  const hostActivity = () => {
    serial.giveInput(Uint8Array.from({ length: random.below(64) }, () => random.below(256)));
    serial.takeOutput(random.below(10_000));
    serial.takeRoomNotice();
    serial.putBytes(new Uint8Array(random.below(100)));
    serial.getByte();
    board.clock.advance(random.below(1e9));
    rtcBack.service();
    timers.runDue();
  };
  const saveAndRestore = () => {
    const { device } = random.pick(all);
    const saved = device.save();
    try {
      device.restore(spoil(saved, random));
    } catch (error) {
      assert.ok(error instanceof VirtError && error.code === 'INVALID_ARG', String(error));
    }
    device.restore(saved);
    assert.deepEqual(device.save(), saved);
  };

  for (let step = 0; step < STEPS; step++) {
    const what = random.below(400);
    if (what === 0) fillRam(board, random.pick(all).factory, random);
    else if (what === 1) random.pick(all).device.reset();
    else if (what === 2) saveAndRestore();
    else if (what < 10) hostActivity();
    else guestAccess();
  }
  for (const { device, region } of all) assert.equal(region.words[0], 0, `lock of ${device.id}`);
}

describe('platform devices under seeded random abuse', () => {
  it(`never throw, never answer out of range, never keep a lock (${SEEDS} seeds)`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        abuse(seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
