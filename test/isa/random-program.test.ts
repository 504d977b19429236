import { strict as assert } from 'node:assert';
import {
  assemble,
  type DecodedInsn,
  decode,
  insnByName,
  programSource,
  randomProgram,
  SCRATCH_BYTES,
  shrink,
} from '../../src/isa/index.ts';
import { insnsByClass, usableCompressed } from '../../src/isa/random/choices.ts';

const BASE = 0x8000_0000n;
const SP = 2;
const S1 = 9;
const S10 = 26;
const S11 = 27;

/** The instructions of the items, as an assembler placed them. */
function bodyOf(source: string): DecodedInsn[] {
  const { bytes, symbols } = assemble(source, { base: BASE });
  const view = new DataView(bytes.buffer);
  const end = Number(symbols.get('done')! - BASE);
  const body: DecodedInsn[] = [];
  for (let at = Number(symbols.get('item0')! - BASE); at < end; ) {
    const low = view.getUint16(at, true);
    const insn = decode((low & 3) === 3 ? view.getUint32(at, true) : low);
    assert.ok(insn !== undefined, `illegal instruction in the body at ${at}`);
    body.push(insn);
    at += insn.length;
  }
  return body;
}

describe('isa/random-program', () => {
  it('gives the same program for the same seed and another for another', () => {
    const source = (seed: number): string => programSource(randomProgram({ seed, length: 50 }));
    assert.equal(source(1), source(1));
    assert.notEqual(source(1), source(2));
  });

  it('keeps loads and stores in the scratch area and its base registers as they are', () => {
    for (let seed = 0; seed < 40; seed++) {
      for (const insn of bodyOf(programSource(randomProgram({ seed, length: 150 })))) {
        const { name, rd, rs1, imm } = insn;
        const { memory, writes } = insnByName[name as keyof typeof insnByName];
        const where = `seed ${seed}: ${name} of 0x${insn.raw.toString(16)}`;
        const writesX = writes.some((use) => use.file === 'x');
        if (writesX) assert.ok(![SP, S1, S11].includes(rd), where);
        if (writesX && rd === S10) assert.ok(['addi', 'auipc'].includes(name), where);
        if (memory === undefined) continue;
        assert.ok([SP, S1, S10, S11].includes(rs1), where);
        assert.ok(imm >= -SCRATCH_BYTES / 2 && imm + 8 <= SCRATCH_BYTES / 2, where);
      }
    }
  });

  it('only jumps forward', () => {
    for (let seed = 0; seed < 40; seed++) {
      for (const { name, imm } of bodyOf(programSource(randomProgram({ seed, length: 150 })))) {
        if (insnByName[name as keyof typeof insnByName].syntax.includes('target')) assert.ok(imm > 0, `seed ${seed}`);
      }
    }
  });

  it('uses every instruction of its classes in time', () => {
    const wanted = new Set([...insnsByClass.values()].flat().map((insn) => insn.name as string));
    const compressed = new Set<string>(usableCompressed.map((insn) => insn.name));
    for (let seed = 0; seed < 60 && wanted.size + compressed.size > 0; seed++) {
      const { items } = randomProgram({ seed, length: 400 });
      for (const line of items.flatMap((item) => item.lines)) {
        const name = line.split(' ')[0];
        compressed.delete(name);
        wanted.delete(name);
        wanted.delete(name.replace(/\.(aq|rl|aqrl)$/, ''));
        if (name === 'fscsr') wanted.delete('csrrw');
      }
    }
    assert.deepEqual([...wanted, ...compressed], []);
  });

  it('follows its weights', () => {
    const { items } = randomProgram({
      seed: 3,
      length: 300,
      classes: { float: 0, compressed: 0, trap: 10 },
      extensions: { m: 0 },
    });
    assert.ok(items.some((item) => item.class === 'trap'));
    assert.ok(items.every((item) => item.class !== 'float' && item.class !== 'compressed'));
    assert.ok(!items.some((item) => /^(mul|div|rem)/.test(item.lines[0])));
    assert.ok(randomProgram({ seed: 3, length: 300 }).items.every((item) => item.class !== 'trap'));
  });

  it('leaves out a class that has no extension left', () => {
    const { items } = randomProgram({ seed: 4, length: 200, extensions: { a: 0, f: 0, d: 0, zfa: 0 } });
    assert.ok(items.every((item) => !['atomic', 'reserve', 'float'].includes(item.class)));
    assert.ok(
      items.every((item) => !/^(lr|sc|amo|f[a-z]+\.|fl|fs)/.test(item.lines.at(-1) ?? '') || item.class === 'csr'),
    );
  });

  it('assembles with any part of its items', () => {
    const program = randomProgram({ seed: 5, length: 60 });
    for (const items of [[], program.items.slice(10, 12), program.items.filter((_, i) => i % 3 === 0)]) {
      const source = programSource(program, { items, before: 'nop', after: 'ebreak' });
      assert.ok(assemble(source, { base: BASE }).symbols.has('item59'));
    }
  });
});

describe('isa/shrink', () => {
  it('finds the elements that matter', async () => {
    const items = Array.from({ length: 100 }, (_, i) => i);
    let calls = 0;
    const fails = (some: readonly number[]): boolean => {
      calls++;
      return [3, 17, 99].every((i) => some.includes(i));
    };
    assert.deepEqual(await shrink(items, fails), [3, 17, 99]);
    assert.ok(calls < 200, `${calls} calls`);
  });

  it('ends with nothing when even nothing fails', async () => {
    assert.deepEqual(await shrink([1, 2, 3], async () => true), []);
  });

  it('keeps what cannot be left out', async () => {
    assert.deepEqual(await shrink([1, 2, 3], (some) => some.length === 3), [1, 2, 3]);
  });
});
