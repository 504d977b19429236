// From guest addresses to host addresses in translated code. A hit in the first level of the translation cache takes six
// host instructions inline, one on the page that the base register last pointed into four; a miss goes to C++.

#include <algorithm>
#include <cstdlib>

#include "run.h"

namespace nodevisor::jit {

namespace {

constexpr int32_t kLoadTable = static_cast<int32_t>(offsetof(Context, tlb)) - kBias;

int32_t tableOf(uint32_t mode, bool isStore, uint32_t way) {
    return kLoadTable + static_cast<int32_t>(mode * sizeof(Tlb)) +
           static_cast<int32_t>(isStore ? offsetof(Tlb, store) : offsetof(Tlb, load)) +
           static_cast<int32_t>(way * kTlbSize * sizeof(TlbEntry));
}

static_assert(sizeof(TlbEntry) == 16);
constexpr int32_t kIndexMask = (kTlbSize - 1) * 16;

/// Steps beyond which a base register changes pages too often for its last page to be worth keeping.
constexpr int32_t kStrideMax = 512;

}  // namespace

/// Which base registers stay in one page for many accesses: the stack and global pointers, what only steps forward or
/// backward, and in a loop also what does not change, or is the sum of such.
void Run::findSteady() {
    uint32_t stepped = 0, written = 0, twice = 0;
    for (const Step& s : steps_) {
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
    steady_ = (1u << 2 | 1u << 3 | 1u << 4) | (stepped & ~written);
    const Decoded& last = steps_.back().insn;
    Cond c;
    const bool loops = isBranch(last, &c) && steps_.back().pc + static_cast<uint64_t>(int64_t{last.imm}) == pc_;
    if (!loops && fallTo_ != pc_) return;
    steady_ |= ~(stepped | written);
    for (const Step& s : steps_) {
        const Decoded& d = s.insn;
        if (d.op != Op::add_ || (twice & (1u << d.rd)) || d.rd == d.rs1 || d.rd == d.rs2) continue;
        if (isSteady(d.rs1) && isSteady(d.rs2)) steady_ |= 1u << d.rd;
    }
}

Reg Run::lookUp(uint32_t i, uint32_t size, bool isStore, uint8_t** miss, bool aligned) {
    const Decoded& d = steps_[i].insn;
    complete(d.rs1);
    const Reg va = addressOf(d.rs1, aligned ? 0 : d.imm);  // atomics have no displacement
    if (!aligned) {
        *miss = compareFirstLevel(va, static_cast<int32_t>(size), isStore, d.rs1);
        return va;
    }
    const int32_t table = tableOf(mode_, isStore, wayOf(d.rs1));
    a_.rorx32(rcx, va, 8);
    a_.aluImm(kAnd, false, rcx, kIndexMask);
    a_.mov(rdx, va);
    a_.aluImm(kAnd, true, rdx, -4096 | static_cast<int32_t>(size - 1));
    a_.alu(kCmp, true, rdx, {kCtx, table, rcx, 1});
    *miss = a_.jcc(kNE);
    a_.load(rcx, {kCtx, table + 8, rcx, 1});
    return va;
}

void Run::findGroups() {
    groupOf_.assign(steps_.size(), kNoGroup);
    for (uint32_t i = 0; i < steps_.size(); i++) {
        const Decoded& d = steps_[i].insn;
        const MemoryKind kind = info(d).memory;
        if ((kind == MemoryKind::load || kind == MemoryKind::store) && d.rs1 != 0) {
            groupOf_[i] = groupFor(d, kind == MemoryKind::store);
        }
        if (!writesX(d)) continue;
        const bool steps = d.op == Op::addi_ && d.rs1 == d.rd && isSteady(d.rd);
        for (auto& g : groups_) {
            if (g.base != d.rd) continue;
            if (steps) g.moved += d.imm;
            else g.open = false;
        }
    }
    groupDone_.assign(groups_.size(), false);
    for (auto& g : groupOf_) {
        if (g != kNoGroup && groups_[g].members < 2) g = kNoGroup;
    }
}

/// The open group that the access joins, or a new one.
uint32_t Run::groupFor(const Decoded& d, bool isStore) {
    // Wide ranges cross pages too often.
    constexpr int32_t kSpanMax = 256;
    for (uint32_t n = 0; n < groups_.size(); n++) {
        Group& g = groups_[n];
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
    if (groups_.size() == kGroups) return kNoGroup;
    groups_.push_back({d.rs1, isStore, true, 1, d.imm, d.imm + info(d).memoryBytes, 0});
    return static_cast<uint32_t>(groups_.size() - 1);
}

/// Compares va … va + span - 1 with the first level: on a hit rdx has va's place in the page, and rcx the page's addend;
/// returns the branch that is taken on a miss.
uint8_t* Run::comparePage(Reg va, int32_t span, bool isStore, uint32_t way) {
    const int32_t table = tableOf(mode_, isStore, way);
    a_.rorx32(rcx, va, 8);
    a_.aluImm(kAnd, false, rcx, kIndexMask);
    a_.load(rdx, {kCtx, table, rcx, 1});
    a_.alu(kXor, true, rdx, va);
    a_.aluImm(kCmp, true, rdx, 4096 - span);
    uint8_t* miss = a_.jcc(kA);
    a_.load(rcx, {kCtx, table + 8, rcx, 1});
    return miss;
}

/// After a hit of the first level: the base register's last page from now on.
void Run::keepPage(Reg va, bool isStore, uint32_t base) {
    a_.alu(kXor, true, rdx, va);
    a_.store(lastTag(isStore, base), rdx);
    a_.store(lastAddend(isStore, base), rcx);
}

Mem Run::lastTag(bool isStore, uint32_t base) const {
    return field(offsetof(Context, last) + sizeof(LastPages) * mode_ + offsetof(LastPages, tag) + 8 * (32 * isStore + base));
}

Mem Run::lastAddend(bool isStore, uint32_t base) const {
    return field(offsetof(Context, last) + sizeof(LastPages) * mode_ + offsetof(LastPages, addend) + 8 * (32 * isStore + base));
}

/// Loads base + low into rax, or names the register that holds it.
Reg Run::addressOf(uint32_t base, int32_t low) {
    if (homed(base) && low == 0) return host(base);
    if (homed(base)) {
        a_.lea(rax, {host(base), low});
    } else {
        get(rax, base);
        if (low) a_.aluImm(kAdd, true, rax, low);
    }
    return rax;
}

/// Leaves the host address of the group's base register in rcx and in the context; for a steady base register without
/// adding the register itself if that has a home.
void Run::lookUpGroup(uint32_t i, uint32_t group) {
    const Group& g = groups_[group];
    complete(g.base);
    GroupMiss m{i, group, nullptr, nullptr, a_.here(), lazy_};
    if (isSteady(g.base)) {
        const Reg base = useLow(g.base, rax);
        a_.lea(rdx, {base, g.low});
        a_.aluImm(kAnd, true, rdx, -4096);
        a_.alu(kCmp, true, rdx, lastTag(g.isStore, g.base));
        m.from = a_.jcc(kNE);
        a_.lea(rdx, {base, g.high - 1});
        a_.aluImm(kAnd, true, rdx, -4096);
        a_.alu(kCmp, true, rdx, lastTag(g.isStore, g.base));
        m.from2 = a_.jcc(kNE);
        useGroup(group);
    } else {
        m.from = compareFirstLevel(addressOf(g.base, g.low), g.high - g.low, g.isStore, g.base);
        aluX(kAdd, true, rcx, g.base);
        a_.store(field(offsetof(Context, groupBase) + 8 * group), rcx);
    }
    groupMisses_.push_back(m);
    groupDone_[group] = true;
}

/// Loads what a look-up of the group left.
void Run::useGroup(uint32_t group) {
    const Group& g = groups_[group];
    if (!isSteady(g.base)) return a_.load(rcx, field(offsetof(Context, groupBase) + 8 * group));
    a_.load(rcx, lastAddend(g.isStore, g.base));
    if (!homed(g.base)) a_.alu(kAdd, true, rcx, xMem(g.base));
}

/// An access whose base register is steady: compared with the page of the last one. Misaligned accesses always miss, so
/// that none crosses into another page.
Mem Run::lookUpLast(uint32_t i, SlowAccess* s) {
    const Decoded& d = steps_[i].insn;
    complete(d.rs1);
    const Reg base = useLow(d.rs1, rax);
    a_.lea(rdx, {base, d.imm});
    a_.aluImm(kAnd, true, rdx, -4096 | static_cast<int32_t>(s->size - 1));
    a_.alu(kCmp, true, rdx, lastTag(s->isStore, d.rs1));
    s->miss = a_.jcc(kNE);
    s->lazy = lazy_;
    a_.load(rcx, lastAddend(s->isStore, d.rs1));
    s->hit = a_.here();
    return {base, d.imm, rcx, 1};
}

Mem Run::place(uint32_t i, SlowAccess* s) {
    const Decoded& d = steps_[i].insn;
    if (inChunk() && streamOf_[i] != kNoStream) return placeStream(i);
    const uint32_t group = groupOf_[i];
    if (group == kNoGroup) {
        if (isSteady(d.rs1)) return lookUpLast(i, s);
        s->va = lookUp(i, s->size, s->isStore, &s->miss);
        s->lazy = lazy_;
        return {s->va, 0, rcx, 1};
    }
    if (!groupDone_[group]) lookUpGroup(i, group);
    else if (rcxGroup_ != group) useGroup(group);
    rcxGroup_ = group;
    rcxStep_ = i;
    if (isSteady(d.rs1) && homed(d.rs1)) return {host(d.rs1), d.imm, rcx, 1};
    return {rcx, d.imm, kNoReg, 1};
}

/// The stub of an access: what to do when its look-up failed. Leaves the address in rax for the slow path, if it gets there.
void Run::missedAccess(const SlowAccess& s) {
    const Decoded& d = steps_[s.step].insn;
    a_.bind(s.miss);
    if (!s.hit) return a_.mov(rax, s.va);
    if (homed(d.rs1)) a_.lea(rax, {host(d.rs1), d.imm});
    else if (d.imm) a_.aluImm(kAdd, true, rax, d.imm);
    uint8_t* slow = compareFirstLevel(rax, static_cast<int32_t>(s.size), s.isStore, d.rs1);
    keepPage(rax, s.isStore, d.rs1);
    if (!homed(d.rs1)) get(rax, d.rs1);
    a_.jmpTo(s.hit);
    a_.bind(slow);
}

/// The stub of a group: keep its page if the first level has it; else have it filled and try again, or leave before the
/// step.
void Run::missedGroup(const GroupMiss& m) {
    const Group& g = groups_[m.group];
    a_.bind(m.from);
    if (m.from2) a_.bind(m.from2);
    lazy_ = m.lazy;
    if (isSteady(g.base)) {
        const Reg va = addressOf(g.base, g.low);
        uint8_t* slow = compareFirstLevel(va, g.high - g.low, g.isStore, g.base);
        keepPage(va, g.isStore, g.base);
        a_.jmpTo(m.retry);
        a_.bind(slow);
    }
    get(rax, g.base);
    if (g.low) a_.aluImm(kAdd, true, rax, g.low);
    a_.movImmKeepFlags(rcx, static_cast<uint32_t>(g.high - g.low) | (g.isStore ? 1u << 16 : 0) | (wayOf(g.base) << 17));
    swapOut();
    a_.callTo(t_.fillThunk_);
    swapIn();
    a_.jccTo(kNE, m.retry);
    interpretAt(m.step);
}

}  // namespace nodevisor::jit
