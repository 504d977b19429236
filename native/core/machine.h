// The machine's shared memory as the engine sees it. Layout: generated/state_layout.h.
#pragma once

#include <atomic>
#include <cstdint>

namespace nodevisor {

/// A memory slot as published in the machine block.
struct Slot {
    uint64_t gpa;
    uint64_t len;
    /// Host address of its first byte.
    uint8_t* host;
    bool readOnly;
    /// One bit a page, or nullptr when writes are not logged.
    std::atomic<uint32_t>* dirty;
};

/// View of the machine block: memory slots and the guest's clock. One per hart, used by its thread alone.
class Machine {
public:
    Machine(uint8_t* base, uint64_t bytes) : base_(base), bytes_(bytes) {}

    /// Reads the slot table again if it changed since the last call. True when it had.
    bool reloadSlots();

    /// The slot that holds `gpa`, or nullptr.
    const Slot* find(uint64_t gpa) const {
        for (uint32_t i = 0; i < slotCount_; i++) {
            if (gpa - slots_[i].gpa < slots_[i].len) return &slots_[i];
        }
        return nullptr;
    }

    /// The guest's mtime now, in timebase ticks.
    uint64_t mtime() const;

    /// How long so many ticks of mtime are; beyond a second it is not exact.
    uint64_t nanoseconds(uint64_t ticks) const;

    /// Whether mtime moves by itself (host clock) rather than between runs.
    bool clockIsHost() const;

    /// In host mode, makes mtime follow `nowNs` as the host's clock instead of reading it; 0: read it (the default).
    void setNow(uint64_t nowNs) { nowNs_ = nowNs; }

    uint8_t* base() const { return base_; }
    uint64_t bytes() const { return bytes_; }

private:
    uint8_t* base_;
    uint64_t bytes_;
    static constexpr uint32_t kSlots = 16;
    Slot slots_[kSlots] = {};
    uint64_t nowNs_ = 0;
    uint32_t slotCount_ = 0;
    uint32_t generation_ = ~0u;
};

}  // namespace nodevisor
