// The hand-made pieces around translated code: the way in, the way out, and the calls back into C++.

#include "thunks.h"

#include "../callbacks.h"
#include "abi.h"

#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

namespace nodevisor::jit::x64 {

namespace {

struct Cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/// CPUID (Intel SDM vol. 2); zeros for a leaf that the host does not have.
Cpuid cpuid(uint32_t leaf) {
#if defined(_MSC_VER)
    int most[4], r[4];
    __cpuid(most, static_cast<int>(leaf & 0x80000000u));
    if (static_cast<uint32_t>(most[0]) < leaf) return {};
    __cpuidex(r, static_cast<int>(leaf), 0);
    return {static_cast<uint32_t>(r[0]), static_cast<uint32_t>(r[1]), static_cast<uint32_t>(r[2]), static_cast<uint32_t>(r[3])};
#else
    Cpuid c{};
    if (!__get_cpuid_count(leaf, 0, &c.eax, &c.ebx, &c.ecx, &c.edx)) return {};
    return c;
#endif
}

/// XCR0: which state the system saves.
uint64_t xcr0() {
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return uint64_t{high} << 32 | low;
#endif
}

bool allOf(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

}  // namespace

bool Thunks::supported() {
    // FMA, POPCNT, OSXSAVE, AVX; then that the system keeps the XMM and YMM registers.
    if (!allOf(cpuid(1).ecx, 1u << 12 | 1u << 23 | 1u << 27 | 1u << 28) || (xcr0() & 6) != 6) return false;
    // BMI1, AVX2, BMI2; LZCNT, without which its encoding is BSR.
    return allOf(cpuid(7).ebx, 1u << 3 | 1u << 5 | 1u << 8) && allOf(cpuid(0x80000001u).ecx, 1u << 5);
}

void Thunks::saveHomes() {
    for (const auto& h : kIntHomes) a_.store(xMem(h.guest), static_cast<Reg>(h.host));
    for (const auto& h : kFpHomes) a_.vstoresd(fMem(h.guest), h.host);
}

void Thunks::loadHomes() {
    for (const auto& h : kIntHomes) a_.load(static_cast<Reg>(h.host), xMem(h.guest));
    for (const auto& h : kFpHomes) a_.vloadsd(h.host, fMem(h.guest));
}

/// Emits an aligned call of a C++ function from a thunk (one return address deep).
void Thunks::emitCall(const void* function) {
    a_.aluImm(kSub, true, rsp, abi::kCallFrame);
    a_.movImmKeepFlags(rax, reinterpret_cast<uint64_t>(function));
    a_.callReg(rax);
    a_.aluImm(kAdd, true, rsp, abi::kCallFrame);
}

size_t Thunks::emit(const Room& room) {
    a_.start(room.write, room.exec, room.end);
    emitEntry();
    emitExit();
    emitCallbacks();
    return a_.overflowed() ? 0 : static_cast<size_t>(a_.here() - room.write);
}

/// void enter(const void* code, Context* ctx)
void Thunks::emitEntry() {
    enter_ = reinterpret_cast<void (*)(const void*, Context*)>(reinterpret_cast<uintptr_t>(a_.exec(a_.here())));
    for (int i = 0; i < abi::kSavedCount; i++) a_.push(abi::kSaved[i]);
    a_.aluImm(kSub, true, rsp, abi::kFrame);
    for (int i = 0; i < abi::kSavedXmm; i++) {
        a_.vstoreups({rsp, 16 * i}, static_cast<Xmm>(abi::kFirstSavedXmm + i));
    }
    a_.mov(rax, abi::kArg[0]);
    a_.lea(kCtx, {abi::kArg[1], kBias});
    a_.stmxcsr(field(offsetof(Context, fpHost)));
    a_.ldmxcsr(field(offsetof(Context, fpGuest)));
    a_.load(kBudgetReg, field(offsetof(Context, budget)));
    loadHomes();
    a_.jmpReg(rax);
}

/// exitNext: rcx = pc; leaves with kNext.  exit: rcx = pc, leave has been set.
void Thunks::emitExit() {
    exitNext = a_.here();
    a_.storeImm32(field(offsetof(Context, leave)), static_cast<int32_t>(Leave::kNext));
    exit = a_.here();
    a_.store(field(offsetof(Context, pc)), rcx);
    a_.store(field(offsetof(Context, budget)), kBudgetReg);
    saveHomes();
    a_.stmxcsr(field(offsetof(Context, fpGuest)));
    a_.ldmxcsr(field(offsetof(Context, fpHost)));
    for (int i = 0; i < abi::kSavedXmm; i++) {
        a_.vloadups(static_cast<Xmm>(abi::kFirstSavedXmm + i), {rsp, 16 * i});
    }
    a_.aluImm(kAdd, true, rsp, abi::kFrame);
    for (int i = abi::kSavedCount - 1; i >= 0; i--) a_.pop(abi::kSaved[i]);
    a_.ret();
}

/// All keep the homes, and spoil the scratch registers.
void Thunks::emitCallbacks() {
    // load: rax = va, ecx = how; returns rax = value, and not-equal if it left.
    load = a_.here();
    saveHomes();
    a_.mov32(r10, rcx);
    a_.mov(abi::kArg[1], rax);
    a_.mov32(abi::kArg[2], r10);
    a_.lea(abi::kArg[0], {kCtx, -kBias});
    emitCall(reinterpret_cast<const void*>(&callLoad));
    loadHomes();
    a_.aluMemImm(kCmp, false, field(offsetof(Context, leave)), 0);
    a_.ret();

    // store: rax = va, rdx = value, ecx = how; returns not-equal if it left.
    store = a_.here();
    saveHomes();
    a_.mov32(r10, rcx);
    a_.mov(r11, rdx);
    a_.mov(abi::kArg[1], rax);
    a_.mov(abi::kArg[2], r11);
    a_.mov32(abi::kArg[3], r10);
    a_.lea(abi::kArg[0], {kCtx, -kBias});
    emitCall(reinterpret_cast<const void*>(&callStore));
    loadHomes();
    a_.aluMemImm(kCmp, false, field(offsetof(Context, leave)), 0);
    a_.ret();

    // fill: rax = va, ecx = how; returns not-equal if the translation is there now.
    fill = a_.here();
    saveHomes();
    a_.mov32(r10, rcx);
    a_.mov(abi::kArg[1], rax);
    a_.mov32(abi::kArg[2], r10);
    a_.lea(abi::kArg[0], {kCtx, -kBias});
    emitCall(reinterpret_cast<const void*>(&callFill));
    loadHomes();
    a_.test(false, rax, rax);
    a_.ret();

    // call: rax = record; Context::pc has been set. Returns not-equal if it left.
    call = a_.here();
    saveHomes();
    a_.mov(abi::kArg[1], rax);
    a_.lea(abi::kArg[0], {kCtx, -kBias});
    emitCall(reinterpret_cast<const void*>(&callHandler));
    loadHomes();
    a_.aluMemImm(kCmp, false, field(offsetof(Context, leave)), 0);
    a_.ret();
}

}  // namespace nodevisor::jit::x64
