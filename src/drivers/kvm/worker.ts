/** Entry of a vCPU thread: one hart, its engine, its board, and the loop around them until the machine ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { createEngine, hartWord, machineWord } from '../../cpu/index.ts';
import { type Vcpu, Vm } from '../../hypervisor/index.ts';
import { Board, boardHtif, ExitServer, type Htif, haltMachine, RunState, runState } from '../../machine/index.ts';
import { HostClock } from '../../util/index.ts';
import { ownThreadId, threadCpuNs } from '../thread-time.ts';
import { VcpuPump } from '../vcpu-pump.ts';
import type { VcpuThreadData, VcpuThreadMessage } from './protocol.ts';

/** Instructions between two looks at the clock when nothing else happens; control goes through Attention.KICK. */
const BUDGET = 1 << 24;
/** With a host interface in guest memory, which nothing announces: how often it is looked at while this hart sleeps. */
const HTIF_SLEEP_NS = 1e6;

class VcpuThread {
  readonly #data: VcpuThreadData;
  readonly #clock = new HostClock();
  readonly #vm: Vm;
  readonly #vcpu: Vcpu;
  readonly #pump: VcpuPump;
  readonly #htif: Htif | undefined;
  readonly #tid = ownThreadId();
  /** When this thread last began to work. */
  #awakeNs = 0;
  #busyNs = 0;

  constructor(data: VcpuThreadData) {
    this.#data = data;
    this.#vm = Vm.attach(data.shared, this.#clock);
    const engine = createEngine(data.backend, { buffer: data.shared.buffer, clock: this.#clock });
    this.#vcpu = this.#vm.createVcpu(data.id, engine);
    const board = new Board(this.#vm, data.board, this.#clock);
    const { builtinFirmware } = data;
    const server = new ExitServer({ vm: this.#vm, board, builtinFirmware, mayWait: true });
    this.#pump = new VcpuPump(this.#vm, this.#vcpu, server);
    if (data.htif !== undefined && data.id === 0) this.#htif = boardHtif(this.#vm, board, data.htif);
  }

  run(): void {
    this.#post({ type: 'online', tid: this.#tid });
    this.#awakeNs = this.#clock.nowNs();
    while (this.#step());
  }

  /** One round; false: the machine ends. */
  #step(): boolean {
    const stop = this.#pump.run(this.#htif?.interval ?? BUDGET);
    if (this.#programEnded()) return this.#park();
    switch (stop) {
      case 'budget':
        this.#account();
        return true;
      case 'idle':
        this.#sleep(this.#pump.deadlineNs);
        return true;
      case 'stopped':
        this.#sleep(Number.POSITIVE_INFINITY);
        return true;
      case 'debug':
        this.#post({ type: 'debug' });
        return this.#park();
      case 'fault':
        this.#post({ type: 'fault', detail: this.#pump.detail });
        return this.#park();
      case 'power':
      case 'halted':
        return this.#park();
    }
  }

  /** Serves the test program's host interface; true: the program has ended. */
  #programEnded(): boolean {
    const ended = this.#htif?.poll();
    if (ended === undefined) return false;
    haltMachine(this.#vm.machine);
    this.#vm.kickAll();
    this.#post({ type: 'exit', code: ended.exit });
    return true;
  }

  /** Waits for attention, at most so long. Whoever sets an attention bit wakes this thread; one set before counts. */
  #sleep(ns: number): void {
    if (ns <= 0) return;
    this.#account();
    const most = this.#htif === undefined ? ns : Math.min(ns, HTIF_SLEEP_NS);
    Atomics.wait(this.#vcpu.state.words, hartWord.attention, this.#pump.restingAttention, most / 1e6);
    this.#awakeNs = this.#clock.nowNs();
  }

  /** Stands still, for the main thread to see, until the machine runs again. False: it ends. */
  #park(): boolean {
    const { words } = this.#vm.machine;
    const parked = machineWord.vcpuParked + this.#data.id;
    this.#account();
    this.#closeAccount();
    Atomics.store(words, parked, 1);
    Atomics.notify(words, parked);
    while (runState(this.#vm.machine) === RunState.PAUSED) Atomics.wait(words, machineWord.runState, RunState.PAUSED);
    // Before the run state is looked at again: the main thread sets that first and then looks here.
    Atomics.store(words, parked, 0);
    this.#vcpu.invalidate();
    this.#awakeNs = this.#clock.nowNs();
    return runState(this.#vm.machine) !== RunState.QUIT;
  }

  /** Notes how long this thread has not been asleep: its CPU time where the host keeps no account of threads. */
  #account(): void {
    const now = this.#clock.nowNs();
    this.#busyNs += now - this.#awakeNs;
    this.#awakeNs = now;
    if (this.#tid === undefined) this.#vcpu.state.set('cpuTimeNs', BigInt(Math.round(this.#busyNs)));
  }

  /** Where the host does, its account is read by whoever asks; what it stood at is left here for when it is gone. */
  #closeAccount(): void {
    const ns = this.#tid === undefined ? undefined : threadCpuNs(this.#tid);
    if (ns !== undefined) this.#vcpu.state.set('cpuTimeNs', BigInt(ns));
  }

  #post(message: VcpuThreadMessage): void {
    parentPort?.postMessage(message);
  }
}

const data = workerData as VcpuThreadData | undefined;
// One that was prepared is told later whose thread it is.
if (data) new VcpuThread(data).run();
else parentPort?.once('message', (later: VcpuThreadData) => new VcpuThread(later).run());
