// F, D and Zfa in the interpreter tier, on softfloat.h. Loads and stores are in exec_memory.cc.

#include "exec.h"
#include "softfloat.h"

namespace nodevisor {

namespace {

using L = layout::hart;
using fp::F32;
using fp::F64;

/// rm of a record (see packedImm) or, when dynamic, frm; 5 to 7 are illegal (Unprivileged spec 21.2).
bool rounding(const Insn* ip, Context* c, uint32_t* rm) {
    *rm = (static_cast<uint32_t>(ip->imm) >> 8) & 7;
    if (*rm == 7) *rm = (read32(c->hart->block(), L::fcsr) >> 5) & 7;
    return *rm <= 4;
}

uint32_t rs3(const Insn* ip) { return static_cast<uint32_t>(ip->imm) & 31; }

void raiseFlags(Context* c, uint32_t flags) {
    if (flags) write32(c->hart->block(), L::fcsr, read32(c->hart->block(), L::fcsr) | flags);
}

/// Operands and results by format: singles live NaN-boxed, and what is not boxed is a NaN (21.2).
template <typename F>
struct Reg;

template <>
struct Reg<F64> {
    static uint64_t get(Context* c, uint32_t r) { return c->f[r]; }
    static void put(Context* c, uint32_t r, uint64_t v) { c->f[r] = v; }
};

template <>
struct Reg<F32> {
    static uint64_t get(Context* c, uint32_t r) {
        return c->f[r] >> 32 == 0xffffffffu ? c->f[r] & 0xffffffffu : F32::kNan;
    }
    static void put(Context* c, uint32_t r, uint64_t v) { c->f[r] = v | 0xffffffff00000000u; }
};

}  // namespace

/// An operation from f registers to an f register. In `expression`: a, b, d are operands, rm and flags as named.
#define FP(name, F, expression)                                  \
    HANDLER(name) {                                              \
        uint32_t rm;                                             \
        if (!c->hart->fpEnable(false)) ILLEGAL;                  \
        if (!rounding(ip, c, &rm)) ILLEGAL;                      \
        c->hart->fpEnable(true);                                 \
        [[maybe_unused]] uint32_t* flags = &c->raised;           \
        c->raised = 0;                                           \
        [[maybe_unused]] const uint64_t a = Reg<F>::get(c, ip->rs1); \
        [[maybe_unused]] const uint64_t b = Reg<F>::get(c, ip->rs2); \
        [[maybe_unused]] const uint64_t d = Reg<F>::get(c, rs3(ip)); \
        Reg<F>::put(c, ip->rd, expression);                      \
        raiseFlags(c, c->raised);                                   \
        NEXT;                                                    \
    }

/// The same without a rounding mode: its bits may be a function code.
#define FP_EXACT(name, F, expression)                            \
    HANDLER(name) {                                              \
        if (!c->hart->fpEnable(true)) ILLEGAL;                   \
        [[maybe_unused]] uint32_t* flags = &c->raised;           \
        c->raised = 0;                                           \
        [[maybe_unused]] const uint64_t a = Reg<F>::get(c, ip->rs1); \
        [[maybe_unused]] const uint64_t b = Reg<F>::get(c, ip->rs2); \
        Reg<F>::put(c, ip->rd, expression);                      \
        raiseFlags(c, c->raised);                                   \
        NEXT;                                                    \
    }

/// From f registers to an x register. What may raise a flag makes FS Dirty too.
#define FP_TO_X(name, F, rounded, expression)                    \
    HANDLER(name) {                                              \
        uint32_t rm = 0;                                         \
        if (!c->hart->fpEnable(false)) ILLEGAL;                  \
        if (rounded && !rounding(ip, c, &rm)) ILLEGAL;           \
        [[maybe_unused]] uint32_t* flags = &c->raised;           \
        c->raised = 0;                                           \
        [[maybe_unused]] const uint64_t a = Reg<F>::get(c, ip->rs1); \
        [[maybe_unused]] const uint64_t b = Reg<F>::get(c, ip->rs2); \
        c->x[ip->rd] = expression;                               \
        if (kInsns[static_cast<uint32_t>(Op::name##_)].flags & kDirtiesFs) c->hart->fpEnable(true); \
        raiseFlags(c, c->raised);                                   \
        NEXT;                                                    \
    }

/// From an x register to an f register.
#define FP_FROM_X(name, F, expression)           \
    HANDLER(name) {                              \
        uint32_t rm;                             \
        if (!c->hart->fpEnable(false)) ILLEGAL;  \
        if (!rounding(ip, c, &rm)) ILLEGAL;      \
        c->hart->fpEnable(true);                 \
        c->raised = 0;                           \
        uint32_t* flags = &c->raised;            \
        const uint64_t a = c->x[ip->rs1];        \
        Reg<F>::put(c, ip->rd, expression);      \
        raiseFlags(c, c->raised);                   \
        NEXT;                                    \
    }

#define BOTH_FORMATS(X)                                                                     \
    X(s, F32, uint64_t{1} << 31)                                                            \
    X(d, F64, uint64_t{1} << 63)

#define ARITHMETIC(s, F, sign)                                                              \
    FP(fadd_##s, F, fp::add<F>(a, b, rm, flags))                                            \
    FP(fsub_##s, F, fp::sub<F>(a, b, rm, flags))                                            \
    FP(fmul_##s, F, fp::mul<F>(a, b, rm, flags))                                            \
    FP(fdiv_##s, F, fp::div<F>(a, b, rm, flags))                                            \
    FP(fsqrt_##s, F, fp::sqrt<F>(a, rm, flags))                                             \
    FP(fmadd_##s, F, fp::fma<F>(a, b, d, rm, flags))                                        \
    FP(fmsub_##s, F, fp::fma<F>(a, b, d ^ (sign), rm, flags))                               \
    FP(fnmsub_##s, F, fp::fma<F>(a ^ (sign), b, d, rm, flags))                              \
    FP(fnmadd_##s, F, fp::fma<F>(a ^ (sign), b, d ^ (sign), rm, flags))                     \
    FP(fround_##s, F, fp::round<F>(a, rm, false, flags))                                    \
    FP(froundnx_##s, F, fp::round<F>(a, rm, true, flags))                                   \
    FP_EXACT(fsgnj_##s, F, (a & ~(sign)) | (b & (sign)))                                    \
    FP_EXACT(fsgnjn_##s, F, (a & ~(sign)) | (~b & (sign)))                                  \
    FP_EXACT(fsgnjx_##s, F, a ^ (b & (sign)))                                               \
    FP_EXACT(fmin_##s, F, fp::minMax<F>(a, b, false, false, flags))                         \
    FP_EXACT(fmax_##s, F, fp::minMax<F>(a, b, true, false, flags))                          \
    FP_EXACT(fminm_##s, F, fp::minMax<F>(a, b, false, true, flags))                         \
    FP_EXACT(fmaxm_##s, F, fp::minMax<F>(a, b, true, true, flags))                          \
    FP_EXACT(fli_##s, F, fp::constant<F>(static_cast<uint32_t>(ip->imm)))                   \
    FP_TO_X(feq_##s, F, false, fp::eq<F>(a, b, flags))                                      \
    FP_TO_X(flt_##s, F, false, fp::less<F>(a, b, false, false, flags))                      \
    FP_TO_X(fle_##s, F, false, fp::less<F>(a, b, true, false, flags))                       \
    FP_TO_X(fltq_##s, F, false, fp::less<F>(a, b, false, true, flags))                      \
    FP_TO_X(fleq_##s, F, false, fp::less<F>(a, b, true, true, flags))                       \
    FP_TO_X(fclass_##s, F, false, fp::classify<F>(a))                                       \
    FP_TO_X(fcvt_w_##s, F, true, sext32(fp::toInt<F>(a, 32, true, rm, flags)))              \
    FP_TO_X(fcvt_wu_##s, F, true, sext32(fp::toInt<F>(a, 32, false, rm, flags)))            \
    FP_TO_X(fcvt_l_##s, F, true, fp::toInt<F>(a, 64, true, rm, flags))                      \
    FP_TO_X(fcvt_lu_##s, F, true, fp::toInt<F>(a, 64, false, rm, flags))                    \
    FP_FROM_X(fcvt_##s##_w, F, fp::fromInt<F>(sext32(a), true, rm, flags))                  \
    FP_FROM_X(fcvt_##s##_wu, F, fp::fromInt<F>(static_cast<uint32_t>(a), false, rm, flags)) \
    FP_FROM_X(fcvt_##s##_l, F, fp::fromInt<F>(a, true, rm, flags))                          \
    FP_FROM_X(fcvt_##s##_lu, F, fp::fromInt<F>(a, false, rm, flags))

BOTH_FORMATS(ARITHMETIC)

FP_TO_X(fcvtmod_w_d, F64, false, fp::toIntModular(a, flags))

HANDLER(fcvt_d_s) {
    uint32_t rm;
    if (!c->hart->fpEnable(false)) ILLEGAL;
    if (!rounding(ip, c, &rm)) ILLEGAL;
    c->hart->fpEnable(true);
    c->raised = 0;
    c->f[ip->rd] = fp::widen(Reg<F32>::get(c, ip->rs1), &c->raised);
    raiseFlags(c, c->raised);
    NEXT;
}

HANDLER(fcvt_s_d) {
    uint32_t rm;
    if (!c->hart->fpEnable(false)) ILLEGAL;
    if (!rounding(ip, c, &rm)) ILLEGAL;
    c->hart->fpEnable(true);
    c->raised = 0;
    Reg<F32>::put(c, ip->rd, fp::narrow(c->f[ip->rs1], rm, &c->raised));
    raiseFlags(c, c->raised);
    NEXT;
}

// Moves of bits: no NaN is looked at (21.5).

HANDLER(fmv_x_d) {
    if (!c->hart->fpEnable(false)) ILLEGAL;
    c->x[ip->rd] = c->f[ip->rs1];
    NEXT;
}

HANDLER(fmv_x_w) {
    if (!c->hart->fpEnable(false)) ILLEGAL;
    c->x[ip->rd] = sext32(c->f[ip->rs1]);
    NEXT;
}

HANDLER(fmv_d_x) {
    if (!c->hart->fpEnable(true)) ILLEGAL;
    c->f[ip->rd] = c->x[ip->rs1];
    NEXT;
}

HANDLER(fmv_w_x) {
    if (!c->hart->fpEnable(true)) ILLEGAL;
    c->f[ip->rd] = c->x[ip->rs1] | 0xffffffff00000000u;
    NEXT;
}

}  // namespace nodevisor
