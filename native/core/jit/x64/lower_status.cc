// Kernels switch interrupts off and on all the time: sstatus without leaving translated code, as long as only SIE and what
// SRET goes back to change (Privileged spec 12.1.1), and no interrupt is waiting to be let in.

#include "../../bits.h"
#include "../../generated/csr_table.h"
#include "../../hart.h"
#include "emitter.h"

namespace nodevisor::jit::x64 {

namespace {

using L = layout::hart;

constexpr auto kQuiet = static_cast<int32_t>(mstatus::SIE | mstatus::SPIE | mstatus::SPP);

}  // namespace

/// csrrs and csrrc, and with SIE as their constant csrrsi and csrrci.
void Emitter::lowerStatus(uint32_t i) {
    const Decoded& d = plan_.steps[i].insn;
    const bool constant = d.op == Op::csrrsi_ || d.op == Op::csrrci_;
    const bool sets = d.op == Op::csrrs_ || d.op == Op::csrrsi_;
    const bool writes = constant || d.rs1 != 0;
    const auto block = reinterpret_cast<uint64_t>(stateBlock_);
    const Mem status{rcx, static_cast<int32_t>(L::mstatus)};
    if (constant) {
        a_.movImmKeepFlags(rdx, d.rs1);
    } else if (writes) {
        get(rdx, d.rs1);
        a_.mov(rax, rdx);
        a_.aluImm(kAnd, true, rax, ~kQuiet);
        progress_.interpret(i, a_.jcc(kNE));
    }
    a_.movImmKeepFlags(rcx, block);
    if (d.rd != 0) readStatus(d.rd, status, writes);
    if (!writes) return;
    if (!sets) {
        a_.not_(false, rdx);
        return a_.andMem32(status, rdx);
    }
    a_.orMem32(status, rdx);
    a_.aluImm(kAnd, false, rdx, static_cast<int32_t>(mstatus::SIE));
    uint8_t* stillOff = a_.jcc(kE);
    a_.load32(rdx, {rcx, static_cast<int32_t>(L::mip)});
    a_.alu(kOr, false, rdx, Mem{rcx, static_cast<int32_t>(L::irqLines)});
    a_.alu(kOr, false, rdx, field(offsetof(Context, timers)));
    a_.alu(kAnd, false, rdx, Mem{rcx, static_cast<int32_t>(L::mie)});
    progress_.letIn(i, a_.jcc(kNE));
    a_.bind(stillOff);
}

/// x[rd] becomes sstatus; rcx and, if `keep`, rdx stay as they are.
void Emitter::readStatus(uint32_t rd, Mem status, bool keep) {
    if (keep) a_.store(field(offsetof(Context, scratch) + 24), rdx);
    a_.load(rax, status);
    // SD: FS is dirty.
    a_.mov32(rdx, rax);
    a_.aluImm(kAnd, false, rdx, static_cast<int32_t>(mstatus::FS));
    a_.aluImm(kAdd, false, rdx, static_cast<int32_t>(mstatus::FS & (~mstatus::FS + 1)));
    a_.aluImm(kAnd, false, rdx, static_cast<int32_t>((mstatus::FS << 1) & ~mstatus::FS));
    static_assert(mstatus::FS == 0x6000, "the sum's carry is bit 15");
    a_.shiftImm(kShl, true, rdx, 48);
    a_.alu(kOr, true, rax, rdx);
    a_.movImmKeepFlags(rdx, Hart::viewMask(csr::sstatus));
    a_.alu(kAnd, true, rax, rdx);
    if (keep) a_.load(rdx, field(offsetof(Context, scratch) + 24));
    put(rd, rax);
}

}  // namespace nodevisor::jit::x64
