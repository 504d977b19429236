// SYSTEM instructions: environment calls, trap returns, CSRs, fences, waiting (Privileged spec 3.3, 12.2; Zicsr; Zicbo*).

#include "exec.h"

namespace nodevisor {

namespace {

using L = layout::hart;

}  // namespace

HANDLER(illegal) { ILLEGAL; }

/// Ends the block behind this instruction and lets the run loop look around.
#define RESYNC                       \
    do {                             \
        c->pc += ip[1].at * 2u;      \
        c->leave = Leave::kResync;   \
        c->leaveIp = ip;             \
        END_BLOCK;                   \
    } while (0)

HANDLER(ecall) {
    Hart& h = *c->hart;
    if (h.priv() == 1 && (read32(h.block(), L::hartConfig) & hart_config::SBI_EXIT)) {
        c->leave = Leave::kExit;
        c->stop = stop::kEcall;
        LEAVE;
    }
    h.raise(cause::ECALL_FROM_U + h.priv(), 0);
    LEAVE;
}

HANDLER(ebreak) {
    Hart& h = *c->hart;
    if (read32(h.block(), L::hartConfig) & hart_config::EBREAK_EXIT) {
        c->leave = Leave::kExit;
        c->stop = stop::kDebug;
        LEAVE;
    }
    h.raise(cause::BREAKPOINT, c->pc + ip->at * 2u);
    LEAVE;
}

HANDLER(mret) {
    if (c->hart->priv() != 3) ILLEGAL;
    c->hart->mret();
    c->leave = Leave::kResync;
    LEAVE;
}

HANDLER(sret) {
    Hart& h = *c->hart;
    if (h.priv() == 0 || (h.priv() == 1 && (h.csr(L::mstatus) & mstatus::TSR))) ILLEGAL;
    h.sret();
    c->leave = Leave::kResync;
    LEAVE;
}

namespace {

/// Illegal in U-mode, and in S-mode with mstatus.TW: nothing says when it would end (3.1.6.5).
bool waitTraps(Hart& h) {
    const bool tw = h.csr(L::mstatus) & mstatus::TW;
    return h.priv() != 3 && (tw || h.priv() == 0);
}

}  // namespace

/// Leaves run() unless an interrupt that mie enables is pending.
HANDLER(wfi) {
    Hart& h = *c->hart;
    if (waitTraps(h)) ILLEGAL;
    if (h.wakes()) RESYNC;
    c->pc += ip[1].at * 2u;
    c->leave = Leave::kRetireExit;
    c->stop = stop::kWfi;
    LEAVE;
}

HANDLER(wrs_nto) {
    Hart& h = *c->hart;
    const bool limited = h.priv() != 3 && (h.csr(L::mstatus) & mstatus::TW);
    if (limited && read32(h.block(), L::lrValid) != 0 && !h.wakes()) ILLEGAL;
    h.waitOnReservation();
    RESYNC;
}

HANDLER(wrs_sto) {
    c->hart->waitOnReservation();
    RESYNC;
}

HANDLER(fence_i) {
    c->hart->fenceI();
    RESYNC;
}

HANDLER(sfence_vma) {
    Hart& h = *c->hart;
    if (h.priv() == 0 || (h.priv() == 1 && (h.csr(L::mstatus) & mstatus::TVM))) ILLEGAL;
    const auto asid = static_cast<uint16_t>(c->x[ip->rs2]);
    if (ip->rs1 != 0) {
        // Most fences are for data pages.
        if (!h.flushPage(c->x[ip->rs1], ip->rs2 != 0, asid)) NEXT;
    } else if (ip->rs2 != 0) {
        h.flushAsid(asid);
    } else {
        h.flushTlb();
    }
    RESYNC;
}

HANDLER(sinval_vma) { return exec_sfence_vma(ip, c); }

namespace {

bool supervisorOnly(Hart& h) { return h.priv() != 0; }

}  // namespace

HANDLER(sfence_w_inval) {
    if (!supervisorOnly(*c->hart)) ILLEGAL;
    RESYNC;
}

HANDLER(sfence_inval_ir) {
    if (!supervisorOnly(*c->hart)) ILLEGAL;
    RESYNC;
}

// ---- CSRs

/// CSRRS and CSRRC of x0 or a zero constant do not write, CSRRW to x0 does not read (Unprivileged spec 7.1). What was not
/// written changed nothing that needs a look around.
#define CSR(name, op, reads, writes, operand)                                                              \
    HANDLER(name) {                                                                                        \
        uint64_t old = 0;                                                                                  \
        const bool write = writes;                                                                         \
        const uint32_t number = static_cast<uint32_t>(ip->imm);                                            \
        if (!c->hart->accessCsr(number, CsrOp::op, operand, reads, write, &old)) ILLEGAL;                   \
        c->x[ip->rd] = old;                                                                                \
        if (!write) NEXT;                                                                                  \
        RESYNC;                                                                                            \
    }

CSR(csrrw, kWrite, ip->rd != kSink, true, c->x[ip->rs1])
CSR(csrrs, kSet, true, ip->rs1 != 0, c->x[ip->rs1])
CSR(csrrc, kClear, true, ip->rs1 != 0, c->x[ip->rs1])
CSR(csrrwi, kWrite, ip->rd != kSink, true, ip->rs1)
CSR(csrrsi, kSet, true, ip->rs1 != 0, ip->rs1)
CSR(csrrci, kClear, true, ip->rs1 != 0, ip->rs1)

// ---- cache blocks

HANDLER(cbo_zero) {
    if (!c->hart->cboEnabled(menvcfg::CBZE)) ILLEGAL;
    if (!c->hart->cboZero(c->x[ip->rs1])) LEAVE;
    NEXT;
}

HANDLER(cbo_clean) {
    if (!c->hart->cboEnabled(menvcfg::CBCFE)) ILLEGAL;
    if (!c->hart->cboCheck(c->x[ip->rs1])) LEAVE;
    NEXT;
}

HANDLER(cbo_flush) { return exec_cbo_clean(ip, c); }

HANDLER(cbo_inval) {
    if (!c->hart->cboEnabled(menvcfg::CBIE)) ILLEGAL;
    if (!c->hart->cboCheck(c->x[ip->rs1])) LEAVE;
    NEXT;
}

}  // namespace nodevisor
