import { strict as assert } from 'node:assert';
import { insns, isaExtensions, isaString, misaValue } from '../../src/isa/index.ts';

describe('isa/isa-string', () => {
  it('names the instruction set in canonical order', () => {
    assert.match(
      isaString(),
      /^rv64imafdc_zicbom_zicboz_zicntr_zicond_zicsr_zifencei_zihpm_zawrs_zfa_zba_zbb_zbc_zbs_/,
    );
    const supervisor = isaExtensions().filter((name) => name.startsWith('s'));
    assert.deepEqual(supervisor, [...supervisor].sort());
  });

  it('lists every extension that has instructions', () => {
    const listed = new Set(isaExtensions());
    for (const { extension } of insns) assert.ok(extension === 'priv' || listed.has(extension), extension);
  });

  it('lists the same extensions as a string and as a list', () => {
    const [base, ...named] = isaString().split('_');
    assert.deepEqual([...base.slice('rv64'.length), ...named], isaExtensions());
  });

  it('has 64 bits and the letters A C D F I M S U in misa', () => {
    const letters = [...'acdfimsu'].reduce((bits, l) => bits | (1n << BigInt(l.charCodeAt(0) - 97)), 0n);
    assert.equal(misaValue, (2n << 62n) | letters);
  });
});
