// What operations on floating-point numbers share: taking numbers apart, rounding them and putting them together.
#pragma once

#include "softfloat.h"

namespace nodevisor::fp {

using u64 = uint64_t;
using u128 = unsigned __int128;

enum class Kind { kZero, kFinite, kInf, kQuiet, kSignalling };

/// A number taken apart: value = sig · 2^(exp - 126) with the top bit of sig at 126.
struct Parts {
    Kind kind;
    bool sign;
    int exp;
    u128 sig;
};

template <typename F> constexpr int kBias = (1 << (F::kExpBits - 1)) - 1;
template <typename F> constexpr u64 kSignBit = u64{1} << (F::kExpBits + F::kManBits);
template <typename F> constexpr u64 kManMask = (u64{1} << F::kManBits) - 1;
template <typename F> constexpr u64 kExpMax = (u64{1} << F::kExpBits) - 1;
template <typename F> constexpr u64 kInfinity = kExpMax<F> << F::kManBits;

inline int topBit(u128 v) {
    const u64 hi = static_cast<u64>(v >> 64);
    return hi ? 127 - __builtin_clzll(hi) : 63 - __builtin_clzll(static_cast<u64>(v));
}

inline u128 shiftRightJam(u128 v, int n) {
    if (n <= 0) return v;
    if (n > 127) return v != 0;
    return (v >> n) | ((v & ((u128{1} << n) - 1)) != 0);
}

template <typename F>
Parts unpack(u64 bits) {
    Parts p{};
    p.sign = bits & kSignBit<F>;
    const u64 exp = (bits >> F::kManBits) & kExpMax<F>;
    const u64 man = bits & kManMask<F>;
    if (exp == kExpMax<F>) {
        const bool quiet = man >> (F::kManBits - 1);
        p.kind = man == 0 ? Kind::kInf : quiet ? Kind::kQuiet : Kind::kSignalling;
        return p;
    }
    if (exp == 0 && man == 0) {
        p.kind = Kind::kZero;
        return p;
    }
    p.kind = Kind::kFinite;
    const u64 sig = exp == 0 ? man : man | (u64{1} << F::kManBits);
    const int top = topBit(sig);
    p.sig = u128{sig} << (126 - top);
    p.exp = (exp == 0 ? 1 : static_cast<int>(exp)) - kBias<F> - F::kManBits + top;
    return p;
}

inline bool isNan(const Parts& p) { return p.kind == Kind::kQuiet || p.kind == Kind::kSignalling; }

template <typename F>
u64 invalid(uint32_t* flags) {
    *flags |= kNv;
    return F::kNan;
}

/// The canonical NaN for operations with a NaN operand; a signalling one raises NV.
template <typename F>
u64 nanOf(const Parts& a, const Parts& b, uint32_t* flags) {
    if (a.kind == Kind::kSignalling || b.kind == Kind::kSignalling) *flags |= kNv;
    return F::kNan;
}

inline bool roundsUp(bool sign, bool odd, u128 rest, u128 half, uint32_t rm) {
    switch (rm) {
        case kRne: return rest > half || (rest == half && odd);
        case kRdn: return sign && rest != 0;
        case kRup: return !sign && rest != 0;
        case kRmm: return rest >= half;
        default: return false;
    }
}

template <typename F>
u64 pack(bool sign, u64 exp, u64 man) {
    return (sign ? kSignBit<F> : 0) | (exp << F::kManBits) | man;
}

template <typename F>
u64 overflow(bool sign, uint32_t rm, uint32_t* flags) {
    *flags |= kOf | kNx;
    const bool toInfinity = rm == kRne || rm == kRmm || (rm == kRup && !sign) || (rm == kRdn && sign);
    return toInfinity ? pack<F>(sign, kExpMax<F>, 0) : pack<F>(sign, kExpMax<F> - 1, kManMask<F>);
}

/// Rounds sig · 2^(exp - 126), the top bit of sig at 126, to the format.
template <typename F>
u64 roundPack(bool sign, int exp, u128 sig, uint32_t rm, uint32_t* flags) {
    constexpr int drop = 126 - F::kManBits;
    constexpr u128 half = u128{1} << (drop - 1);
    constexpr u128 mask = (u128{1} << drop) - 1;
    constexpr int minExp = 1 - kBias<F>;
    bool tiny = false;
    if (exp < minExp) {
        // After rounding: tiny unless rounding to full precision carries up to the smallest normal number.
        const u64 kept = static_cast<u64>(sig >> drop);
        const bool carries = kept == (u64{2} << F::kManBits) - 1 && roundsUp(sign, kept & 1, sig & mask, half, rm);
        tiny = !(exp == minExp - 1 && carries);
        sig = shiftRightJam(sig, minExp - exp);
        exp = minExp;
    }
    u64 kept = static_cast<u64>(sig >> drop);
    const u128 rest = sig & mask;
    if (roundsUp(sign, kept & 1, rest, half, rm)) kept++;
    if (rest) *flags |= kNx;
    if (rest && tiny) *flags |= kUf;
    if (kept == u64{2} << F::kManBits) {
        kept >>= 1;
        exp++;
    }
    if (!(kept >> F::kManBits)) return pack<F>(sign, 0, kept);  // subnormal or zero
    if (exp > kBias<F>) return overflow<F>(sign, rm, flags);
    return pack<F>(sign, static_cast<u64>(exp + kBias<F>), kept & kManMask<F>);
}

/// Rounds any non-zero significand.
template <typename F>
u64 normalRoundPack(bool sign, int exp, u128 sig, uint32_t rm, uint32_t* flags) {
    const int top = topBit(sig);
    if (top == 127) return roundPack<F>(sign, exp + 1, shiftRightJam(sig, 1), rm, flags);
    return roundPack<F>(sign, exp - (126 - top), sig << (126 - top), rm, flags);
}

/// The sum of two finite non-zero numbers.
template <typename F>
u64 addParts(Parts a, Parts b, uint32_t rm, uint32_t* flags) {
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        const Parts t = a;
        a = b;
        b = t;
    }
    const u128 small = shiftRightJam(b.sig, a.exp - b.exp);
    if (a.sign == b.sign) return normalRoundPack<F>(a.sign, a.exp, a.sig + small, rm, flags);
    const u128 difference = a.sig - small;
    if (difference == 0) return pack<F>(rm == kRdn, 0, 0);
    return normalRoundPack<F>(a.sign, a.exp, difference, rm, flags);
}

