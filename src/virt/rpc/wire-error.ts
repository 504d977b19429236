/** Errors as libvirt sends them (remote_error). */
import { constants } from 'node:os';
import {
  VirErrorDomain,
  type VirErrorDomainName,
  VirErrorLevel,
  type VirErrorName,
  VirErrorNumber,
  VirtError,
} from '../../util/index.ts';
import { domain, network } from './shapes.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';
import { int, optional, struct, TEXT_MAX_BYTES, text } from './xdr-types.ts';

const wireError = struct({
  code: int,
  domain: int,
  message: optional(text),
  level: int,
  dom: optional(domain),
  str1: optional(text),
  str2: optional(text),
  str3: optional(text),
  int1: int,
  int2: int,
  net: optional(network),
});

/** Room for a message in a packet that has much else in it. */
const MESSAGE_MAX = TEXT_MAX_BYTES / 16;

/** Text that other languages' strings can hold. */
function sendable(message: string): string {
  return message.slice(0, MESSAGE_MAX).replaceAll('\0', '�');
}

/** Numbers of the system's errors by their names. */
const systemErrors = new Map<unknown, number>(Object.entries(constants.errno));

/** Writes an error. libvirt's beginning of a message and the rest of it are said apart once more. */
export function writeError(to: XdrWriter, error: VirtError): void {
  const message = sendable(error.message);
  const colon = message.indexOf(': ');
  wireError.write(to, {
    code: error.errno,
    domain: error.domain,
    message,
    level: error.level,
    ...(colon === -1
      ? { str1: '%s', str2: message }
      : { str1: `${message.slice(0, colon)}: %s`, str2: message.slice(colon + 2) }),
    int1: systemErrors.get(error.data['errno']) ?? -1,
    int2: -1,
  });
}

const names = new Map(Object.entries(VirErrorNumber).map(([name, number]) => [number as number, name as VirErrorName]));
const domainNames = new Map(
  Object.entries(VirErrorDomain).map(([name, number]) => [number as number, name as VirErrorDomainName]),
);

/** Reads an error. A number that is unknown here is kept in `data.code`, a system's error in `data.errno`. */
export function readError(from: XdrReader): VirtError {
  const { code, domain: part, message, level, int1 } = wireError.read(from);
  const name = code === VirErrorNumber.OK ? undefined : names.get(code);
  const errno = [...systemErrors].find(([, number]) => code === VirErrorNumber.SYSTEM_ERROR && number === int1)?.[0];
  return new VirtError(name ?? 'INTERNAL_ERROR', message ?? 'An error occurred, but the cause is unknown', {
    domain: domainNames.get(part) ?? 'REMOTE',
    level: level === VirErrorLevel.WARNING ? VirErrorLevel.WARNING : VirErrorLevel.ERROR,
    data: { ...(name === undefined ? { code } : {}), ...(errno === undefined ? {} : { errno }) },
  });
}
