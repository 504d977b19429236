// Conversions between floating-point formats and integers, classification, constants.

#include "softfloat_parts.h"

namespace nodevisor::fp {

template <typename F>
u64 classify(u64 x) {
    const Parts a = unpack<F>(x);
    const bool subnormal = ((x >> F::kManBits) & kExpMax<F>) == 0;
    switch (a.kind) {
        case Kind::kSignalling: return 1u << 8;
        case Kind::kQuiet: return 1u << 9;
        case Kind::kInf: return a.sign ? 1u << 0 : 1u << 7;
        case Kind::kZero: return a.sign ? 1u << 3 : 1u << 4;
        default: return a.sign ? (subnormal ? 1u << 2 : 1u << 1) : (subnormal ? 1u << 5 : 1u << 6);
    }
}

template <typename F>
u64 toInt(u64 x, uint32_t bits, bool isSigned, uint32_t rm, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const u128 top = u128{1} << (isSigned ? bits - 1 : bits);
    const u64 highest = static_cast<u64>(top - 1);
    const u64 lowest = isSigned ? static_cast<u64>(-top) : 0;
    if (isNan(a)) {
        *flags |= kNv;
        return highest;
    }
    if (a.kind == Kind::kZero) return 0;
    if (a.kind == Kind::kInf) {
        *flags |= kNv;
        return a.sign ? lowest : highest;
    }
    bool inexact;
    const u128 magnitude = roundToInteger(a, rm, &inexact);
    const u128 limit = a.sign ? (isSigned ? top : 0) : top - 1;
    if (magnitude > limit) {
        *flags |= kNv;
        return a.sign ? lowest : highest;
    }
    if (inexact) *flags |= kNx;
    return a.sign ? static_cast<u64>(-magnitude) : static_cast<u64>(magnitude);
}

template <typename F>
u64 fromInt(u64 v, bool isSigned, uint32_t rm, uint32_t* flags) {
    if (v == 0) return 0;
    const bool sign = isSigned && (v >> 63);
    const u128 magnitude = sign ? u64{0} - v : v;
    return normalRoundPack<F>(sign, 126, magnitude, rm, flags);
}

template <typename F>
u64 round(u64 x, uint32_t rm, bool exact, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    if (isNan(a)) return nanOf<F>(a, a, flags);
    if (a.kind != Kind::kFinite || a.exp >= F::kManBits) return x;
    bool inexact;
    const u128 magnitude = roundToInteger(a, rm, &inexact);
    if (inexact && exact) *flags |= kNx;
    if (magnitude == 0) return pack<F>(a.sign, 0, 0);
    uint32_t none = 0;
    return normalRoundPack<F>(a.sign, 126, magnitude, rm, &none);
}

u64 widen(u64 x, uint32_t* flags) {
    const Parts a = unpack<F32>(x);
    if (isNan(a)) return nanOf<F64>(a, a, flags);
    if (a.kind == Kind::kInf) return pack<F64>(a.sign, kExpMax<F64>, 0);
    if (a.kind == Kind::kZero) return pack<F64>(a.sign, 0, 0);
    return roundPack<F64>(a.sign, a.exp, a.sig, kRne, flags);
}

u64 narrow(u64 x, uint32_t rm, uint32_t* flags) {
    const Parts a = unpack<F64>(x);
    if (isNan(a)) return nanOf<F32>(a, a, flags);
    if (a.kind == Kind::kInf) return pack<F32>(a.sign, kExpMax<F32>, 0);
    if (a.kind == Kind::kZero) return pack<F32>(a.sign, 0, 0);
    return roundPack<F32>(a.sign, a.exp, a.sig, rm, flags);
}

u64 toIntModular(u64 x, uint32_t* flags) {
    const Parts a = unpack<F64>(x);
    if (isNan(a) || a.kind == Kind::kInf) {
        *flags |= kNv;
        return 0;
    }
    if (a.kind == Kind::kZero) return 0;
    uint32_t raised = 0;
    toInt<F64>(x, 32, true, kRtz, &raised);
    *flags |= raised;
    // The integer's low 32 bits: its significand's lowest bit has weight 2^(exp - 52).
    const u64 sig = static_cast<u64>(a.sig >> (126 - 52));
    const int shift = a.exp - 52;
    u64 v = 0;
    if (shift >= 0) v = shift < 32 ? sig << shift : 0;
    else if (shift > -64) v = sig >> -shift;
    const auto low = static_cast<uint32_t>(a.sign ? u64{0} - v : v);
    return static_cast<u64>(static_cast<int64_t>(static_cast<int32_t>(low)));
}

template <typename F>
u64 constant(uint32_t index) {
    // Zfa table 1: (-1) then powers of two and quarters between, as sixteenths · 2^exponent.
    struct Value {
        int sixteenths, exp;
    };
    static constexpr Value kValues[32] = {
        {-16, 0}, {0, 0},   {16, -16}, {16, -15}, {16, -8}, {16, -7}, {16, -4}, {16, -3}, {16, -2}, {20, -2}, {24, -2},
        {28, -2}, {16, -1}, {20, -1},  {24, -1},  {28, -1}, {16, 0},  {20, 0},  {24, 0},  {28, 0},  {16, 1},  {20, 1},
        {24, 1},  {16, 2},  {16, 3},   {16, 4},   {16, 7},  {16, 8},  {16, 15}, {16, 16}, {0, 1},   {0, 2}};
    if (index == 1) return pack<F>(false, 1, 0);  // the smallest positive normal number
    if (index == 30) return kInfinity<F>;
    if (index == 31) return F::kNan;
    const Value v = kValues[index & 31];
    const u64 sixteenths = static_cast<u64>(v.sixteenths < 0 ? -v.sixteenths : v.sixteenths);
    uint32_t flags = 0;
    return normalRoundPack<F>(v.sixteenths < 0, 126 - 4 + v.exp, sixteenths, kRne, &flags);
}

#define INSTANTIATE(F)                                                            \
    template u64 classify<F>(u64);                                                \
    template u64 toInt<F>(u64, uint32_t, bool, uint32_t, uint32_t*);              \
    template u64 fromInt<F>(u64, bool, uint32_t, uint32_t*);                      \
    template u64 round<F>(u64, uint32_t, bool, uint32_t*);                        \
    template u64 constant<F>(uint32_t);

INSTANTIATE(F32)
INSTANTIATE(F64)

}  // namespace nodevisor::fp
