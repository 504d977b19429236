#include "softfloat_parts.h"

namespace nodevisor::fp {

template <typename F>
u64 add(u64 a, u64 b, uint32_t rm, uint32_t* flags) { return addSigned<F>(a, b, rm, flags); }

template <typename F>
u64 sub(u64 a, u64 b, uint32_t rm, uint32_t* flags) { return addSigned<F>(a, b ^ kSignBit<F>, rm, flags); }

template <typename F>
u64 mul(u64 x, u64 y, uint32_t rm, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const Parts b = unpack<F>(y);
    if (isNan(a) || isNan(b)) return nanOf<F>(a, b, flags);
    const bool sign = a.sign != b.sign;
    if (a.kind == Kind::kInf || b.kind == Kind::kInf) {
        if (a.kind == Kind::kZero || b.kind == Kind::kZero) return invalid<F>(flags);
        return pack<F>(sign, kExpMax<F>, 0);
    }
    if (a.kind == Kind::kZero || b.kind == Kind::kZero) return pack<F>(sign, 0, 0);
    const Parts p = product(a, b);
    return roundPack<F>(p.sign, p.exp, p.sig, rm, flags);
}

template <typename F>
u64 div(u64 x, u64 y, uint32_t rm, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const Parts b = unpack<F>(y);
    if (isNan(a) || isNan(b)) return nanOf<F>(a, b, flags);
    const bool sign = a.sign != b.sign;
    if (a.kind == Kind::kInf) return b.kind == Kind::kInf ? invalid<F>(flags) : pack<F>(sign, kExpMax<F>, 0);
    if (b.kind == Kind::kInf) return pack<F>(sign, 0, 0);
    if (b.kind == Kind::kZero) {
        if (a.kind == Kind::kZero) return invalid<F>(flags);
        *flags |= kDz;
        return pack<F>(sign, kExpMax<F>, 0);
    }
    if (a.kind == Kind::kZero) return pack<F>(sign, 0, 0);
    const u128 divisor = b.sig >> 63;
    const u128 quotient = a.sig / divisor;  // top bit at 62 or 63
    const u128 sig = (quotient << 1) | (a.sig % divisor != 0);
    // a.sig / (b.sig / 2^63) = (a / b) · 2^63, and one more for the sticky bit.
    return normalRoundPack<F>(sign, a.exp - b.exp + 126 - 64, sig, rm, flags);
}

template <typename F>
u64 sqrt(u64 x, uint32_t rm, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    if (isNan(a)) return nanOf<F>(a, a, flags);
    if (a.kind == Kind::kZero) return x;
    if (a.sign) return invalid<F>(flags);
    if (a.kind == Kind::kInf) return x;
    // An even exponent: value = sig · 2^(exp - 126); the root of sig has 64 bits.
    int exp = a.exp;
    u128 sig = a.sig;
    if (exp & 1) {
        sig <<= 1;
        exp--;
    }
    u128 root = 0;
    u128 rest = sig;
    for (int bit = 63; bit >= 0; bit--) {
        const u128 trial = (root << (bit + 1)) + (u128{1} << (2 * bit));
        if (trial <= rest) {
            rest -= trial;
            root |= u128{1} << bit;
        }
    }
    return normalRoundPack<F>(false, exp / 2 + 63 - 1, (root << 1) | (rest != 0), rm, flags);
}

template <typename F>
u64 fma(u64 x, u64 y, u64 z, uint32_t rm, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const Parts b = unpack<F>(y);
    const Parts c = unpack<F>(z);
    // Infinity times zero is invalid even if the addend is a quiet NaN (Unprivileged spec 21.6).
    const bool infZero = (a.kind == Kind::kInf && b.kind == Kind::kZero) || (a.kind == Kind::kZero && b.kind == Kind::kInf);
    if (infZero) *flags |= kNv;
    if (isNan(a) || isNan(b) || isNan(c)) {
        if (c.kind == Kind::kSignalling) *flags |= kNv;
        return nanOf<F>(a, b, flags);
    }
    if (infZero) return F::kNan;
    const bool sign = a.sign != b.sign;
    if (a.kind == Kind::kInf || b.kind == Kind::kInf) {
        if (c.kind == Kind::kInf && c.sign != sign) return invalid<F>(flags);
        return pack<F>(sign, kExpMax<F>, 0);
    }
    if (c.kind == Kind::kInf) return z;
    if (a.kind == Kind::kZero || b.kind == Kind::kZero) {
        if (c.kind != Kind::kZero) return z;
        return c.sign == sign ? z : pack<F>(rm == kRdn, 0, 0);
    }
    const Parts p = product(a, b);
    if (c.kind == Kind::kZero) return roundPack<F>(p.sign, p.exp, p.sig, rm, flags);
    return addParts<F>(p, c, rm, flags);
}

template <typename F>
u64 minMax(u64 x, u64 y, bool isMax, bool propagate, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const Parts b = unpack<F>(y);
    if (a.kind == Kind::kSignalling || b.kind == Kind::kSignalling) *flags |= kNv;
    if (isNan(a) || isNan(b)) {
        if (propagate || (isNan(a) && isNan(b))) return F::kNan;
        return isNan(a) ? y : x;
    }
    const int order = compare<F>(x, y);
    if (order == 0) return isMax ? (a.sign ? y : x) : (a.sign ? x : y);
    return (order < 0) != isMax ? x : y;
}

template <typename F>
bool eq(u64 x, u64 y, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const Parts b = unpack<F>(y);
    if (a.kind == Kind::kSignalling || b.kind == Kind::kSignalling) *flags |= kNv;
    return !isNan(a) && !isNan(b) && compare<F>(x, y) == 0;
}

template <typename F>
bool less(u64 x, u64 y, bool orEqual, bool quiet, uint32_t* flags) {
    const Parts a = unpack<F>(x);
    const Parts b = unpack<F>(y);
    if (isNan(a) || isNan(b)) {
        if (!quiet || a.kind == Kind::kSignalling || b.kind == Kind::kSignalling) *flags |= kNv;
        return false;
    }
    const int order = compare<F>(x, y);
    return order < 0 || (orEqual && order == 0);
}

#define INSTANTIATE(F)                                                            \
    template u64 add<F>(u64, u64, uint32_t, uint32_t*);                           \
    template u64 sub<F>(u64, u64, uint32_t, uint32_t*);                           \
    template u64 mul<F>(u64, u64, uint32_t, uint32_t*);                           \
    template u64 div<F>(u64, u64, uint32_t, uint32_t*);                           \
    template u64 sqrt<F>(u64, uint32_t, uint32_t*);                               \
    template u64 fma<F>(u64, u64, u64, uint32_t, uint32_t*);                      \
    template u64 minMax<F>(u64, u64, bool, bool, uint32_t*);                      \
    template bool eq<F>(u64, u64, uint32_t*);                                     \
    template bool less<F>(u64, u64, bool, bool, uint32_t*);

INSTANTIATE(F32)
INSTANTIATE(F64)

}  // namespace nodevisor::fp
