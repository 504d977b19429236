// Control and status registers: access rules and WARL behaviour by the generated table (Privileged spec 2, 3.1, 12.1).

#include "generated/csr_table.h"

#include "bits.h"
#include "hart.h"

namespace nodevisor {

namespace csr {
/// What the table names where a register views no other.
constexpr uint32_t none = 0x1000;
}  // namespace csr

namespace {

using L = layout::hart;

/// Offsets by name; `none` where the table has no field.
struct Place : layout::hart {
    static constexpr size_t none = 0;
};

struct CsrInfo {
    uint16_t number;
    CsrStorage storage;
    CsrGate gate;
    uint64_t writeMask;
    uint64_t reset;
    /// Offset in the state block.
    size_t offset;
    uint32_t viewed;
    uint64_t viewMask;
    uint8_t shift;
};

constexpr CsrInfo kCsrs[] = {
#define X(name, number, storage, gate, writeMask, reset, field, index, viewed, viewMask, shift)                      \
    {number, CsrStorage::storage, CsrGate::gate, writeMask, reset, Place::field + 8 * (index), csr::viewed, viewMask, \
     shift},
    NODEVISOR_CSRS(X)
#undef X
};
constexpr uint32_t kCsrCount = sizeof kCsrs / sizeof kCsrs[0];
static_assert(kCsrCount < 0xff);

/// By number: index in kCsrs plus one, or 0.
struct CsrIndex {
    uint8_t at[4096];
    constexpr CsrIndex() : at() {
        for (uint32_t i = 0; i < kCsrCount; i++) at[kCsrs[i].number] = static_cast<uint8_t>(i + 1);
    }
};
constexpr CsrIndex kIndex;

const CsrInfo* find(uint32_t number) {
    const uint8_t at = kIndex.at[number & 0xfff];
    return at ? &kCsrs[at - 1] : nullptr;
}

constexpr uint64_t kStip = uint64_t{1} << interrupt::STI;
constexpr uint32_t kCounterMask = 31;

uint64_t combine(CsrOp op, uint64_t old, uint64_t operand) {
    if (op == CsrOp::kWrite) return operand;
    return op == CsrOp::kSet ? old | operand : old & ~operand;
}

/// What the register holds after `written` is written over `old`, by the rules of its fields.
uint64_t legalize(const CsrInfo& info, uint64_t old, uint64_t written) {
    uint64_t mask = info.writeMask;
    for (const CsrEnumerated& e : kCsrEnumerated) {
        if (e.number != info.number || ((e.legal >> ((written & e.mask) >> e.shift)) & 1)) continue;
        if (e.refuses) return old;
        mask &= ~e.mask;
    }
    return (old & ~mask) | (written & mask);
}

/// Locked entries keep their byte until reset; W without R is reserved and reads back as neither (3.7.1).
uint64_t legalPmpcfg(uint64_t old, uint64_t written) {
    uint64_t result = 0;
    for (uint32_t shift = 0; shift < 64; shift += 8) {
        uint64_t cfg = (old >> shift) & 0xff;
        if (!(cfg & 0x80)) {
            cfg = (written >> shift) & 0x9f;
            if ((cfg & 3) == 2) cfg &= ~uint64_t{2};
        }
        result |= cfg << shift;
    }
    return result;
}

}  // namespace

/// pmpaddr is locked by its own entry, or by the next one if that is a locked TOR region (3.7.1).
bool Hart::pmpLocked(uint32_t entry) const {
    const uint8_t* cfg = block_ + L::pmpcfg;
    return (cfg[entry] & 0x80) || (entry < 15 && (cfg[entry + 1] & 0x98) == 0x88);
}

bool Hart::csrAccessible(uint32_t number, bool write) const {
    const uint32_t level = (number >> 8) & 3;
    if (priv_ < (level > 1 ? 3 : level) || (write && (number >> 10) == 3)) return false;
    const bool machine = priv_ == 3;
    switch (find(number)->gate) {
        case CsrGate::none: return true;
        case CsrGate::fs: return (csr(L::mstatus) & mstatus::FS) != 0;
        case CsrGate::counteren: {
            const uint32_t counter = number & kCounterMask;
            if (machine) return true;
            if (!((csr(L::mcounteren) >> counter) & 1)) return false;
            return priv_ == 1 || ((csr(L::scounteren) >> counter) & 1);
        }
        case CsrGate::sstc:
            return machine || ((csr(L::menvcfg) & menvcfg::STCE) && (csr(L::mcounteren) & csr_field::mcounteren::TM));
        case CsrGate::tvm: return machine || !(csr(L::mstatus) & mstatus::TVM);
        case CsrGate::envcfg: return machine || (csr(L::mstateen) & csr_field::mstateen0::ENVCFG);
        case CsrGate::stateen: return machine || (csr(L::mstateen + 8 * (number & 3)) >> 63);
    }
    return false;
}

uint64_t Hart::readCsr(uint32_t number) {
    const CsrInfo& info = *find(number);
    switch (info.storage) {
        case CsrStorage::constant: return info.reset;
        case CsrStorage::computed: return number == csr::mip ? pendingInterrupts() : machine_.mtime();
        case CsrStorage::view: return (readCsr(info.viewed) & info.viewMask) >> info.shift;
        case CsrStorage::delegated: return readCsr(info.viewed) & info.viewMask & csr(L::mideleg);
        case CsrStorage::state: break;
    }
    if (number == csr::fcsr) {
        mergeFlags();
        return read32(block_, L::fcsr) & 0xff;
    }
    const uint64_t value = csr(info.offset);
    // SD: FS is dirty; VS and XS are always off (3.1.6.6).
    if (number == csr::mstatus && (value & mstatus::FS) == mstatus::FS) return value | mstatus::SD;
    return value;
}

void Hart::writeCsr(uint32_t number, CsrOp op, uint64_t operand) {
    const CsrInfo& info = *find(number);
    switch (info.storage) {
        case CsrStorage::constant: return;
        case CsrStorage::computed:
            if (number == csr::mip) writeMip(op, operand, info.writeMask);
            return;
        case CsrStorage::view:
        case CsrStorage::delegated: {
            uint64_t changeable = info.writeMask << info.shift;
            if (info.storage == CsrStorage::delegated) changeable &= csr(L::mideleg);
            if (info.viewed == csr::mip) return writeMip(op, operand, changeable);
            const uint64_t old = readCsr(info.viewed);
            const uint64_t next = combine(op, old, operand << info.shift);
            return writeCsr(info.viewed, CsrOp::kWrite, (old & ~changeable) | (next & changeable));
        }
        case CsrStorage::state: return writeStored(number, op, operand);
    }
}

void Hart::writeStored(uint32_t number, CsrOp op, uint64_t operand) {
    const CsrInfo& info = *find(number);
    if (number == csr::fcsr) {
        mergeFlags();
        write32(block_, L::fcsr, static_cast<uint32_t>(combine(op, read32(block_, L::fcsr), operand)) & 0xff);
        setCsr(L::mstatus, csr(L::mstatus) | mstatus::FS);
        return;
    }
    const uint64_t old = csr(info.offset);
    const uint64_t written = combine(op, old, operand);
    const bool isPmpcfg = info.offset >= L::pmpcfg && info.offset < L::pmpcfg + 16;
    const bool isPmpaddr = info.offset >= L::pmpaddr && info.offset < L::pmpaddr + 8 * 16;
    if (isPmpaddr && pmpLocked(static_cast<uint32_t>(info.offset - L::pmpaddr) / 8)) return;
    const uint64_t next = isPmpcfg ? legalPmpcfg(old, written) : legalize(info, old, written);
    setCsr(info.offset, next);
    // A counter written by an instruction does not also count that instruction (3.1.10), which the run loop will count.
    const uint64_t inhibit = csr(L::mcountinhibit);
    if (number == csr::mcycle && !(inhibit & csr_field::mcountinhibit::CY)) setCsr(L::cycles, next - 1);
    if (number == csr::minstret && !(inhibit & csr_field::mcountinhibit::IR)) setCsr(L::instret, next - 1);
    if (next == old) return;
    if (number == csr::satp) switchAddressSpace(old);
    if (isPmpcfg || isPmpaddr || number == csr::menvcfg) flushTlb();
    if (number == csr::stimecmp || number == csr::menvcfg) pollTimers();
}

/// Set and clear act on the software-writable bits alone, so that SEIP read from a line is not written back as
/// software's (3.1.9). Atomic, for other harts' IPIs go through the same word.
void Hart::writeMip(CsrOp op, uint64_t value, uint64_t writable) {
    // With menvcfg.STCE, STIP follows stimecmp and cannot be written (Sstc 2.1.1).
    const uint64_t mask = (csr(L::menvcfg) & menvcfg::STCE) ? writable & ~kStip : writable;
    auto& mip = atomic32(block_, L::mip);
    if (op != CsrOp::kSet) {
        mip.fetch_and(static_cast<uint32_t>(op == CsrOp::kWrite ? ~(mask & ~value) : ~(mask & value)));
    }
    if (op != CsrOp::kClear) mip.fetch_or(static_cast<uint32_t>(mask & value));
}

bool Hart::accessCsr(uint32_t number, CsrOp op, uint64_t operand, bool reads, bool writes, uint64_t* old) {
    if (!find(number) || !csrAccessible(number, writes)) return false;
    if (reads) *old = readCsr(number);
    if (writes) writeCsr(number, op, operand);
    return true;
}

uint64_t Hart::viewMask(uint32_t number) { return find(number)->viewMask; }

bool Hart::cboEnabled(uint64_t field) const {
    if (priv_ == 3) return true;
    if (!(csr(L::menvcfg) & field)) return false;
    return priv_ == 1 || (csr(L::senvcfg) & field);
}

}  // namespace nodevisor
