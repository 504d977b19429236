import type { GuestMemory } from '../../hypervisor/index.ts';
import { VirtError } from '../../util/index.ts';
import { hex } from './loader/bytes.ts';
import type { MachineSymbol } from './loader/plan.ts';
import type { DebugConsole } from './sbi/console.ts';

/** Commands: device in bits 63:56, command in 55:48, payload below. */
const Device = { SYSCALL: 0, CONSOLE: 1 } as const;
const ConsoleCommand = { READ: 0, WRITE: 1 } as const;

/** System calls that programs make through the proxy (Linux's numbers for RISC-V). */
const SYS_WRITE = 64;
const SYS_EXIT = 93;
const EBADF = 9;
const EFAULT = 14;
const ENOSYS = 38;

/** Bytes taken from one system call. */
const WRITE_MAX = 64 * 1024;

/** The largest signature written, in bytes. */
const SIGNATURE_BYTES_MAX = 64 * 1024 * 1024;

/** Instructions between two looks at tohost: right after the program has spoken, and when it has long been silent. */
const Interval = { LEAST: 100, MOST: 20_000 } as const;

/** What a program asked of its host. */
export interface HtifExit {
  /** Its exit code; 0 is success. */
  readonly exit: number;
}

/**
 * The host's side of the Host-Target Interface, as the Spike simulator speaks it: two doublewords in guest memory,
 * `tohost` and `fromhost`. It is polled between slices of `run()`, by one thread of the machine; a guest waits for
 * tohost to become zero, so nothing is lost in between. What a guest writes there can end or confuse it alone.
 */
export class Htif {
  readonly #memory: GuestMemory;
  readonly #tohost: number;
  readonly #fromhost: number | undefined;
  readonly #console: DebugConsole;
  #readPending = false;
  #interval: number = Interval.LEAST;

  /** @throws VirtError INVALID_ARG when the symbols are not two aligned doublewords in RAM. */
  constructor(memory: GuestMemory, symbols: { tohost: number; fromhost?: number | undefined }, console: DebugConsole) {
    for (const [name, gpa] of Object.entries(symbols)) {
      if (gpa !== undefined && (gpa % 8 !== 0 || !memory.contains(gpa, 8, true))) {
        throw new VirtError('INVALID_ARG', `symbol ${name} (${hex(gpa)}) is not an aligned doubleword in RAM`);
      }
    }
    this.#memory = memory;
    this.#tohost = symbols.tohost;
    this.#fromhost = symbols.fromhost;
    this.#console = console;
  }

  /**
   * How many instructions the program may run until the next look: nothing announces what it writes, and it waits for
   * the answer. A program that speaks is soon looked at again, one that computes is left to it.
   */
  get interval(): number {
    return this.#interval;
  }

  /** Serves what is in tohost, if anything. The exit code when the program ended. */
  poll(): HtifExit | undefined {
    if (this.#readPending) this.#readConsole();
    const { lo, hi } = this.#peek();
    if (lo === 0 && hi === 0) {
      this.#interval = Math.min(2 * this.#interval, Interval.MOST);
      return undefined;
    }
    this.#interval = Interval.LEAST;
    const answer = this.#serve(lo, hi);
    // A full console: the command stays where it is until the next poll.
    if (answer === 'busy') return undefined;
    this.#memory.setU32(this.#tohost, 0);
    this.#memory.setU32(this.#tohost + 4, 0);
    return answer;
  }

  #serve(lo: number, hi: number): HtifExit | 'busy' | undefined {
    const device = hi >>> 24;
    const command = (hi >>> 16) & 0xff;
    if (device === Device.SYSCALL && command === 0) return this.#syscall(lo, hi & 0xffff);
    if (device === Device.CONSOLE && command === ConsoleCommand.WRITE) {
      return this.#console.write(Uint8Array.of(lo & 0xff)) === 0 ? 'busy' : undefined;
    }
    if (device === Device.CONSOLE && command === ConsoleCommand.READ) {
      this.#readPending = true;
      this.#readConsole();
    }
    return undefined;
  }

