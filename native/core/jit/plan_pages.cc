// Which accesses to memory share the look-up of a page.

#include <algorithm>
#include <cstdlib>

#include "plan.h"

namespace nodevisor::jit {

namespace {

/// Steps beyond which a base register changes pages too often for its last page to be worth keeping.
constexpr int32_t kStrideMax = 512;

}  // namespace

/// Which base registers stay in one page for many accesses: the stack and global pointers, what only steps forward or
/// backward, and in a loop also what does not change, or is the sum of such.
void Plan::findSteady() {
    uint32_t stepped = 0, written = 0, twice = 0;
    for (const Step& s : steps) {
        const Decoded& d = s.insn;
        if (!writesX(d) || d.rd == 0) continue;
        const uint32_t bit = 1u << d.rd;
        if (d.op == Op::addi_ && d.rs1 == d.rd && std::abs(d.imm) <= kStrideMax) {
            stepped |= bit;
        } else {
            twice |= written & bit;
            written |= bit;
        }
    }
    steady = (1u << 2 | 1u << 3 | 1u << 4) | (stepped & ~written);
    const bool branches = isBranch(steps.back().insn) && targetOf(static_cast<uint32_t>(steps.size()) - 1) == pc;
    if (!branches && fallTo != pc) return;
    steady |= ~(stepped | written);
    for (const Step& s : steps) {
        const Decoded& d = s.insn;
        if (d.op != Op::add_ || (twice & (1u << d.rd)) || d.rd == d.rs1 || d.rd == d.rs2) continue;
        if (isSteady(d.rs1) && isSteady(d.rs2)) steady |= 1u << d.rd;
    }
}

void Plan::findGroups() {
    groupOf.assign(steps.size(), kNoGroup);
    for (uint32_t i = 0; i < steps.size(); i++) {
        const Decoded& d = steps[i].insn;
        const MemoryKind kind = info(d).memory;
        if ((kind == MemoryKind::load || kind == MemoryKind::store) && d.rs1 != 0) {
            groupOf[i] = groupFor(d, kind == MemoryKind::store);
        }
        if (!writesX(d)) continue;
        const bool moves = d.op == Op::addi_ && d.rs1 == d.rd && isSteady(d.rd);
        for (auto& g : groups) {
            if (g.base != d.rd) continue;
            if (moves) g.moved += d.imm;
            else g.open = false;
        }
    }
    for (auto& g : groupOf) {
        if (g != kNoGroup && groups[g].members < 2) g = kNoGroup;
    }
}

/// The open group that the access joins, or a new one.
uint32_t Plan::groupFor(const Decoded& d, bool isStore) {
    // Wide ranges cross pages too often.
    constexpr int32_t kSpanMax = 256;
    for (uint32_t n = 0; n < groups.size(); n++) {
        Group& g = groups[n];
        if (!g.open || g.base != d.rs1 || g.isStore != isStore) continue;
        const int32_t low = std::min(g.low, d.imm + g.moved);
        const int32_t high = std::max(g.high, d.imm + g.moved + info(d).memoryBytes);
        if (high - low > kSpanMax) {
            g.open = false;
            break;
        }
        g.low = low;
        g.high = high;
        g.members++;
        return n;
    }
    if (groups.size() == kGroups) return kNoGroup;
    groups.push_back({d.rs1, isStore, true, 1, d.imm, d.imm + info(d).memoryBytes, 0});
    return static_cast<uint32_t>(groups.size() - 1);
}

}  // namespace nodevisor::jit
