import { Duplex } from 'node:stream';
import { ConsoleFlags } from '../enums.ts';
import { virtError } from '../errors.ts';
import type { ConsoleLine } from './hypervisor.ts';

/** Output kept while nobody reads, in bytes; the oldest goes first. */
const BACKLOG_BYTES = 64 * 1024;

/**
 * One console of a domain, for one user at a time. What the guest prints while nobody has it open is kept, within
 * bounds, for the next one, here or by the line itself; the guest never waits for a reader who is not there.
 */
export class ConsoleBroker {
  #line: ConsoleLine | undefined;
  #user: Duplex | undefined;
  #backlog: Buffer[] = [];
  #backlogBytes = 0;

  /** Connects a machine's end of the line; the one before must have ended. */
  connect(line: ConsoleLine): void {
    this.#line = line;
    line.on('data', (chunk: Buffer) => this.#output(chunk));
    if (this.#user !== undefined) line.attach?.();
    // A line that breaks has ended; the machine tells why.
    line.on('error', () => {});
  }

  /** The machine has ended: its user reads what there is, then the end. */
  end(): void {
    const user = this.#user;
    this.#user = undefined;
    this.#line = undefined;
    user?.push(null);
  }

  /** Throws OPERATION_FAILED if someone has it open, unless `flags` say to take it over. */
  open(flags: number): Duplex {
    if (this.#user !== undefined) {
      if ((flags & ConsoleFlags.FORCE) === 0) {
        throw virtError('OPERATION_FAILED', 'Active console session exists for this domain');
      }
      this.#leave(this.#user);
    }
    const user = this.#newUser();
    this.#user = user;
    for (const chunk of this.#backlog.splice(0)) user.push(chunk);
    this.#backlogBytes = 0;
    this.#line?.attach?.();
    return user;
  }

  #newUser(): Duplex {
    const user = new Duplex({
      read: () => {
        if (this.#user === user) this.#line?.resume();
      },
      write: (chunk: Buffer, _encoding, done) => {
        const line = this.#user === user ? this.#line : undefined;
        if (line === undefined || line.destroyed || line.writableEnded) return done();
        line.write(chunk, () => done());
      },
      final: (done) => {
        this.#leave(user);
        done();
      },
      destroy: (error, done) => {
        this.#leave(user);
        done(error);
      },
    });
    return user;
  }

  #leave(user: Duplex): void {
    if (this.#user !== user) return;
    this.#user = undefined;
    if (!user.destroyed) user.push(null);
    this.#line?.detach?.();
    this.#line?.resume();
  }

  #output(chunk: Buffer): void {
    if (this.#user !== undefined) {
      if (!this.#user.push(chunk)) this.#line?.pause();
      return;
    }
    this.#backlog.push(chunk);
    this.#backlogBytes += chunk.length;
    while (this.#backlogBytes > BACKLOG_BYTES) {
      const first = this.#backlog[0] as Buffer;
      const excess = Math.min(first.length, this.#backlogBytes - BACKLOG_BYTES);
      if (excess === first.length) this.#backlog.shift();
      else this.#backlog[0] = first.subarray(excess);
      this.#backlogBytes -= excess;
    }
  }
}
