import type { Vm } from '../hypervisor/index.ts';
import { sharedMap } from '../isa/index.ts';
import type { Clock } from '../util/index.ts';
import { DeviceDoorbell } from './bus/doorbell.ts';
import { MmioBus } from './bus/mmio-bus.ts';
import { RegionAllocator } from './bus/region.ts';
import type { MachineConfig } from './config.ts';
import type { DeviceRegion, IrqLine, MmioDevice } from './device.ts';
import { SBI_REGION_BYTES } from './firmware/sbi/events.ts';
import { flashRegionBytes, Pflash } from './flash/pflash.ts';
import { FW_CFG_REGION_BYTES, FwCfg } from './fwcfg/fw-cfg.ts';
import type { FwCfgContents } from './fwcfg/items.ts';
import { ACLINT_REGION_BYTES, Aclint } from './irq/aclint.ts';
import { ControllerLine } from './irq/irq-line.ts';
import { PLIC_REGION_BYTES, Plic } from './irq/plic.ts';
import { irqMap, memoryMap, VIRTIO_SLOTS } from './memory-map.ts';
import { SYSCON_REGION_BYTES, Syscon } from './power/syscon.ts';
import { GOLDFISH_RTC_REGION_BYTES, GoldfishRtc } from './rtc/goldfish.ts';
import { NS16550_REGION_BYTES, Ns16550 } from './serial/ns16550.ts';
import { VirtioMmio } from './virtio/mmio-transport.ts';
import { VIRTIO_REGION_BYTES } from './virtio/transport-state.ts';

/** Indexes of the board's doorbells. Slot n of virtio has VIRTIO + n, bank n of flash FLASH + n. */
export const BoardDoorbell = { POWER: 0, UART: 1, RTC: 2, FLASH: 4, VIRTIO: 8 } as const;

/** What the front halves of a board depend on: plain data, the same on every thread. */
export interface BoardConfig {
  readonly fwCfg: FwCfgContents;
  /** Banks of flash, with the places of their contents in the shared memory, in bytes from its start. */
  readonly flash?: readonly { readonly offset: number; readonly readOnly: boolean }[];
}

/** Memory slots of the board; bank n of flash has FLASH + n. */
export const BoardSlot = { RAM: 0, MROM: 1, FLASH: 2 } as const;

/** Bytes of memory that a machine's banks of flash take. */
export function flashBytes(config: Pick<MachineConfig, 'flash'>): number {
  return (config.flash?.length ?? 0) * memoryMap.flash.size;
}

/** Derives what every thread must know from a machine's configuration; file contents stay behind. */
export function boardConfig(config: MachineConfig): BoardConfig {
  const ram = new Uint8Array(8);
  new DataView(ram.buffer).setBigUint64(0, BigInt(config.ramBytes), true);
  const text = new TextEncoder().encode(`${config.append ?? ''}\0`);
  const bytes = (value: number, size: 2 | 4) => {
    const out = new DataView(new ArrayBuffer(size));
    if (size === 2) out.setUint16(0, value, true);
    else out.setUint32(0, value, true);
    return new Uint8Array(out.buffer);
  };
  // Keys as in QEMU (include/standard-headers/linux/qemu_fw_cfg.h): RAM_SIZE, NB_CPUS, CMDLINE_SIZE, CMDLINE_DATA.
  const items = [
    { key: 0x03, bytes: ram },
    { key: 0x05, bytes: bytes(config.vcpus, 2) },
    { key: 0x14, bytes: bytes(text.length, 4) },
    { key: 0x15, bytes: text },
  ];
  // Behind the machine's other memory.
  const start = sharedMap.ram + config.ramBytes + memoryMap.mrom.size;
  const flash = (config.flash ?? []).map(({ readOnly }, n) => ({ offset: start + n * memoryMap.flash.size, readOnly }));
  return { fwCfg: { files: [], items }, ...(flash.length === 0 ? {} : { flash }) };
}

/** One virtio slot's front half with what its back half shares with it. */
export interface VirtioSlot {
  readonly front: VirtioMmio;
  readonly region: DeviceRegion;
  readonly irq: IrqLine;
  /** Index of its doorbell. */
  readonly doorbell: number;
}

/**
 * The front halves of all devices over one thread's view of the shared memory, wired as on QEMU's virt board. Built the
 * same way on every thread: on each it is the same board.
 */
export class Board {
  readonly vm: Vm;
  readonly bus = new MmioBus();
  readonly plic: Plic;
  readonly aclint: Aclint;
  readonly uart: Ns16550;
  readonly rtc: GoldfishRtc;
  readonly syscon: Syscon;
  readonly virtio: readonly VirtioSlot[];
  /** Banks of flash with the region that they share; none unless the machine has them. */
  readonly flash: readonly { readonly front: Pflash; readonly region: DeviceRegion }[];
  /** Every device, with its interrupt number: what the device tree is made from. */
  readonly devices: { readonly device: MmioDevice; readonly irq: number }[] = [];
  /** State of the built-in firmware. */
  readonly firmwareRegion: DeviceRegion;
  /** Doorbell that the power request rings. */
  readonly power: DeviceDoorbell;

