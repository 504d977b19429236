import { type HartState, hartWord, raiseAttention } from '../../../cpu/index.ts';
import { Attention, csrByName, HsmState, HsmSuspendType, Priv, SbiError, SbiExt, SbiFn } from '../../../isa/index.ts';
import {
  argument,
  argument32,
  failure,
  hartById,
  type SbiAnswer,
  type SbiExtension,
  type SbiMachine,
  startAddress,
  success,
  swapStatus,
} from './call.ts';

const { SIE, MPRV } = csrByName.mstatus.fields;
const { CY, TM, IR } = csrByName.scounteren.fields;

/** The state in which a supervisor goes on (SBI 9.1 and 9.4): translation and interrupts off, a0 hart id, a1 opaque. */
export function enterSupervisor(hart: HartState, pc: number, opaque: bigint): void {
  hart.set('pc', BigInt(pc));
  hart.set('x', BigInt(hart.id), 10);
  hart.set('x', opaque, 11);
  hart.set('satp', 0n);
  hart.set('mstatus', hart.get('mstatus') & ~(SIE.mask | MPRV.mask));
  hart.set32('priv', Priv.S);
  hart.set32('lrValid', 0);
}

/** Registers of a hart that starts anew: what the specification leaves open is as after power-on. */
function clearSupervisor(hart: HartState): void {
  for (let i = 1; i < 32; i++) hart.set('x', 0n, i);
  for (const name of ['stvec', 'sscratch', 'sepc', 'scause', 'stval', 'senvcfg', 'mie'] as const) hart.set(name, 0n);
  hart.set('stimecmp', 0xffff_ffff_ffff_ffffn);
  // Counters are open to user mode until the supervisor says otherwise, as under other firmware.
  hart.set('scounteren', CY.mask | TM.mask | IR.mask);
  Atomics.store(hart.words, hartWord.mip, 0);
}

/** hart_start (SBI 9.1), on the caller's thread: the target's own keeps off its state until the status says STARTED. */
function hartStart(machine: SbiMachine, hart: HartState): SbiAnswer {
  const target = hartById(machine, argument(hart, 0));
  if (target === undefined) return failure(SbiError.INVALID_PARAM);
  const pc = startAddress(machine, argument(hart, 1));
  if (pc === undefined) return failure(SbiError.INVALID_ADDRESS);
  if (!swapStatus(target, HsmState.STOPPED, HsmState.START_PENDING)) return failure(SbiError.ALREADY_AVAILABLE);
  clearSupervisor(target);
  enterSupervisor(target, pc, argument(hart, 2));
  Atomics.add(target.words, hartWord.codeEpoch, 1);
  // Before the status, for a thread that looks at it just now; and after it, to wake one that sleeps.
  raiseAttention(target, Attention.FLUSH_TLB);
  target.set32('hartStatus', HsmState.STARTED);
  raiseAttention(target, Attention.FLUSH_TLB | Attention.INTERRUPT);
  return success();
}

/** hart_stop (SBI 9.2). The status changes last, when nothing of the hart's state is touched any more. */
function hartStop(): SbiAnswer {
  return { ...success(), outcome: 'stopped', resumed: true };
}

/** hart_get_status (SBI 9.3). */
function hartGetStatus(machine: SbiMachine, hart: HartState): SbiAnswer {
  const target = hartById(machine, argument(hart, 0));
  if (target === undefined) return failure(SbiError.INVALID_PARAM);
  return success(target.get32('hartStatus'));
}

/** hart_suspend (SBI 9.4): the default types, retentive (as WFI) and not (the hart goes on at the given address). */
function hartSuspend(machine: SbiMachine, hart: HartState): SbiAnswer {
  const type = argument32(hart, 0);
  if (type === HsmSuspendType.DEFAULT_RETENTIVE) return { ...success(), outcome: 'suspended' };
  if (type !== HsmSuspendType.DEFAULT_NON_RETENTIVE) return failure(SbiError.INVALID_PARAM);
  const pc = startAddress(machine, argument(hart, 1));
  if (pc === undefined) return failure(SbiError.INVALID_ADDRESS);
  // What wakes it, sie and the pending bits, stays: only that and these registers are looked at until it does.
  enterSupervisor(hart, pc, argument(hart, 2));
  raiseAttention(hart, Attention.FLUSH_TLB);
  return { ...success(), outcome: 'suspended', resumed: true };
}

/** Hart state management extension (SBI 9). */
export const hsmExtension: SbiExtension = {
  id: SbiExt.HSM,
  functions: {
    [SbiFn.HSM.HART_START]: hartStart,
    [SbiFn.HSM.HART_STOP]: hartStop,
    [SbiFn.HSM.HART_GET_STATUS]: hartGetStatus,
    [SbiFn.HSM.HART_SUSPEND]: hartSuspend,
  },
};
