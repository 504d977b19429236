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
    if (h.priv() == 1 && (read32(h.block(), L::hartConfig) & hartconfig::kSbiExit)) {
        c->leave = Leave::kExit;
        c->stop = stop::kEcall;
        LEAVE;
    }
    h.raise(cause::ECALL_FROM_U + h.priv(), 0);
    LEAVE;
}

HANDLER(ebreak) {
    Hart& h = *c->hart;
    if (read32(h.block(), L::hartConfig) & hartconfig::kEbreakExit) {
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

/// WFI and WRS: leaves run() unless an interrupt that mie enables is pending (3.3.3: whatever the modes say).
void wait(const Insn* ip, Context* c) {
    Hart& h = *c->hart;
    c->pc += ip[1].at * 2u;
    const bool pending = h.pendingInterrupts() & h.csr(L::mie);
    c->leave = pending ? Leave::kResync : Leave::kRetireExit;
    c->stop = stop::kWfi;
    c->leaveIp = ip;
}

/// Illegal in U-mode, and in S-mode with mstatus.TW: nothing says when it would end (3.1.6.5).
bool waitTraps(Hart& h) {
    const bool tw = h.csr(L::mstatus) & mstatus::TW;
    return h.priv() != 3 && (tw || h.priv() == 0);
}

}  // namespace

HANDLER(wfi) {
    if (waitTraps(*c->hart)) ILLEGAL;
    wait(ip, c);
    END_BLOCK;
}

HANDLER(wrs_nto) {
    Hart& h = *c->hart;
    if (h.priv() != 3 && (h.csr(L::mstatus) & mstatus::TW)) ILLEGAL;
    RESYNC;
}

HANDLER(wrs_sto) { RESYNC; }

HANDLER(fence_i) {
    c->hart->fenceI();
    RESYNC;
}

HANDLER(sfence_vma) {
    Hart& h = *c->hart;
    if (h.priv() == 0 || (h.priv() == 1 && (h.csr(L::mstatus) & mstatus::TVM))) ILLEGAL;
    const auto asid = static_cast<uint16_t>(c->x[ip->rs2]);
    if (ip->rs1 != 0) h.flushPage(c->x[ip->rs1], ip->rs2 != 0, asid);
    else if (ip->rs2 != 0) h.flushAsid(asid);
    else h.flushTlb();
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

namespace {

/// Reads and writes one CSR; false: illegal. `writes` is false for csrrs and its kind with x0 (Zicsr 6.1).
bool access(const Insn* ip, Context* c, bool reads, bool writes, uint64_t operand, int kind, uint64_t* old) {
    Hart& h = *c->hart;
    const auto number = static_cast<uint32_t>(ip->imm) & 0xfff;
    if (!h.csrAccessible(number, writes)) return false;
    uint64_t v = 0;
    if (reads && !h.readCsr(number, &v)) return false;
    *old = v;
    if (!writes) return true;
    uint64_t base = v;
    // The read that csrrs and csrrc modify sees only what software wrote of mip.SEIP (3.1.9).
    if (kind != 0 && number == 0x344) base = h.writableMip(v);
    const uint64_t next = kind == 0 ? operand : kind == 1 ? base | operand : base & ~operand;
    return h.writeCsr(number, next);
}

}  // namespace

#define CSR(name, reads, writes, operand, kind)                         \
    HANDLER(name) {                                                     \
        uint64_t old;                                                   \
        const bool hasRd = ip->rd != kSink && ip->rd != 0;              \
        (void)hasRd;                                                    \
        if (!access(ip, c, reads, writes, operand, kind, &old)) ILLEGAL; \
        if (reads) c->x[ip->rd] = old;                                  \
        RESYNC;                                                         \
    }

CSR(csrrw, hasRd, true, c->x[ip->rs1], 0)
CSR(csrrs, true, ip->rs1 != 0, c->x[ip->rs1], 1)
CSR(csrrc, true, ip->rs1 != 0, c->x[ip->rs1], 2)
CSR(csrrwi, hasRd, true, ip->rs1, 0)
CSR(csrrsi, true, ip->rs1 != 0, ip->rs1, 1)
CSR(csrrci, true, ip->rs1 != 0, ip->rs1, 2)

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
