/** Harts on threads of their own over one memory. */
import { strict as assert } from 'node:assert';
import type { Worker } from 'node:worker_threads';
import {
  type EngineKind,
  GuestClock,
  HartState,
  hartWord,
  kick,
  remoteFence,
  Stop,
  setInterruptLine,
} from '../../../src/cpu/index.ts';
import { assemble, HartConfig, Interrupt, sharedMap } from '../../../src/isa/index.ts';
import { HostClock } from '../../../src/util/index.ts';
import { startTsWorker } from '../../support/ts-worker.ts';
import type { HartWorkerData } from '../support/hart-worker.ts';
import { makeMemory, powerOn, RAM_GPA } from '../support/rig.ts';

const BASE = BigInt(RAM_GPA);
const DATA = BASE + 0x10000n;
const module = new URL('../support/hart-worker.ts', import.meta.url);

/** Enough that both threads run at the same time for most of it, also where two share a core. */
const ROUNDS = 50_000;

class Threads {
  readonly buffer = makeMemory();
  readonly view = new DataView(this.buffer, sharedMap.ram);
  readonly #kind: EngineKind;
  readonly #workers: Worker[] = [];

  constructor(kind: EngineKind) {
    this.#kind = kind;
  }

  load(source: string): ReadonlyMap<string, bigint> {
    const program = assemble(source, { base: BASE });
    new Uint8Array(this.buffer, sharedMap.ram).set(program.bytes);
    return program.symbols;
  }

