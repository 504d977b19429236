import { createSharedMemory, delegateToSupervisor, resetHart, Vm } from '../hypervisor/index.ts';
import { CACHE_BLOCK_BYTES, HsmState, isaExtensions, isaString, sharedMap } from '../isa/index.ts';
import type { Clock, Logger, RandomSource } from '../util/index.ts';
import type { CharBackend } from './backend/char.ts';
import type { FlashStore } from './backend/flash-file.ts';
import { Board, BoardDoorbell, BoardSlot, boardConfig, flashBytes } from './board.ts';
import { DoorbellListener } from './bus/doorbell.ts';
import type { Timers } from './bus/timers.ts';
import type { MachineConfig } from './config.ts';
import type { BackHalf } from './device.ts';
import { type BootPlan, type HartEntry, planBoot } from './firmware/boot.ts';
import type { IsaDescription } from './firmware/device-tree.ts';
import { formatSignature } from './firmware/htif.ts';
import { applyPlan } from './firmware/loader/plan.ts';
import { PflashBack } from './flash/pflash-back.ts';
import { memoryMap, TIMEBASE_HZ } from './memory-map.ts';
import { clearPowerRequest, type PowerRequest, powerRequested } from './power/power-request.ts';
import { GoldfishRtcBack } from './rtc/goldfish.ts';
import { Ns16550Back } from './serial/ns16550-back.ts';
import { validateMachineConfig } from './validate-config.ts';
import { VirtioBack } from './virtio/back.ts';
import type { VirtioDevice } from './virtio/device.ts';

/** The host as the machine's I/O thread gives it. */
export interface MachineHost {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly logger: Logger;
  /** What the serial port is connected to. */
  readonly serial: CharBackend;
  /** What is plugged into the virtio slots, in order; absent: an empty slot. */
  readonly virtio: readonly VirtioDevice[];
  /** Where the contents of flash banks are kept, by bank; absent: what the guest changes is forgotten at the end. */
  readonly flash?: readonly (FlashStore | undefined)[];
  /** The guest asked for something: `powerRequest` says what. */
  onPower(): void;
  /** A back half failed: a fault of ours, the machine cannot go on. */
  onFault(error: unknown): void;
}

const isaDescription: IsaDescription = {
  isa: isaString(),
  base: 'rv64i',
  extensions: isaExtensions(),
  mmuType: 'riscv,sv57',
  cacheBlockBytes: CACHE_BLOCK_BYTES,
};

/** Bytes of /chosen/rng-seed. */
const RNG_SEED_BYTES = 32;

/**
 * A whole machine on its I/O thread: memory, the board with its back halves, and what it boots. vCPUs run elsewhere, on
 * boards of their own over the same memory.
 */
export class Machine {
  readonly config: MachineConfig;
  readonly vm: Vm;
  readonly board: Board;
  readonly listener: DoorbellListener;
  readonly #host: MachineHost;
  readonly #symbols: BootPlan['symbols'];
  /** Until the first power-on. Then guest memory has the images, and a copy of them would only take up the host's. */
  #plan: BootPlan | undefined;
  readonly #backs: BackHalf[] = [];
  #dtb: Uint8Array;

