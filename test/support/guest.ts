/** Small guests from assembly, and what a test wants to know of a running one. */
import type { Guest } from '../../src/drivers/index.ts';
import { assemble } from '../../src/isa/index.ts';
import type { Image, MachineConfig } from '../../src/machine/index.ts';
import { makeElf } from '../machine/firmware/support.ts';

export const UART = 0x1000_0000;
export const FINISHER = 0x10_0000;
/** RAM that no image of these tests touches: it survives resets. */
export const SCRATCH = 0x8040_0000;

/** Symbols that every source here may use. */
const symbols = { UART, FINISHER, SCRATCH, CLINT: 0x200_0000 };

/** Routines that a source may call: print (a0: string), and power_off, reset, fail (a0: code), which do not return. */
const library = `
print: li t0, UART
1: lbu t1, (a0)
  beqz t1, 3f
2: lbu t2, 5(t0)
  andi t2, t2, 0x20
  beqz t2, 2b
  sb t1, (t0)
  addi a0, a0, 1
  j 1b
3: ret
power_off: li t0, FINISHER
  li t1, 0x5555
  sw t1, (t0)
1: j 1b
reset: li t0, FINISHER
  li t1, 0x7777
  sw t1, (t0)
1: j 1b
fail: li t0, FINISHER
  slli a0, a0, 16
  li t1, 0x3333
  or t1, t1, a0
  sw t1, (t0)
1: j 1b
`;

/** An ELF of a program at `base`, with its labels for symbols. */
export function program(source: string, base = 0x8000_0000): Image {
  const assembled = assemble(`${source}\n .text\n${library}`, { base, symbols });
  const names = ['tohost', 'fromhost', 'begin_signature', 'end_signature'];
  const found = names.flatMap((name) => {
    const value = assembled.symbols.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const elf = makeElf({
    entry: base,
    segments: [{ paddr: base, file: assembled.bytes }],
    ...(found.length === 0 ? {} : { symbols: Object.fromEntries(found) }),
  });
  return { name: 'program.elf', bytes: elf };
}

/** A machine for a program in M-mode; `more` overrides. */
export function bareConfig(source: string, more: Partial<MachineConfig> = {}): MachineConfig {
  return {
    ramBytes: 16 * 2 ** 20,
    vcpus: 1,
    firmware: { kind: 'none' },
    kernel: program(source),
    virtio: [],
    clock: 'host',
    ...more,
  };
}

/** A machine for a program in S-mode under the built-in firmware. */
export function supervisorConfig(source: string, more: Partial<MachineConfig> = {}): MachineConfig {
  return { ...bareConfig('nop'), firmware: { kind: 'builtin' }, kernel: program(source, 0x8020_0000), ...more };
}

/** Collects a guest's serial output. */
export class Output {
  text = '';
  #wake: () => void = () => {};

  constructor(guest: Guest) {
    guest.console.setEncoding('latin1');
    guest.console.on('data', (chunk: string) => {
      this.text += chunk;
      this.#wake();
    });
    guest.console.on('end', () => this.#wake());
    void guest.wait().then(() => this.#wake());
  }

  /** Resolves when the output has `wanted` in it; rejects when the guest ends without. */
  async until(guest: Guest, wanted: string | RegExp): Promise<void> {
    await this.after(guest, 0, wanted);
  }

  /** As `until`, from character `start` on: gives the output from there to the end of what was wanted. */
  async after(guest: Guest, start: number, wanted: string | RegExp): Promise<string> {
    for (;;) {
      const text = this.text.slice(start);
      const end = endOf(text, wanted);
      if (end >= 0) return text.slice(0, end);
      if (guest.state === 'ended') throw new Error(`the guest ended without ${wanted}: …${this.text.slice(-2000)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function endOf(text: string, wanted: string | RegExp): number {
  if (typeof wanted === 'string') {
    const at = text.indexOf(wanted);
    return at < 0 ? -1 : at + wanted.length;
  }
  const match = wanted.exec(text);
  return match === null ? -1 : match.index + match[0].length;
}
