// The hand-made pieces around translated code: the way in, the way out, and the calls back into C++.

#include "../hart.h"
#include "../exec.h"
#include "abi.h"
#include "translator.h"

namespace nodevisor::jit {

namespace {

/// Low bits of what the memory thunks get in ecx: access size, whether a load sign-extends, and the way.
constexpr uint32_t kSizeMask = 15;
constexpr uint32_t kSigned = 16;
constexpr uint32_t kWayShift = 8;

/// Too much took long in this slice: leaves before the instruction that asks.
bool overdue(Context* ctx) {
    ctx->leave = ctx->slow < kSlowMax ? Leave::kNext : Leave::kBudget;
    return ctx->leave != Leave::kNext;
}

uint64_t callLoad(Context* ctx, uint64_t va, uint32_t how) {
    if (overdue(ctx)) return 0;
    uint64_t v = 0;
    if (!ctx->hart->loadSlow(va, how & kSizeMask, how >> kWayShift, &v)) return 0;
    return extend(v, how & kSizeMask, how & kSigned);
}

void callStore(Context* ctx, uint64_t va, uint64_t value, uint32_t how) {
    if (overdue(ctx)) return;
    ctx->hart->storeSlow(va, how & kSizeMask, how >> kWayShift, value);
}

/// `how`: span in bits 15:0, store in bit 16, way above.
uint32_t callFill(Context* ctx, uint64_t va, uint32_t how) {
    return ctx->slow < kSlowMax && ctx->hart->fillAhead(va, how & 0xffff, (how >> 16) & 1, how >> 17);
}

/// Runs one instruction in the interpreter; Context::pc is its address, and afterwards where to go on if it left.
void callHandler(Context* ctx, const Insn* insn) {
    if (overdue(ctx)) return;
    ctx->slow++;
    const uint64_t pc = ctx->pc;
#if defined(NODEVISOR_LOOP_DISPATCH)
    ctx->ip = insn;
    while (ctx->ip) ctx->ip->handler(ctx->ip, ctx);
#else
    insn->handler(insn, ctx);
#endif
    // An instruction that did not complete is met again, or trapped on, at its own address.
    if (ctx->leave != Leave::kNext && ctx->leave != Leave::kResync) ctx->pc = pc;
}

}  // namespace

void Translator::saveHomes(bool fp) {
    for (const auto& h : kIntHomes) a_.store(xMem(h.guest), h.host);
    if (!fp) return;
    for (const auto& h : kFpHomes) a_.vstoresd(fMem(h.guest), h.host);
}

void Translator::loadHomes(bool fp) {
    for (const auto& h : kIntHomes) a_.load(h.host, xMem(h.guest));
    if (!fp) return;
    for (const auto& h : kFpHomes) a_.vloadsd(h.host, fMem(h.guest));
}

/// Emits an aligned call of a C++ function from a thunk (one return address deep).
uint8_t* Translator::emitCall(const void* function) {
    a_.aluImm(kSub, true, rsp, 8 + abi::kShadow);
    a_.movImmKeepFlags(rax, reinterpret_cast<uint64_t>(function));
    a_.callReg(rax);
    a_.aluImm(kAdd, true, rsp, 8 + abi::kShadow);
    return a_.here();
}

void Translator::emitThunks() {
    a_.start(buffer_.write(), buffer_.exec(), buffer_.write() + buffer_.bytes());

    // void enter(const void* code, Context* ctx)
    const uint8_t* entry = a_.exec(a_.here());
    for (int i = 0; i < abi::kSavedCount; i++) a_.push(abi::kSaved[i]);
    a_.aluImm(kSub, true, rsp, abi::kFrame);
    for (int i = 0; i < abi::kSavedXmm; i++) {
        a_.vstoreups({rsp, abi::kShadow + 16 * i, kNoReg, 1}, static_cast<Xmm>(6 + i));
    }
    a_.mov(rax, abi::kArg[0]);
    a_.lea(kCtx, {abi::kArg[1], kBias, kNoReg, 1});
    a_.stmxcsr(field(offsetof(Context, mxcsrHost)));
    a_.ldmxcsr(field(offsetof(Context, mxcsrGuest)));
    a_.load(kBudgetReg, field(offsetof(Context, budget)));
    loadHomes(true);
    a_.jmpReg(rax);

    // exitNext: rcx = pc; leaves with kNext.  exit: rcx = pc, leave has been set.
    exitNext_ = a_.here();
    a_.storeImm32(field(offsetof(Context, leave)), static_cast<int32_t>(Leave::kNext));
    exit_ = a_.here();
    a_.store(field(offsetof(Context, pc)), rcx);
    a_.store(field(offsetof(Context, budget)), kBudgetReg);
    saveHomes(true);
    a_.stmxcsr(field(offsetof(Context, mxcsrGuest)));
    a_.ldmxcsr(field(offsetof(Context, mxcsrHost)));
    for (int i = 0; i < abi::kSavedXmm; i++) {
        a_.vloadups(static_cast<Xmm>(6 + i), {rsp, abi::kShadow + 16 * i, kNoReg, 1});
    }
    a_.aluImm(kAdd, true, rsp, abi::kFrame);
    for (int i = abi::kSavedCount - 1; i >= 0; i--) a_.pop(abi::kSaved[i]);
    a_.ret();

    // load: rax = va, ecx = how; returns rax = value, and not-equal if it left.
    loadThunk_ = a_.here();
    saveHomes(true);
    a_.mov32(r10, rcx);
    a_.mov(abi::kArg[1], rax);
    a_.mov32(abi::kArg[2], r10);
    a_.lea(abi::kArg[0], {kCtx, -kBias, kNoReg, 1});
    emitCall(reinterpret_cast<const void*>(&callLoad));
    loadHomes(true);
    a_.aluMemImm(kCmp, false, field(offsetof(Context, leave)), 0);
    a_.ret();

    // store: rax = va, rdx = value, ecx = how; returns not-equal if it left.
    storeThunk_ = a_.here();
    saveHomes(true);
    a_.mov32(r10, rcx);
    a_.mov(r11, rdx);
    a_.mov(abi::kArg[1], rax);
    a_.mov(abi::kArg[2], r11);
    a_.mov32(abi::kArg[3], r10);
    a_.lea(abi::kArg[0], {kCtx, -kBias, kNoReg, 1});
    emitCall(reinterpret_cast<const void*>(&callStore));
    loadHomes(true);
    a_.aluMemImm(kCmp, false, field(offsetof(Context, leave)), 0);
    a_.ret();

    // fill: rax = va, ecx = how; returns not-equal if the translation is there now.
    fillThunk_ = a_.here();
    saveHomes(true);
    a_.mov32(r10, rcx);
    a_.mov(abi::kArg[1], rax);
    a_.mov32(abi::kArg[2], r10);
    a_.lea(abi::kArg[0], {kCtx, -kBias, kNoReg, 1});
    emitCall(reinterpret_cast<const void*>(&callFill));
    loadHomes(true);
    a_.test(false, rax, rax);
    a_.ret();

    // call: rax = record; Context::pc has been set. Returns not-equal if it left.
    callThunk_ = a_.here();
    saveHomes(true);
    a_.mov(abi::kArg[1], rax);
    a_.lea(abi::kArg[0], {kCtx, -kBias, kNoReg, 1});
    emitCall(reinterpret_cast<const void*>(&callHandler));
    loadHomes(true);
    a_.aluMemImm(kCmp, false, field(offsetof(Context, leave)), 0);
    a_.ret();

    thunkBytes_ = static_cast<size_t>(a_.here() - buffer_.write());
    enter_ = reinterpret_cast<void (*)(const void*, Context*)>(reinterpret_cast<uintptr_t>(entry));
}

}  // namespace nodevisor::jit
