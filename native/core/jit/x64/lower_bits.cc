// Bit manipulation: Zba, Zbb, Zbs, Zicond.

#include "emitter.h"

namespace nodevisor::jit::x64 {

void Emitter::rotate(const Decoded& d, bool right, bool w, bool immediate) {
    if (!immediate) get(rcx, d.rs2);
    if (w) get(rax, d.rs1);
    else get32(rax, d.rs1);
    if (immediate) a_.rotateImm(right, w, rax, static_cast<uint8_t>(d.imm));
    else a_.rotateCl(right, w, rax);
    w ? put(d.rd, rax) : putLow(d.rd, rax);
}

void Emitter::shiftAdd(const Decoded& d, uint8_t scale, bool uw) {
    complete(d.rs2);
    Reg index = uw ? useLow(d.rs1, rax) : use(d.rs1, rax);
    if (uw) {
        a_.mov32(rax, index);
        index = rax;
    }
    const Reg base = use(d.rs2, rcx);
    const Reg t = target(d.rd, rax);
    a_.lea(t, {base, 0, index, scale});
    put(d.rd, t);
}

void Emitter::minMax(const Decoded& d, Cond keepFirst) {
    get(rax, d.rs1);
    const Reg b = use(d.rs2, rcx);
    a_.alu(kCmp, true, rax, b);
    // cmov's condition is the opposite: take b unless the first is kept.
    a_.cmov(static_cast<Cond>(keepFirst ^ 1), true, rax, b);
    put(d.rd, rax);
}

/// `digit`: 4 test (bext), 5 set, 6 reset, 7 complement.
void Emitter::bitOp(const Decoded& d, uint8_t digit, bool immediate) {
    get(rax, d.rs1);
    if (immediate) {
        a_.btImm(digit, rax, static_cast<uint8_t>(d.imm));
    } else {
        const Reg n = use(d.rs2, rcx);
        if (digit == 4) a_.bt(true, rax, n);
        else if (digit == 5) a_.bts(true, rax, n);
        else if (digit == 6) a_.btr(true, rax, n);
        else a_.btc(true, rax, n);
    }
    if (digit == 4) {
        a_.setcc(kB, rax);
        a_.movzx8(rax, rax);
    }
    put(d.rd, rax);
}

void Emitter::conditionalZero(const Decoded& d, bool whenZero) {
    get(rax, d.rs1);
    const Reg b = use(d.rs2, rcx);
    a_.test(true, b, b);
    a_.movImmKeepFlags(rdx, 0);
    a_.cmov(whenZero ? kE : kNE, true, rax, rdx);
    put(d.rd, rax);
}

/// rs1 op ~rs2.
void Emitter::notSecond(const Decoded& d, Alu op) {
    get(rax, d.rs2);
    a_.not_(true, rax);
    aluX(op, true, rax, d.rs1);
    put(d.rd, rax);
}

bool Emitter::lowerBits(const Decoded& d) {
    const bool hint = d.rd == 0;
#define INT(name, action) \
    case Op::name##_:     \
        if (!hint) action; \
        return true;
    switch (d.op) {
        INT(add_uw, shiftAdd(d, 1, true))
        INT(sh1add, shiftAdd(d, 2, false))
        INT(sh2add, shiftAdd(d, 4, false))
        INT(sh3add, shiftAdd(d, 8, false))
        INT(sh1add_uw, shiftAdd(d, 2, true))
        INT(sh2add_uw, shiftAdd(d, 4, true))
        INT(sh3add_uw, shiftAdd(d, 8, true))
        INT(slli_uw, (get32(rax, d.rs1), a_.shiftImm(kShl, true, rax, static_cast<uint8_t>(d.imm)), put(d.rd, rax)))
        INT(andn, notSecond(d, kAnd))
        INT(orn, notSecond(d, kOr))
        INT(xnor, notSecond(d, kXor))
        INT(clz, (a_.lzcnt(true, rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(clzw, (a_.lzcnt(false, rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(ctz, (a_.tzcnt(true, rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(ctzw, (a_.tzcnt(false, rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(cpop, (a_.popcnt(true, rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(cpopw, (a_.popcnt(false, rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(max, minMax(d, kG))
        INT(maxu, minMax(d, kA))
        INT(min, minMax(d, kL))
        INT(minu, minMax(d, kB))
        INT(sext_b, (a_.movsx8(rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(sext_h, (a_.movsx16(rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(zext_h, (a_.movzx16(rax, use(d.rs1, rcx)), put(d.rd, rax)))
        INT(rol, rotate(d, false, true, false))
        INT(rolw, rotate(d, false, false, false))
        INT(ror, rotate(d, true, true, false))
        INT(rorw, rotate(d, true, false, false))
        INT(rori, rotate(d, true, true, true))
        INT(roriw, rotate(d, true, false, true))
        INT(rev8, (get(rax, d.rs1), a_.bswap(rax), put(d.rd, rax)))
        INT(bext, bitOp(d, 4, false))
        INT(bexti, bitOp(d, 4, true))
        INT(bset, bitOp(d, 5, false))
        INT(bseti, bitOp(d, 5, true))
        INT(bclr, bitOp(d, 6, false))
        INT(bclri, bitOp(d, 6, true))
        INT(binv, bitOp(d, 7, false))
        INT(binvi, bitOp(d, 7, true))
        INT(czero_eqz, conditionalZero(d, true))
        INT(czero_nez, conditionalZero(d, false))
        default: return false;
    }
}
#undef INT

}  // namespace nodevisor::jit::x64
