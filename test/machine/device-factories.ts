import { flashRegionBytes, Pflash } from '../../src/machine/flash/pflash.ts';
import { FW_CFG_REGION_BYTES, FwCfg } from '../../src/machine/fwcfg/fw-cfg.ts';
import { ACLINT_REGION_BYTES, Aclint } from '../../src/machine/irq/aclint.ts';
import { PLIC_REGION_BYTES, Plic } from '../../src/machine/irq/plic.ts';
import { memoryMap } from '../../src/machine/memory-map.ts';
import { SYSCON_REGION_BYTES, Syscon } from '../../src/machine/power/syscon.ts';
import { GOLDFISH_RTC_REGION_BYTES, GoldfishRtc } from '../../src/machine/rtc/goldfish.ts';
import { NS16550_REGION_BYTES, Ns16550 } from '../../src/machine/serial/ns16550.ts';
import { type DeviceFactory, ramOf, TEST_RAM } from './device-contract.ts';

/** Byte-swapped, as a guest writes big-endian registers. */
export function swapped(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return view.getUint32(0, true);
}

const range = (from: number, count: number, step: number) => Array.from({ length: count }, (_, i) => from + i * step);

/** Where the random fw_cfg requests are put in RAM. */
const REQUESTS = { at: 0x100, count: 16, bytes: 16 } as const;

/** The board's platform devices, as the contract and the fuzzer take them. */
export const platformDevices: Readonly<Record<string, DeviceFactory>> = {
  plic: {
    regionBytes: PLIC_REGION_BYTES,
    make: (board) => new Plic(memoryMap.plic, board.region, board.harts),
    offsets: [
      ...range(0, 96, 4),
      ...range(0x1000, 4, 4),
      ...range(0x2000, 6 * 32, 4),
      ...range(0x20_0000, 6, 0x1000),
      ...range(0x20_0004, 6, 0x1000),
    ],
  },
  aclint: {
    regionBytes: ACLINT_REGION_BYTES,
    make: (board) => new Aclint(memoryMap.aclint, board.harts, board.guestClock),
    offsets: [0, 4, 8, ...range(0x4000, 6, 4), 0xbff8, 0xbffc],
  },
  uart: {
    regionBytes: NS16550_REGION_BYTES,
    make: (board) => new Ns16550(memoryMap.uart, board.region, { irq: board.irq, doorbell: board.doorbell }),
    offsets: [0, 1, 2, 3, 4, 5, 6, 7],
  },
  rtc: {
    regionBytes: GOLDFISH_RTC_REGION_BYTES,
    make: (board) =>
      new GoldfishRtc(memoryMap.rtc, board.region, { irq: board.irq, doorbell: board.doorbell, clock: board.clock }),
    offsets: range(0, 8, 4),
    survivesReset: ['offsetNs'],
  },
  syscon: {
    regionBytes: SYSCON_REGION_BYTES,
    make: (board) => new Syscon(memoryMap.test, board.machine, board.doorbell),
    offsets: [0],
    values: [0x5555, 0x7777, 0x3333, 0x7_3333],
  },
  flash: {
    regionBytes: flashRegionBytes(1),
    make: (board) =>
      new Pflash({ gpa: memoryMap.flash.gpa, size: TEST_RAM.bytes }, board.region, {
        bank: 0,
        storage: ramOf(board),
        readOnly: false,
        doorbell: board.doorbell,
        map: () => {},
      }),
    offsets: [0, 4, 0x40, 0x44, 0x48, 0x8000],
    values: [0xff, 0xf0, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98, 0xd0, 0xe8, 0xe8_00e8, 3],
  },
  fwCfg: {
    regionBytes: FW_CFG_REGION_BYTES,
    make: (board) =>
      new FwCfg(memoryMap.fwCfg, board.region, board.memory, {
        files: [
          { name: 'opt/one', bytes: Uint8Array.from({ length: 100 }, (_, i) => i) },
          { name: 'opt/two', bytes: new Uint8Array(0) },
        ],
      }),
    offsets: [0, 8, 16, 20],
    values: [0, 0x100, 0x1900, 0x2000, ...range(0, 16, 1).map((i) => swapped(TEST_RAM.gpa + REQUESTS.at + i * 16))],
    fillMemory(board, random) {
      const view = new DataView(board.buffer, ramOf(board).byteOffset);
      for (let i = 0; i < REQUESTS.count; i++) {
        const at = REQUESTS.at + i * REQUESTS.bytes;
        view.setUint32(at, (random.pick([0, 0x19, 0x20, 0x21, 0xffff]) << 16) | random.below(32));
        view.setUint32(at + 4, random.pick([0, 1, 50, 200, 0x1_0000, 0xffff_ffff]));
        view.setBigUint64(at + 8, BigInt(random.pick([0, TEST_RAM.gpa, TEST_RAM.gpa + 0xfff0, 0xffff_ffff])));
      }
    },
  },
};
