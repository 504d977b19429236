// Which guest registers live in host registers while translated code runs, on every block alike: blocks then link to each
// other without moving anything. The others stay in the context, one memory operand away.
#pragma once

#include "../../context.h"
#include "../plan.h"
#include "asm.h"

namespace nodevisor::jit::x64 {

/// Base of the context plus kBias, so that all integer registers are within a byte's displacement.
constexpr Reg kCtx = rbp;
constexpr int32_t kBias = 128;
/// Instructions left in the slice.
constexpr Reg kBudgetReg = r15;
// rax, rcx, rdx and xmm0 … xmm2 are scratch.

/// sp, s0, s1, a0 … a5, a6: what RVC makes short and compilers use most. rbx and r12 … r14 survive calls on all ABIs.
constexpr Home kIntHomes[] = {{2, rbx}, {8, r12}, {9, r13}, {10, rdi}, {11, rsi}, {12, r8},
                              {13, r9}, {14, r10}, {15, r11}, {16, r14}};

struct FpHome {
    uint8_t guest;
    Xmm host;
};

/// ft0 … ft2, fs0, fs1, fa0 … fa7.
constexpr FpHome kFpHomes[] = {{0, xmm3},   {1, xmm4},   {2, xmm5},   {8, xmm6},   {9, xmm7},   {10, xmm8},  {11, xmm9},
                               {12, xmm10}, {13, xmm11}, {14, xmm12}, {15, xmm13}, {16, xmm14}, {17, xmm15}};

struct FpHomeTable {
    Xmm f[32];
    constexpr FpHomeTable() : f() {
        for (auto& r : f) r = kNoXmm;
        for (const auto& h : kFpHomes) f[h.guest] = h.host;
    }
};

constexpr FpHomeTable kHomes{};

/// A field of the context as a memory operand.
inline Mem field(size_t offset) { return {kCtx, static_cast<int32_t>(offset) - kBias}; }
inline Mem xMem(uint32_t r) { return field(offsetof(Context, x) + 8 * r); }
inline Mem fMem(uint32_t r) { return field(offsetof(Context, f) + 8 * r); }

}  // namespace nodevisor::jit::x64
