import type { HartState } from '../../../cpu/index.ts';
import { SbiError, SbiExt, SbiFn } from '../../../isa/index.ts';
import {
  argument,
  argument32,
  failure,
  guestRange,
  type SbiAnswer,
  type SbiExtension,
  type SbiMachine,
  success,
} from './call.ts';

/** Bytes moved in one call: the calls may do less than they are asked for. */
const CHUNK = 4096;

/** The range that a0 (bytes), a1 and a2 (address) describe, cut to what one call moves. */
function buffer(machine: SbiMachine, hart: HartState): { gpa: number; bytes: number } | undefined {
  const bytes = argument(hart, 0);
  const gpa = guestRange(machine, { lo: argument(hart, 1), hi: argument(hart, 2), bytes });
  return gpa === undefined ? undefined : { gpa, bytes: Math.min(Number(bytes), CHUNK) };
}

/** console_write (SBI 12.1): does not wait, tells how much went out. */
function consoleWrite(machine: SbiMachine, hart: HartState): SbiAnswer {
  const from = buffer(machine, hart);
  if (from === undefined) return failure(SbiError.INVALID_PARAM);
  if (from.bytes === 0) return success();
  return success(machine.console.write(machine.memory.view(from.gpa, from.bytes).slice()));
}

/** console_read (SBI 12.2): does not wait, tells how much there was. */
function consoleRead(machine: SbiMachine, hart: HartState): SbiAnswer {
  const to = buffer(machine, hart);
  if (to === undefined || !machine.memory.contains(to.gpa, to.bytes, true)) return failure(SbiError.INVALID_PARAM);
  const input = new Uint8Array(to.bytes);
  const count = machine.console.read(input);
  machine.memory.write(to.gpa, input.subarray(0, count));
  return success(count);
}

/** console_write_byte (SBI 12.3): waits for room, by being made again. */
export function consoleWriteByte(machine: SbiMachine, hart: HartState): SbiAnswer {
  const sent = machine.console.write(Uint8Array.of(argument32(hart, 0) & 0xff));
  return sent === 0 ? { ...success(), outcome: 'busy' } : success();
}

/** Debug console extension (SBI 12). */
export const dbcnExtension: SbiExtension = {
  id: SbiExt.DBCN,
  functions: {
    [SbiFn.DBCN.CONSOLE_WRITE]: consoleWrite,
    [SbiFn.DBCN.CONSOLE_READ]: consoleRead,
    [SbiFn.DBCN.CONSOLE_WRITE_BYTE]: consoleWriteByte,
  },
};
