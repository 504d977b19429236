// Integer instructions: RV64I and M, Zba, Zbb, Zbs, Zicond.

#include "run.h"

namespace nodevisor::jit {

bool Run::isBranch(const Decoded& d, Cond* c) const {
    switch (d.op) {
        case Op::beq_: *c = kE; return true;
        case Op::bne_: *c = kNE; return true;
        case Op::blt_: *c = kL; return true;
        case Op::bge_: *c = kGE; return true;
        case Op::bltu_: *c = kB; return true;
        case Op::bgeu_: *c = kAE; return true;
        default: return false;
    }
}

void Run::branch(uint32_t i, Cond c) {
    const Decoded& d = steps_[i].insn;
    const uint64_t taken = steps_[i].pc + static_cast<uint64_t>(int64_t{d.imm});
    if (d.rs1 == 0 && d.rs2 != 0) {
        // 0 op b: look at b alone, with the operands' order turned round.
        const Reg b = use(d.rs2, rax);
        a_.test(true, b, b);
        switch (c) {
            case kL: c = kG; break;
            case kGE: c = kLE; break;
            case kB: c = kNE; break;
            case kAE: c = kE; break;
            default: break;
        }
    } else if (d.rs2 == 0) {
        const Reg a = use(d.rs1, rax);
        a_.test(true, a, a);  // leaves CF and OF clear, as a comparison with 0 does
    } else {
        alu(kCmp, true, use(d.rs1, rax), d.rs2);
    }
    const bool last = i + 1 == steps_.size();
    if (last && taken == pc_) {
        a_.jccTo(c, head_);
    } else {
        exits_.push_back({a_.jcc(c), taken, stepsAfter(i + 1)});
    }
}

void Run::binary(const Decoded& d, Alu op, bool w, bool commutative) {
    uint32_t first = d.rs1;
    uint32_t second = d.rs2;
    Reg t = target(d.rd, rax);
    if (homed(second) && host(second) == t && first != second) {
        if (commutative) std::swap(first, second);
        else t = rax;
    }
    if (op == kAdd && w && homed(first) && homed(second) && t != host(first)) {
        a_.lea(t, {host(first), 0, host(second), 1});
    } else if (w) {
        get(t, first);
        alu(op, true, t, second);
    } else {
        get32(t, first);
        alu(op, false, t, second);
        a_.movsxd(t, t);
    }
    put(d.rd, t);
}

void Run::immediate(const Decoded& d, Alu op) {
    const Reg t = target(d.rd, rax);
    if (op == kAdd && homed(d.rs1) && t != host(d.rs1)) {
        if (d.imm) a_.lea(t, {host(d.rs1), d.imm});
        else a_.mov(t, host(d.rs1));
    } else {
        get(t, d.rs1);
        if (d.imm || op == kAnd) a_.aluImm(op, true, t, d.imm);
    }
    put(d.rd, t);
}

void Run::setIf(const Decoded& d, Cond c, bool immediate) {
    const Reg a = use(d.rs1, rax);
    if (immediate) a_.aluImm(kCmp, true, a, d.imm);
    else alu(kCmp, true, a, d.rs2);
    a_.setcc(c, rcx);
    const Reg t = target(d.rd, rax);
    a_.movzx8(t, rcx);
    put(d.rd, t);
}

void Run::shift(const Decoded& d, Shift s, bool w, bool immediate) {
    const Reg t = target(d.rd, rax);
    if (immediate) {
        if (w) get(t, d.rs1);
        else get32(t, d.rs1);
        if (d.imm) a_.shiftImm(s, w, t, static_cast<uint8_t>(d.imm));
    } else {
        const Reg n = use(d.rs2, rcx);
        const Reg a = use(d.rs1, rax);
        if (s == kShl) a_.shlx(w, t, a, n);
        else if (s == kShr) a_.shrx(w, t, a, n);
        else a_.sarx(w, t, a, n);
    }
    if (!w) a_.movsxd(t, t);
    put(d.rd, t);
}

void Run::rotate(const Decoded& d, bool right, bool w, bool immediate) {
    if (!immediate) get(rcx, d.rs2);
    if (w) get(rax, d.rs1);
    else get32(rax, d.rs1);
    if (immediate) a_.rotateImm(right, w, rax, static_cast<uint8_t>(d.imm));
    else a_.rotateCl(right, w, rax);
    if (!w) a_.movsxd(rax, rax);
    put(d.rd, rax);
}

void Run::shiftAdd(const Decoded& d, uint8_t scale, bool uw) {
    Reg index = use(d.rs1, rax);
    if (uw) {
        a_.mov32(rax, index);
        index = rax;
    }
    const Reg base = use(d.rs2, rcx);
    const Reg t = target(d.rd, rax);
    a_.lea(t, {base, 0, index, scale});
    put(d.rd, t);
}

void Run::multiply(const Decoded& d, bool w) {
    Reg t = target(d.rd, rax);
    uint32_t first = d.rs1;
    uint32_t second = d.rs2;
    if (homed(second) && host(second) == t) std::swap(first, second);
    if (w) get(t, first);
    else get32(t, first);
    if (second == 0) a_.movImmKeepFlags(t, 0);
    else if (homed(second)) a_.imul(w, t, host(second));
    else a_.imul(w, t, xMem(second));
    if (!w) a_.movsxd(t, t);
    put(d.rd, t);
}

void Run::multiplyHigh(const Decoded& d, bool isSigned) {
    get(rax, d.rs1);
    a_.mulWide(isSigned, use(d.rs2, rcx));
    put(d.rd, rdx);
}

void Run::divide(const Decoded& d, bool w, bool isSigned, bool remainder) {
    // Division by zero and overflow have results, not traps (Unprivileged spec 12.2).
    if (w) {
        get(rcx, d.rs2);
        get(rax, d.rs1);
    } else {
        get32(rcx, d.rs2);
        get32(rax, d.rs1);
    }
    a_.test(w, rcx, rcx);
    uint8_t* byZero = a_.jcc(kE);
    uint8_t* byMinusOne = nullptr;
    if (isSigned) {
        a_.aluImm(kCmp, w, rcx, -1);
        byMinusOne = a_.jcc(kE);
        a_.cqo(w);
    } else {
        a_.alu(kXor, false, rdx, rdx);
    }
    a_.divide(w, isSigned, rcx);
    if (remainder) a_.mov(rax, rdx);
    uint8_t* done = a_.jmp();
    uint8_t* done2 = nullptr;
    if (isSigned) {
        a_.bind(byMinusOne);
        if (remainder) a_.movImmKeepFlags(rax, 0);
        else a_.neg(w, rax);
        done2 = a_.jmp();
    }
    a_.bind(byZero);
    if (!remainder) a_.movImmKeepFlags(rax, ~uint64_t{0});
    a_.bind(done);
    if (done2) a_.bind(done2);
    if (!w) a_.movsxd(rax, rax);
    put(d.rd, rax);
}

void Run::minMax(const Decoded& d, Cond keepFirst) {
    get(rax, d.rs1);
    const Reg b = use(d.rs2, rcx);
    a_.alu(kCmp, true, rax, b);
    // cmov's condition is the opposite: take b unless the first is kept.
    a_.cmov(static_cast<Cond>(keepFirst ^ 1), true, rax, b);
    put(d.rd, rax);
}

/// `digit`: 4 test (bext), 5 set, 6 reset, 7 complement.
void Run::bitOp(const Decoded& d, uint8_t digit, bool immediate) {
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

void Run::conditionalZero(const Decoded& d, bool whenZero) {
    get(rax, d.rs1);
    const Reg b = use(d.rs2, rcx);
    a_.test(true, b, b);
    a_.movImmKeepFlags(rdx, 0);
    a_.cmov(whenZero ? kE : kNE, true, rax, rdx);
    put(d.rd, rax);
}

/// rs1 op ~rs2.
void Run::notSecond(const Decoded& d, Alu op) {
    get(rax, d.rs2);
    a_.not_(true, rax);
    alu(op, true, rax, d.rs1);
    put(d.rd, rax);
}

bool Run::lowerInt(uint32_t i) {
    const Decoded& d = steps_[i].insn;
    // Instructions that only compute x0 are hints; none of these has another effect.
    const bool hint = d.rd == 0;
#define INT(name, action) \
    case Op::name##_:     \
        if (!hint) action; \
        return true;
    switch (d.op) {
        INT(lui, putImm(d.rd, static_cast<uint64_t>(int64_t{d.imm})))
        INT(auipc, putImm(d.rd, steps_[i].pc + static_cast<uint64_t>(int64_t{d.imm})))
        case Op::addi_:
            if (hint) return true;
            if (d.rs1 == 0) putImm(d.rd, static_cast<uint64_t>(int64_t{d.imm}));
            else immediate(d, kAdd);
            return true;
        INT(xori, immediate(d, kXor))
        INT(ori, immediate(d, kOr))
        INT(andi, immediate(d, kAnd))
        INT(slti, setIf(d, kL, true))
        INT(sltiu, setIf(d, kB, true))
        INT(slt, setIf(d, kL, false))
        INT(sltu, setIf(d, kB, false))
        INT(add, binary(d, kAdd, true, true))
        INT(sub, binary(d, kSub, true, false))
        INT(xor, binary(d, kXor, true, true))
        INT(or, binary(d, kOr, true, true))
        INT(and, binary(d, kAnd, true, true))
        INT(addw, binary(d, kAdd, false, true))
        INT(subw, binary(d, kSub, false, false))
        case Op::addiw_: {
            if (hint) return true;
            const Reg t = target(d.rd, rax);
            if (d.imm == 0 && homed(d.rs1)) {
                a_.movsxd(t, host(d.rs1));
            } else if (d.imm == 0 && d.rs1) {
                a_.movsxd(t, xMem(d.rs1));
            } else {
                get32(t, d.rs1);
                if (d.imm) a_.aluImm(kAdd, false, t, d.imm);
                a_.movsxd(t, t);
            }
            put(d.rd, t);
            return true;
        }
        INT(slli, shift(d, kShl, true, true))
        INT(srli, shift(d, kShr, true, true))
        INT(srai, shift(d, kSar, true, true))
        INT(sll, shift(d, kShl, true, false))
        INT(srl, shift(d, kShr, true, false))
        INT(sra, shift(d, kSar, true, false))
        INT(slliw, shift(d, kShl, false, true))
        INT(srliw, shift(d, kShr, false, true))
        INT(sraiw, shift(d, kSar, false, true))
        INT(sllw, shift(d, kShl, false, false))
        INT(srlw, shift(d, kShr, false, false))
        INT(sraw, shift(d, kSar, false, false))
        INT(mul, multiply(d, true))
        INT(mulw, multiply(d, false))
        INT(mulh, multiplyHigh(d, true))
        INT(mulhu, multiplyHigh(d, false))
        INT(div, divide(d, true, true, false))
        INT(divu, divide(d, true, false, false))
        INT(rem, divide(d, true, true, true))
        INT(remu, divide(d, true, false, true))
        INT(divw, divide(d, false, true, false))
        INT(divuw, divide(d, false, false, false))
        INT(remw, divide(d, false, true, true))
        INT(remuw, divide(d, false, false, true))
        default: return lowerBits(d);
    }
}

bool Run::lowerBits(const Decoded& d) {
    const bool hint = d.rd == 0;
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

}  // namespace nodevisor::jit