  #peek(): { lo: number; hi: number } {
    const memory = this.#memory;
    for (let tries = 0; tries < 8; tries++) {
      const hi = memory.u32(this.#tohost + 4);
      const lo = memory.u32(this.#tohost);
      // A store between the two reads shows in a second look at the first half.
      if (memory.u32(this.#tohost + 4) === hi) return { lo, hi };
    }
    return { lo: 0, hi: 0 };
  }

  /** Device 0: an odd payload is 2 · exit code + 1, an even one the address of a system call's eight doublewords. */
  #syscall(lo: number, hi: number): HtifExit | 'busy' | undefined {
    if (lo & 1) return { exit: Math.floor((hi * 2 ** 32 + lo) / 2) };
    const gpa = hi * 2 ** 32 + lo;
    if (gpa % 8 !== 0 || !this.#memory.contains(gpa, 64, true)) {
      this.#respond(0, 1);
      return undefined;
    }
    const words = new DataView(new ArrayBuffer(64));
    this.#memory.read(gpa, new Uint8Array(words.buffer));
    const word = (index: number) => Number(BigInt.asUintN(52, words.getBigUint64(index * 8, true)));
    if (word(0) === SYS_EXIT) return { exit: words.getInt32(8, true) };
    const result = word(0) === SYS_WRITE ? this.#write(word(1), word(2), word(3)) : -ENOSYS;
    if (result === 0 && word(3) > 0) return 'busy';
    words.setBigInt64(0, BigInt(result), true);
    this.#memory.write(gpa, new Uint8Array(words.buffer, 0, 8));
    this.#respond(0, 1);
    return undefined;
  }

  /** write(2) to the console: bytes taken or a negative error number. */
  #write(fd: number, gpa: number, bytes: number): number {
    if (fd !== 1 && fd !== 2) return -EBADF;
    if (!this.#memory.contains(gpa, bytes)) return -EFAULT;
    if (bytes === 0) return 0;
    return this.#console.write(this.#memory.view(gpa, Math.min(bytes, WRITE_MAX)).slice());
  }

  /** Device 1, command 0: answers once there is a byte. */
  #readConsole(): void {
    const into = new Uint8Array(1);
    if (this.#console.read(into) === 0) return;
    this.#readPending = false;
    this.#respond(Device.CONSOLE << 24, 0x100 | into[0]);
  }

  #respond(hi: number, lo: number): void {
    if (this.#fromhost === undefined) return;
    this.#memory.setU32(this.#fromhost + 4, hi);
    this.#memory.setU32(this.#fromhost, lo);
  }
}

/**
 * The words between `begin_signature` and `end_signature` as the compliance suites want them: four bytes a line, as a
 * little-endian word in hexadecimal, lowest address first.
 * @throws VirtError INVALID_ARG when the symbols are missing or do not span a range in RAM.
 */
export function formatSignature(memory: GuestMemory, symbols: Partial<Record<MachineSymbol, number>>): string {
  const { begin_signature: begin, end_signature: end } = symbols;
  if (begin === undefined || end === undefined) {
    throw new VirtError('INVALID_ARG', 'no signature: the ELF lacks begin_signature or end_signature');
  }
  const bytes = end - begin;
  if (!(bytes >= 0 && bytes <= SIGNATURE_BYTES_MAX) || !memory.contains(begin, bytes)) {
    throw new VirtError('INVALID_ARG', `no signature: ${hex(begin)} to ${hex(end)} is no range in RAM`);
  }
  const padded = new Uint8Array(Math.ceil(bytes / 4) * 4);
  memory.read(begin, padded.subarray(0, bytes));
  const view = new DataView(padded.buffer);
  let text = '';
  for (let at = 0; at < padded.length; at += 4) text += `${view.getUint32(at, true).toString(16).padStart(8, '0')}\n`;
  return text;
}
