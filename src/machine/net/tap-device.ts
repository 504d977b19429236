/** Tap devices of the host: made or found, set up, put into bridges. */
import { closeSync, constants, openSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { type TapCalls, TapFlag, tapCalls } from '../../cpu/index.ts';
import { type Logger, VirtError } from '../../util/index.ts';
import { bridgeHelperFd } from './bridge-helper.ts';

/** Which device, and what becomes of it. */
export interface TapOptions {
  /**
   * Its name, up to 15 bytes; `%d` in it becomes the first number that is free. Default `tap%d`. One that is there is
   * used, which its owner may without privileges; else it is made, for as long as it is open.
   */
  readonly name?: string;
  /** False: it must be there, and stays as it is. Default true: it is set up, where that is permitted. */
  readonly managed?: boolean;
  /** The host's bridge that it is put into. Where only QEMU's bridge helper may do that, that chooses the name too. */
  readonly bridge?: string;
  /** Of a device that is made; default: its bridge's, or 1500. */
  readonly mtu?: number;
  /** Address of the guest's interface: the host's end has the same with fe for its first byte, as under libvirt. */
  readonly mac: Uint8Array;
}

/** A device that is open: the caller closes it. */
export interface TapDevice {
  readonly fd: number;
  readonly name: string;
  readonly mtu: number;
  readonly calls: TapCalls;
}

const NODE = '/dev/net/tun';
const NAME_BYTES_MAX = 15;
const IFF_UP = 1;

/**
 * Opens a device. Throws CONFIG_UNSUPPORTED without the native addon, INVALID_ARG for names that are none, and
 * OPERATION_FAILED, with the name and what would help, where the host does not permit it.
 */
export async function openTap(options: TapOptions, logger: Logger): Promise<TapDevice> {
  const found = tapCalls();
  if ('reason' in found) throw new VirtError('CONFIG_UNSUPPORTED', `tap needs the native addon: ${found.reason}`);
  const opening = new Opening(options, found.calls, logger);
  return opening.open();
}

/** Whether the host has an interface of a name; false where nobody can tell. */
export function hasHostInterface(name: string): boolean {
  const found = tapCalls();
  return 'calls' in found && isName(name) && found.calls.interfaceIndex(name) > 0;
}

/** Why this process can make no tap device, for people; undefined: it can. One is made for a moment to see. */
export function tapProblem(): string | undefined {
  const found = tapCalls();
  if ('reason' in found) return `it needs the native addon: ${found.reason}`;
  let fd: number;
  try {
    fd = openSync(NODE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    return `${NODE}: ${nodeProblem((error as NodeJS.ErrnoException).code)}`;
  }
  const name = found.calls.tapAttach(fd, 'tap%d', 0);
  closeSync(fd);
  return typeof name === 'string' ? undefined : attachProblem(errorName(name), 'tap0', false);
}

function isName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= NAME_BYTES_MAX && !/[/\s\0]/.test(name);
}

/** The name of an errno: `EPERM`. */
function errorName(status: number): string {
  return status < 0 ? getSystemErrorName(status) : '';
}

class Opening {
  readonly #options: TapOptions;
  readonly #calls: TapCalls;
  readonly #logger: Logger;
  readonly #wanted: string;
  /** What messages begin with. */
  readonly #what: string;

  constructor(options: TapOptions, calls: TapCalls, logger: Logger) {
    const { name = 'tap%d', bridge } = options;
    this.#options = options;
    this.#calls = calls;
    this.#logger = logger;
    this.#wanted = name;
    const free = name.includes('%');
    this.#what =
      bridge === undefined
        ? `cannot open ${free ? 'a tap device' : `tap device '${name}'`}`
        : `cannot put ${free ? 'a tap device' : `'${name}'`} into bridge '${bridge}'`;
  }

  async open(): Promise<TapDevice> {
    const { bridge, managed = true } = this.#options;
    for (const name of [this.#wanted, ...(bridge === undefined ? [] : [bridge])]) {
      if (!isName(name)) throw new VirtError('INVALID_ARG', `'${name}' is no name of a network interface`);
    }
    if (bridge !== undefined && this.#calls.interfaceIndex(bridge) < 0) {
      throw this.#failed(`the host has no bridge '${bridge}'; as root: ip link add ${bridge} type bridge`);
    }
    const exists = !this.#wanted.includes('%') && this.#calls.interfaceIndex(this.#wanted) > 0;
    if (!managed && !exists) throw this.#failed('there is no such device, and it is not to be made');
    const opened = this.#attach(exists);
    const device = 'denied' in opened ? await this.#byHelper(opened.denied) : opened;
    try {
      if (!('denied' in opened)) this.#settle(device.name, exists);
      const mtu = this.#calls.interfaceMtu(device.name);
      if (mtu < 0) throw this.#failed(`'${device.name}' has gone again`);
      return { ...device, mtu, calls: this.#calls };
    } catch (error) {
      closeSync(device.fd);
      throw error;
    }
  }

  #failed(why: string): VirtError {
    return new VirtError('OPERATION_FAILED', `${this.#what}: ${why}`);
  }

  /** The device, or why it is not permitted. */
  #attach(exists: boolean): { fd: number; name: string } | { denied: VirtError } {
    let fd: number;
    try {
      fd = openSync(NODE, constants.O_RDWR | constants.O_NONBLOCK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const failure = this.#failed(`${NODE}: ${nodeProblem(code)}`);
      if (code === 'EACCES' || code === 'EPERM') return { denied: failure };
      throw failure;
    }
    let name = this.#calls.tapAttach(fd, this.#wanted, 0);
    // One that was made for several queues is opened as such, with one of them.
    if (exists && errorName(Number(name)) === 'EINVAL') {
      name = this.#calls.tapAttach(fd, this.#wanted, TapFlag.SEVERAL_QUEUES);
    }
    if (typeof name === 'string') return { fd, name };
    closeSync(fd);
    const failure = this.#failed(attachProblem(errorName(name), this.#wanted.replace('%d', '0'), exists));
    if (errorName(name) === 'EPERM') return { denied: failure };
    throw failure;
  }

  /** QEMU's helper, if it may what this process may not. */
  async #byHelper(denied: VirtError): Promise<{ fd: number; name: string }> {
    const { bridge } = this.#options;
    if (bridge === undefined) throw denied;
    const helped = await bridgeHelperFd(bridge, this.#calls);
    if (typeof helped === 'string') throw new VirtError('OPERATION_FAILED', `${denied.message}; ${helped}`);
    const name = this.#calls.tapSetUp(helped);
    if (typeof name === 'string') return { fd: helped, name };
    closeSync(helped);
    throw this.#failed(`what QEMU's bridge helper gave is no tap device (${errorName(name)})`);
  }

  /** Sets a device up as far as it is ours to. */
  #settle(name: string, existed: boolean): void {
    const { managed = true, bridge, mac, mtu } = this.#options;
    const calls = this.#calls;
    if (!existed) {
      const own = mac.slice();
      own[0] = 0xfe;
      this.#must(calls.interfaceSetMac(name, own), 'its address cannot be set');
    }
    const wantedMtu = existed ? undefined : (mtu ?? (bridge === undefined ? undefined : calls.interfaceMtu(bridge)));
    // Before it is in the bridge, which takes over the least of its ports'.
    const mtuStatus = wantedMtu === undefined ? 0 : calls.interfaceSetMtu(name, wantedMtu);
    if (bridge !== undefined) this.#join(bridge, name);
    this.#must(mtuStatus, `an MTU of ${wantedMtu} cannot be set`);
    if (managed) this.#up(name, existed);
    else if ((calls.interfaceFlags(name) & IFF_UP) === 0) this.#warnDown(name);
  }

  #join(bridge: string, name: string): void {
    const code = errorName(this.#calls.bridgeAdd(bridge, name));
    const known: Record<string, string> = {
      EPERM: 'it takes CAP_NET_ADMIN (EPERM)',
      EBUSY: `'${name}' is in a bridge already (EBUSY)`,
      // As Node calls EOPNOTSUPP.
      ENOTSUP: `'${bridge}' is an interface of the host, but no bridge (EOPNOTSUPP)`,
      ENODEV: `the host has no bridge '${bridge}'`,
    };
    if (code !== '') throw this.#failed(known[code] ?? `the host refuses it (${code})`);
  }

  #up(name: string, existed: boolean): void {
    if ((this.#calls.interfaceFlags(name) & IFF_UP) !== 0) return;
    const status = this.#calls.interfaceSetUp(name);
    if (existed && errorName(status) === 'EPERM') this.#warnDown(name);
    else this.#must(status, 'it cannot be switched on');
  }

  #warnDown(name: string): void {
    this.#logger.log(
      'warn',
      `tap device '${name}' is down: nothing passes until somebody sets it up, as root: ip link set ${name} up`,
    );
  }

  #must(status: number, what: string): void {
    if (status < 0) throw this.#failed(`${what} (${errorName(status)})`);
  }
}

/** Why a descriptor does not become the device of a name. */
function attachProblem(code: string, name: string, exists: boolean): string {
  if (code === 'EBUSY') return `another program has '${name}' open (EBUSY)`;
  if (code === 'EINVAL' && exists) return `'${name}' is an interface of the host, but no tap device (EINVAL)`;
  if (code !== 'EPERM') return `the host refuses it (${code})`;
  const make = `as root: ip tuntap add dev ${name} mode tap user USER`;
  if (exists) return `it is there, but not this user's (EPERM); ${make}, once it is removed`;
  return `making one takes CAP_NET_ADMIN (EPERM); one that is this user's does not, ${make}`;
}

/** Why /dev/net/tun does not open. */
function nodeProblem(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return `the host has no tap devices (${code}); as root: modprobe tun, and a container must be given ${NODE}`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not open it (${code}); root may, or whoever root gives it to`;
    default:
      return `it does not open (${code})`;
  }
}
