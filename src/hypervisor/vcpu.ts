import {
  type GuestClock,
  type Hart,
  type HartState,
  hartWord,
  kick,
  PendingInterrupts,
  Stop,
  timerDeadline,
} from '../cpu/index.ts';
import { HartConfig, type HartField, hartLayout } from '../isa/index.ts';
import { VirtError } from '../util/index.ts';
import type { VcpuExit } from './exit.ts';
import { findRegister } from './regs.ts';

/** All of a vCPU's state, as JSON: field by field of the hart's state block, hexadecimal, lists as lists. */
export interface VcpuState {
  readonly version: 1;
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
}

/** KVM_SET_GUEST_DEBUG. */
export interface GuestDebug {
  /** `run()` returns a debug exit after each instruction. */
  readonly singleStep: boolean;
  /** EBREAK is a debug exit, with pc at it, instead of a trap. */
  readonly ebreakExit: boolean;
}

/** State that is nobody's to carry: requests under way, exit details, statistics. */
const transient: ReadonlySet<string> = new Set<HartField>([
  'attention',
  'inGuest',
  'codeEpoch',
  'exitGpa',
  'exitValue',
  'exitSize',
  'exitWrite',
  'exitInsn',
  'exitLength',
  'exitGva',
  'exitKinds',
  'cpuTimeNs',
  'retired',
]);

const TWO_32 = 2 ** 32;

type ExitOf<Kind extends VcpuExit['kind']> = Extract<VcpuExit, { kind: Kind }>;

/** One exit object per kind, made once: `run()` is called a million times a second. */
function exitObjects() {
  return {
    mmioRead: { kind: 'mmio-read', gpa: 0, size: 4 } as ExitOf<'mmio-read'>,
    mmioWrite: { kind: 'mmio-write', gpa: 0, size: 4, lo: 0, hi: 0 } as ExitOf<'mmio-write'>,
    sbi: { kind: 'sbi', ext: 0, fid: 0 } as ExitOf<'sbi'>,
    wfi: { kind: 'wfi' } as ExitOf<'wfi'>,
    budget: { kind: 'budget' } as ExitOf<'budget'>,
    kicked: { kind: 'kicked' } as ExitOf<'kicked'>,
    debug: { kind: 'debug', pc: 0n } as ExitOf<'debug'>,
    fault: { kind: 'fault', detail: '' } as ExitOf<'fault'>,
  };
}

/** Registers a0 … a7 are x10 … x17: the arguments of an SBI call (SBI spec 3, binary encoding). */
const A6 = 16;
const A7 = 17;

/** A virtual CPU: one hart on one engine. It belongs to one thread; of its methods only `kick` is for others too. */
export class Vcpu {
  readonly id: number;
  readonly state: HartState;
  readonly #hart: Hart;
  readonly #clock: GuestClock;
  readonly #interrupts: PendingInterrupts;
  readonly #exits = exitObjects();
  #singleStep = false;
  /** State was changed from outside: what the engine caches is stale. */
  #changed = true;

  constructor(hart: Hart, clock: GuestClock) {
    this.id = hart.id;
    this.state = hart.state;
    this.#hart = hart;
    this.#clock = clock;
    this.#interrupts = new PendingInterrupts(hart.state, clock);
  }

  /**
   * Runs at most `budget` instructions. The result is valid until the next call. After `mmio-read` and `mmio-write`
   * comes `completeMmio` or `refuseMmio`; after `sbi`, `completeSbi`. `budget` is also returned, early, when the
   * hypervisor has answered something itself.
   */
  run(budget: number): VcpuExit {
    if (this.#changed) {
      this.#changed = false;
      this.#hart.invalidate();
    }
    const stop = this.#hart.run(this.#singleStep ? 1 : budget);
    this.#count(stop);
    switch (stop) {
      case Stop.Budget:
        return this.#finish();
      case Stop.Mmio:
        return this.#mmio();
      case Stop.Ecall:
        return this.#sbi();
      case Stop.Wfi:
        return this.#singleStep ? this.#finish() : this.#exits.wfi;
      case Stop.Kicked:
        return this.#exits.kicked;
      case Stop.Debug:
        this.#exits.debug.pc = this.state.get('pc');
        return this.#exits.debug;
      case Stop.Fault:
        this.#exits.fault.detail = this.#hart.faultDetail;
        return this.#exits.fault;
    }
  }

  /** Answers an MMIO exit: a load gets the value `hi`:`lo`, zero-extended; the instruction is done. */
  completeMmio(lo: number, hi: number): void {
    this.#hart.completeMmio(lo, hi);
  }

  /** Answers an MMIO exit with an access fault in the guest. */
  refuseMmio(): void {
    this.#hart.refuseMmio();
  }

  /** Answers an SBI exit: `error` to a0 and `value` to a1 (signed 64-bit as halves), pc moves past the call. */
  completeSbi(error: number, valueLo: number, valueHi: number): void {
    const x = this.state.x;
    x[20] = error;
    x[21] = error >> 31;
    x[22] = valueLo;
    x[23] = valueHi;
    this.skipInstruction();
  }

  /** Moves pc past the instruction that caused the exit, registers as they are. */
  skipInstruction(): void {
    this.state.set('pc', this.state.get('pc') + BigInt(this.state.words[hartWord.exitLength]));
  }

  /** From any thread: makes the current or next `run()` return `kicked` soon. */
  kick(): void {
    kick(this.state);
  }

