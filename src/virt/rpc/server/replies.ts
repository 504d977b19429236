/** What calls become, and what becomes of them. */
import { VirErrorDomain, type VirtError } from '../../../util/index.ts';
import { toVirtError, virtError } from '../../errors.ts';
import { encodePacket, type Packet, type PacketHeader, PacketStatus, PacketType, Program } from '../packet.ts';
import type { Procedure } from '../procedure.ts';
import { findProcedure } from '../procedures/index.ts';
import { unsupportedFunctions, unsupportedQemuFunctions } from '../procedures/unsupported.ts';
import { writeError } from '../wire-error.ts';
import { XdrError, XdrReader } from '../xdr.ts';

const programs = new Set<number>([Program.REMOTE, Program.QEMU, Program.LXC, Program.NODEVISOR]);

/** The row of a call. Throws RPC for what is no call of a procedure, NO_SUPPORT for one that nobody here can carry out. */
export function procedureOf({ program, version, procedure, status }: PacketHeader): Procedure {
  if (!programs.has(program) || version !== 1) {
    throw virtError('RPC', `Cannot find program ${program} version ${version}`, { domain: 'RPC' });
  }
  if (status !== PacketStatus.OK) throw virtError('RPC', `Unexpected message status ${status}`, { domain: 'RPC' });
  const row = findProcedure(program, procedure);
  if (row === undefined) throw missing(program, procedure);
  return row;
}

/** What a call and all that belongs to it have in common. */
export function headerOf({ program, version, procedure, serial }: PacketHeader): PacketHeader {
  return { program, version, procedure, serial, type: PacketType.CALL, status: PacketStatus.OK };
}

/** Names of functions, by the program that has their procedures. */
const functions = new Map<number, ReadonlyMap<number, string>>([
  [Program.REMOTE, unsupportedFunctions],
  [Program.QEMU, unsupportedQemuFunctions],
]);

/** What nobody here can do; of what libvirt can, with the name of its function. */
function missing(program: number, procedure: number): VirtError {
  const name = functions.get(program)?.get(procedure);
  return name === undefined
    ? virtError('RPC', `unknown procedure: ${procedure}`, { domain: 'RPC' })
    : virtError('NO_SUPPORT', name, { domain: 'REMOTE' });
}

/** The arguments of a call. Throws RPC. */
export function decodeArguments(row: Procedure, packet: Packet): unknown[] {
  try {
    return row.args.read(new XdrReader(packet.payload));
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    throw virtError('RPC', `Unable to decode message payload: ${error.message}`, { domain: 'RPC' });
  }
}

/** A packet that says an error, whatever has failed. */
export function errorPacket(to: PacketHeader, error: unknown): Buffer {
  const sent =
    error instanceof XdrError
      ? virtError('RPC', `Unable to encode message payload: ${error.message}`, { domain: 'RPC' })
      : toVirtError(error, 'REMOTE');
  const known = sent.domain === VirErrorDomain.NONE ? toVirtError(sent, 'REMOTE') : sent;
  return encodePacket(to, (bytes) => writeError(bytes, known));
}
