// Loads, stores and atomics. A hit in the translation cache is inline, ten host instructions; a miss goes to C++.

#include <algorithm>

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

}  // namespace

Reg Run::lookUp(uint32_t i, uint32_t size, bool isStore, uint8_t** miss, bool aligned) {
    const Decoded& d = steps_[i].insn;
    const int32_t offset = aligned ? 0 : d.imm;  // atomics have no displacement
    Reg va = rax;
    complete(d.rs1);
    if (homed(d.rs1)) {
        if (offset == 0) va = host(d.rs1);
        else a_.lea(rax, {host(d.rs1), offset});
    } else {
        get(rax, d.rs1);
        if (offset) a_.aluImm(kAdd, true, rax, offset);
    }
    const int32_t table = tableOf(mode_, isStore, wayOf(d.rs1));
    a_.rorx32(rcx, va, 8);
    a_.aluImm(kAnd, false, rcx, kIndexMask);
    if (size == 1) {
        a_.mov(rdx, va);
        a_.aluImm(kAnd, true, rdx, -4096);
    } else if (aligned) {
        a_.mov(rdx, va);
        a_.aluImm(kAnd, true, rdx, -4096 | static_cast<int32_t>(size - 1));
    } else {
        a_.lea(rdx, {va, static_cast<int32_t>(size - 1)});
        a_.aluImm(kAnd, true, rdx, -4096);
    }
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
        for (auto& g : groups_) {
            if (g.base == d.rd) g.open = false;
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
    const int32_t end = d.imm + info(d).memoryBytes;
    for (uint32_t n = 0; n < groups_.size(); n++) {
        Group& g = groups_[n];
        if (!g.open || g.base != d.rs1 || g.isStore != isStore) continue;
        const int32_t low = std::min(g.low, d.imm);
        const int32_t high = std::max(g.high, end);
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
    groups_.push_back({d.rs1, isStore, true, 1, d.imm, end});
    return static_cast<uint32_t>(groups_.size() - 1);
}

/// Leaves the host address of the group's base register in rcx and in the context.
void Run::lookUpGroup(uint32_t i, uint32_t group) {
    const Group& g = groups_[group];
    complete(g.base);
    uint8_t* retry = a_.here();
    Reg va = rax;
    if (homed(g.base)) {
        if (g.low == 0) va = host(g.base);
        else a_.lea(rax, {host(g.base), g.low});
    } else {
        get(rax, g.base);
        if (g.low) a_.aluImm(kAdd, true, rax, g.low);
    }
    const int32_t table = tableOf(mode_, g.isStore, wayOf(g.base));
    a_.rorx32(rcx, va, 8);
    a_.aluImm(kAnd, false, rcx, kIndexMask);
    a_.lea(rdx, {va, g.high - g.low - 1});
    a_.aluImm(kAnd, true, rdx, -4096);
    a_.alu(kCmp, true, rdx, {kCtx, table, rcx, 1});
    groupMisses_.push_back({i, group, a_.jcc(kNE), retry, lazy_});
    a_.load(rcx, {kCtx, table + 8, rcx, 1});
    aluX(kAdd, true, rcx, g.base);
    a_.store(field(offsetof(Context, groupBase) + 8 * group), rcx);
    groupDone_[group] = true;
}

Mem Run::place(uint32_t i, SlowAccess* s) {
    const uint32_t group = groupOf_[i];
    if (group == kNoGroup) {
        s->va = lookUp(i, s->size, s->isStore, &s->miss);
        s->lazy = lazy_;
        return {s->va, 0, rcx, 1};
    }
    if (!groupDone_[group]) lookUpGroup(i, group);
    else if (rcxGroup_ != group) a_.load(rcx, field(offsetof(Context, groupBase) + 8 * group));
    rcxGroup_ = group;
    rcxStep_ = i;
    return {rcx, steps_[i].insn.imm, kNoReg, 1};
}

void Run::finishAccess(SlowAccess* s) {
    if (!s->miss) return;
    s->back = a_.here();
    slow_.push_back(*s);
}

void Run::load(uint32_t i, uint32_t size, bool isSigned) {
    const Decoded& d = steps_[i].insn;
    SlowAccess s{i, nullptr, nullptr, rax, size, false, isSigned, false, 0};
    const Mem m = place(i, &s);
    const Reg t = target(d.rd, rdx);
    switch (size) {
        case 1: isSigned ? a_.movsx8(t, m) : a_.movzx8(t, m); break;
        case 2: isSigned ? a_.movsx16(t, m) : a_.movzx16(t, m); break;
        case 4: isSigned ? a_.movsxd(t, m) : a_.load32(t, m); break;
        default: a_.load(t, m); break;
    }
    put(d.rd, t);
    if (size < 4 || (size == 4 && isSigned)) setNarrow(d.rd);
    finishAccess(&s);
}

void Run::store(uint32_t i, uint32_t size) {
    const Decoded& d = steps_[i].insn;
    SlowAccess s{i, nullptr, nullptr, rax, size, true, false, false, 0};
    const Mem m = place(i, &s);
    if (size == 8) complete(d.rs2);
    const Reg v = useLow(d.rs2, rdx);
    switch (size) {
        case 1: a_.store8(m, v); break;
        case 2: a_.store16(m, v); break;
        case 4: a_.store32(m, v); break;
        default: a_.store(m, v); break;
    }
    finishAccess(&s);
}

void Run::fpLoad(uint32_t i, bool isDouble) {
    const Decoded& d = steps_[i].insn;
    SlowAccess s{i, nullptr, nullptr, rax, isDouble ? 8u : 4u, false, false, true, 0};
    const Mem m = place(i, &s);
    const Xmm t = targetF(d.rd);
    if (isDouble) {
        a_.vloadsd(t, m);
    } else {
        a_.vloadss(t, m);
        a_.vorps(t, t, field(offsetof(Context, boxMask)));
    }
    putF(d.rd, t);
    finishAccess(&s);
    setBoxed(d.rd, !isDouble);
}

void Run::fpStore(uint32_t i, bool isDouble) {
    const Decoded& d = steps_[i].insn;
    SlowAccess s{i, nullptr, nullptr, rax, isDouble ? 8u : 4u, true, false, true, 0};
    const Mem m = place(i, &s);
    const Xmm v = useF(d.rs2, xmm0);
    if (isDouble) a_.vstoresd(m, v);
    else a_.vstoress(m, v);
    finishAccess(&s);
}

bool Run::lowerMemory(uint32_t i) {
    switch (steps_[i].insn.op) {
        case Op::lb_: load(i, 1, true); return true;
        case Op::lh_: load(i, 2, true); return true;
        case Op::lw_: load(i, 4, true); return true;
        case Op::ld_: load(i, 8, true); return true;
        case Op::lbu_: load(i, 1, false); return true;
        case Op::lhu_: load(i, 2, false); return true;
        case Op::lwu_: load(i, 4, false); return true;
        case Op::sb_: store(i, 1); return true;
        case Op::sh_: store(i, 2); return true;
        case Op::sw_: store(i, 4); return true;
        case Op::sd_: store(i, 8); return true;
        case Op::flw_: fpLoad(i, false); return true;
        case Op::fld_: fpLoad(i, true); return true;
        case Op::fsw_: fpStore(i, false); return true;
        case Op::fsd_: fpStore(i, true); return true;
        // Orderings that x86 does not give for free are only those of a store before a load.
        case Op::fence_:
            if ((steps_[i].insn.imm & 0x50) && (steps_[i].insn.imm & 0x0a)) a_.mfence();
            return true;
        default: return lowerAtomic(i);
    }
}

namespace {

enum AtomicKind { kSwap, kXadd, kCasAnd, kCasOr, kCasXor, kCasMin, kCasMax, kCasMinu, kCasMaxu };

}  // namespace

bool Run::lowerAtomic(uint32_t i) {
#define AMO(name, kind)                                 \
    case Op::name##_w_: atomic(i, 4, kind); return true; \
    case Op::name##_d_: atomic(i, 8, kind); return true;
    switch (steps_[i].insn.op) {
        AMO(amoswap, kSwap)
        AMO(amoadd, kXadd)
        AMO(amoand, kCasAnd)
        AMO(amoor, kCasOr)
        AMO(amoxor, kCasXor)
        AMO(amomin, kCasMin)
        AMO(amomax, kCasMax)
        AMO(amominu, kCasMinu)
        AMO(amomaxu, kCasMaxu)
        default: return false;
    }
#undef AMO
}

void Run::atomic(uint32_t i, uint32_t size, int kind) {
    const Decoded& d = steps_[i].insn;
    const bool w = size == 8;
    uint8_t* miss;
    const Reg va = lookUp(i, size, true, &miss, true);
    const uint32_t lazy = lazy_;
    a_.alu(kAdd, true, rcx, va);  // rcx: host address
    const Mem m{rcx};
    if (kind == kSwap || kind == kXadd) {
        if (w) get(rdx, d.rs2);
        else get32(rdx, d.rs2);
        if (kind == kSwap) a_.xchg(w, m, rdx);
        else a_.lockXadd(w, m, rdx);
        if (!w) a_.movsxd(rdx, rdx);
        put(d.rd, rdx);
        if (!w) setNarrow(d.rd);
    } else {
        if (w) a_.load(rax, m);
        else a_.load32(rax, m);
        uint8_t* again = a_.here();
        switch (kind) {
            case kCasAnd:
            case kCasOr:
            case kCasXor:
                a_.mov(rdx, rax);
                aluX(kind == kCasAnd ? kAnd : kind == kCasOr ? kOr : kXor, w, rdx, d.rs2);
                break;
            default: {
                get(rdx, d.rs2);
                a_.alu(kCmp, w, rax, rdx);
                const Cond keep = kind == kCasMin ? kL : kind == kCasMax ? kG : kind == kCasMinu ? kB : kA;
                a_.cmov(keep, w, rdx, rax);
                break;
            }
        }
        a_.lockCmpxchg(w, m, rdx);
        a_.jccTo(kNE, again);
        if (!w) a_.movsxd(rax, rax);
        put(d.rd, rax);
        if (!w) setNarrow(d.rd);
    }
    calls_.push_back({i, miss, a_.here(), lazy});
}

}  // namespace nodevisor::jit
