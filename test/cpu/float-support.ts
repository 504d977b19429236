import { HartState, hartWord } from '../../src/cpu/index.ts';
import { type FloatName, floatHandlers } from '../../src/cpu/interp/float.ts';
import type { Op } from '../../src/cpu/interp/handler.ts';
import { type InsnName, insnByName, sharedMap } from '../../src/isa/index.ts';

/** The instructions of F, D and Zfa but for loads and stores. */
export const floatNames = Object.values(insnByName)
  .filter((insn) => insn.needsFs && insn.memory === undefined)
  .map((insn) => insn.name as FloatName);

/** Operand fields of an instruction; what is left out is 0. */
export interface Fields {
  rd?: number;
  rs1?: number;
  rs2?: number;
  rs3?: number;
  rm?: number;
  imm?: number;
}

/** The floating-point handlers over a hart's registers, without an interpreter around them. */
export class FloatBench {
  readonly state = new HartState(new SharedArrayBuffer(sharedMap.ram), 0);
  readonly #handlers = floatHandlers({
    state: this.state,
    x: this.state.x,
    x64: this.state.x64,
    f: this.state.f,
    f64: this.state.f64,
    fDouble: this.state.fDouble,
    words: this.state.words,
  });

  /** The op of an instruction. */
  op(name: InsnName, fields: Fields): Op {
    const { rd = 0, rs1 = 0, rs2 = 0, rs3 = 0, rm = 0, imm = 0 } = fields;
    const factory = this.#handlers[name as FloatName];
    return factory({ name, length: 4, raw: 0, rd, rs1, rs2, rs3, imm, rm, aqrl: 0 });
  }

  get fcsr(): number {
    return this.state.words[hartWord.fcsr];
  }

  set fcsr(value: number) {
    this.state.words[hartWord.fcsr] = value;
  }

  /** Floating-point and integer registers as unsigned 64-bit values. */
  getF(r: number): bigint {
    return BigInt.asUintN(64, this.state.f64[r]);
  }

  setF(r: number, value: bigint): void {
    this.state.f64[r] = BigInt.asIntN(64, value);
  }

  getX(r: number): bigint {
    return BigInt.asUintN(64, this.state.x64[r]);
  }

  setX(r: number, value: bigint): void {
    this.state.x64[r] = BigInt.asIntN(64, value);
  }
}

const BOX = 0xffff_ffff_0000_0000n;

/** A single as a register holds it. */
export function boxed(bits: bigint): bigint {
  return BOX | bits;
}

/** The single that an instruction reads from a register. */
export function unboxed(register: bigint): bigint {
  return register >> 32n === 0xffff_ffffn ? register & 0xffff_ffffn : 0x7fc0_0000n;
}
