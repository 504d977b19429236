/** What every CPU backend must do: one suite, run over each. */
import type { EngineKind } from '../../src/cpu/index.ts';
import { atomicContract } from './contract/atomic.ts';
import { controlContract } from './contract/control.ts';
import { csrContract } from './contract/csr.ts';
import { hostileContract } from './contract/hostile.ts';
import { integerContract } from './contract/integer.ts';
import { memoryContract } from './contract/memory.ts';
import { mmuContract } from './contract/mmu.ts';
import { pmpContract } from './contract/pmp.ts';
import { runningContract } from './contract/running.ts';
import { smpContract } from './contract/smp.ts';
import { trapContract } from './contract/traps.ts';
import { type MakeEngine, Rig, type RigOptions } from './support/rig.ts';

/** Runs the whole contract over a backend. `make` makes an engine of kind `name` over given shared memory. */
export function describeEngine(name: EngineKind, make: MakeEngine): void {
  describe(`CPU backend ${name}`, () => {
    const makeRig = (options?: RigOptions): Rig => new Rig(make, options);
    integerContract(makeRig);
    controlContract(makeRig);
    memoryContract(makeRig);
    atomicContract(makeRig);
    trapContract(makeRig);
    csrContract(makeRig);
    mmuContract(makeRig);
    pmpContract(makeRig);
    runningContract(make);
    hostileContract(makeRig);
    smpContract(name);
  });
}
