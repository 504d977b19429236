import { strict as assert } from 'node:assert';
import { compressedInsns, csrs, insnByName, insns } from '../../src/isa/index.ts';
import { validateCompressed, validateCsrs, validateInsns } from '../../src/isa/validate.ts';

describe('isa/validate', () => {
  it('finds the instruction table sound', () => {
    assert.deepEqual(validateInsns(insns), []);
  });

  it('finds the compressed table sound over all halfwords', () => {
    assert.deepEqual(validateCompressed(compressedInsns), []);
  });

  it('finds the CSR table sound', () => {
    assert.deepEqual(validateCsrs(csrs), []);
  });

  it('notices two instructions with the same encoding', () => {
    const copy = { ...insnByName.add, name: 'other' };
    assert.match(validateInsns([insnByName.add, copy]).join(), /add and other overlap/);
  });

  it('notices a name that occurs twice', () => {
    assert.match(validateInsns([insnByName.add, insnByName.add]).join(), /add occurs twice/);
  });

  it('notices bits without a meaning and bits with two', () => {
    const loose = { ...insnByName.add, mask: 0x7f };
    assert.match(validateInsns([loose]).join(), /have no meaning/);
    const tight = { ...insnByName.add, mask: 0xffff_ffff };
    assert.match(validateInsns([tight]).join(), /a bit has two meanings/);
  });

  it('notices syntax that leaves an operand out', () => {
    const short = { ...insnByName.add, syntax: ['rd', 'rs1'] as const };
    assert.deepEqual(validateInsns([short]), ['add: assembly does not write rs2']);
  });

  it('notices a halfword that is two instructions', () => {
    const [first] = compressedInsns;
    const greedy = { ...first, name: 'c.other' };
    assert.match(validateCompressed([first, greedy]).join(), /is c\.addi4spn and c\.other/);
  });

  it('notices an expansion with a field its instruction does not have', () => {
    const [first] = compressedInsns;
    const wrong = { ...first, expansion: { to: 'ecall', rs1: 2 } as const };
    assert.match(validateCompressed([wrong]).join(), /ecall has no rs1/);
  });

  it('notices overlapping CSR fields and views of nothing', () => {
    const [csr] = csrs;
    const field = { mask: 3n, shift: 0, rule: 'any' } as const;
    const wrong = { ...csr, fields: { A: field, B: field }, storage: { ...csr.storage, of: 'nothing' } };
    const problems = validateCsrs([wrong]).join();
    assert.match(problems, /overlaps another field/);
    assert.match(problems, /does not exist/);
  });
});
