import { type HartState, hartWord, raiseAttention } from '../../../cpu/index.ts';
import { Attention, Interrupt, PmuFirmwareEvent, SbiExt, SbiFn } from '../../../isa/index.ts';
import { argument, type SbiAnswer, type SbiExtension, type SbiMachine, success } from './call.ts';

/**
 * set_timer (SBI 6.1): programs the timer at an absolute time and clears the pending interrupt. The timer is Sstc's
 * own: the guest has it enabled in menvcfg and may write stimecmp itself.
 */
export function setTimer(machine: SbiMachine, hart: HartState): SbiAnswer {
  machine.events.count(hart, PmuFirmwareEvent.SET_TIMER);
  hart.set('stimecmp', argument(hart, 0));
  Atomics.and(hart.words, hartWord.mip, ~(1 << Interrupt.STI));
  raiseAttention(hart, Attention.INTERRUPT);
  return success();
}

/** Timer extension (SBI 6). */
export const timeExtension: SbiExtension = {
  id: SbiExt.TIME,
  functions: { [SbiFn.TIME.SET_TIMER]: setTimer },
};
