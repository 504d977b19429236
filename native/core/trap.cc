// Trap entry and return, pending interrupts and the choice among them (Privileged spec 3.1.6-3.1.9, 3.3.2, 12.1).

#include <chrono>
#include <thread>

#include "bits.h"
#include "hart.h"

namespace nodevisor {

namespace {

using L = layout::hart;

constexpr uint64_t kInterruptBit = uint64_t{1} << 63;
constexpr uint64_t kMtip = uint64_t{1} << interrupt::MTI;
constexpr uint64_t kStip = uint64_t{1} << interrupt::STI;

/// How long WRS may hold up its thread: any reason may end the wait (Unprivileged spec 15).
constexpr std::chrono::microseconds kWrsWait{50};

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
        s |= uint64_t{priv_} << kMppShift;
        setCsr(L::mstatus, s);
        priv_ = 3;
        ctx.pc = vector(csr(L::mtvec), code, interrupt);
    }
    updateMode();
}

void Hart::takeTrap(uint32_t cause, uint64_t tval) { enterTrap(cause, false, tval); }

void Hart::pollTimers() {
    sincePoll_ = 0;
    const uint64_t now = machine_.mtime();
    polledAt_ = now;
    // MTIP is the comparison itself (3.2.1); so is STIP with menvcfg.STCE (Sstc 2.1.2).
    timers_ = now >= csr(L::mtimecmp) ? kMtip : 0;
    if ((csr(L::menvcfg) & menvcfg::STCE) && now >= csr(L::stimecmp)) timers_ |= kStip;
    ctx.timers = static_cast<uint32_t>(timers_);
}

uint64_t Hart::pendingNow() const {
    uint64_t software = atomic32(block_, L::mip).load();
    // With menvcfg.STCE the timer alone drives STIP (Sstc 2.1.1).
    if (csr(L::menvcfg) & menvcfg::STCE) software &= ~kStip;
    return software | atomic32(block_, L::irqLines).load() | timers_;
}

uint64_t Hart::pendingInterrupts() {
    pollTimers();
    return pendingNow();
}

bool Hart::wakes() { return (pendingInterrupts() & csr(L::mie)) != 0; }

bool Hart::takeInterrupt() {
    const uint64_t enabled = pendingNow() & csr(L::mie);
    if (!enabled) return false;
    const uint64_t status = csr(L::mstatus);
    const uint64_t mideleg = csr(L::mideleg);
    uint64_t due = 0;
    if (priv_ != 3 || (status & mstatus::MIE)) due = enabled & ~mideleg;
    if (!due && (priv_ == 0 || (priv_ == 1 && (status & mstatus::SIE)))) due = enabled & mideleg;
    if (!due) return false;
    for (uint32_t code : interrupt::kPriority) {
        if ((due >> code) & 1) {
            enterTrap(code, true, 0);
            return true;
        }
    }
    return false;
}

void Hart::waitOnReservation() {
    const uint32_t size = read32(block_, L::lrValid);
    // Virtual time has nobody to wait for.
    if (size == 0 || !machine_.clockIsHost() || wakes()) return;
    const uint64_t gpa = csr(L::lrGpa);
    const Slot* slot = machine_.find(gpa);
    if (!slot || (gpa & (size - 1))) return;
    const uint8_t* at = slot->host + (gpa - slot->gpa);
    const auto until = std::chrono::steady_clock::now() + kWrsWait;
    while (std::chrono::steady_clock::now() < until && atomic32(block_, L::attention).load() == 0) {
        uint64_t now = 0;
        std::memcpy(&now, at, size == 4 ? 4 : 8);
        if (now != csr(L::lrValue)) return;
        std::this_thread::yield();
    }
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
