// Floating point in SSE. MXCSR holds the guest's rounding mode and accumulates its flags (the two sets have the same
// meaning, tininess after rounding included); what SSE does otherwise - NaN results, boxing, saturation - is mended here or
// left to the interpreter's handler.

#include "../../bits.h"
#include "../../generated/state_layout.h"
#include "emitter.h"

namespace nodevisor::jit::x64 {

namespace {

constexpr uint32_t kDynamic = 7;

}  // namespace

Xmm Emitter::useF(uint32_t r, Xmm scratch) {
    if (kHomes.f[r] != kNoXmm) return kHomes.f[r];
    a_.vloadsd(scratch, fMem(r));
    return scratch;
}

void Emitter::putF(uint32_t r, Xmm s) {
    if (kHomes.f[r] != kNoXmm) a_.vmovap(kHomes.f[r], s);
    else a_.vstoresd(fMem(r), s);
}

/// A single that is not NaN-boxed counts as the canonical NaN (Unprivileged spec 21.2): the interpreter takes the step.
void Emitter::ensureBoxed(uint32_t i, uint32_t r) {
    if (known_.isBoxed(r)) return;
    if (kHomes.f[r] != kNoXmm) {
        a_.vmovq(rax, kHomes.f[r]);
        a_.shiftImm(kShr, true, rax, 32);
        a_.aluImm(kCmp, false, rax, -1);
    } else {
        a_.aluMemImm(kCmp, false, field(offsetof(Context, f) + 8 * r + 4), -1);
    }
    progress_.interpret(i, a_.jcc(kNE));
    known_.setBoxed(r, true);
}

void Emitter::ensureBoxed(uint32_t i, std::initializer_list<uint32_t> registers) {
    for (const uint32_t r : registers) ensureBoxed(i, r);
}

/// Whether the instruction's rounding mode is the one in MXCSR.
bool Emitter::nativeFp(const Decoded& d) const { return d.rm == kDynamic || d.rm == plan_.frm; }

void Emitter::fpSlow(uint32_t i, uint8_t* from) { progress_.call(i, from, a_.here(), known_.lazy); }

/// The result of step i, in the home of its register if there is one: a NaN becomes the canonical one.
void Emitter::fpResult(uint32_t i, Xmm result, bool d) {
    const Decoded& insn = plan_.steps[i].insn;
    a_.vucomis(d, result, result);
    NanFix n{a_.jcc(kP), nullptr, result, d};
    n.back = a_.here();
    nans_.push_back(n);
    putF(insn.rd, result);
    known_.setBoxed(insn.rd, !d);
}

void Emitter::fpBinary(uint32_t i, uint8_t opcode, bool d) {
    const Decoded& insn = plan_.steps[i].insn;
    if (!d) ensureBoxed(i, {insn.rs1, insn.rs2});
    const Xmm a = useF(insn.rs1, xmm1);
    const Xmm b = useF(insn.rs2, xmm2);
    const Xmm t = targetF(insn.rd);
    a_.vop(opcode, d, t, a, b);
    fpResult(i, t, d);
}

void Emitter::fpSqrt(uint32_t i, bool d) {
    const Decoded& insn = plan_.steps[i].insn;
    if (!d) ensureBoxed(i, insn.rs1);
    const Xmm a = useF(insn.rs1, xmm1);
    const Xmm t = targetF(insn.rd);
    a_.vop(0x51, d, t, a, a);
    fpResult(i, t, d);
}

void Emitter::fpFma(uint32_t i, uint8_t opcode, bool d) {
    const Decoded& insn = plan_.steps[i].insn;
    if (!d) ensureBoxed(i, {insn.rs1, insn.rs2, insn.rs3});
    a_.vmovap(xmm0, useF(insn.rs1, xmm0));
    const Xmm b = useF(insn.rs2, xmm1);
    const Xmm c = useF(insn.rs3, xmm2);
    a_.fma(opcode, d, xmm0, b, c);
    // Infinity times zero plus a quiet NaN must raise NV, which SSE does not: NaN results are the interpreter's.
    a_.vucomis(d, xmm0, xmm0);
    uint8_t* nan = a_.jcc(kP);
    putF(insn.rd, xmm0);
    known_.setBoxed(insn.rd, !d);
    fpSlow(i, nan);
}

void Emitter::fpMinMax(uint32_t i, bool isMax, bool d) {
    const Decoded& insn = plan_.steps[i].insn;
    if (!d) ensureBoxed(i, {insn.rs1, insn.rs2});
    const Xmm a = useF(insn.rs1, xmm1);
    const Xmm b = useF(insn.rs2, xmm2);
    a_.vucomis(d, a, b);
    uint8_t* nan = a_.jcc(kP);
    uint8_t* differ = a_.jcc(kNE);
    // Equal: the same, or zeros of either sign, of which -0 is the lesser.
    if (isMax) a_.vandps(xmm0, a, b);
    else a_.vorps(xmm0, a, b);
    uint8_t* done = a_.jmp();
    a_.bind(differ);
    a_.vop(isMax ? 0x5f : 0x5d, d, xmm0, a, b);
    a_.bind(done);
    putF(insn.rd, xmm0);
    known_.setBoxed(insn.rd, !d);
    fpSlow(i, nan);
}

/// `kind`: 0 feq (quiet), 1 flt, 2 fle (signalling).
void Emitter::fpCompare(uint32_t i, int kind, bool d) {
    const Decoded& insn = plan_.steps[i].insn;
    if (!d) ensureBoxed(i, {insn.rs1, insn.rs2});
    const Xmm a = useF(insn.rs1, xmm1);
    const Xmm b = useF(insn.rs2, xmm2);
    if (kind == 0) {
        a_.vucomis(d, a, b);
        a_.setcc(kNP, rax);
        a_.setcc(kE, rcx);
        a_.alu(kAnd, false, rax, rcx);
    } else {
        a_.vcomis(d, b, a);  // b above a; unordered counts as below
        a_.setcc(kind == 1 ? kA : kAE, rax);
    }
    a_.movzx8(rax, rax);
    put(insn.rd, rax);
    setNarrow(insn.rd);
}

/// `kind`: 0 fsgnj, 1 fsgnjn, 2 fsgnjx.
void Emitter::fpSign(uint32_t i, int kind, bool d) {
    const Decoded& insn = plan_.steps[i].insn;
    if (!d) ensureBoxed(i, {insn.rs1, insn.rs2});
    const Xmm a = useF(insn.rs1, xmm1);
    const Mem sign = field(d ? offsetof(Context, signDouble) : offsetof(Context, signSingle));
    const Mem magnitude = field(d ? offsetof(Context, magnitudeDouble) : offsetof(Context, magnitudeSingle));
    if (insn.rs1 == insn.rs2) {
        if (kind == 0) {
            putF(insn.rd, a);
            return known_.setBoxed(insn.rd, !d);
        }
        if (kind == 1) a_.vxorps(xmm0, a, sign);
        else a_.vandps(xmm0, a, magnitude);
    } else {
        const Xmm b = useF(insn.rs2, xmm2);
        a_.vandps(xmm0, b, sign);
        if (kind == 1) a_.vxorps(xmm0, xmm0, sign);
        if (kind == 2) {
            a_.vxorps(xmm0, xmm0, a);
        } else {
            a_.vandps(xmm1, a, magnitude);
            a_.vorps(xmm0, xmm0, xmm1);
        }
    }
    putF(insn.rd, xmm0);
    known_.setBoxed(insn.rd, !d);
}

/// fcvt.w and fcvt.l. SSE answers what does not fit with the most negative integer; then the interpreter saturates.
void Emitter::fpToInt(uint32_t i, bool d, bool w64) {
    const Decoded& insn = plan_.steps[i].insn;
    if (!d) ensureBoxed(i, insn.rs1);
    const Xmm a = useF(insn.rs1, xmm1);
    if (insn.rm == 1) a_.vcvtts2si(d, w64, rax, a);
    else a_.vcvts2si(d, w64, rax, a);
    if (w64) {
        a_.movImmKeepFlags(rcx, uint64_t{1} << 63);
        a_.alu(kCmp, true, rax, rcx);
    } else {
        a_.aluImm(kCmp, false, rax, INT32_MIN);
    }
    uint8_t* saturated = a_.jcc(kE);
    const uint32_t lazy = known_.lazy;
    if (!w64) a_.movsxd(rax, rax);
    put(insn.rd, rax);
    progress_.call(i, saturated, a_.here(), lazy);
}

void Emitter::fpFromInt(uint32_t i, bool d, bool w64, bool isUnsigned) {
    const Decoded& insn = plan_.steps[i].insn;
    if (w64) complete(insn.rs1);
    Reg s = useLow(insn.rs1, rax);
    if (!w64 && isUnsigned) {
        a_.mov32(rax, s);
        s = rax;
        w64 = true;
    }
    a_.vxorps(xmm0, xmm0, xmm0);
    a_.vcvtsi2s(d, w64, xmm0, xmm0, s);
    if (!d) a_.vorps(xmm0, xmm0, field(offsetof(Context, boxMask)));
    putF(insn.rd, xmm0);
    known_.setBoxed(insn.rd, !d);
}

/// fflags: what SSE gathered in MXCSR, and what handlers and earlier runs put into fcsr.
void Emitter::fpFlags(uint32_t i) {
    const Decoded& d = plan_.steps[i].insn;
    const bool writes = d.op == Op::csrrw_ || d.op == Op::csrrwi_;
    const auto fcsr = reinterpret_cast<uint64_t>(stateBlock_ + layout::hart::fcsr);
    const Mem mxcsr = field(offsetof(Context, scratch) + 16);
    a_.stmxcsr(mxcsr);
    a_.load32(rcx, mxcsr);
    a_.aluImm(kAnd, false, rcx, 0x3f);
    a_.movzx8(rax, {kCtx, static_cast<int32_t>(offsetof(Context, flagsOfHost)) - kBias, rcx, 1});
    a_.movImmKeepFlags(rcx, fcsr);
    if (!writes) {
        a_.alu(kOr, false, rax, Mem{rcx});
        a_.aluImm(kAnd, false, rax, 31);
        put(d.rd, rax);
        return;
    }
    // edx: the new flags; eax: those in MXCSR, which may stay there if they are among them.
    if (d.op == Op::csrrwi_) a_.movImmKeepFlags(rdx, d.rs1);
    else get32(rdx, d.rs1);
    a_.aluImm(kAnd, false, rdx, 31);
    if (d.rd != 0) {
        a_.store32(field(offsetof(Context, scratch) + 24), rax);
        a_.alu(kOr, false, rax, Mem{rcx});
        a_.aluImm(kAnd, false, rax, 31);
        put(d.rd, rax);
        a_.load32(rax, field(offsetof(Context, scratch) + 24));
    }
    a_.aluMemImm(kAnd, false, {rcx}, 0xe0);
    a_.orMem32({rcx}, rdx);
    a_.not_(false, rdx);
    a_.test(false, rax, rdx);
    uint8_t* keep = a_.jcc(kE);
    a_.aluMemImm(kAnd, false, mxcsr, ~0x3f);
    a_.ldmxcsr(mxcsr);
    a_.bind(keep);
}

bool Emitter::lowerFp(uint32_t i) {
    const Decoded& d = plan_.steps[i].insn;
    if (isFlagsAccess(d)) return fpFlags(i), true;
    if (hasReservedRounding(d)) return false;
#define ROUNDED(name, action)             \
    case Op::name##_:                     \
        if (!nativeFp(d)) return false;   \
        action;                           \
        return true;
#define EXACT(name, action) \
    case Op::name##_: action; return true;
    switch (d.op) {
        ROUNDED(fadd_d, fpBinary(i, 0x58, true))
        ROUNDED(fsub_d, fpBinary(i, 0x5c, true))
        ROUNDED(fmul_d, fpBinary(i, 0x59, true))
        ROUNDED(fdiv_d, fpBinary(i, 0x5e, true))
        ROUNDED(fadd_s, fpBinary(i, 0x58, false))
        ROUNDED(fsub_s, fpBinary(i, 0x5c, false))
        ROUNDED(fmul_s, fpBinary(i, 0x59, false))
        ROUNDED(fdiv_s, fpBinary(i, 0x5e, false))
        ROUNDED(fsqrt_d, fpSqrt(i, true))
        ROUNDED(fsqrt_s, fpSqrt(i, false))
        ROUNDED(fmadd_d, fpFma(i, 0xa9, true))
        ROUNDED(fmsub_d, fpFma(i, 0xab, true))
        ROUNDED(fnmsub_d, fpFma(i, 0xad, true))
        ROUNDED(fnmadd_d, fpFma(i, 0xaf, true))
        ROUNDED(fmadd_s, fpFma(i, 0xa9, false))
        ROUNDED(fmsub_s, fpFma(i, 0xab, false))
        ROUNDED(fnmsub_s, fpFma(i, 0xad, false))
        ROUNDED(fnmadd_s, fpFma(i, 0xaf, false))
        EXACT(fmin_d, fpMinMax(i, false, true))
        EXACT(fmax_d, fpMinMax(i, true, true))
        EXACT(fmin_s, fpMinMax(i, false, false))
        EXACT(fmax_s, fpMinMax(i, true, false))
        EXACT(feq_d, fpCompare(i, 0, true))
        EXACT(flt_d, fpCompare(i, 1, true))
        EXACT(fle_d, fpCompare(i, 2, true))
        EXACT(feq_s, fpCompare(i, 0, false))
        EXACT(flt_s, fpCompare(i, 1, false))
        EXACT(fle_s, fpCompare(i, 2, false))
        EXACT(fsgnj_d, fpSign(i, 0, true))
        EXACT(fsgnjn_d, fpSign(i, 1, true))
        EXACT(fsgnjx_d, fpSign(i, 2, true))
        EXACT(fsgnj_s, fpSign(i, 0, false))
        EXACT(fsgnjn_s, fpSign(i, 1, false))
        EXACT(fsgnjx_s, fpSign(i, 2, false))
        case Op::fcvt_w_d_:
        case Op::fcvt_l_d_:
        case Op::fcvt_w_s_:
        case Op::fcvt_l_s_:
            // Truncation has an instruction of its own, whatever MXCSR says.
            if (!nativeFp(d) && d.rm != 1) return false;
            fpToInt(i, d.op == Op::fcvt_w_d_ || d.op == Op::fcvt_l_d_, d.op == Op::fcvt_l_d_ || d.op == Op::fcvt_l_s_);
            return true;
        EXACT(fcvt_d_w, fpFromInt(i, true, false, false))
        EXACT(fcvt_d_wu, fpFromInt(i, true, false, true))
        ROUNDED(fcvt_d_l, fpFromInt(i, true, true, false))
        ROUNDED(fcvt_s_w, fpFromInt(i, false, false, false))
        ROUNDED(fcvt_s_wu, fpFromInt(i, false, false, true))
        ROUNDED(fcvt_s_l, fpFromInt(i, false, true, false))
        case Op::fcvt_d_s_:
            ensureBoxed(i, d.rs1);
            a_.vcvts2s(true, xmm0, xmm0, useF(d.rs1, xmm1));
            fpResult(i, xmm0, true);
            return true;
        case Op::fcvt_s_d_:
            if (!nativeFp(d)) return false;
            a_.vcvts2s(false, xmm0, xmm0, useF(d.rs1, xmm1));
            a_.vorps(xmm0, xmm0, field(offsetof(Context, boxMask)));
            fpResult(i, xmm0, false);
            return true;
        EXACT(fmv_x_d, (a_.vmovq(rax, useF(d.rs1, xmm1)), put(d.rd, rax)))
        EXACT(fmv_x_w, (a_.vmovd(rax, useF(d.rs1, xmm1)), a_.movsxd(rax, rax), put(d.rd, rax)))
        case Op::fmv_d_x_:
            get(rax, d.rs1);
            a_.vmovq(xmm0, rax);
            putF(d.rd, xmm0);
            known_.setBoxed(d.rd, false);
            return true;
        case Op::fmv_w_x_:
            get32(rax, d.rs1);
            a_.vmovd(xmm0, rax);
            a_.vorps(xmm0, xmm0, field(offsetof(Context, boxMask)));
            putF(d.rd, xmm0);
            known_.setBoxed(d.rd, true);
            return true;
        default: return false;
    }
#undef ROUNDED
#undef EXACT
}

}  // namespace nodevisor::jit::x64
