import { type HartState, hartWord } from '../../../cpu/index.ts';
import { Interrupt, SbiExt } from '../../../isa/index.ts';
import { PowerRequest } from '../../power/power-request.ts';
import { type SbiAnswer, type SbiExtension, type SbiFunction, type SbiMachine, success } from './call.ts';
import { consoleWriteByte } from './dbcn.ts';
import { goDown } from './srst.ts';
import { setTimer } from './time.ts';

function legacy(id: number, call: SbiFunction): SbiExtension {
  return { id, legacy: true, functions: { 0: call } };
}

/** console_getchar (SBI 5.3): the byte in a0, or −1. */
function getchar(machine: SbiMachine): SbiAnswer {
  const into = new Uint8Array(1);
  return success(machine.console.read(into) === 0 ? -1 : into[0]);
}

/** clear_ipi (SBI 5.4). */
function clearIpi(_machine: SbiMachine, hart: HartState): SbiAnswer {
  const before = Atomics.and(hart.words, hartWord.mip, ~(1 << Interrupt.SSI));
  return success((before >> Interrupt.SSI) & 1);
}

/**
 * Legacy extensions (SBI 5), each its own id. IPI and remote fences are absent: they take the address of a mask in the
 * caller's address space, and every supervisor that has several harts knows the extensions that replaced them.
 */
export const legacyExtensions: readonly SbiExtension[] = [
  legacy(SbiExt.LEGACY_SET_TIMER, setTimer),
  legacy(SbiExt.LEGACY_CONSOLE_PUTCHAR, consoleWriteByte),
  legacy(SbiExt.LEGACY_CONSOLE_GETCHAR, getchar),
  legacy(SbiExt.LEGACY_CLEAR_IPI, clearIpi),
  legacy(SbiExt.LEGACY_SHUTDOWN, (machine) => goDown(machine, PowerRequest.SHUTDOWN)),
];