  /** Starts a hart at the start of RAM with its number in a0; resolves with its stop. */
  start(hart: number, budget = 1e12): Promise<Stop> {
    const state = new HartState(this.buffer, hart);
    powerOn(state, BASE);
    state.set('x', BigInt(hart), 10);
    state.set32('hartConfig', HartConfig.EBREAK_EXIT);
    const data: HartWorkerData = { kind: this.#kind, buffer: this.buffer, hart, budget };
    const worker = startTsWorker(module, data);
    this.#workers.push(worker);
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the worker ended without a stop')));
    });
  }

  /** Waits until a word of RAM is not zero. */
  async nonzero(offset: number): Promise<void> {
    while (this.view.getInt32(offset, true) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

export function smpContract(kind: EngineKind): void {
  describe('harts in parallel', function () {
    // Harts that spin on each other get nowhere while the host runs something else on their cores.
    this.timeout(120_000);
    let threads: Threads;
    beforeEach(() => {
      threads = new Threads(kind);
    });
    afterEach(() => threads.close());

    async function both(source: string): Promise<void> {
      threads.load(source);
      assert.deepEqual(await Promise.all([threads.start(0), threads.start(1)]), [Stop.Debug, Stop.Debug]);
    }

    /** Both harts wait for each other, then run `body` ROUNDS times. */
    const loop = (body: string): string => `
      li s0, ${DATA}
      li t0, 1
      amoadd.w zero, t0, (s0)
    1: lw t1, 0(s0)
      li t0, 2
      bne t0, t1, 1b
      li s1, ${ROUNDS}
    round:
      ${body}
      addi s1, s1, -1
      bnez s1, round
      ebreak`;

    it('AMOs of both widths lose no update', async () => {
      await both(
        loop(`
          addi t1, s0, 8
          li t2, 3
          amoadd.w zero, t2, (t1)
          addi t1, s0, 16
          amoadd.d zero, t2, (t1)
          addi t1, s0, 24
        2: lw t3, 0(t1)
          li t4, 1
          amoswap.w.aq t3, t4, (t1)
          bnez t3, 2b
          ld t3, 32(s0)
          addi t3, t3, 1
          sd t3, 32(s0)
          amoswap.w.rl zero, zero, (t1)`),
      );
      assert.equal(threads.view.getInt32(0x10008, true), 6 * ROUNDS);
      assert.equal(threads.view.getBigInt64(0x10010, true), BigInt(6 * ROUNDS));
      assert.equal(threads.view.getBigInt64(0x10020, true), BigInt(2 * ROUNDS), 'under a spin lock');
    });

    it('LR/SC loops of both widths lose no update', async () => {
      await both(
        loop(`
          addi t1, s0, 8
        2: lr.w t2, (t1)
          addi t2, t2, 1
          sc.w t3, t2, (t1)
          bnez t3, 2b
          addi t1, s0, 16
        3: lr.d.aq t2, (t1)
          addi t2, t2, 1
          sc.d.rl t3, t2, (t1)
          bnez t3, 3b`),
      );
      assert.equal(threads.view.getInt32(0x10008, true), 2 * ROUNDS);
      assert.equal(threads.view.getBigInt64(0x10010, true), BigInt(2 * ROUNDS));
    });

    it('FENCE orders a store before a later load: Peterson’s lock excludes', async () => {
      await both(
        loop(`
          # flags at 64 + 4·hart, turn at 128, counter at 192
          slli t0, a0, 2
          add t0, t0, s0
          xori t1, a0, 1
          slli t2, t1, 2
          add t2, t2, s0
          li t3, 1
          sw t3, 64(t0)
          sw t1, 128(s0)
          fence rw, rw
        2: lw t4, 64(t2)
          beqz t4, 3f
          lw t4, 128(s0)
          beq t4, t1, 2b
        3: fence rw, rw
          ld t5, 192(s0)
          addi t5, t5, 1
          sd t5, 192(s0)
          fence rw, rw
          sw zero, 64(t0)`),
      );
      assert.equal(threads.view.getBigInt64(0x100c0, true), BigInt(2 * ROUNDS));
    });

    it('passes messages in order, and doublewords whole', async () => {
      await both(
        loop(`
          bnez a0, 2f
          # hart 0: data, then its number; and a doubleword of equal halves
          sd s1, 64(s0)
          fence w, w
          sd s1, 128(s0)
          slli t0, s1, 32
          or t0, t0, s1
          sd t0, 192(s0)
          j 3f
        2: # hart 1: a number that has gone down means data has gone down as far (rounds count down)
          ld t1, 128(s0)
          fence r, r
          ld t0, 64(s0)
          beqz t1, 4f
          bltu t1, t0, bad
        4: ld t0, 192(s0)
          srli t1, t0, 32
          sext.w t0, t0
          bne t0, t1, bad
          j 3f
        bad:
          sw t0, 256(s0)
          li t0, 1
          sw t0, 260(s0)
        3:`),
      );
      assert.equal(threads.view.getInt32(0x10104, true), 0);
    });

    it('a kick from another thread ends a spinning run', async () => {
      threads.load(`li t0, ${DATA}\n li t1, 1\n sw t1, 0(t0)\n 1: j 1b`);
      const stopped = threads.start(1);
      await threads.nonzero(0x10000);
      const state = new HartState(threads.buffer, 1);
      assert.equal(state.get32('inGuest'), 1);
      kick(state);
      assert.equal(await stopped, Stop.Kicked);
      assert.equal(state.get32('inGuest'), 0);
    });

    it('an interrupt line from another thread is taken', async () => {
      threads.load(`
        la t0, handler
        csrw mtvec, t0
        li t0, ${DATA}
        li t1, 1 << 11
        csrw mie, t1
        csrsi mstatus, 8
        sw t1, 0(t0)
      1: j 1b
        .balign 4
      handler:
        csrr a0, mcause
        ebreak`);
      const stopped = threads.start(0);
      await threads.nonzero(0x10000);
      const state = new HartState(threads.buffer, 0);
      setInterruptLine(state, Interrupt.MEI, true);
      assert.equal(await stopped, Stop.Debug);
      assert.equal(state.get('x', 10), (1n << 63n) | 11n);
    });

    it('a remote fence makes a running hart see changed code before it returns', async () => {
      const symbols = threads.load(`
        li t0, ${DATA}
        li t1, 1
      1: sw t1, 0(t0)
      patch: j 1b
        ebreak`);
      const stopped = threads.start(0);
      await threads.nonzero(0x10000);
      const state = new HartState(threads.buffer, 0);
      threads.view.setUint32(Number((symbols.get('patch') ?? 0n) - BASE), 0x13, true);
      remoteFence(state, { tlb: false, code: true });
      assert.equal(Atomics.load(state.words, hartWord.attention) & 4, 0);
      assert.equal(await stopped, Stop.Debug);
    });

    it('time goes on while a hart runs', async () => {
      threads.load(`
        la t0, handler
        csrw mtvec, t0
        li t1, 1 << 7
        csrw mie, t1
        csrsi mstatus, 8
      1: j 1b
        .balign 4
      handler: ebreak`);
      const clock = new GuestClock(threads.buffer, new HostClock());
      clock.init(10_000_000, 'host');
      clock.resume();
      const stopped = threads.start(0);
      new HartState(threads.buffer, 0).set('mtimecmp', clock.read() + 300_000n);
      assert.equal(await stopped, Stop.Debug);
      assert.ok(clock.read() >= 300_000n);
    });
  });
}
