import { type HartState, raiseAttention } from '../../../cpu/index.ts';
import { Attention, HsmState, SbiError, SbiExt, SbiFn, SuspSleepType } from '../../../isa/index.ts';
import {
  argument,
  argument32,
  failure,
  type SbiAnswer,
  type SbiExtension,
  type SbiMachine,
  startAddress,
  success,
} from './call.ts';
import { enterSupervisor } from './hsm.ts';

/**
 * system_suspend (SBI 13.1): the last hart goes to sleep until an interrupt it has enabled is pending, and goes on at
 * the given address as after a non-retentive suspension. RAM keeps its contents.
 */
function systemSuspend(machine: SbiMachine, hart: HartState): SbiAnswer {
  if (argument32(hart, 0) !== SuspSleepType.SUSPEND_TO_RAM) return failure(SbiError.INVALID_PARAM);
  const pc = startAddress(machine, argument(hart, 1));
  if (pc === undefined) return failure(SbiError.INVALID_ADDRESS);
  const others = machine.harts.filter((other) => other !== hart);
  if (others.some((other) => other.get32('hartStatus') !== HsmState.STOPPED)) return failure(SbiError.DENIED);
  enterSupervisor(hart, pc, argument(hart, 2));
  raiseAttention(hart, Attention.FLUSH_TLB);
  return { ...success(), outcome: 'suspended', resumed: true };
}

/** System suspend extension (SBI 13). */
export const suspExtension: SbiExtension = {
  id: SbiExt.SUSP,
  functions: { [SbiFn.SUSP.SYSTEM_SUSPEND]: systemSuspend },
};
