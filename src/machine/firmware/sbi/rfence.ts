import { type FenceKind, remoteFences } from '../../../cpu/index.ts';
import { PmuFirmwareEvent, SbiError, SbiExt, SbiFn } from '../../../isa/index.ts';
import { argument, failure, hartsOf, type SbiExtension, type SbiFunction, success } from './call.ts';

/**
 * One remote fence. Address range and ASID are not looked at: dropping more translations than asked for is allowed
 * (Privileged spec 12.2.1), and finding a few of them costs more than refilling all.
 */
function fence(what: FenceKind, sent: PmuFirmwareEvent, received: PmuFirmwareEvent): SbiFunction {
  return (machine, hart) => {
    const targets = hartsOf(machine, argument(hart, 0), argument(hart, 1));
    if (targets === undefined) return failure(SbiError.INVALID_PARAM);
    for (const target of targets) {
      machine.events.count(hart, sent);
      machine.events.count(target, received);
    }
    remoteFences(targets, what);
    return success();
  };
}

const event = PmuFirmwareEvent;

/** Remote fence extension (SBI 8). Those of guests of the guest are absent: there is no H extension. */
export const rfenceExtension: SbiExtension = {
  id: SbiExt.RFENCE,
  functions: {
    [SbiFn.RFENCE.REMOTE_FENCE_I]: fence({ tlb: false, code: true }, event.FENCE_I_SENT, event.FENCE_I_RECEIVED),
    [SbiFn.RFENCE.REMOTE_SFENCE_VMA]: fence(
      { tlb: true, code: false },
      event.SFENCE_VMA_SENT,
      event.SFENCE_VMA_RECEIVED,
    ),
    [SbiFn.RFENCE.REMOTE_SFENCE_VMA_ASID]: fence(
      { tlb: true, code: false },
      event.SFENCE_VMA_ASID_SENT,
      event.SFENCE_VMA_ASID_RECEIVED,
    ),
  },
};
