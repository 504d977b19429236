/** Random programs as the native core's fuzz target takes them: bytes at the start of its code, traps skipped. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assemble, programSource, randomProgram } from '../../src/isa/index.ts';
import { skippingHandler } from '../differential/lockstep-machine.ts';

/** As in native/test/world.h: code, which guests cannot write, the trap handler in it, and data. */
const CODE = 0x8000_0000;
const CODE_BYTES = 16 << 10;
const DATA = CODE + CODE_BYTES;
const HANDLER = 64;

/** Bytes of the program of a seed. */
export function corpusProgram(seed: number): Uint8Array {
  const program = randomProgram({ seed, length: 120, classes: { trap: 4 } });
  const source = programSource(program, {
    before: `j begin\n.balign ${HANDLER}\n${skippingHandler}\nbegin:`,
    after: 'j done',
  });
  // The scratch area is among the data, not behind the code.
  const code = source.slice(0, source.lastIndexOf('.balign 64\nscratch:'));
  const { bytes, symbols } = assemble(code, { base: CODE, symbols: { scratch: DATA } });
  if (symbols.get('handler') !== BigInt(CODE + HANDLER)) throw new Error('the handler is not where traps go');
  if (bytes.length > CODE_BYTES) throw new Error(`program ${seed} has ${bytes.length} bytes`);
  return bytes;
}

/** Writes the programs of the first seeds, one a file. */
export function writeCorpus(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let seed = 0; seed < count; seed++) writeFileSync(join(folder, `program-${seed}`), corpusProgram(seed));
}
