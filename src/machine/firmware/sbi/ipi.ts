import { type HartState, setPending } from '../../../cpu/index.ts';
import { Interrupt, PmuFirmwareEvent, SbiError, SbiExt, SbiFn } from '../../../isa/index.ts';
import { argument, failure, hartsOf, type SbiAnswer, type SbiExtension, type SbiMachine, success } from './call.ts';

/** send_ipi (SBI 7.1): a supervisor software interrupt on each hart of the mask. */
function sendIpi(machine: SbiMachine, hart: HartState): SbiAnswer {
  const targets = hartsOf(machine, argument(hart, 0), argument(hart, 1));
  if (targets === undefined) return failure(SbiError.INVALID_PARAM);
  for (const target of targets) {
    machine.events.count(hart, PmuFirmwareEvent.IPI_SENT);
    machine.events.count(target, PmuFirmwareEvent.IPI_RECEIVED);
    setPending(target, Interrupt.SSI);
  }
  return success();
}

/** IPI extension (SBI 7). */
export const ipiExtension: SbiExtension = {
  id: SbiExt.IPI,
  functions: { [SbiFn.IPI.SEND_IPI]: sendIpi },
};
