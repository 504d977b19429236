/**
 * Loads and stores, integer and floating-point. An aligned access to RAM whose page is in the TLB is done inline: the
 * comparison with the tag keeps the low bits of the address that alignment wants zero, so that a misaligned one misses.
 * Everything else goes through MemoryAccess. Doublewords move from element to element as one machine load and store.
 */
import type { Mmu } from '../mmu.ts';
import type { MemoryAccess } from './access.ts';
import type { Factory, HandlerTable, Registers } from './handler.ts';

export type LoadName = 'lb' | 'lbu' | 'lh' | 'lhu' | 'lw' | 'lwu' | 'ld';
export type StoreName = 'sb' | 'sh' | 'sw' | 'sd';
export type FloatMemoryName = 'flw' | 'fld' | 'fsw' | 'fsd';
export type MemoryName = LoadName | StoreName | FloatMemoryName;

/** Handlers for MemoryName. Loads with rd = x0 still access memory; the builder clears x0 behind them. */
export function memoryHandlers(registers: Registers, mmu: Mmu, access: MemoryAccess): HandlerTable<MemoryName> {
  return {
    ...byteLoads(registers, mmu, access),
    ...halfLoads(registers, mmu, access),
    ...wordLoads(registers, mmu, access),
    ...doublewordLoads(registers, mmu, access),
    ...stores(registers, mmu, access),
    ...floatLoads(registers, mmu, access),
    ...floatStores(registers, mmu, access),
  };
}

function byteLoads({ x }: Registers, mmu: Mmu, access: MemoryAccess): Record<'lb' | 'lbu', Factory> {
  const tlb = mmu.loads.entries;
  const m8 = mmu.ram.m8;
  return {
    lb: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xfff) && tlb[e + 1] === hi) {
          const r = (m8[((tlb[e + 2] << 12) | (lo & 0xfff)) >>> 0] << 24) >> 24;
          x[d] = r;
          x[d + 1] = r >> 31;
          return 0;
        }
        const outcome = access.load(lo, hi, 1);
        if (outcome !== 0) return outcome;
        x[d] = (access.lo << 24) >> 24;
        x[d + 1] = (access.lo << 24) >> 31;
        return 0;
      };
    },
    lbu: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xfff) && tlb[e + 1] === hi) {
          x[d] = m8[((tlb[e + 2] << 12) | (lo & 0xfff)) >>> 0];
          x[d + 1] = 0;
          return 0;
        }
        const outcome = access.load(lo, hi, 1);
        if (outcome !== 0) return outcome;
        x[d] = access.lo;
        x[d + 1] = 0;
        return 0;
      };
    },
  };
}

function halfLoads({ x }: Registers, mmu: Mmu, access: MemoryAccess): Record<'lh' | 'lhu', Factory> {
  const tlb = mmu.loads.entries;
  const m16 = mmu.ram.m16;
  return {
    lh: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffe) && tlb[e + 1] === hi) {
          const r = (m16[(tlb[e + 2] << 11) | ((lo & 0xfff) >> 1)] << 16) >> 16;
          x[d] = r;
          x[d + 1] = r >> 31;
          return 0;
        }
        const outcome = access.load(lo, hi, 2);
        if (outcome !== 0) return outcome;
        x[d] = (access.lo << 16) >> 16;
        x[d + 1] = (access.lo << 16) >> 31;
        return 0;
      };
    },
    lhu: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffe) && tlb[e + 1] === hi) {
          x[d] = m16[(tlb[e + 2] << 11) | ((lo & 0xfff) >> 1)];
          x[d + 1] = 0;
          return 0;
        }
        const outcome = access.load(lo, hi, 2);
        if (outcome !== 0) return outcome;
        x[d] = access.lo;
        x[d + 1] = 0;
        return 0;
      };
    },
  };
}

function wordLoads({ x }: Registers, mmu: Mmu, access: MemoryAccess): Record<'lw' | 'lwu', Factory> {
  const tlb = mmu.loads.entries;
  const m32 = mmu.ram.m32;
  return {
    lw: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffc) && tlb[e + 1] === hi) {
          const r = m32[(tlb[e + 2] << 10) | ((lo & 0xfff) >> 2)];
          x[d] = r;
          x[d + 1] = r >> 31;
          return 0;
        }
        const outcome = access.load(lo, hi, 4);
        if (outcome !== 0) return outcome;
        x[d] = access.lo;
        x[d + 1] = access.lo >> 31;
        return 0;
      };
    },
    lwu: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffc) && tlb[e + 1] === hi) {
          x[d] = m32[(tlb[e + 2] << 10) | ((lo & 0xfff) >> 2)];
          x[d + 1] = 0;
          return 0;
        }
        const outcome = access.load(lo, hi, 4);
        if (outcome !== 0) return outcome;
        x[d] = access.lo;
        x[d + 1] = 0;
        return 0;
      };
    },
  };
}

