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
    uint64_t vpn;
    uint64_t gpaPage;
    uint16_t asid;
    /// R, W, X, U, G, D as in the PTE.
    uint8_t flags;
    /// Accesses that PMP, which treats the page as one, has been asked about and allows: bits by Access.
    uint8_t allowed;
};

class TlbStore {
public:
    TlbStore() : pages_(new Entry[kSets * kWays]()) {}

    /// The page's translation in address space `asid`, or nullptr.
    StoredPage* find(uint64_t vpn, uint16_t asid) {
        Entry* set = &pages_[index(vpn)];
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].page.vpn == vpn && matches(set[way], asid)) return &set[way].page;
        }
        return nullptr;
    }

    void insert(const StoredPage& page) {
        Entry* set = &pages_[index(page.vpn)];
        Entry* chosen = nullptr;
        for (uint32_t way = 0; way < kWays; way++) {
            if (!alive(set[way])) chosen = &set[way];
        }
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].page.vpn == page.vpn && matches(set[way], page.asid)) chosen = &set[way];
        }
        if (!chosen) chosen = &set[next_++ % kWays];
        *chosen = Entry{page, stamp(page)};
    }

    void flushAll() { all_++; }

    /// SFENCE.VMA with rs2: every non-global translation of one address space.
    void flushAsid(uint16_t asid) { byAsid_[asid % kAsidStamps]++; }

    /// SFENCE.VMA with rs1: one page, in every address space or (then sparing global ones) in one.
    void flushPage(uint64_t vpn, bool oneAsid, uint16_t asid) {
        Entry* set = &pages_[index(vpn)];
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].page.vpn != vpn) continue;
            if (oneAsid && (set[way].page.asid != asid || (set[way].page.flags & pte::G))) continue;
            set[way].stamp = 0;
        }
    }

private:
    /// A page with the stamps of all address spaces and of its own when it was entered: a flush raises a stamp.
    struct Entry {
        StoredPage page;
        uint64_t stamp;
    };
    static constexpr uint32_t kSets = 8192;
    static constexpr uint32_t kWays = 4;
    static constexpr uint32_t kAsidStamps = 1024;

    static uint32_t index(uint64_t vpn) {
        return static_cast<uint32_t>((vpn ^ (vpn >> 13) ^ (vpn >> 26)) % kSets) * kWays;
    }
    /// Never 0. Stamps wrap after 2^32 flushes, long after the entries in question are gone.
    uint64_t stamp(const StoredPage& page) const {
        return (uint64_t{all_} << 32) | ((page.flags & pte::G) ? 0 : byAsid_[page.asid % kAsidStamps]);
    }
    bool alive(const Entry& e) const { return e.stamp == stamp(e.page); }
    bool matches(const Entry& e, uint16_t asid) const {
        return (e.page.asid == asid || (e.page.flags & pte::G)) && alive(e);
    }

    std::unique_ptr<Entry[]> pages_;
    uint32_t next_ = 0;
    uint32_t all_ = 1;
    uint32_t byAsid_[kAsidStamps] = {};
};

/// Superpages in use, by size: SFENCE.VMA by address must drop all of the one that the address lies in. Plain arrays:
/// this runs under the guest's floating-point environment, which a standard container's growth policy would touch.
class LargePages {
public:
    /// False: there are too many; everything must be flushed and the set cleared.
    bool insert(uint64_t va, uint32_t shift) {
        const uint32_t size = sizeIndex(shift);
        if (size == kSizes) return true;
        const uint64_t granule = (va >> shift) + 1;
        Table& t = tables_[size];
        for (uint32_t i = hash(granule);; i = (i + 1) % kSlots) {
            if (t.granules[i] == granule) return true;
            if (t.granules[i] != 0) continue;
            if (t.count == kSlots / 2) return false;
            t.granules[i] = granule;
            t.count++;
            return true;
        }
    }

    bool contains(uint64_t va) const {
        for (uint32_t size = 0; size < kSizes; size++) {
            const Table& t = tables_[size];
            if (t.count == 0) continue;
            const uint64_t granule = (va >> kShifts[size]) + 1;
            for (uint32_t i = hash(granule); t.granules[i] != 0; i = (i + 1) % kSlots) {
                if (t.granules[i] == granule) return true;
            }
        }
        return false;
    }

    void clear() {
        for (Table& t : tables_) {
            if (t.count != 0) t = Table{};
        }
    }

private:
    static constexpr uint32_t kShifts[] = {16, 21, 30, 39, 48};
    static constexpr uint32_t kSizes = 5;
    static constexpr uint32_t kSlots = 1024;
    struct Table {
        uint32_t count = 0;
        uint64_t granules[kSlots] = {};
    };

    static uint32_t sizeIndex(uint32_t shift) {
        uint32_t size = 0;
        while (size < kSizes && kShifts[size] != shift) size++;
        return size;
    }
    static uint32_t hash(uint64_t granule) { return static_cast<uint32_t>((granule * 0x9e3779b97f4a7c15u) >> 54) % kSlots; }

    Table tables_[kSizes];
};

}  // namespace nodevisor
