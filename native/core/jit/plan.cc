#include "plan.h"

#include "../bits.h"
#include "../exec.h"
#include "../generated/csr_table.h"

namespace nodevisor::jit {

void Plan::collect(CodeBlock* block, BlockCache* blocks) {
    CodePage* page = block->page;
    const uint64_t pageVa = pc & ~uint64_t{0xfff};
    uint64_t at = pc;
    std::vector<uint64_t> seen;
    while (block) {
        for (uint64_t s : seen) {
            if (s == at) {
                fallTo = at;
                return;
            }
        }
        seen.push_back(at);
        for (uint32_t i = 0; i < block->count; i++) {
            steps.push_back({block->decoded()[i], at});
            at += block->decoded()[i].length;
        }
        fallTo = at;
        Step& last = steps.back();
        uint64_t next = at;
        if (isJal(last.insn)) {
            next = last.pc + static_cast<uint64_t>(int64_t{last.insn.imm});
        } else if (isBranch(last.insn)) {
            // A loop's closing branch: what follows it is another run.
            if (last.insn.imm < 0) return;
        } else if ((endsBlock(last.insn) || isSerial(last.insn)) && !goesOn(last.insn)) {
            return;
        }
        if ((next & ~uint64_t{0xfff}) != pageVa || (next & 1) || steps.size() >= kMaxSteps) return;
        if (isJal(last.insn)) {
            last.followed = true;
            fallTo = next;
        }
        at = next;
        block = blocks->block(page, static_cast<uint32_t>(at & 0xfff));
        if (block && steps.size() + block->count > kMaxSteps) return;
    }
}

void Plan::analyse(std::span<const Home> usual) {
    for (auto& home : homes) home = kNoHome;
    for (const Home& h : usual) homes[h.guest] = h.host;
    findSteady();
    findGroups();
    loops = isLoop();
    if (!loops) return;
    findStreams();
    chooseHomes(usual);
}

bool Plan::usesFp() const {
    for (const auto& s : steps) {
        if (isFp(s.insn) || isFlagsAccess(s.insn)) return true;
    }
    return false;
}

bool Plan::isLoop() const {
    const Step& last = steps.back();
    if (isBranch(last.insn)) return fallTo == pc || targetOf(static_cast<uint32_t>(steps.size()) - 1) == pc;
    // A function that calls itself is no loop.
    if (last.followed) return fallTo == pc && last.insn.rd == 0;
    // A computed jump may lie right before the beginning, which does not make it fall through.
    return fallTo == pc && (goesOn(last.insn) || !(endsBlock(last.insn) || isSerial(last.insn)));
}

bool Plan::isStatusAccess(const Decoded& d) const {
    // In these modes the hart is in S-mode, which may access sstatus whatever else is set.
    if ((mode != kModeS && mode != kModeSum) || d.imm != static_cast<int32_t>(csr::sstatus)) return false;
    if (d.op == Op::csrrsi_ || d.op == Op::csrrci_) return d.rs1 == mstatus::SIE;
    return d.op == Op::csrrs_ || d.op == Op::csrrc_;
}

}  // namespace nodevisor::jit
