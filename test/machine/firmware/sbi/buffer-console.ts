import type { DebugConsole } from '../../../../src/machine/firmware/sbi/console.ts';

/** A console that keeps what it gets; `room` bytes are left until it is full. */
export class BufferConsole implements DebugConsole {
  text = '';
  room = Number.POSITIVE_INFINITY;
  #input: number[] = [];

  feed(text: string): void {
    this.#input.push(...Buffer.from(text));
  }

  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    this.room -= count;
    this.text += Buffer.from(bytes.subarray(0, count)).toString('latin1');
    return count;
  }

  read(into: Uint8Array): number {
    const taken = this.#input.splice(0, into.length);
    into.set(taken);
    return taken.length;
  }
}
