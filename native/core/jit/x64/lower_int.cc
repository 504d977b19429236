// Integer instructions: RV64I and M.

#include "emitter.h"

namespace nodevisor::jit::x64 {

namespace {

/// Of x[rs1] compared with x[rs2], for a branch.
Cond conditionOf(Op op) {
    switch (op) {
        case Op::beq_: return kE;
        case Op::bne_: return kNE;
        case Op::blt_: return kL;
        case Op::bge_: return kGE;
        case Op::bltu_: return kB;
        default: return kAE;
    }
}

}  // namespace

uint8_t* Emitter::branch(uint32_t i) {
    const Decoded& d = plan_.steps[i].insn;
    Cond c = conditionOf(d.op);
    if (d.rs1 == 0 && d.rs2 != 0) {
        // 0 op b: look at b alone, with the operands' order turned round.
        testZero(d.rs2);
        switch (c) {
            case kL: c = kG; break;
            case kGE: c = kLE; break;
            case kB: c = kNE; break;
            case kAE: c = kE; break;
            default: break;
        }
    } else if (d.rs2 == 0) {
        testZero(d.rs1);
    } else {
        compare(d.rs1, d.rs2);
    }
    return a_.jcc(c);
}

void Emitter::binary(const Decoded& d, Alu op, bool w, bool commutative) {
    uint32_t first = d.rs1;
    uint32_t second = d.rs2;
    if (w && op != kAnd) {
        if (second == 0) return copy(d.rd, first);
        if (first == 0 && op != kSub) return copy(d.rd, second);
    }
    const bool keepsNarrow = w && op != kAdd && op != kSub && narrow(first) && narrow(second);
    if (keepsNarrow && (lazy(first) || lazy(second))) w = false;
    Reg t = target(d.rd, rax);
    if (homed(second) && host(second) == t && first != second) {
        if (commutative) std::swap(first, second);
        else t = rax;
    }
    if (!w) {
        getLow(t, first);
        aluX(op, false, t, second);
        return putLow(d.rd, t);
    }
    complete(second);
    if (op == kAdd && homed(first) && homed(second) && t != host(first)) {
        complete(first);
        a_.lea(t, {host(first), 0, host(second), 1});
    } else {
        get(t, first);
        aluX(op, true, t, second);
    }
    put(d.rd, t);
    if (keepsNarrow) setNarrow(d.rd);
}

void Emitter::immediate(const Decoded& d, Alu op) {
    if (d.imm == 0 && op != kAnd) return copy(d.rd, d.rs1);
    const Reg t = target(d.rd, rax);
    if (op == kAdd) {
        complete(d.rs1);
        if (homed(d.rs1) && t != host(d.rs1)) {
            a_.lea(t, {host(d.rs1), d.imm});
        } else {
            get(t, d.rs1);
            a_.aluImm(op, true, t, d.imm);
        }
        return put(d.rd, t);
    }
    const bool keepsNarrow = narrow(d.rs1);
    if (op == kAnd && d.imm >= 0) {
        getLow(t, d.rs1);
        a_.aluImm(op, false, t, d.imm);
        put(d.rd, t);
        return setNarrow(d.rd);
    }
    if (lazy(d.rs1)) {
        getLow(t, d.rs1);
        a_.aluImm(op, false, t, d.imm);
        return putLow(d.rd, t);
    }
    get(t, d.rs1);
    a_.aluImm(op, true, t, d.imm);
    put(d.rd, t);
    if (keepsNarrow) setNarrow(d.rd);
}

/// addiw.
void Emitter::addWord(const Decoded& d) {
    const Reg t = target(d.rd, rax);
    if (d.imm == 0 && narrow(d.rs1)) return copy(d.rd, d.rs1);
    if (d.imm == 0) {
        if (homed(d.rs1)) a_.movsxd(t, host(d.rs1));
        else a_.movsxd(t, xMem(d.rs1));
        put(d.rd, t);
        return setNarrow(d.rd);
    }
    if (homed(d.rs1) && homed(d.rd) && d.rs1 != d.rd) {
        a_.lea32(t, {host(d.rs1), d.imm});
    } else {
        getLow(t, d.rs1);
        a_.aluImm(kAdd, false, t, d.imm);
    }
    putLow(d.rd, t);
}

void Emitter::setIf(const Decoded& d, Cond c, bool immediate) {
    const Reg t = target(d.rd, rax);
    const bool early = homed(d.rd) && d.rd != d.rs1 && (immediate || d.rd != d.rs2);
    if (early) a_.movImm(t, 0);
    if (immediate) {
        const bool w = !narrow(d.rs1);
        const Reg a = w ? use(d.rs1, rax) : useLow(d.rs1, rax);
        a_.aluImm(kCmp, w, a, d.imm);
    } else if (d.rs1 == 0 && c == kB) {
        testZero(d.rs2);
        c = kNE;
    } else {
        compare(d.rs1, d.rs2);
    }
    if (early) {
        a_.setcc(c, t);
    } else {
        a_.setcc(c, rcx);
        a_.movzx8(t, rcx);
    }
    put(d.rd, t);
    setNarrow(d.rd);
}

void Emitter::shiftImmediate(const Decoded& d, Shift s, bool w) {
    const Reg t = target(d.rd, rax);
    const auto n = static_cast<uint8_t>(d.imm);
    if (!w) {
        getLow(t, d.rs1);
        if (n) a_.shiftImm(s, false, t, n);
        if (s != kShr || n == 0) return putLow(d.rd, t);
        // The sign bit is clear, and the host has cleared what is above it.
        put(d.rd, t);
        return setNarrow(d.rd);
    }
    if (n == 0) return copy(d.rd, d.rs1);
    const bool isNarrow = s == kSar ? n >= 32 || narrow(d.rs1) : s == kShr && n > 32;
    if (s == kShl && n >= 32) getLow(t, d.rs1);
    else get(t, d.rs1);
    a_.shiftImm(s, true, t, n);
    put(d.rd, t);
    if (isNarrow) setNarrow(d.rd);
}

void Emitter::shift(const Decoded& d, Shift s, bool w) {
    const Reg t = target(d.rd, rax);
    if (w) complete(d.rs1);
    const Reg n = useLow(d.rs2, rcx);
    const Reg a = useLow(d.rs1, rax);
    if (s == kShl) a_.shlx(w, t, a, n);
    else if (s == kShr) a_.shrx(w, t, a, n);
    else a_.sarx(w, t, a, n);
    w ? put(d.rd, t) : putLow(d.rd, t);
}

void Emitter::multiply(const Decoded& d, bool w) {
    Reg t = target(d.rd, rax);
    uint32_t first = d.rs1;
    uint32_t second = d.rs2;
    if (homed(second) && host(second) == t) std::swap(first, second);
    if (w) {
        complete(second);
        get(t, first);
    } else {
        getLow(t, first);
    }
    if (second == 0) a_.movImmKeepFlags(t, 0);
    else if (homed(second)) a_.imul(w, t, host(second));
    else a_.imul(w, t, xMem(second));
    w ? put(d.rd, t) : putLow(d.rd, t);
}

void Emitter::multiplyHigh(const Decoded& d, bool isSigned) {
    complete(d.rs2);
    get(rax, d.rs1);
    a_.mulWide(isSigned, use(d.rs2, rcx));
    put(d.rd, rdx);
}

void Emitter::divide(const Decoded& d, bool w, bool isSigned, bool remainder) {
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
    w ? put(d.rd, rax) : putLow(d.rd, rax);
}

bool Emitter::lowerInt(uint32_t i) {
    const Decoded& d = plan_.steps[i].insn;
    // Instructions that only compute x0 are hints; none of these has another effect.
    const bool hint = d.rd == 0;
#define INT(name, action) \
    case Op::name##_:     \
        if (!hint) action; \
        return true;
    switch (d.op) {
        INT(lui, putImm(d.rd, static_cast<uint64_t>(int64_t{d.imm})))
        INT(auipc, putImm(d.rd, plan_.steps[i].pc + static_cast<uint64_t>(int64_t{d.imm})))
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
        INT(addiw, addWord(d))
        INT(slli, shiftImmediate(d, kShl, true))
        INT(srli, shiftImmediate(d, kShr, true))
        INT(srai, shiftImmediate(d, kSar, true))
        INT(sll, shift(d, kShl, true))
        INT(srl, shift(d, kShr, true))
        INT(sra, shift(d, kSar, true))
        INT(slliw, shiftImmediate(d, kShl, false))
        INT(srliw, shiftImmediate(d, kShr, false))
        INT(sraiw, shiftImmediate(d, kSar, false))
        INT(sllw, shift(d, kShl, false))
        INT(srlw, shift(d, kShr, false))
        INT(sraw, shift(d, kSar, false))
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

#undef INT

}  // namespace nodevisor::jit::x64
