/** A CPU backend with a fault put in, to show that comparisons find it. It goes instruction by instruction, in M-mode. */
import {
  type CpuEngine,
  createEngine,
  type EngineConfig,
  type Hart,
  type HartState,
  Stop,
} from '../../src/cpu/index.ts';
import { type DecodedInsn, decode, type InsnName, sharedMap } from '../../src/isa/index.ts';
import { RAM_GPA } from '../cpu/support/rig.ts';

/** What goes wrong: called after an instruction has retired, with memory as the guest has it. */
export type Fault = (insn: DecodedInsn<InsnName>, state: HartState, ram: DataView) => void;

class FaultyHart implements Hart {
  readonly id: number;
  readonly state: HartState;
  readonly faultDetail = '';
  readonly #hart: Hart;
  readonly #ram: DataView;
  readonly #fault: Fault;

  constructor(hart: Hart, buffer: SharedArrayBuffer, fault: Fault) {
    this.id = hart.id;
    this.state = hart.state;
    this.#hart = hart;
    this.#ram = new DataView(buffer, sharedMap.ram);
    this.#fault = fault;
  }

  run(budget: number): Stop {
    for (let i = 0; i < budget; i++) {
      const insn = decode(this.#ram.getUint32(Number(this.state.get('pc')) - RAM_GPA, true));
      const before = this.state.get('retired');
      const stop = this.#hart.run(1);
      if (stop !== Stop.Budget) return stop;
      if (insn !== undefined && this.state.get('retired') !== before) this.#fault(insn, this.state, this.#ram);
    }
    return Stop.Budget;
  }

  completeMmio(lo: number, hi: number): void {
    this.#hart.completeMmio(lo, hi);
  }

  refuseMmio(): void {
    this.#hart.refuseMmio();
  }

  invalidate(): void {
    this.#hart.invalidate();
  }
}

/** The interpreter with a fault. */
export function faultyEngine(config: EngineConfig, fault: Fault): CpuEngine {
  const engine = createEngine('interpreter', config);
  return {
    kind: engine.kind,
    createHart: (id) => new FaultyHart(engine.createHart(id), config.buffer, fault),
    close: () => engine.close(),
  };
}
