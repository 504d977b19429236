import type { Worker } from 'node:worker_threads';
import { machineWord } from '../../cpu/index.ts';
import type { Vm } from '../../hypervisor/index.ts';
import { RunState, setRunState } from '../../machine/index.ts';
import { threadCpuNs } from '../thread-time.ts';
import type { VcpuThreadData, VcpuThreadMessage } from './protocol.ts';
import { startVcpuThread } from './vcpu-thread.ts';

/** How long, in milliseconds, a thread may take to end by itself. */
const QUIT_MS = 5000;

/** What the owner of vCPU threads wants to know. */
export interface VcpuThreadEvents {
  debug(vcpu: number): void;
  exit(code: number): void;
  /** A thread died, or its backend failed. */
  fault(vcpu: number, detail: string): void;
}

interface Thread {
  readonly worker: Worker;
  tid: number | undefined;
  ended: boolean;
  readonly end: Promise<void>;
}

/** The vCPUs of one machine as threads of the host, which decides when each runs. */
export class HostScheduler {
  readonly #vm: Vm;
  readonly #events: VcpuThreadEvents;
  readonly #threads: Thread[] = [];
  #quitting = false;

  constructor(vm: Vm, events: VcpuThreadEvents) {
    this.#vm = vm;
    this.#events = events;
  }

  /** Starts one thread per vCPU; resolves when all are ready to run, and so begin at the same time. */
  async launch(data: Omit<VcpuThreadData, 'id'>): Promise<void> {
    for (const { id } of this.#vm.harts) {
      this.#threads.push(this.#watch(id, await startVcpuThread({ ...data, id })));
    }
    await this.standStill();
  }

  /** Lets the vCPUs run. */
  go(): void {
    setRunState(this.#vm.machine, RunState.RUNNING);
  }

  /** Stops the vCPUs; resolves once each stands still or has died. */
  async standStill(): Promise<void> {
    const { words } = this.#vm.machine;
    setRunState(this.#vm.machine, RunState.PAUSED);
    this.#vm.kickAll();
    for (const [id, thread] of this.#threads.entries()) {
      while (!thread.ended && Atomics.load(words, machineWord.vcpuParked + id) === 0) {
        const wait = Atomics.waitAsync(words, machineWord.vcpuParked + id, 0);
        if (wait.async) await Promise.race([wait.value, thread.end]);
      }
    }
  }

  /** Ends all threads, by force those that do not end by themselves. */
  async quit(): Promise<void> {
    this.#quitting = true;
    setRunState(this.#vm.machine, RunState.QUIT);
    this.#vm.kickAll();
    await Promise.all(this.#threads.map((thread) => endOf(thread)));
  }

  /** The host's account of a vCPU's CPU time: 0 after its thread has ended, undefined where there is none. */
  cpuNs(vcpu: number): number | undefined {
    const tid = this.#threads[vcpu]?.tid;
    return tid === undefined ? undefined : (threadCpuNs(tid) ?? 0);
  }

  /** The host's id of a vCPU's thread; undefined when it does not run or the host does not tell. */
  threadId(vcpu: number): number | undefined {
    const thread = this.#threads[vcpu];
    return thread === undefined || thread.ended ? undefined : thread.tid;
  }

  #watch(vcpu: number, worker: Worker): Thread {
    const thread: Thread = {
      worker,
      tid: undefined,
      ended: false,
      end: new Promise((resolve) => {
        worker.once('exit', () => {
          thread.ended = true;
          resolve();
          this.#fault(vcpu, 'its thread ended');
        });
      }),
    };
    worker.on('message', (message: VcpuThreadMessage) => {
      if (message.type === 'online') thread.tid = message.tid;
      else if (message.type === 'debug') this.#events.debug(vcpu);
      else if (message.type === 'exit') this.#events.exit(message.code);
      else this.#fault(vcpu, message.detail);
    });
    worker.once('error', (error: Error) => this.#fault(vcpu, error.stack ?? error.message));
    return thread;
  }

  /** The first word on it counts. */
  #fault(vcpu: number, detail: string): void {
    if (this.#quitting) return;
    this.#quitting = true;
    this.#events.fault(vcpu, detail);
  }
}

async function endOf(thread: Thread): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), QUIT_MS);
  });
  if ((await Promise.race([thread.end, late])) === 'late') await thread.worker.terminate();
  clearTimeout(timer);
}
