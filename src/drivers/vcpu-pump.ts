import { hartWord, machineWord, raiseAttention } from '../cpu/index.ts';
import type { Vcpu, VcpuExit, Vm } from '../hypervisor/index.ts';
import { Attention } from '../isa/index.ts';
import { type ExitServer, haltMachine, RunState, runState } from '../machine/index.ts';

/**
 * Why the pump came back.
 * - `budget`: the instructions are used up, or the host should have its turn
 * - `idle`: the hart waits for an interrupt: for `deadlineNs` at the most, while `attention` holds `restingAttention`
 * - `stopped`: the hart is not started, only another hart changes that: likewise, without a deadline
 * - `halted`: the machine is not running
 * - `power`: the guest asked for power off or reset; the machine has been halted
 * - `debug`: a step or a breakpoint; the machine has been halted
 * - `fault`: the CPU backend failed, `detail` says how; the machine has been halted
 */
export type PumpStop = 'budget' | 'idle' | 'stopped' | 'halted' | 'power' | 'debug' | 'fault';

/** The only loop around `Vcpu.run`: answers exits until there is a reason to do something else. It never sleeps. */
export class VcpuPump {
  /** After `fault`. */
  detail = '';
  /** After `idle` and `stopped`: the value of the hart's attention word that nothing new has been added to. */
  restingAttention = 0;
  readonly #vm: Vm;
  readonly #vcpu: Vcpu;
  readonly #server: ExitServer;
  readonly #words: Int32Array;
  /** The hart was not started: another may have changed its state meanwhile. */
  #out = false;

  constructor(vm: Vm, vcpu: Vcpu, server: ExitServer) {
    this.#vm = vm;
    this.#vcpu = vcpu;
    this.#server = server;
    this.#words = vcpu.state.words;
  }

  /** Runs the vCPU for at most `budget` instructions; an exit counts as one at least, so that it always ends. */
  run(budget: number): PumpStop {
    const words = this.#words;
    let left = budget;
    while (left > 0) {
      if (words[hartWord.hartStatus] !== 0 || this.#out) {
        const stop = this.#admit();
        if (stop !== undefined) return stop;
      }
      if (runState(this.#vm.machine) !== RunState.RUNNING) return 'halted';
      const before = words[hartWord.retired];
      const stop = this.#answer(this.#vcpu.run(left));
      if (stop !== undefined) return stop;
      left -= Math.max(1, (words[hartWord.retired] - before) >>> 0);
    }
    return 'budget';
  }

  /** How long, in nanoseconds of the guest's clock, the hart may sleep after `idle`. */
  get deadlineNs(): number {
    return this.#vcpu.timerNs();
  }

  /**
   * A hart that is not started stays out of the guest, so that kicks and interrupts are not noticed there: they are
   * taken off its attention word here, before what they are about is looked at.
   */
  #admit(): PumpStop | undefined {
    const words = this.#words;
    this.#out = true;
    Atomics.and(words, hartWord.attention, ~(Attention.KICK | Attention.INTERRUPT));
    this.restingAttention = Atomics.load(words, hartWord.attention);
    if (runState(this.#vm.machine) !== RunState.RUNNING) return 'halted';
    const admission = this.#server.admit(this.#vcpu);
    if (admission === 'stopped') return 'stopped';
    if (admission === 'suspended') return 'idle';
    this.#out = false;
    this.#vcpu.invalidate();
    raiseAttention(this.#vcpu.state, Attention.INTERRUPT);
    return undefined;
  }

  /** Answers one exit; undefined: the vCPU can go on. */
  #answer(exit: VcpuExit): PumpStop | undefined {
    switch (exit.kind) {
      case 'mmio-read':
        this.#server.read(this.#vcpu, exit.gpa, exit.size);
        return undefined;
      case 'mmio-write':
        this.#server.write(this.#vcpu, exit.gpa, exit.size, exit.lo, exit.hi);
        return this.#powerAsked() ? this.#halt('power') : undefined;
      case 'sbi':
        return this.#sbi(exit.ext, exit.fid);
      case 'wfi':
        this.restingAttention = 0;
        return 'idle';
      case 'budget':
        // Traps use it up without retiring an instruction: what has been retired does not tell.
        return 'budget';
      case 'kicked':
        return undefined;
      case 'debug':
        return this.#halt('debug');
      case 'fault':
        this.detail = exit.detail;
        return this.#halt('fault');
    }
  }

  #sbi(ext: number, fid: number): PumpStop | undefined {
    switch (this.#server.sbi(this.#vcpu, ext, fid)) {
      case 'power':
        return this.#halt('power');
      case 'busy':
        return 'budget';
      default:
        // Stopped and suspended are seen by the hart's status.
        return undefined;
    }
  }

  #powerAsked(): boolean {
    return Atomics.load(this.#vm.machine.words, machineWord.powerRequest) !== 0;
  }

  /** Stops the other vCPUs at once: nothing runs on behind a power-off or beside a breakpoint. */
  #halt(stop: PumpStop): PumpStop {
    haltMachine(this.#vm.machine);
    this.#vm.kickAll();
    return stop;
  }
}
