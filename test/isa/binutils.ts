/** GNU binutils for RISC-V as an independent opinion on the tables. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { needTool } from '../support/need-tool.ts';

const PREFIX = 'riscv64-linux-gnu-';

/** What binutils 2.40 knows of the extensions in the table. */
const MARCH = 'rv64imafdc_zicsr_zifencei_zihintpause_zawrs_zba_zbb_zbc_zbs_zicbom_zicboz_svinval';

/** Extensions that only later versions know. */
export const unknownToBinutils: readonly string[] = ['zfa', 'zicond'];

/** Skips the test, visibly, when the cross tools are missing; fails it where nothing may be missing (CI). */
export function needBinutils(test: Context): void {
  for (const tool of ['as', 'ld', 'objcopy', 'objdump'])
    needTool(test, `${PREFIX}${tool}`, 'binutils-riscv64-linux-gnu');
}

function withObject<T>(source: string, use: (object: string, directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-isa-'));
  try {
    const input = join(directory, 'in.s');
    const object = join(directory, 'out.o');
    writeFileSync(input, `${source}\n`);
    execFileSync(`${PREFIX}as`, ['-mno-relax', `-march=${MARCH}`, '-o', object, input], { stdio: 'pipe' });
    return use(object, directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The bytes of a source's text section, linked at 0 with its data 16-byte aligned behind it. */
export function gnuAssemble(source: string): Buffer {
  return withObject(source, (object, directory) => {
    const script = join(directory, 'link.ld');
    const program = join(directory, 'program');
    writeFileSync(
      script,
      'SECTIONS { . = 0; .text : { *(.text) } . = ALIGN(16); .data : { *(.data) } /DISCARD/ : { *(.riscv.attributes) } }',
    );
    execFileSync(`${PREFIX}ld`, ['--no-relax', '-N', '-T', script, '-e', '0', '-o', program, object], {
      stdio: 'pipe',
    });
    execFileSync(`${PREFIX}objcopy`, ['-O', 'binary', program, `${program}.bin`]);
    return readFileSync(`${program}.bin`);
  });
}

/** One line of objdump: address, and mnemonic with operands separated by a tab. */
export interface Disassembled {
  readonly address: number;
  readonly text: string;
}

/** objdump's opinion on instruction words, placed one after another from address 0. */
export function gnuDisassemble(words: readonly number[]): Disassembled[] {
  const source = words.map((word) => `.insn 0x${word.toString(16)}`).join('\n');
  return withObject(source, (object) => {
    const output = execFileSync(`${PREFIX}objdump`, ['-d', object], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    return [...output.matchAll(/^ *([0-9a-f]+):\t[0-9a-f ]+\t([^\n]*)$/gm)].map(([, address, text]) => ({
      address: Number.parseInt(address, 16),
      text: text.trim(),
    }));
  });
}
