// Loads, stores and atomics. Their addresses are translated by what lower_pages.cc emits.

#include "emitter.h"

namespace nodevisor::jit::x64 {

void Emitter::finishAccess(SlowAccess* s) {
    if (!s->miss) return;
    s->back = a_.here();
    slow_.push_back(*s);
}

void Emitter::load(uint32_t i, uint32_t size, bool isSigned) {
    const Decoded& d = plan_.steps[i].insn;
    SlowAccess s{i, nullptr, nullptr, nullptr, rax, size, false, isSigned, false, 0};
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

void Emitter::store(uint32_t i, uint32_t size) {
    const Decoded& d = plan_.steps[i].insn;
    SlowAccess s{i, nullptr, nullptr, nullptr, rax, size, true, false, false, 0};
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

void Emitter::fpLoad(uint32_t i, bool isDouble) {
    const Decoded& d = plan_.steps[i].insn;
    SlowAccess s{i, nullptr, nullptr, nullptr, rax, isDouble ? 8u : 4u, false, false, true, 0};
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
    known_.setBoxed(d.rd, !isDouble);
}

void Emitter::fpStore(uint32_t i, bool isDouble) {
    const Decoded& d = plan_.steps[i].insn;
    SlowAccess s{i, nullptr, nullptr, nullptr, rax, isDouble ? 8u : 4u, true, false, true, 0};
    const Mem m = place(i, &s);
    const Xmm v = useF(d.rs2, xmm0);
    if (isDouble) a_.vstoresd(m, v);
    else a_.vstoress(m, v);
    finishAccess(&s);
}

bool Emitter::lowerMemory(uint32_t i) {
    switch (plan_.steps[i].insn.op) {
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
            if ((plan_.steps[i].insn.imm & 0x50) && (plan_.steps[i].insn.imm & 0x0a)) a_.mfence();
            return true;
        default: return lowerAtomic(i);
    }
}

namespace {

enum AtomicKind { kSwap, kXadd, kCasAnd, kCasOr, kCasXor, kCasMin, kCasMax, kCasMinu, kCasMaxu };

}  // namespace

bool Emitter::lowerAtomic(uint32_t i) {
#define AMO(name, kind)                                 \
    case Op::name##_w_: atomic(i, 4, kind); return true; \
    case Op::name##_d_: atomic(i, 8, kind); return true;
    switch (plan_.steps[i].insn.op) {
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

void Emitter::atomic(uint32_t i, uint32_t size, int kind) {
    const Decoded& d = plan_.steps[i].insn;
    const bool w = size == 8;
    uint8_t* miss;
    const Reg va = lookUp(i, size, true, &miss, true);
    const uint32_t lazy = known_.lazy;
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
    progress_.call(i, miss, a_.here(), lazy);
}

}  // namespace nodevisor::jit::x64
