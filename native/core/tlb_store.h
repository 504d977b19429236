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

/// A leaf as found by a walk, cut to its 4 KiB page. Packed, so that a set of four is one cache line: a guest that walks
/// through much memory at random waits for that line each time.
struct StoredPage {
    /// Of a canonical address, thus the sign of what Sv57 leaves.
    int64_t vpn : 45;
    uint64_t asid : 16;
    /// Accesses that PMP, which treats the page as one, has been asked about and allows: bits by Access.
    uint64_t allowed : 3;
    uint64_t gpaPage : 44;
    /// R, W, X, U, G, A, D as in the PTE, without V.
    uint64_t flagsAboveV : 7;
    /// That of its address space when it was entered: a flush raises a space's stamp. 0: never valid.
    uint64_t stamp : 13;

    uint32_t flags() const { return static_cast<uint32_t>(flagsAboveV) << 1; }
};
static_assert(sizeof(StoredPage) == 16);

class TlbStore {
public:
    TlbStore() : sets_(new Set[kSets]()) { restamp(); }

    /// The page's translation in address space `asid`, or nullptr. `vpn` is the address without its 12 lowest bits.
    StoredPage* find(uint64_t vpn, uint16_t asid) {
        StoredPage* set = sets_[index(vpn)].ways;
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].vpn == extended(vpn) && matches(set[way], asid)) return &set[way];
        }
        return nullptr;
    }

    /// @param flags as in the PTE
    void insert(uint64_t vpn, uint16_t asid, uint64_t gpaPage, uint8_t flags, uint8_t allowed) {
        StoredPage* set = sets_[index(vpn)].ways;
        StoredPage* chosen = nullptr;
        for (uint32_t way = 0; way < kWays; way++) {
            if (!alive(set[way])) chosen = &set[way];
        }
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].vpn == extended(vpn) && matches(set[way], asid)) chosen = &set[way];
        }
        if (!chosen) chosen = &set[next_++ % kWays];
        chosen->vpn = extended(vpn);
        chosen->asid = asid;
        chosen->allowed = allowed;
        chosen->gpaPage = gpaPage;
        chosen->flagsAboveV = flags >> 1;
        chosen->stamp = stampOf(*chosen);
    }

    void flushAll() {
        for (uint16_t& stamp : stamps_) stamp++;
        globalStamp_++;
        if (++flushes_ == kStampLimit) forget();
    }

    /// SFENCE.VMA with rs2: every non-global translation of one address space.
    void flushAsid(uint16_t asid) {
        stamps_[asid % kAsidStamps]++;
        // No stamp has been raised more often than there were flushes.
        if (++flushes_ == kStampLimit) forget();
    }

    /// SFENCE.VMA with rs1: one page, in every address space or (then sparing global ones) in one.
    void flushPage(uint64_t vpn, bool oneAsid, uint16_t asid) {
        StoredPage* set = sets_[index(vpn)].ways;
        for (uint32_t way = 0; way < kWays; way++) {
            if (set[way].vpn != extended(vpn)) continue;
            if (oneAsid && (set[way].asid != asid || (set[way].flags() & pte::G))) continue;
            set[way].stamp = 0;
        }
    }

private:
    static constexpr uint32_t kSets = 8192;
    static constexpr uint32_t kWays = 4;
    static constexpr uint32_t kAsidStamps = 1024;
    /// Stamps start at 1 and must fit their bits of a page.
    static constexpr uint32_t kStampLimit = (1u << 13) - 2;

    struct alignas(64) Set {
        StoredPage ways[kWays];
    };

    static int64_t extended(uint64_t vpn) { return static_cast<int64_t>(vpn << 12) >> 12; }
    static uint32_t index(uint64_t vpn) { return static_cast<uint32_t>((vpn ^ (vpn >> 13) ^ (vpn >> 26)) % kSets); }
    uint32_t stampOf(const StoredPage& p) const { return (p.flags() & pte::G) ? globalStamp_ : stamps_[p.asid % kAsidStamps]; }
    bool alive(const StoredPage& p) const { return p.stamp == stampOf(p); }
    bool matches(const StoredPage& p, uint16_t asid) const {
        return (p.asid == asid || (p.flags() & pte::G)) && alive(p);
    }

    /// Empties the cache, after which stamps may begin anew.
    void forget() {
        for (uint32_t i = 0; i < kSets; i++) {
            for (StoredPage& page : sets_[i].ways) page.stamp = 0;
        }
        restamp();
    }

    void restamp() {
        for (uint16_t& stamp : stamps_) stamp = 1;
        globalStamp_ = 1;
        flushes_ = 0;
    }

    std::unique_ptr<Set[]> sets_;
    uint32_t next_ = 0;
    uint32_t flushes_ = 0;
    uint16_t globalStamp_ = 1;
    uint16_t stamps_[kAsidStamps];
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
