// The second-level translation cache: results of page-table walks, tagged with their address space, so that a context
// switch refills the first level from here instead of walking the tables again.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

namespace nodevisor {

/// Bits of a page-table entry as Sv39/48/57 place them (Privileged spec 12.3).
namespace pte {
constexpr uint64_t V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128;
constexpr uint64_t kPpnShift = 10;
constexpr uint64_t kPpnMask = (uint64_t{1} << 44) - 1;
constexpr uint64_t kReserved = uint64_t{0x7f} << 54;
constexpr uint64_t kPbmtShift = 61;
constexpr uint64_t N = uint64_t{1} << 63;
}  // namespace pte

/// A leaf as found by a walk, cut to its 4 KiB page.
struct StoredPage {
    /// Virtual page number; kNoPage: unused.
    uint64_t vpn;
    uint64_t gpaPage;
    uint16_t asid;
    /// R, W, X, U, G, D as in the PTE.
    uint8_t flags;
    /// PMP treats the page as one.
    bool cacheable;
};

class TlbStore {
public:
    static constexpr uint64_t kNoPage = ~uint64_t{0};

    TlbStore() : pages_(new StoredPage[kSets * kWays]) { flushAll(); }

    /// The page's translation in address space `asid`, or nullptr.
    const StoredPage* find(uint64_t vpn, uint16_t asid) const {
        const StoredPage* set = &pages_[index(vpn)];
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].vpn == vpn && (set[way].asid == asid || (set[way].flags & pte::G))) return &set[way];
        }
        return nullptr;
    }

    void insert(const StoredPage& page) {
        StoredPage* set = &pages_[index(page.vpn)];
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].vpn == page.vpn && (set[way].asid == page.asid || (set[way].flags & pte::G))) {
                set[way] = page;
                return;
            }
        }
        set[next_++ % kWays] = page;
    }

    void flushAll() {
        for (uint32_t i = 0; i < kSets * kWays; i++) pages_[i].vpn = kNoPage;
    }

    /// SFENCE.VMA with rs2: every non-global translation of one address space.
    void flushAsid(uint16_t asid) {
        for (uint32_t i = 0; i < kSets * kWays; i++) {
            if (pages_[i].asid == asid && !(pages_[i].flags & pte::G)) pages_[i].vpn = kNoPage;
        }
    }

    /// SFENCE.VMA with rs1: one page, in every address space or (then sparing global ones) in one.
    void flushPage(uint64_t vpn, bool oneAsid, uint16_t asid) {
        StoredPage* set = &pages_[index(vpn)];
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].vpn != vpn) continue;
            if (oneAsid && (set[way].asid != asid || (set[way].flags & pte::G))) continue;
            set[way].vpn = kNoPage;
        }
    }

private:
    static constexpr uint32_t kSets = 2048;
    static constexpr uint32_t kWays = 4;

    static uint32_t index(uint64_t vpn) {
        return static_cast<uint32_t>((vpn ^ (vpn >> 11) ^ (vpn >> 22)) % kSets) * kWays;
    }

    std::unique_ptr<StoredPage[]> pages_;
    uint32_t next_ = 0;
};

}  // namespace nodevisor
