import { strict as assert } from 'node:assert';
import { csrByName, csrByNumber, csrs, legalize, misaValue, Priv } from '../../src/isa/index.ts';

const ALL = 0xffff_ffff_ffff_ffffn;

describe('isa/csr', () => {
  it('finds registers by number and by name', () => {
    assert.equal(csrByNumber(0x300)?.name, 'mstatus');
    assert.equal(csrByName.satp.number, 0x180);
    assert.equal(csrByNumber(0xda0), undefined, 'scountovf');
    assert.equal(csrByNumber(0x3a1), undefined, 'pmpcfg1 is for RV32');
    assert.equal(csrByNumber(0x3c0), undefined, 'pmpaddr16: 16 entries');
    assert.equal(csrByNumber(0xc80), undefined, 'cycleh is for RV32');
    assert.equal(csrByName.hpmcounter31.number, 0xc1f);
    assert.equal(csrByName.mhpmevent3.number, 0x323);
    assert.equal(csrByName.pmpaddr15.number, 0x3bf);
  });

  it('derives privilege and read-only from the number', () => {
    assert.equal(csrByName.fflags.priv, Priv.U);
    assert.equal(csrByName.satp.priv, Priv.S);
    assert.equal(csrByName.mstatus.priv, Priv.M);
    assert.equal(csrByName.cycle.readOnly, true);
    assert.equal(csrByName.mvendorid.readOnly, true);
    assert.equal(csrByName.mcycle.readOnly, false);
  });

  it('lets a write change only what may change', () => {
    assert.equal(legalize(csrByName.mstatus, csrByName.mstatus.reset, ALL), 0xa_007e_79aan);
    assert.equal(legalize(csrByName.medeleg, 0n, ALL), 0xb3ffn);
    assert.equal(legalize(csrByName.mideleg, 0n, ALL), 0x222n);
    assert.equal(legalize(csrByName.mie, 0n, ALL), 0xaaan);
    assert.equal(legalize(csrByName.misa, misaValue, 0n), misaValue);
    assert.equal(legalize(csrByName.mepc, 0n, ALL), ALL - 1n);
    assert.equal(legalize(csrByName.fcsr, 0n, ALL), 0xffn);
    assert.equal(legalize(csrByName.mcountinhibit, 0n, ALL), 5n);
    assert.equal(legalize(csrByName.pmpcfg0, 0n, ALL), 0x9f9f_9f9f_9f9f_9f9fn);
    assert.equal(legalize(csrByName.pmpaddr0, 0n, ALL), (1n << 54n) - 1n);
    assert.equal(legalize(csrByName.mseccfg, 0n, ALL), 0n);
    assert.equal(legalize(csrByName.mhpmcounter3, 0n, ALL), 0n);
    assert.equal(legalize(csrByName.mstateen0, 0n, ALL), 3n << 62n);
    assert.equal(legalize(csrByName.sstateen0, 0n, ALL), 0n);
  });

  it('keeps a field whose new value is not legal', () => {
    const { mstatus, mtvec, menvcfg } = csrByName;
    const mpp = (value: bigint): bigint => legalize(mstatus, 1n << 11n, value << 11n) >> 11n;
    assert.deepEqual([0n, 1n, 2n, 3n].map(mpp), [0n, 1n, 1n, 3n]);
    assert.equal(legalize(mtvec, 0x1001n, 0x2002n), 0x2001n);
    assert.equal(legalize(menvcfg, 0x10n, 0xe0n), 0xd0n);
    assert.equal(legalize(menvcfg, 0n, ALL), 0xe000_0000_0000_00f1n);
  });

  it('drops a write of satp whose mode is not supported', () => {
    const { satp } = csrByName;
    const sv39 = (8n << 60n) | 0x1234n;
    for (const mode of [0n, 8n, 9n, 10n]) {
      assert.equal(legalize(satp, sv39, (mode << 60n) | 5n), (mode << 60n) | 5n);
    }
    for (const mode of [1n, 7n, 11n, 15n]) assert.equal(legalize(satp, sv39, (mode << 60n) | 5n), sv39);
  });

  it('shows supervisor fields as views', () => {
    const { sstatus, sie, fcsr, frm } = csrByName;
    assert.ok(sstatus.storage.kind === 'view');
    assert.equal(sstatus.storage.of, 'mstatus');
    assert.equal(sstatus.storage.mask, 0x8000_0003_000d_e762n);
    assert.equal(sstatus.writeMask, 0xc_6122n);
    assert.ok(sie.storage.kind === 'view' && sie.storage.delegated);
    assert.ok(frm.storage.kind === 'view');
    assert.equal(frm.storage.mask >> BigInt(frm.storage.shift), 7n);
    assert.equal(fcsr.storage.kind, 'state');
  });

  it('has values at reset that its own rules accept', () => {
    for (const csr of csrs) {
      if (csr.storage.kind === 'state') assert.equal(legalize(csr, csr.reset, csr.reset), csr.reset, csr.name);
    }
  });
});
