// Trap entry and return, pending interrupts and the choice among them (Privileged spec 3.1.6-3.1.9, 3.3.2, 12.1).

#include "bits.h"
#include "hart.h"

namespace nodevisor {

namespace {

using L = layout::hart;

constexpr uint64_t kInterruptBit = uint64_t{1} << 63;

/// xtvec.MODE 1 sends interrupts to BASE + 4 × cause (3.1.7).
uint64_t vector(uint64_t tvec, uint32_t code, bool interrupt) {
    const uint64_t base = tvec & ~uint64_t{3};
    return (tvec & 3) == 1 && interrupt ? base + 4u * code : base;
}

}  // namespace

void Hart::enterTrap(uint32_t code, bool interrupt, uint64_t tval) {
    const uint64_t status = csr(L::mstatus);
    const uint64_t cause = code | (interrupt ? kInterruptBit : 0);
    const uint64_t delegation = csr(interrupt ? L::mideleg : L::medeleg);
    // A trap taken in M-mode is never delegated down (3.1.8).
    if (priv_ != 3 && ((delegation >> code) & 1)) {
        setCsr(L::sepc, ctx.pc);
        setCsr(L::scause, cause);
        setCsr(L::stval, tval);
        uint64_t s = status & ~(mstatus::SIE | mstatus::SPIE | mstatus::SPP);
        if (status & mstatus::SIE) s |= mstatus::SPIE;
        if (priv_ == 1) s |= mstatus::SPP;
        setCsr(L::mstatus, s);
        priv_ = 1;
        ctx.pc = vector(csr(L::stvec), code, interrupt);
    } else {
        setCsr(L::mepc, ctx.pc);
        setCsr(L::mcause, cause);
        setCsr(L::mtval, tval);
        uint64_t s = status & ~(mstatus::MIE | mstatus::MPIE | mstatus::MPP);
        if (status & mstatus::MIE) s |= mstatus::MPIE;
        s |= uint64_t{priv_} << mstatus::kMppShift;
        setCsr(L::mstatus, s);
        priv_ = 3;
        ctx.pc = vector(csr(L::mtvec), code, interrupt);
    }
    updateMode();
}

void Hart::takeTrap(uint32_t cause, uint64_t tval) { enterTrap(cause, false, tval); }

uint64_t Hart::pendingInterrupts() {
    uint64_t mip = atomic32(block_, L::mip).load() | atomic32(block_, L::irqLines).load();
    const uint64_t now = machine_.mtime();
    // MTIP is the comparison itself (3.2.1); so is STIP when Sstc is on (Sstc 2.1.2).
    if (now >= csr(L::mtimecmp)) mip |= 1u << 7;
    if (csr(L::menvcfg) & menvcfg::STCE) {
        mip &= ~uint64_t{1u << 5};
        if (now >= csr(L::stimecmp)) mip |= 1u << 5;
    }
    return mip;
}

bool Hart::takeInterrupt() {
    const uint64_t mie = csr(L::mie);
    if (!mie) return false;
    const uint64_t enabled = pendingInterrupts() & mie;
    if (!enabled) return false;
    const uint64_t status = csr(L::mstatus);
    const uint64_t mideleg = csr(L::mideleg);
    uint64_t due = 0;
    if (priv_ != 3 || (status & mstatus::MIE)) due = enabled & ~mideleg;
    if (!due && (priv_ == 0 || (priv_ == 1 && (status & mstatus::SIE)))) due = enabled & mideleg;
    if (!due) return false;
    // MEI, MSI, MTI, SEI, SSI, STI (3.1.9), LCOFI (Sscofpmf).
    for (uint32_t code : {11u, 3u, 7u, 9u, 1u, 5u, 13u}) {
        if ((due >> code) & 1) {
            enterTrap(code, true, 0);
            return true;
        }
    }
    return false;
}

void Hart::mret() {
    const uint64_t status = csr(L::mstatus);
    const uint32_t to = mpp();
    uint64_t s = status & ~(mstatus::MIE | mstatus::MPP);
    if (to != 3) s &= ~mstatus::MPRV;
    if (status & mstatus::MPIE) s |= mstatus::MIE;
    setCsr(L::mstatus, s | mstatus::MPIE);
    priv_ = to;
    ctx.pc = csr(L::mepc);
    updateMode();
}

void Hart::sret() {
    const uint64_t status = csr(L::mstatus);
    priv_ = (status & mstatus::SPP) ? 1 : 0;
    uint64_t s = status & ~(mstatus::SIE | mstatus::SPP | mstatus::MPRV);
    if (status & mstatus::SPIE) s |= mstatus::SIE;
    setCsr(L::mstatus, s | mstatus::SPIE);
    ctx.pc = csr(L::sepc);
    updateMode();
}

}  // namespace nodevisor