template <typename F>
u64 addSigned(u64 x, u64 y, uint32_t rm, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const Parts b = unpack<F>(y);
    if (isNan(a) || isNan(b)) return nanOf<F>(a, b, flags);
    if (a.kind == Kind::kInf) return b.kind == Kind::kInf && a.sign != b.sign ? invalid<F>(flags) : x;
    if (b.kind == Kind::kInf) return y;
    if (a.kind == Kind::kZero && b.kind == Kind::kZero) return a.sign == b.sign ? x : pack<F>(rm == kRdn, 0, 0);
    if (a.kind == Kind::kZero) return y;
    if (b.kind == Kind::kZero) return x;
    return addParts<F>(a, b, rm, flags);
}

/// The product of two finite non-zero numbers, exactly: significands have at most 53 bits.
inline Parts product(const Parts& a, const Parts& b) {
    Parts p{};
    p.kind = Kind::kFinite;
    p.sign = a.sign != b.sign;
    p.sig = (a.sig >> 63) * (b.sig >> 63);  // each has its top bit at 63: the product at 126 or 127
    p.exp = a.exp + b.exp;
    if (p.sig >> 127) {
        p.sig >>= 1;  // exact: the low bits are zero
        p.exp++;
    }
    return p;
}

template <typename F>
int compare(u64 a, u64 b) {
    if (((a | b) & ~kSignBit<F>) == 0) return 0;
    const bool sa = a & kSignBit<F>;
    const bool sb = b & kSignBit<F>;
    if (sa != sb) return sa ? -1 : 1;
    if (a == b) return 0;
    return (a < b) != sa ? -1 : 1;
}

/// The integer nearest to a finite non-zero number under `rm`, at most 2^66 in magnitude, and whether it is inexact.
inline u128 roundToInteger(const Parts& p, uint32_t rm, bool* inexact) {
    if (p.exp > 66) {
        *inexact = false;
        return u128{1} << 66;
    }
    const int drop = 126 - p.exp;  // > 59
    if (drop > 127) {
        // Below one half.
        *inexact = true;
        return roundsUp(p.sign, false, 1, 2, rm);
    }
    const u128 kept = drop == 127 ? 0 : p.sig >> drop;
    const u128 rest = drop == 127 ? p.sig : p.sig & ((u128{1} << drop) - 1);
    *inexact = rest != 0;
    return kept + (roundsUp(p.sign, kept & 1, rest, u128{1} << (drop - 1), rm) ? 1 : 0);
}

}  // namespace nodevisor::fp
