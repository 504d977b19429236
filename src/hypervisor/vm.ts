import {
  type CpuEngine,
  GuestClock,
  HartState,
  kick,
  MachineState,
  remoteFences,
  setInterruptLine,
} from '../cpu/index.ts';
import { HARTS_MAX, sharedMap } from '../isa/index.ts';
import { type Clock, VirtError } from '../util/index.ts';
import { GuestMemory } from './guest-memory.ts';
import type { SharedMemory } from './shared-memory.ts';
import { type MemorySlot, SlotTable } from './slots.ts';
import { Vcpu } from './vcpu.ts';

/** What a new machine is made with; what holds for all its threads is in the shared memory afterwards. */
export interface VmConfig {
  readonly shared: SharedMemory;
  readonly clock: Clock;
  /** Number of harts, 1 to 8. */
  readonly harts: number;
  readonly timebaseHz: number;
  readonly clockMode: 'host' | 'virtual';
}

/** Things a VM may or may not be able to do: KVM_CHECK_EXTENSION. */
export type Capability =
  | 'user-memory'
  | 'readonly-memory'
  | 'dirty-log'
  | 'one-reg'
  | 'guest-debug'
  | 'single-step'
  | 'sbi-exit'
  | 'machine-mode'
  | 'nested-guests'
  | 'in-kernel-irqchip';

const capabilities: ReadonlySet<Capability> = new Set<Capability>([
  'user-memory',
  'readonly-memory',
  'dirty-log',
  'one-reg',
  'guest-debug',
  'single-step',
  'sbi-exit',
  'machine-mode',
]);

/**
 * A virtual machine as the hypervisor sees it: memory slots and vCPUs, no devices (KVM's VM file descriptor). Each
 * thread has its own object over the shared memory: one `create`s the machine, the others `attach`.
 */
export class Vm {
  readonly shared: SharedMemory;
  readonly memory: GuestMemory;
  readonly machine: MachineState;
  readonly clock: GuestClock;
  /** All harts' state blocks, by id: for any thread, with Atomics where another may be running the hart. */
  readonly harts: readonly HartState[];
  readonly #slots: SlotTable;

  private constructor(shared: SharedMemory, clock: Clock) {
    const { buffer } = shared;
    this.shared = shared;
    this.machine = new MachineState(buffer);
    this.memory = new GuestMemory(buffer);
    this.clock = new GuestClock(buffer, clock);
    this.#slots = new SlotTable(buffer, this.machine);
    this.harts = Array.from({ length: this.machine.get32('hartCount') }, (_, id) => new HartState(buffer, id));
  }

  /** Sets up the machine block in fresh shared memory. Throws INVALID_ARG for an impossible number of harts. */
  static create(config: VmConfig): Vm {
    const { shared, harts } = config;
    if (!Number.isInteger(harts) || harts < 1 || harts > HARTS_MAX) {
      throw new VirtError('INVALID_ARG', `${harts} vCPUs: a machine has 1 to ${HARTS_MAX}`);
    }
    new MachineState(shared.buffer).set32('hartCount', harts);
    const vm = new Vm(shared, config.clock);
    vm.clock.init(config.timebaseHz, config.clockMode);
    return vm;
  }

  /** Another thread's object for a machine that has been created. */
  static attach(shared: SharedMemory, clock: Clock): Vm {
    const vm = new Vm(shared, clock);
    if (vm.harts.length === 0) throw new VirtError('INTERNAL_ERROR', 'no machine has been created in this memory');
    return vm;
  }

  /** Whether this hypervisor can do it: the same on every CPU backend. */
  supports(capability: Capability): boolean {
    return capabilities.has(capability);
  }

  /** Memory slots in use, by id. */
  get slots(): readonly MemorySlot[] {
    return this.#slots.list();
  }

  /**
   * Adds a memory slot; harts see it from now on. Throws INVALID_ARG if it is no range, taken, overlapping, or outside
   * the shared memory. This and the other changes of memory: not from within a vCPU's `run()`, one thread at a time.
   */
  addSlot(slot: MemorySlot): void {
    this.#slots.add(slot);
    this.#fence();
  }

  /** Takes a slot out: no hart touches it once this returns. */
  removeSlot(id: number): void {
    this.#slots.remove(id);
    this.#fence();
  }

  /** Makes a slot read-only or writable, starts or ends its dirty log; holds for all harts once this returns. */
  updateSlot(id: number, flags: { readOnly?: boolean; logDirty?: boolean }): void {
    this.#slots.update(id, flags);
    this.#fence();
  }

  /**
   * The pages of a slot written since the last call, one bit a page, and starts afresh (KVM_GET_DIRTY_LOG). What a hart
   * wrote before the return is either in the result or in the next one, with its contents in memory by then.
   */
  dirtyLog(id: number): Uint32Array {
    const bitmap = this.#slots.bitmap(id);
    const dirty = new Uint32Array(bitmap.length);
    for (let i = 0; i < bitmap.length; i++) {
      if (bitmap[i] !== 0) dirty[i] = Atomics.exchange(bitmap, i, 0);
    }
    // Harts keep a page that is already marked writable without looking again: only a flush makes them.
    this.#fence();
    return dirty;
  }

  /** Makes all harts compare what they have decoded with memory: guest code was written from outside. */
  invalidateCode(): void {
    remoteFences(this.harts, { tlb: false, code: true });
  }

  /** This thread's vCPU over `engine`, which must be this thread's too. Throws INVALID_ARG for a hart that is not there. */
  createVcpu(id: number, engine: CpuEngine): Vcpu {
    if (this.harts[id] === undefined) {
      throw new VirtError('INVALID_ARG', `vCPU ${id}: the machine has ${this.harts.length}`);
    }
    return new Vcpu(engine.createHart(id), this.clock);
  }

  /** Makes every vCPU come out of the guest with `kicked`. */
  kickAll(): void {
    for (const hart of this.harts) kick(hart);
  }

  /** Drives an interrupt input of a hart, by its bit in mip (KVM_INTERRUPT). */
  setInterrupt(hart: number, interrupt: number, level: boolean): void {
    setInterruptLine(this.harts[hart], interrupt, level);
  }

  /** Bytes of the shared memory that slots may use. */
  get ramBytes(): number {
    return this.shared.buffer.byteLength - sharedMap.ram;
  }

  #fence(): void {
    remoteFences(this.harts, { tlb: true, code: true });
  }
}
