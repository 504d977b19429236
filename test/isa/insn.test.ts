import { strict as assert } from 'node:assert';
import { type InsnName, insnByName, insns, type RegisterUse } from '../../src/isa/index.ts';

function uses(registers: readonly RegisterUse[]): string {
  return registers
    .map(({ field, file }) => `${file}:${field}`)
    .sort()
    .join(' ');
}

function named(test: (name: InsnName) => boolean): InsnName[] {
  return insns.map((insn) => insn.name).filter(test);
}

describe('isa/insn attributes', () => {
  it('tell which registers are read and written', () => {
    const expected: Partial<Record<InsnName, [reads: string, writes: string]>> = {
      add: ['x:rs1 x:rs2', 'x:rd'],
      lui: ['', 'x:rd'],
      jalr: ['x:rs1', 'x:rd'],
      beq: ['x:rs1 x:rs2', ''],
      lw: ['x:rs1', 'x:rd'],
      sd: ['x:rs1 x:rs2', ''],
      flw: ['x:rs1', 'f:rd'],
      fsd: ['f:rs2 x:rs1', ''],
      'fmadd.d': ['f:rs1 f:rs2 f:rs3', 'f:rd'],
      'feq.s': ['f:rs1 f:rs2', 'x:rd'],
      'fcvt.d.l': ['x:rs1', 'f:rd'],
      'fmv.x.w': ['f:rs1', 'x:rd'],
      'fli.d': ['', 'f:rd'],
      'lr.d': ['x:rs1', 'x:rd'],
      'amoadd.w': ['x:rs1 x:rs2', 'x:rd'],
      csrrw: ['x:rs1', 'x:rd'],
      csrrwi: ['', 'x:rd'],
      'cbo.zero': ['x:rs1', ''],
      'sfence.vma': ['x:rs1 x:rs2', ''],
      ecall: ['', ''],
    };
    for (const [name, [reads, writes]] of Object.entries(expected)) {
      const insn = insnByName[name as InsnName];
      assert.deepEqual([uses(insn.reads), uses(insn.writes)], [reads, writes], name);
    }
  });

  it('tell memory accesses', () => {
    assert.deepEqual(insnByName.lwu.memory, { kind: 'load', bytes: 4, signed: false });
    assert.deepEqual(insnByName.lb.memory, { kind: 'load', bytes: 1, signed: true });
    assert.deepEqual(insnByName['sc.d'].memory, { kind: 'sc', bytes: 8, signed: true });
    assert.equal(insnByName.add.memory, undefined);
    for (const insn of insns) if (insn.memory !== undefined) assert.ok(insn.mayTrap, insn.name);
  });

  it('tell what ends a block', () => {
    assert.deepEqual(
      named((name) => insnByName[name].endsBlock),
      [
        ...['jal', 'jalr', 'beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'],
        ...['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci', 'fence.i', 'wrs.nto', 'wrs.sto'],
        ...['ecall', 'ebreak', 'sret', 'mret', 'wfi', 'sfence.vma'],
        ...['sinval.vma', 'sfence.w.inval', 'sfence.inval.ir'],
      ],
    );
  });

  it('tell what dirties the floating-point state', () => {
    const dirty = (name: InsnName): boolean => insnByName[name].dirtiesFs;
    assert.deepEqual(
      (['flw', 'fadd.s', 'feq.d', 'fcvt.w.d', 'fmv.w.x', 'fli.s'] as const).map(dirty),
      Array(6).fill(true),
    );
    assert.deepEqual((['fsw', 'fmv.x.d', 'fclass.s', 'add'] as const).map(dirty), Array(4).fill(false));
    for (const insn of insns) assert.equal(insn.needsFs, ['f', 'd', 'zfa'].includes(insn.extension), insn.name);
  });

  it('tell what may set fflags', () => {
    const silent = named((name) => insnByName[name].needsFs && !insnByName[name].fflags);
    assert.deepEqual(
      silent.filter((name) => name.endsWith('d') || name.includes('.d')),
      [
        'fld',
        'fsd',
        'fsgnj.d',
        'fsgnjn.d',
        'fsgnjx.d',
        'fclass.d',
        'fmv.x.d',
        'fmv.d.x',
        'fcvt.d.w',
        'fcvt.d.wu',
        'fli.d',
      ],
    );
  });
});
