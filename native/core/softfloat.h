// IEEE 754 binary32 and binary64 in integer arithmetic, as RISC-V wants it: five rounding modes, exact flags with
// tininess detected after rounding, canonical NaNs (Unprivileged spec 21, 22, Zfa). The reference for translated code, and
// what runs where that does not.
#pragma once

#include <cstdint>

namespace nodevisor::fp {

/// Rounding modes as in frm.
enum Rounding : uint32_t { kRne = 0, kRtz = 1, kRdn = 2, kRup = 3, kRmm = 4 };

/// Flags as in fcsr.
enum Flag : uint32_t { kNx = 1, kUf = 2, kOf = 4, kDz = 8, kNv = 16 };

struct F32 {
    static constexpr int kExpBits = 8, kManBits = 23;
    static constexpr uint64_t kNan = 0x7fc00000u;
};

struct F64 {
    static constexpr int kExpBits = 11, kManBits = 52;
    static constexpr uint64_t kNan = 0x7ff8000000000000u;
};

// Operands and results are the bits of the format, in the low bits. `flags` is or-ed into.
template <typename F> uint64_t add(uint64_t a, uint64_t b, uint32_t rm, uint32_t* flags);
template <typename F> uint64_t sub(uint64_t a, uint64_t b, uint32_t rm, uint32_t* flags);
template <typename F> uint64_t mul(uint64_t a, uint64_t b, uint32_t rm, uint32_t* flags);
template <typename F> uint64_t div(uint64_t a, uint64_t b, uint32_t rm, uint32_t* flags);
template <typename F> uint64_t sqrt(uint64_t a, uint32_t rm, uint32_t* flags);
/// a · b + c with one rounding.
template <typename F> uint64_t fma(uint64_t a, uint64_t b, uint64_t c, uint32_t rm, uint32_t* flags);
/// minimumNumber and maximumNumber; with `propagate`, minimum and maximum (Zfa fminm, fmaxm).
template <typename F> uint64_t minMax(uint64_t a, uint64_t b, bool isMax, bool propagate, uint32_t* flags);
template <typename F> bool eq(uint64_t a, uint64_t b, uint32_t* flags);
/// a < b, or with `orEqual` a <= b; `quiet`: only signalling NaNs raise NV (Zfa).
template <typename F> bool less(uint64_t a, uint64_t b, bool orEqual, bool quiet, uint32_t* flags);
template <typename F> uint64_t classify(uint64_t a);
/// To a 32- or 64-bit integer, saturating; the result is in the low bits.
template <typename F> uint64_t toInt(uint64_t a, uint32_t bits, bool isSigned, uint32_t rm, uint32_t* flags);
template <typename F> uint64_t fromInt(uint64_t v, bool isSigned, uint32_t rm, uint32_t* flags);
/// Rounds to an integer in the format; `exact`: raise NX when that changes the value (froundnx).
template <typename F> uint64_t round(uint64_t a, uint32_t rm, bool exact, uint32_t* flags);
uint64_t widen(uint64_t a, uint32_t* flags);
uint64_t narrow(uint64_t a, uint32_t rm, uint32_t* flags);
/// fcvtmod.w.d: toward zero, modulo 2^32.
uint64_t toIntModular(uint64_t a, uint32_t* flags);
/// The constant that fli loads.
template <typename F> uint64_t constant(uint32_t index);

}  // namespace nodevisor::fp