function doublewordLoads({ x, x64 }: Registers, mmu: Mmu, access: MemoryAccess): Record<'ld', Factory> {
  const tlb = mmu.loads.entries;
  const m64 = mmu.ram.m64;
  return {
    ld: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xff8) && tlb[e + 1] === hi) {
          x64[rd] = m64[(tlb[e + 2] << 9) | ((lo & 0xfff) >> 3)];
          return 0;
        }
        const outcome = access.load(lo, hi, 8);
        if (outcome !== 0) return outcome;
        x[d] = access.lo;
        x[d + 1] = access.hi;
        return 0;
      };
    },
  };
}

function stores({ x, x64 }: Registers, mmu: Mmu, access: MemoryAccess): Record<StoreName, Factory> {
  return { ...narrowStores(x, mmu, access), ...wideStores(x, x64, mmu, access) };
}

function narrowStores(x: Int32Array, mmu: Mmu, access: MemoryAccess): Record<'sb' | 'sh', Factory> {
  const tlb = mmu.stores.entries;
  const { m8, m16 } = mmu.ram;
  return {
    sb: ({ rs1, rs2, imm }) => {
      const s = rs1 * 2;
      const t = rs2 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xfff) && tlb[e + 1] === hi) {
          m8[((tlb[e + 2] << 12) | (lo & 0xfff)) >>> 0] = x[t];
          return 0;
        }
        return access.store(lo, hi, 1, x[t], 0);
      };
    },
    sh: ({ rs1, rs2, imm }) => {
      const s = rs1 * 2;
      const t = rs2 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffe) && tlb[e + 1] === hi) {
          m16[(tlb[e + 2] << 11) | ((lo & 0xfff) >> 1)] = x[t];
          return 0;
        }
        return access.store(lo, hi, 2, x[t], 0);
      };
    },
  };
}

function wideStores(x: Int32Array, x64: BigInt64Array, mmu: Mmu, access: MemoryAccess): Record<'sw' | 'sd', Factory> {
  const tlb = mmu.stores.entries;
  const { m32, m64 } = mmu.ram;
  return {
    sw: ({ rs1, rs2, imm }) => {
      const s = rs1 * 2;
      const t = rs2 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffc) && tlb[e + 1] === hi) {
          m32[(tlb[e + 2] << 10) | ((lo & 0xfff) >> 2)] = x[t];
          return 0;
        }
        return access.store(lo, hi, 4, x[t], 0);
      };
    },
    sd: ({ rs1, rs2, imm }) => {
      const s = rs1 * 2;
      const t = rs2 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xff8) && tlb[e + 1] === hi) {
          m64[(tlb[e + 2] << 9) | ((lo & 0xfff) >> 3)] = x64[rs2];
          return 0;
        }
        return access.store(lo, hi, 8, x[t], x[t + 1]);
      };
    },
  };
}

/** Single-precision values are NaN-boxed: the high half is all ones (Unprivileged spec 21.2). */
function floatLoads({ x, f, f64 }: Registers, mmu: Mmu, access: MemoryAccess): Record<'flw' | 'fld', Factory> {
  const tlb = mmu.loads.entries;
  const { m32, m64 } = mmu.ram;
  return {
    flw: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffc) && tlb[e + 1] === hi) {
          f[d] = m32[(tlb[e + 2] << 10) | ((lo & 0xfff) >> 2)];
          f[d + 1] = -1;
          return 0;
        }
        const outcome = access.load(lo, hi, 4);
        if (outcome !== 0) return outcome;
        f[d] = access.lo;
        f[d + 1] = -1;
        return 0;
      };
    },
    fld: ({ rd, rs1, imm }) => {
      const d = rd * 2;
      const s = rs1 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xff8) && tlb[e + 1] === hi) {
          f64[rd] = m64[(tlb[e + 2] << 9) | ((lo & 0xfff) >> 3)];
          return 0;
        }
        const outcome = access.load(lo, hi, 8);
        if (outcome !== 0) return outcome;
        f[d] = access.lo;
        f[d + 1] = access.hi;
        return 0;
      };
    },
  };
}

function floatStores({ x, f, f64 }: Registers, mmu: Mmu, access: MemoryAccess): Record<'fsw' | 'fsd', Factory> {
  const tlb = mmu.stores.entries;
  const { m32, m64 } = mmu.ram;
  return {
    fsw: ({ rs1, rs2, imm }) => {
      const s = rs1 * 2;
      const t = rs2 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xffc) && tlb[e + 1] === hi) {
          m32[(tlb[e + 2] << 10) | ((lo & 0xfff) >> 2)] = f[t];
          return 0;
        }
        return access.store(lo, hi, 4, f[t], 0);
      };
    },
    fsd: ({ rs1, rs2, imm }) => {
      const s = rs1 * 2;
      const t = rs2 * 2;
      const ext = imm >> 31;
      return () => {
        const a = x[s];
        const lo = (a + imm) | 0;
        const hi = (x[s + 1] + ext + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
        const e = (((lo >>> 12) & 511) << 2) + mmu.base;
        if (tlb[e] === (lo & ~0xff8) && tlb[e + 1] === hi) {
          m64[(tlb[e + 2] << 9) | ((lo & 0xfff) >> 3)] = f64[rs2];
          return 0;
        }
        return access.store(lo, hi, 8, f[t], f[t + 1]);
      };
    },
  };
}
