#include "callbacks.h"

#include "../exec.h"
#include "../hart.h"

namespace nodevisor::jit {

namespace {

/// Too much took long in this slice: leaves before the instruction that asks.
bool overdue(Context* ctx) {
    ctx->leave = ctx->slow < kSlowMax ? Leave::kNext : Leave::kBudget;
    return ctx->leave != Leave::kNext;
}

}  // namespace

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

uint32_t callFill(Context* ctx, uint64_t va, uint32_t how) {
    return ctx->slow < kSlowMax && ctx->hart->fillAhead(va, how & 0xffff, (how >> 16) & 1, how >> 17);
}

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

}  // namespace nodevisor::jit
