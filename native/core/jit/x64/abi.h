// The host's C calling convention, as far as translated code must know it: the one place where System V and Windows differ.
//
// Neither knows how to unwind through translated code: nothing below it throws (the core is built without exceptions), and
// on Windows, which wants a function table for that, a stack trace ends there.
#pragma once

#include "asm.h"

namespace nodevisor::jit::x64::abi {

#if defined(_WIN64)
/// Integer arguments; the result is in rax.
constexpr Reg kArg[] = {rcx, rdx, r8, r9};
/// Bytes a caller leaves above the return address for the callee ("shadow space").
constexpr int32_t kShadow = 32;
/// What a function gives back as it was, besides rsp and MXCSR's modes: here translated code may use all of it.
constexpr Reg kSaved[] = {rbx, rbp, rdi, rsi, r12, r13, r14, r15};
/// The same of vector registers, of which the low halves alone are kept: xmm6 … xmm15.
constexpr Xmm kFirstSavedXmm = xmm6;
constexpr int kSavedXmm = 10;
#else
constexpr Reg kArg[] = {rdi, rsi, rdx, rcx};
constexpr int32_t kShadow = 0;
constexpr Reg kSaved[] = {rbx, rbp, r12, r13, r14, r15};
constexpr Xmm kFirstSavedXmm = xmm6;
constexpr int kSavedXmm = 0;
#endif

constexpr int kSavedCount = sizeof(kSaved) / sizeof(kSaved[0]);

/// Stack space below the saved registers: the vector registers, and what keeps the stack 16-byte aligned inside translated
/// code, as the entry's return address and the pushes make 8 · (1 + kSavedCount) bytes.
constexpr int32_t kFrame = 16 * kSavedXmm + ((1 + kSavedCount) % 2 ? 8 : 0);
static_assert((8 * (1 + kSavedCount) + kFrame) % 16 == 0);

/// A thunk is called from translated code, and its return address lies on the aligned stack: so much it takes off for a
/// call of C++ of its own.
constexpr int32_t kCallFrame = 8 + kShadow;
static_assert((8 + kCallFrame) % 16 == 0);

}  // namespace nodevisor::jit::x64::abi