  readonly #regions: RegionAllocator;
  readonly #clock: Clock;

  /** @param clock gives the wall-clock time. */
  constructor(vm: Vm, config: BoardConfig, clock: Clock) {
    this.vm = vm;
    this.#clock = clock;
    this.#regions = new RegionAllocator(vm.shared.buffer);
    this.firmwareRegion = this.#regions.take(SBI_REGION_BYTES);
    this.power = this.#bell(BoardDoorbell.POWER);
    this.syscon = new Syscon(memoryMap.test, vm.machine, this.power);
    this.#add(this.syscon, this.#regions.take(SYSCON_REGION_BYTES));
    this.aclint = new Aclint(memoryMap.aclint, vm.harts, vm.clock);
    this.#add(this.aclint, this.#regions.take(ACLINT_REGION_BYTES));
    const plicRegion = this.#regions.take(PLIC_REGION_BYTES);
    this.plic = new Plic(memoryMap.plic, plicRegion, vm.harts);
    this.#add(this.plic, plicRegion);
    this.uart = this.#makeUart();
    this.rtc = this.#makeRtc();
    const fwCfgRegion = this.#regions.take(FW_CFG_REGION_BYTES);
    this.#add(new FwCfg(memoryMap.fwCfg, fwCfgRegion, vm.memory, config.fwCfg), fwCfgRegion);
    this.virtio = Array.from({ length: VIRTIO_SLOTS }, (_, slot) => this.#makeVirtio(slot));
    this.flash = this.#makeFlash(config.flash ?? []);
  }

  /** Power-on state of every device, on the thread of the back halves, while no vCPU runs. */
  reset(): void {
    this.firmwareRegion.bytes.fill(0);
    // The interrupt controller last: a device that lets go of its line must not leave it with a request.
    for (const { device } of this.devices) if (device !== this.plic) device.reset();
    this.plic.reset();
  }

  #makeUart(): Ns16550 {
    const region = this.#regions.take(NS16550_REGION_BYTES);
    const wiring = { irq: this.#line(irqMap.uart), doorbell: this.#bell(BoardDoorbell.UART) };
    return this.#add(new Ns16550(memoryMap.uart, region, wiring), region, irqMap.uart);
  }

  #makeRtc(): GoldfishRtc {
    const region = this.#regions.take(GOLDFISH_RTC_REGION_BYTES);
    const wiring = { irq: this.#line(irqMap.rtc), doorbell: this.#bell(BoardDoorbell.RTC), clock: this.#clock };
    return this.#add(new GoldfishRtc(memoryMap.rtc, region, wiring), region, irqMap.rtc);
  }

  #makeVirtio(slot: number): VirtioSlot {
    const { gpa, size } = memoryMap.virtio;
    const source = irqMap.virtio + slot;
    const irq = this.#line(source);
    const doorbell = BoardDoorbell.VIRTIO + slot;
    const region = this.#regions.take(VIRTIO_REGION_BYTES);
    const front = new VirtioMmio({ gpa: gpa + slot * size, size }, region, this.#bell(doorbell), irq);
    return { front: this.#add(front, region, source), region, irq, doorbell };
  }

  #makeFlash(banks: NonNullable<BoardConfig['flash']>): Board['flash'] {
    if (banks.length === 0) return [];
    const region = this.#regions.take(flashRegionBytes(banks.length));
    return banks.map(({ offset, readOnly }, bank) => {
      const { gpa, size } = memoryMap.flash;
      const slot = { id: BoardSlot.FLASH + bank, gpa: gpa + bank * size, bytes: size, offset };
      const front = new Pflash({ gpa: slot.gpa, size }, region, {
        bank,
        readOnly,
        storage: new Uint8Array(this.vm.shared.buffer, offset, size),
        doorbell: this.#bell(BoardDoorbell.FLASH + bank),
        map: (visible) => {
          if (visible) this.vm.addSlot({ ...slot, readOnly: true, logDirty: false });
          else this.vm.removeSlot(slot.id);
        },
      });
      return { front: this.#add(front, region), region };
    });
  }

  #add<Device extends MmioDevice>(device: Device, region: DeviceRegion, irq = 0): Device {
    this.bus.attach(device, region);
    this.devices.push({ device, irq });
    return device;
  }

  #line(source: number): IrqLine {
    return new ControllerLine(this.plic, source);
  }

  #bell(index: number): DeviceDoorbell {
    return new DeviceDoorbell(this.vm.machine, index);
  }
}
