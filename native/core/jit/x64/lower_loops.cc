// What loops need beyond other runs: registers of their own, and chunks of passes whose pages are found ahead.

#include <cstdlib>

#include "emitter.h"

namespace nodevisor::jit::x64 {

/// From the registers as all runs have them to the loop's own.
void Emitter::swapIn() {
    for (const Swap& s : plan_.swaps) {
        const Reg host = static_cast<Reg>(s.host);
        a_.store(xMem(s.out), host);
        if (s.in < 32) a_.load(host, xMem(s.in));
        else if (progress_.second) a_.load(host, addendOf(s.in - 32));
    }
}

/// And back. Changes no flags, as swapIn.
void Emitter::swapOut() {
    for (const Swap& s : plan_.swaps) {
        const Reg host = static_cast<Reg>(s.host);
        if (s.in < 32) a_.store(xMem(s.in), host);
        a_.load(host, xMem(s.out));
    }
}

Mem Emitter::addendOf(uint32_t stream) const { return field(offsetof(Context, streamAddend) + 8 * stream); }

/// The operand of an access that belongs to a stream.
Mem Emitter::placeStream(uint32_t i) {
    const Decoded& d = plan_.steps[i].insn;
    const uint32_t stream = plan_.streamOf[i];
    Reg addend = static_cast<Reg>(plan_.streams[stream].host);
    if (addend == kNoReg) {
        a_.load(rcx, addendOf(stream));
        addend = rcx;
    }
    return {use(d.rs1, rax), d.imm, addend, 1};
}

void Emitter::setWarmUp() { a_.storeImm32(field(offsetof(Context, warmUp)), kWarmUp); }

uint8_t* Emitter::planChunk(const uint8_t* first) {
    const auto all = static_cast<int32_t>(plan_.steps.size());
    const Mem rest = field(offsetof(Context, chunkRest));
    const Mem warmUp = field(offsetof(Context, warmUp));
    known_.lazy = progress_.again.lazy;
    a_.aluMemImm(kSub, false, warmUp, 1);
    uint8_t* ready = a_.jcc(kS);
    uint8_t* cold = a_.here();
    completeAll();
    a_.jmpTo(first);
    uint8_t* retreat = a_.here();
    setWarmUp();
    a_.jmpTo(cold);
    a_.bind(ready);
    uint8_t* plan = a_.here();
    a_.aluImm(kCmp, true, kBudgetReg, all);
    a_.jccTo(kB, retreat);
    bool bounded = false;
    for (uint32_t n = 0; n < plan_.streams.size(); n++) {
        planStream(n, retreat);
        if (plan_.streams[n].stride == 0) continue;
        if (bounded) {
            a_.load(rcx, rest);
            a_.alu(kCmp, true, rcx, rax);
            a_.cmov(kB, true, rax, rcx);
        }
        a_.store(rest, rax);
        bounded = true;
    }
    if (!bounded) {
        a_.storeImm(rest, 0);
        return plan;
    }
    // The budget for as many passes and one, if there is as much.
    a_.load(rax, rest);
    a_.aluImm(kAdd, true, rax, 1);
    a_.movImmKeepFlags(rcx, static_cast<uint64_t>(all));
    a_.imul(true, rax, rcx);
    a_.alu(kCmp, true, rax, kBudgetReg);
    a_.cmov(kA, true, rax, kBudgetReg);
    a_.alu(kSub, true, kBudgetReg, rax);
    a_.store(rest, kBudgetReg);
    a_.mov(kBudgetReg, rax);
    return plan;
}

/// One stream's page for the chunk; in rax how many passes after the next one stay in it, unless all do.
void Emitter::planStream(uint32_t n, const uint8_t* retreat) {
    const Stream& s = plan_.streams[n];
    const int32_t span = s.high - s.low;
    get(rax, s.a);
    if (s.b != 0) aluX(kAdd, true, rax, s.b);
    if (s.low != 0) a_.aluImm(kAdd, true, rax, s.low);
    a_.patch(comparePage(rax, span, s.isStore, s.way), retreat);
    a_.store(addendOf(n), rcx);
    if (s.host != kNoHome) a_.mov(static_cast<Reg>(s.host), rcx);
    if (s.stride == 0) return;
    const auto step = static_cast<uint32_t>(std::abs(s.stride));
    if (s.stride > 0) {
        a_.movImmKeepFlags(rax, static_cast<uint64_t>(4096 - span));
        a_.alu(kSub, false, rax, rdx);
    } else {
        a_.mov32(rax, rdx);
    }
    // Exact for what is divided here, which is below 4096.
    a_.movImmKeepFlags(rcx, ((1u << 24) + step - 1) / step);
    a_.imul(true, rax, rcx);
    a_.shiftImm(kShr, true, rax, 24);
}

}  // namespace nodevisor::jit::x64