  /** Reads a register by its KVM name or number (see regs.ts). Throws INVALID_ARG if there is none. */
  getReg(register: string | bigint): bigint {
    return findRegister(register).get({ state: this.state, clock: this.#clock });
  }

  /** Writes a register. Throws INVALID_ARG if there is none or it is read-only and holds another value. */
  setReg(register: string | bigint, value: bigint): void {
    const def = findRegister(register);
    const context = { state: this.state, clock: this.#clock };
    if (BigInt.asUintN(def.bytes * 8, value) !== value) {
      throw new VirtError('INVALID_ARG', `register '${def.name}' has ${def.bytes} bytes: ${value} does not fit`);
    }
    if (def.set === undefined) {
      if (def.get(context) === value) return;
      throw new VirtError('INVALID_ARG', `register '${def.name}' cannot be changed`);
    }
    def.set(context, value);
    this.#changed = true;
  }

  /** State was changed behind the engine's back (reset, restore on another thread): look again before running. */
  invalidate(): void {
    this.#changed = true;
  }

  /** Switches single-stepping and exits at EBREAK; takes effect with the next `run()`. */
  setDebug(debug: GuestDebug): void {
    this.#singleStep = debug.singleStep;
    const config = this.state.get32('hartConfig') & ~HartConfig.EBREAK_EXIT;
    this.state.set32('hartConfig', debug.ebreakExit ? config | HartConfig.EBREAK_EXIT : config);
    this.#changed = true;
  }

  /**
   * Nanoseconds until a timer makes an enabled interrupt pending: how long a vCPU in WFI may sleep if nothing else
   * happens. 0: it is already due; Infinity: no timer will wake it.
   */
  timerNs(): number {
    const deadline = timerDeadline(this.state);
    return deadline === undefined ? Number.POSITIVE_INFINITY : this.#clock.nsUntil(deadline);
  }

  /** Whether an interrupt that is enabled in mie is pending: WFI would not wait. */
  interruptPending(): boolean {
    return this.#interrupts.wakes();
  }

  /** Everything the guest can tell of this vCPU, as data. */
  save(): VcpuState {
    return saveHart(this.state);
  }

  /** The reverse of `save`. Throws INVALID_ARG for a state of another version or with fields missing. */
  restore(state: VcpuState): void {
    restoreHart(this.state, state);
    this.#changed = true;
  }

  /** Statistics: 64-bit counters by stop code in the state block. */
  #count(stop: Stop): void {
    const words = this.state.words;
    const at = hartWord.exitKinds + 2 * stop;
    words[at]++;
    if (words[at] === 0) words[at + 1]++;
  }

  #finish(): VcpuExit {
    if (!this.#singleStep) return this.#exits.budget;
    this.#exits.debug.pc = this.state.get('pc');
    return this.#exits.debug;
  }

  #mmio(): VcpuExit {
    const words = this.state.words;
    const gpa = (words[hartWord.exitGpa + 1] >>> 0) * TWO_32 + (words[hartWord.exitGpa] >>> 0);
    const size = words[hartWord.exitSize] as 1 | 2 | 4 | 8;
    const write = words[hartWord.exitWrite];
    if (write === 0) {
      const exit = this.#exits.mmioRead;
      exit.gpa = gpa;
      exit.size = size;
      return exit;
    }
    if (write === 1) {
      const exit = this.#exits.mmioWrite;
      exit.gpa = gpa;
      exit.size = size;
      exit.lo = words[hartWord.exitValue] >>> 0;
      exit.hi = words[hartWord.exitValue + 1] >>> 0;
      return exit;
    }
    // The board's devices take no atomic operations (PMA: AMONone), so this is no question for the machine.
    this.refuseMmio();
    return this.#finish();
  }

  #sbi(): VcpuExit {
    const x = this.state.x;
    const exit = this.#exits.sbi;
    exit.ext = x[2 * A7] >>> 0;
    exit.fid = x[2 * A6] >>> 0;
    return exit;
  }
}

/** The durable fields of a state block as data: for a hart that no thread runs at the moment. */
export function saveHart(state: HartState): VcpuState {
  const fields: Record<string, string | string[]> = {};
  for (const { name, type, count } of hartLayout.fields) {
    if (transient.has(name)) continue;
    const read = (i: number) =>
      type === 'u64' ? state.get(name as HartField, i) : BigInt(state.get32(name as HartField));
    fields[name] = count === 1 ? read(0).toString(16) : Array.from({ length: count }, (_, i) => read(i).toString(16));
  }
  return { version: 1, fields };
}

/** The reverse of `saveHart`. Throws INVALID_ARG and changes nothing if `saved` is not whole. */
export function restoreHart(state: HartState, saved: VcpuState): void {
  if (saved.version !== 1) {
    throw new VirtError('INVALID_ARG', `a vCPU state of version ${saved.version}: this version reads 1`);
  }
  const writes: (() => void)[] = [];
  for (const { name, type, count } of hartLayout.fields) {
    if (transient.has(name)) continue;
    const value = saved.fields[name];
    const list = typeof value === 'string' ? [value] : value;
    if (list === undefined || list.length !== count || !list.every((v) => /^[0-9a-f]{1,16}$/.test(v))) {
      throw new VirtError('INVALID_ARG', `the vCPU state has no proper value for '${name}'`);
    }
    list.forEach((text, i) => {
      const number = BigInt(`0x${text}`);
      writes.push(() => {
        if (type === 'u64') state.set(name as HartField, number, i);
        else state.set32(name as HartField, Number(number));
      });
    });
  }
  for (const write of writes) write();
}
