// Address translation: Sv39, Sv48, Sv57 with Svadu, Svnapot, Svpbmt (Privileged spec 12.3-12.6, 13-15), and PMP (3.7).

#include "bits.h"
#include "hart.h"

namespace nodevisor {

namespace {

using L = layout::hart;

constexpr uint64_t kPhysicalLimit = uint64_t{1} << 56;

uint32_t pageFault(Access access) {
    switch (access) {
        case Access::kFetch: return cause::INSTRUCTION_PAGE_FAULT + 1;
        case Access::kLoad: return cause::LOAD_PAGE_FAULT + 1;
        default: return cause::STORE_PAGE_FAULT + 1;
    }
}

uint32_t accessFault(Access access) {
    switch (access) {
        case Access::kFetch: return cause::INSTRUCTION_ACCESS_FAULT + 1;
        case Access::kLoad: return cause::LOAD_ACCESS_FAULT + 1;
        default: return cause::STORE_ACCESS_FAULT + 1;
    }
}

/// Whether a leaf's permissions allow the access (Privileged spec 12.3.2 steps 6 and 7).
bool permits(uint64_t entry, Access access, uint32_t priv, bool sum, bool mxr) {
    if (entry & pte::U) {
        if (priv == 1 && (access == Access::kFetch || !sum)) return false;
    } else if (priv == 0) {
        return false;
    }
    switch (access) {
        case Access::kFetch: return entry & pte::X;
        case Access::kLoad: return (entry & pte::R) || (mxr && (entry & pte::X));
        default: return entry & pte::W;
    }
}

}  // namespace

bool Hart::pmpAllows(uint64_t gpa, uint32_t size, Access access, uint32_t priv, bool* wholePage) const {
    const uint64_t page = gpa & ~uint64_t{0xfff};
    uint64_t previous = 0;
    for (uint32_t i = 0; i < 16; i++) {
        const uint8_t cfg = block_[L::pmpcfg + i];
        const uint64_t address = read64(block_, L::pmpaddr + 8 * i);
        const uint64_t below = previous;
        previous = address;
        uint64_t lo, hi;  // in bytes, half open
        switch ((cfg >> 3) & 3) {
            case 0: continue;
            case 1:
                lo = below << 2;
                hi = address << 2;
                break;
            case 2:
                lo = address << 2;
                hi = lo + 4;
                break;
            default: {
                const uint64_t ones = address ^ (address + 1);  // the trailing ones and the zero above them
                lo = (address & ~ones) << 2;
                hi = lo + ((ones + 1) << 2);
                if (ones == ~uint64_t{0} || hi <= lo) hi = kPhysicalLimit;
                break;
            }
        }
        if (lo >= hi) continue;
        if (wholePage && lo < page + 4096 && hi > page && !(lo <= page && hi >= page + 4096)) *wholePage = false;
        if (gpa + size <= lo || gpa >= hi) continue;
        if (gpa < lo || gpa + size > hi) return false;
        if (priv == 3 && !(cfg & 0x80)) return true;
        const uint8_t need = access == Access::kFetch ? 4 : access == Access::kLoad ? 1 : 2;
        return (cfg & need) != 0;
    }
    return priv == 3;
}

Translation Hart::translate(uint64_t va, Access access, uint32_t priv, bool sum, bool mxr) {
    Translation t;
    const uint64_t satp = csr(L::satp);
    const uint32_t scheme = static_cast<uint32_t>(satp >> 60);
    if (priv == 3 || scheme == 0) {
        t.gpa = va;
        t.global = true;
        t.dirty = true;
        if (va >= kPhysicalLimit || !pmpAllows(va, 1, access, priv, &t.cacheable)) t.fault = accessFault(access);
        return t;
    }
    const int levels = static_cast<int>(scheme) - 5;  // 8: Sv39, 9: Sv48, 10: Sv57
    const int vaBits = 12 + 9 * levels;
    if (static_cast<uint64_t>(static_cast<int64_t>(va << (64 - vaBits)) >> (64 - vaBits)) != va) {
        t.fault = pageFault(access);
        return t;
    }
    const uint64_t menvcfg = csr(L::menvcfg);
    const bool pbmte = menvcfg & menvcfg::PBMTE;
    const bool adue = menvcfg & menvcfg::ADUE;

restart:
    uint64_t table = (satp & pte::kPpnMask) << 12;
    bool global = false;
    for (int level = levels - 1; level >= 0; level--) {
        const uint64_t at = table + ((va >> (12 + 9 * level)) & 0x1ff) * 8;
        const Slot* slot = machine_.find(at);
        if (!slot || !pmpAllows(at, 8, Access::kLoad, 1, nullptr)) {
            t.fault = accessFault(access);
            return t;
        }
        // SAFETY: `at` is 8-byte aligned and inside the slot, whose length is a multiple of 4096.
        auto& word = *reinterpret_cast<std::atomic<uint64_t>*>(slot->host + (at - slot->gpa));
        const uint64_t entry = word.load(std::memory_order_relaxed);
        if (!(entry & pte::V) || ((entry & pte::W) && !(entry & pte::R)) || (entry & pte::kReserved)) break;
        const uint32_t pbmt = (entry >> pte::kPbmtShift) & 3;
        global = global || (entry & pte::G);
        if (!(entry & (pte::R | pte::X))) {
            // A pointer to the next level: D, A, U, N and PBMT are reserved in it.
            if ((entry & (pte::D | pte::A | pte::U | pte::N)) || pbmt != 0) break;
            table = ((entry >> pte::kPpnShift) & pte::kPpnMask) << 12;
            continue;
        }
        if (pbmt == 3 || (pbmt != 0 && !pbmte)) break;
        uint64_t ppn = (entry >> pte::kPpnShift) & pte::kPpnMask;
        uint64_t vpnMask = (uint64_t{1} << (9 * level)) - 1;
        if (entry & pte::N) {
            if (level != 0 || (ppn & 0xf) != 8) break;  // Svnapot: 64 KiB only
            vpnMask = 0xf;
            ppn &= ~uint64_t{0xf};
        }
        if (!permits(entry, access, priv, sum, mxr)) break;
        if (ppn & vpnMask) break;  // misaligned superpage
        const uint64_t want = pte::A | (access == Access::kStore ? pte::D : 0);
        uint64_t now = entry;
        if ((entry & want) != want) {
            if (!adue) break;
            if (slot->readOnly || !pmpAllows(at, 8, Access::kStore, 1, nullptr)) {
                t.fault = accessFault(access);
                return t;
            }
            now = entry | want;
            uint64_t expected = entry;
            if (!word.compare_exchange_strong(expected, now)) goto restart;
            markDirty(slot, at - slot->gpa);
        }
        t.gpa = ((ppn | ((va >> 12) & vpnMask)) << 12) | (va & 0xfff);
        t.global = global;
        t.dirty = now & pte::D;
        t.shift = static_cast<uint8_t>((entry & pte::N) ? 16 : 12 + 9 * level);
        t.flags = static_cast<uint8_t>((now & 0xdf) | (global ? pte::G : 0));
        if (!pmpAllows(t.gpa, 1, access, priv, &t.cacheable)) t.fault = accessFault(access);
        return t;
    }
    t.fault = pageFault(access);
    return t;
}

}  // namespace nodevisor
