import type { HartState } from '../../../cpu/index.ts';
import { SbiError, SbiExt, SbiFn, SrstReason, SrstType } from '../../../isa/index.ts';
import { PowerRequest } from '../../power/power-request.ts';
import { argument32, failure, type SbiAnswer, type SbiExtension, type SbiMachine, success } from './call.ts';

/** Exit status of a machine whose guest went down for a failure of its own. */
const FAILURE_CODE = 1;

/** Asks for power off or reset; the call does not return. */
export function goDown(machine: SbiMachine, request: PowerRequest, code = 0): SbiAnswer {
  machine.power(request, code);
  return { ...success(), outcome: 'power' };
}

/** system_reset (SBI 10.1). Cold and warm reboot are the same here: everything but RAM's contents starts anew. */
function systemReset(machine: SbiMachine, hart: HartState): SbiAnswer {
  const type = argument32(hart, 0);
  const reason = argument32(hart, 1);
  if (reason !== SrstReason.NONE && reason !== SrstReason.SYSTEM_FAILURE) return failure(SbiError.INVALID_PARAM);
  switch (type) {
    case SrstType.SHUTDOWN:
      if (reason === SrstReason.SYSTEM_FAILURE) return goDown(machine, PowerRequest.FAIL, FAILURE_CODE);
      return goDown(machine, PowerRequest.SHUTDOWN);
    case SrstType.COLD_REBOOT:
    case SrstType.WARM_REBOOT:
      return goDown(machine, PowerRequest.RESET);
    default:
      return failure(SbiError.INVALID_PARAM);
  }
}

/** System reset extension (SBI 10). */
export const srstExtension: SbiExtension = {
  id: SbiExt.SRST,
  functions: { [SbiFn.SRST.SYSTEM_RESET]: systemReset },
};
