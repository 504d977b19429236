// Where a run begins and ends: its budget, its links to others, its calls of the interpreter.

#include "emitter.h"

#include "../callbacks.h"

namespace nodevisor::jit::x64 {

uint8_t* Emitter::spend(uint32_t steps) {
    a_.aluImm(kSub, true, kBudgetReg, static_cast<int32_t>(steps));
    return a_.jcc(kB);
}

void Emitter::refund(uint32_t steps) {
    if (steps) a_.aluImm(kAdd, true, kBudgetReg, static_cast<int32_t>(steps));
}

void Emitter::refundRest() { a_.alu(kAdd, true, kBudgetReg, field(offsetof(Context, chunkRest))); }

uint8_t* Emitter::unlessRounding(uint8_t frm) {
    a_.cmpMem8Imm(field(offsetof(Context, fpKey)), frm);
    return a_.jcc(kNE);
}

void Emitter::leave(Leave why, uint64_t pc) {
    a_.storeImm32(field(offsetof(Context, leave)), static_cast<int32_t>(why));
    leaveAt(pc);
}

void Emitter::leaveAt(uint64_t pc) {
    a_.movImmKeepFlags(rcx, pc);
    a_.jmpTo(thunks_.exit);
}

LinkPlaces Emitter::exitTo(uint64_t target, uint32_t id) {
    const bool samePage = ((target ^ plan_.pc) & ~uint64_t{0xfff}) == 0;
    LinkPlaces link{nullptr, nullptr};
    uint8_t* guardJump = nullptr;
    if (!samePage) {
        a_.cmpMem32Patchable(field(offsetof(Context, fetchGeneration) + 4 * plan_.mode), 0);
        link.guard = a_.here();
        guardJump = a_.jcc(kNE);
    }
    link.jump = a_.jmp();
    if (guardJump) a_.bind(guardJump);
    a_.bind(link.jump);
    // Through the jump cache first when the guard fails, so that code shared by address spaces does not thrash the link.
    a_.movImmKeepFlags(rcx, target);
    if (!samePage) {
        const int32_t slot = static_cast<int32_t>(offsetof(Context, jumpCache)) - kBias +
                             static_cast<int32_t>(sizeof(JumpCacheEntry)) *
                                 static_cast<int32_t>(plan_.mode * kJumpCacheSize + ((target >> 1) & (kJumpCacheSize - 1)));
        a_.cmpMem(true, {kCtx, slot}, rcx);
        uint8_t* miss = a_.jcc(kNE);
        a_.jmpMem({kCtx, slot + 8});
        a_.bind(miss);
    }
    a_.storeImm32(field(offsetof(Context, scratch)), static_cast<int32_t>(id + 1));
    a_.jmpTo(thunks_.exitNext);
    return link;
}

void Emitter::computedJump(const Decoded& d, uint64_t linkPc) {
    get(rax, d.rs1);
    if (d.imm) a_.aluImm(kAdd, true, rax, d.imm);
    a_.aluImm(kAnd, true, rax, -2);
    if (d.rd) putImm(d.rd, linkPc);
    a_.rorx32(rcx, rax, 29);
    a_.aluImm(kAnd, false, rcx, static_cast<int32_t>((kJumpCacheSize - 1) * sizeof(JumpCacheEntry)));
    static_assert(sizeof(JumpCacheEntry) == 16);
    const int32_t table = static_cast<int32_t>(offsetof(Context, jumpCache)) - kBias +
                          static_cast<int32_t>(sizeof(JumpCacheEntry) * plan_.mode * kJumpCacheSize);
    a_.alu(kCmp, true, rax, {kCtx, table, rcx, 1});
    uint8_t* miss = a_.jcc(kNE);
    a_.jmpMem({kCtx, table + 8, rcx, 1});
    a_.bind(miss);
    a_.mov(rcx, rax);
    a_.jmpTo(thunks_.exitNext);
}

uint8_t* Emitter::callHandler(uint64_t pc, const Insn* record) {
    a_.movImmKeepFlags(rcx, pc);
    a_.store(field(offsetof(Context, pc)), rcx);
    swapOut();
    a_.movImmKeepFlags(rax, reinterpret_cast<uint64_t>(record));
    a_.callTo(thunks_.call);
    swapIn();
    return a_.jcc(kNE);
}

bool Emitter::lower(uint32_t i) {
    if (plan_.isStatusAccess(plan_.steps[i].insn)) return lowerStatus(i), true;
    return lowerInt(i) || lowerMemory(i) || lowerFp(i);
}

void Emitter::emitStubs() {
    for (const auto& s : slow_) slowAccess(s);
    for (const auto& n : nans_) {
        a_.bind(n.from);
        a_.movImmKeepFlags(rax, n.isDouble ? 0x7ff8000000000000u : 0xffffffff7fc00000u);
        a_.vmovq(n.reg, rax);
        a_.jmpTo(n.back);
    }
    slow_.clear();
    nans_.clear();
}

void Emitter::slowAccess(const SlowAccess& s) {
    const Decoded& d = plan_.steps[s.step].insn;
    known_.lazy = s.lazy;
    missedAccess(s);
    if (s.isStore) {
        if (s.fp) a_.vmovq(rdx, useF(d.rs2, xmm0));
        else getLow(rdx, d.rs2, s.size);
    }
    swapOut();
    a_.movImmKeepFlags(rcx, accessKind(s.size, s.isSigned, wayOf(d.rs1)));
    a_.callTo(s.isStore ? thunks_.store : thunks_.load);
    swapIn();
    progress_.left(s.step, a_.jcc(kNE));
    if (!s.isStore) {
        if (s.fp) {
            if (s.size == 4) a_.alu(kOr, true, rax, field(offsetof(Context, boxMask)));
            if (kHomes.f[d.rd] != kNoXmm) a_.vmovq(kHomes.f[d.rd], rax);
            else a_.store(fMem(d.rd), rax);
        } else {
            put(d.rd, rax);
        }
    }
    a_.jmpTo(s.back);
}

}  // namespace nodevisor::jit::x64
