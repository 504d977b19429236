// The host's C calling convention, as far as translated code must know it: the one place where System V and Windows differ.
#pragma once

#include "asm_x64.h"

namespace nodevisor::jit::abi {

#if defined(_WIN64)
constexpr Reg kArg[] = {rcx, rdx, r8, r9};
/// Bytes a caller leaves above the return address for the callee.
constexpr int32_t kShadow = 32;
constexpr Reg kSaved[] = {rbx, rbp, rdi, rsi, r12, r13, r14, r15};
constexpr int kSavedXmm = 10;  // xmm6 … xmm15
#else
constexpr Reg kArg[] = {rdi, rsi, rdx, rcx};
constexpr int32_t kShadow = 0;
constexpr Reg kSaved[] = {rbx, rbp, r12, r13, r14, r15};
constexpr int kSavedXmm = 0;
#endif

constexpr int kSavedCount = sizeof(kSaved) / sizeof(kSaved[0]);

/// Stack space below the saved registers that keeps the stack 16-byte aligned inside translated code: the entry's return
/// address and the pushes make 8 · (1 + kSavedCount) bytes.
constexpr int32_t kFrame = kShadow + 16 * kSavedXmm + 16 + ((1 + kSavedCount) % 2 ? 8 : 0);

}  // namespace nodevisor::jit::abi