  /** Reserves memory and plans the boot. Throws VirtError when the configuration cannot be; opens nothing. */
  constructor(config: MachineConfig, host: MachineHost) {
    validateMachineConfig(config);
    this.config = config;
    this.#host = host;
    const shared = createSharedMemory({ ramBytes: config.ramBytes + memoryMap.mrom.size + flashBytes(config) });
    this.vm = Vm.create({
      shared,
      clock: host.clock,
      harts: config.vcpus,
      timebaseHz: TIMEBASE_HZ,
      clockMode: config.clock,
    });
    this.board = new Board(this.vm, boardConfig(config), host.clock);
    this.#plan = this.#planBoot();
    this.#symbols = this.#plan.symbols;
    for (const doubt of this.#plan.doubts) host.logger.log('warn', doubt);
    this.#dtb = this.#plan.dtb.bytes;
    this.listener = new DoorbellListener(this.vm.machine, (_device, error) => host.onFault(error));
    this.#addMemory();
  }

  /** The device tree as the guest gets it at its next power-on, if that is the first, else as it got it at the last. */
  get dtb(): Uint8Array {
    return this.#dtb;
  }

  /** Symbols of the kernel's ELF that the host looks at. */
  get symbols(): BootPlan['symbols'] {
    return this.#symbols;
  }

  /**
   * Power-on or reset: devices and harts in their first state, images loaded, time from zero. No vCPU may run; those
   * that exist must be invalidated before they do. Throws VirtError when a file cannot be read any more.
   */
  powerOn(): void {
    const { vm } = this;
    const plan = this.#plan ?? this.#planBoot();
    this.#plan = undefined;
    this.#dtb = plan.dtb.bytes;
    this.board.reset();
    if (this.#backs.length === 0) this.#connect();
    vm.updateSlot(BoardSlot.MROM, { readOnly: false });
    applyPlan(vm.memory, plan);
    vm.memory.write(memoryMap.mrom.gpa, plan.mrom);
    vm.updateSlot(BoardSlot.MROM, { readOnly: true });
    plan.harts.forEach((entry, id) => {
      this.#resetHart(id, entry);
    });
    vm.clock.set(0n);
    vm.invalidateCode();
  }

  /** What the guest asked for and has not been acted on: `powerOn` forgets it. */
  get powerRequest(): { request: PowerRequest; code: number } {
    return powerRequested(this.vm.machine);
  }

  /** Forgets the power request. */
  clearPowerRequest(): void {
    clearPowerRequest(this.vm.machine);
  }

  /** A break on the serial line and a byte behind it; false: the guest has not read all that came before. */
  sendBreak(byte: number): boolean {
    return this.board.uart.giveBreak(byte);
  }

  /** The signature of a RISC-V test. Throws INVALID_ARG if the kernel has none. */
  signature(): string {
    return formatSignature(this.vm.memory, this.#symbols);
  }

  /** Ends the back halves: lets what is under way finish, hands over the last output, closes host resources. */
  async close(): Promise<void> {
    await this.listener.close();
    const { kernel, initrd } = this.config;
    for (const image of [kernel, initrd]) if (image !== undefined && 'close' in image) image.close();
    const { serial, virtio, flash = [] } = this.#host;
    // What was never connected is the host's as it came.
    const parts = this.#backs.length === 0 ? [serial, ...virtio, ...flash] : this.#backs;
    await Promise.all(parts.map((part) => part?.close()));
  }

  #addMemory(): void {
    const { ramBytes } = this.config;
    const flags = { readOnly: false, logDirty: false };
    const ram = sharedMap.ram;
    this.vm.addSlot({ id: BoardSlot.RAM, gpa: memoryMap.ram.gpa, bytes: ramBytes, offset: ram, ...flags });
    const { gpa, size } = memoryMap.mrom;
    this.vm.addSlot({ id: BoardSlot.MROM, gpa, bytes: size, offset: ram + ramBytes, ...flags, readOnly: true });
    for (const [bank, { front }] of this.board.flash.entries()) {
      const { storage, window } = front;
      const image = this.config.flash?.[bank]?.image.bytes ?? new Uint8Array(0);
      storage.set(image);
      storage.fill(0xff, image.length);
      const offset = storage.byteOffset;
      this.vm.addSlot({
        id: BoardSlot.FLASH + bank,
        gpa: window.gpa,
        bytes: window.size,
        offset,
        ...flags,
        readOnly: true,
      });
    }
  }

  /** At the first power-on, not before: a device that is reset forgets what the host has given it. */
  #connect(): void {
    const { board, listener } = this;
    const { timers, serial, virtio, logger, flash = [] } = this.#host;
    listener.attach(BoardDoorbell.POWER, { service: () => this.#host.onPower() });
    // In virtual time all that a step leads to happens in it.
    const gather = this.config.clock === 'virtual' ? undefined : timers;
    this.#attach(BoardDoorbell.UART, new Ns16550Back(board.uart, serial, gather));
    this.#attach(BoardDoorbell.RTC, new GoldfishRtcBack(board.rtc, timers));
    for (const [bank, store] of flash.entries()) {
      const { front, region } = board.flash[bank];
      if (store !== undefined) this.#attach(BoardDoorbell.FLASH + bank, new PflashBack(front, region, store, logger));
    }
    virtio.forEach((device, index) => {
      const slot = board.virtio[index];
      const { region, irq } = slot;
      const settle = this.config.clock === 'virtual';
      this.#attach(slot.doorbell, new VirtioBack({ region, irq, device, memory: this.vm.memory, logger, settle }));
    });
  }

  #planBoot(): BootPlan {
    const { config, board } = this;
    return planBoot({ config, isa: isaDescription, devices: board.devices, rngSeed: this.#rngSeed() });
  }

  #rngSeed(): Uint8Array {
    const seed = new Uint8Array(RNG_SEED_BYTES);
    this.#host.random.fill(seed);
    return seed;
  }

  #attach(doorbell: number, back: BackHalf): void {
    this.#backs.push(back);
    this.listener.attach(doorbell, back);
  }

  #resetHart(id: number, entry: HartEntry): void {
    const state = this.vm.harts[id];
    resetHart(state);
    if (this.config.firmware.kind === 'builtin') delegateToSupervisor(state);
    state.set32('hartStatus', entry.started ? HsmState.STARTED : HsmState.STOPPED);
    state.set32('priv', entry.priv);
    state.set('pc', BigInt(entry.pc));
    // a0, a1 and a2.
    state.set('x', BigInt(entry.a0), 10);
    state.set('x', BigInt(entry.a1), 11);
    state.set('x', BigInt(entry.a2), 12);
  }
}
