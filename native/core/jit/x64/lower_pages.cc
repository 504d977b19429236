// From guest addresses to host addresses in translated code. A hit in the first level of the translation cache takes six
// host instructions inline, one on the page that the base register last pointed into four; a miss goes to C++.

#include "../callbacks.h"
#include "emitter.h"

namespace nodevisor::jit::x64 {

namespace {

constexpr int32_t kLoadTable = static_cast<int32_t>(offsetof(Context, tlb)) - kBias;

int32_t tableOf(uint32_t mode, bool isStore, uint32_t way) {
    return kLoadTable + static_cast<int32_t>(mode * sizeof(Tlb)) +
           static_cast<int32_t>(isStore ? offsetof(Tlb, store) : offsetof(Tlb, load)) +
           static_cast<int32_t>(way * kTlbSize * sizeof(TlbEntry));
}

static_assert(sizeof(TlbEntry) == 16);
constexpr int32_t kIndexMask = (kTlbSize - 1) * 16;

}  // namespace

Reg Emitter::lookUp(uint32_t i, uint32_t size, bool isStore, uint8_t** miss, bool aligned) {
    const Decoded& d = plan_.steps[i].insn;
    complete(d.rs1);
    const Reg va = addressOf(d.rs1, aligned ? 0 : d.imm);  // atomics have no displacement
    if (!aligned) {
        *miss = compareFirstLevel(va, static_cast<int32_t>(size), isStore, d.rs1);
        return va;
    }
    const int32_t table = tableOf(plan_.mode, isStore, wayOf(d.rs1));
    a_.rorx32(rcx, va, 8);
    a_.aluImm(kAnd, false, rcx, kIndexMask);
    a_.mov(rdx, va);
    a_.aluImm(kAnd, true, rdx, -4096 | static_cast<int32_t>(size - 1));
    a_.alu(kCmp, true, rdx, {kCtx, table, rcx, 1});
    *miss = a_.jcc(kNE);
    a_.load(rcx, {kCtx, table + 8, rcx, 1});
    return va;
}

/// Compares va … va + span - 1 with the first level: on a hit rdx has va's place in the page, and rcx the page's addend;
/// returns the branch that is taken on a miss.
uint8_t* Emitter::comparePage(Reg va, int32_t span, bool isStore, uint32_t way) {
    const int32_t table = tableOf(plan_.mode, isStore, way);
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
void Emitter::keepPage(Reg va, bool isStore, uint32_t base) {
    a_.alu(kXor, true, rdx, va);
    a_.store(lastTag(isStore, base), rdx);
    a_.store(lastAddend(isStore, base), rcx);
}

Mem Emitter::lastTag(bool isStore, uint32_t base) const {
    return field(offsetof(Context, last) + sizeof(LastPages) * plan_.mode + offsetof(LastPages, tag) + 8 * (32 * isStore + base));
}

Mem Emitter::lastAddend(bool isStore, uint32_t base) const {
    return field(offsetof(Context, last) + sizeof(LastPages) * plan_.mode + offsetof(LastPages, addend) + 8 * (32 * isStore + base));
}

/// Loads base + low into rax, or names the register that holds it.
Reg Emitter::addressOf(uint32_t base, int32_t low) {
    if (homed(base) && low == 0) return host(base);
    if (homed(base)) {
        a_.lea(rax, {host(base), low});
    } else {
        get(rax, base);
        if (low) a_.aluImm(kAdd, true, rax, low);
    }
    return rax;
}

/// Looks up, at step i, the first of its group, the page of them all. Leaves the host address of the group's base register in rcx and in the context; for a steady base register without
/// adding the register itself if that has a home.
void Emitter::lookUpGroup(uint32_t i, uint32_t group) {
    const Group& g = plan_.groups[group];
    complete(g.base);
    GroupMiss m{i, group, nullptr, nullptr, a_.here(), known_.lazy};
    if (plan_.isSteady(g.base)) {
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
    progress_.groupMisses.push_back(m);
}

/// Loads what a look-up of the group left.
void Emitter::useGroup(uint32_t group) {
    const Group& g = plan_.groups[group];
    if (!plan_.isSteady(g.base)) return a_.load(rcx, field(offsetof(Context, groupBase) + 8 * group));
    a_.load(rcx, lastAddend(g.isStore, g.base));
    if (!homed(g.base)) a_.alu(kAdd, true, rcx, xMem(g.base));
}

/// An access whose base register is steady: compared with the page of the last one. Misaligned accesses always miss, so
/// that none crosses into another page.
Mem Emitter::lookUpLast(uint32_t i, SlowAccess* s) {
    const Decoded& d = plan_.steps[i].insn;
    complete(d.rs1);
    const Reg base = useLow(d.rs1, rax);
    a_.lea(rdx, {base, d.imm});
    a_.aluImm(kAnd, true, rdx, -4096 | static_cast<int32_t>(s->size - 1));
    a_.alu(kCmp, true, rdx, lastTag(s->isStore, d.rs1));
    s->miss = a_.jcc(kNE);
    s->lazy = known_.lazy;
    a_.load(rcx, lastAddend(s->isStore, d.rs1));
    s->hit = a_.here();
    return {base, d.imm, rcx, 1};
}

Mem Emitter::place(uint32_t i, SlowAccess* s) {
    const Decoded& d = plan_.steps[i].insn;
    const uint32_t group = plan_.groupOf[i];
    switch (progress_.lookup(plan_, i)) {
        case Lookup::kStream: return placeStream(i);
        case Lookup::kLast: return lookUpLast(i, s);
        case Lookup::kFirstLevel:
            s->va = lookUp(i, s->size, s->isStore, &s->miss);
            s->lazy = known_.lazy;
            return {s->va, 0, rcx, 1};
        case Lookup::kGroup: lookUpGroup(i, group); break;
        case Lookup::kFound:
            if (rcxGroup_ != group) useGroup(group);
            break;
    }
    rcxGroup_ = group;
    rcxStep_ = i;
    if (plan_.isSteady(d.rs1) && homed(d.rs1)) return {host(d.rs1), d.imm, rcx, 1};
    return {rcx, d.imm, kNoReg, 1};
}

/// The stub of an access: what to do when its look-up failed. Leaves the address in rax for the slow path, if it gets there.
void Emitter::missedAccess(const SlowAccess& s) {
    const Decoded& d = plan_.steps[s.step].insn;
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

/// Keeps its page if the first level has it; else has it filled and tries again, or goes on where it left off.
void Emitter::missedGroup(const GroupMiss& m) {
    const Group& g = plan_.groups[m.group];
    a_.bind(m.from);
    if (m.from2) a_.bind(m.from2);
    if (plan_.isSteady(g.base)) {
        const Reg va = addressOf(g.base, g.low);
        uint8_t* slow = compareFirstLevel(va, g.high - g.low, g.isStore, g.base);
        keepPage(va, g.isStore, g.base);
        a_.jmpTo(m.retry);
        a_.bind(slow);
    }
    get(rax, g.base);
    if (g.low) a_.aluImm(kAdd, true, rax, g.low);
    a_.movImmKeepFlags(rcx, fillKind(static_cast<uint32_t>(g.high - g.low), g.isStore, wayOf(g.base)));
    swapOut();
    a_.callTo(thunks_.fill);
    swapIn();
    a_.jccTo(kNE, m.retry);
}

}  // namespace nodevisor::jit::x64
