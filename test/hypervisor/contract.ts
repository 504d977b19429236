/** What a virtual machine over any CPU backend must do: one suite, run over each. */
import type { EngineKind } from '../../src/cpu/index.ts';
import { describeExits, describeMmio } from './contract-exits.ts';
import { describeMemory, describeState, describeThreads } from './contract-state.ts';

/** Runs the whole contract over a backend. */
export function describeHypervisor(kind: EngineKind): void {
  describe(`hypervisor on ${kind}`, () => {
    describeMmio(kind);
    describeExits(kind);
    describeMemory(kind);
    describeState(kind);
    describeThreads(kind);
  });
}
