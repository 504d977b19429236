import { strict as assert } from 'node:assert';
import { hartWord, Stop } from '../../src/cpu/index.ts';
import { VcpuPump } from '../../src/drivers/vcpu-pump.ts';
import { createSharedMemory, Vm } from '../../src/hypervisor/index.ts';
import { Attention, HartConfig, HsmState, Interrupt } from '../../src/isa/index.ts';
import { Board, boardConfig, ExitServer, memoryMap, RunState, runState, setRunState } from '../../src/machine/index.ts';
import { ManualClock } from '../../src/util/index.ts';
import { type FakeHart, fakeEngine, type Step } from '../support/fake-engine.ts';
import { bareConfig } from '../support/guest.ts';

/** A pump over a machine of one hart whose engine plays a script. */
function makePump(script: Step[]): { vm: Vm; pump: VcpuPump; hart: FakeHart; board: Board } {
  const shared = createSharedMemory({ ramBytes: 4096 });
  const clock = new ManualClock();
  const vm = Vm.create({ shared, clock, harts: 1, timebaseHz: 10_000_000, clockMode: 'virtual' });
  const board = new Board(vm, boardConfig(bareConfig('nop')), clock);
  board.reset();
  const engine = fakeEngine(shared.buffer, [script]);
  const server = new ExitServer({ vm, board, builtinFirmware: true, mayWait: false });
  const vcpu = vm.createVcpu(0, engine);
  setRunState(vm.machine, RunState.RUNNING);
  return { vm, pump: new VcpuPump(vm, vcpu, server), hart: engine.harts[0], board };
}

const retire = (n: number): Step => {
  return (hart) => {
    hart.state.words[hartWord.retired] += n;
    return Stop.Budget;
  };
};

const calls = (hart: FakeHart) => hart.calls.filter((call) => call !== 'invalidate');

describe('vCPU pump', () => {
  it('spends its budget on instructions, and one at least on each exit', () => {
    const { pump, hart } = makePump([
      (h) => {
        h.state.words[hartWord.retired] += 60;
        return h.mmio(0, memoryMap.uart.gpa + 7, 1);
      },
      () => Stop.Kicked,
      retire(39),
    ]);
    assert.equal(pump.run(100), 'budget');
    assert.deepEqual(calls(hart), ['run 100', 'complete 0:0', 'run 40', 'run 39']);
  });

  it('comes back when the budget went into traps alone', () => {
    const { pump, hart } = makePump([retire(0), retire(0)]);
    assert.equal(pump.run(100), 'budget');
    assert.deepEqual(calls(hart), ['run 100']);
  });

  it('answers accesses from the board, and refuses those to nowhere', () => {
    const { pump, hart, board } = makePump([
      (h) => h.mmio(1, memoryMap.uart.gpa + 7, 1, 0x5an),
      (h) => h.mmio(0, memoryMap.uart.gpa + 7, 1),
      (h) => h.mmio(0, 0x4000_0000, 4),
      (h) => h.mmio(1, 0x4000_0000, 4),
      () => Stop.Wfi,
    ]);
    assert.equal(pump.run(100), 'idle');
    assert.deepEqual(
      calls(hart).filter((call) => !call.startsWith('run')),
      ['complete 0:0', 'complete 0:90', 'refuse', 'refuse'],
    );
    assert.equal(board.bus.unmapped, 2);
    assert.equal(pump.restingAttention, 0);
  });

  it('halts the machine at a power request', () => {
    const { vm, pump } = makePump([(h) => h.mmio(1, memoryMap.test.gpa, 4, 0x5555n)]);
    assert.equal(pump.run(100), 'power');
    assert.equal(runState(vm.machine), RunState.PAUSED);
    assert.equal(vm.harts[0].get32('attention') & Attention.KICK, Attention.KICK);
    assert.equal(pump.run(100), 'halted');
  });

  it('halts the machine at a breakpoint and at a fault of the backend', () => {
    const { vm, pump } = makePump([() => Stop.Debug, () => Stop.Fault]);
    assert.equal(pump.run(100), 'debug');
    setRunState(vm.machine, RunState.RUNNING);
    assert.equal(pump.run(100), 'fault');
    assert.equal(pump.detail, 'the script says so');
  });

  it('does not restart a machine that is to end', () => {
    const { vm, pump } = makePump([() => Stop.Debug]);
    setRunState(vm.machine, RunState.QUIT);
    assert.equal(pump.run(100), 'halted');
    assert.equal(runState(vm.machine), RunState.QUIT);
  });

  it('keeps out of a hart that is stopped, until it is started', () => {
    const { vm, pump, hart } = makePump([retire(100)]);
    const [state] = vm.harts;
    state.set32('hartStatus', HsmState.STOPPED);
    state.set32('attention', Attention.KICK | Attention.INTERRUPT | Attention.FLUSH_TLB);
    assert.equal(pump.run(100), 'stopped');
    assert.equal(pump.restingAttention, Attention.FLUSH_TLB, 'kicks are dealt with, fences are for the guest');
    assert.equal(state.get32('attention'), Attention.FLUSH_TLB);
    assert.deepEqual(hart.calls, []);
    state.set32('hartStatus', HsmState.STARTED);
    assert.equal(pump.run(100), 'budget');
    assert.deepEqual(hart.calls, ['invalidate', 'run 100']);
  });

  it('lets a suspended hart sleep until an interrupt that it has enabled is pending', () => {
    // SBI hart_suspend, default retentive.
    const { vm, pump, hart } = makePump([
      (h) => {
        h.state.set('x', 0x48534dn, 17);
        h.state.set('x', 3n, 16);
        h.state.set32('exitLength', 4);
        return Stop.Ecall;
      },
      retire(100),
    ]);
    const [state] = vm.harts;
    state.set32('hartConfig', HartConfig.SBI_EXIT);
    state.set('mie', 1n << BigInt(Interrupt.SSI));
    assert.equal(pump.run(100), 'idle');
    assert.equal(state.get32('hartStatus'), HsmState.SUSPENDED);
    assert.equal(pump.run(100), 'idle');
    Atomics.or(state.words, hartWord.mip, 1 << Interrupt.SSI);
    assert.equal(pump.run(100), 'budget');
    assert.equal(state.get32('hartStatus'), HsmState.STARTED);
    assert.deepEqual(calls(hart), ['run 100', 'run 100']);
  });
});
