// A machine's shared memory with one hart, for running the core without Node: 16 KiB of code that guests cannot write
// (so that no tier runs stale code), 256 KiB of data behind it.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "../core/bits.h"
#include "../core/hart.h"

namespace nodevisor::test {

constexpr uint64_t kCodeGpa = 0x80000000;
constexpr uint64_t kCodeBytes = 16 << 10;
constexpr uint64_t kDataGpa = kCodeGpa + kCodeBytes;
constexpr uint64_t kDataBytes = 256 << 10;

class World {
public:
    explicit World(Tiers tiers) : bytes_(layout::kRam + kCodeBytes + kDataBytes) {
        base_ = static_cast<uint8_t*>(::operator new(bytes_, kAlignment));
        std::memset(base_, 0, bytes_);
        slot(0, kCodeGpa, kCodeBytes, layout::kRam, 1);
        slot(1, kDataGpa, kDataBytes, layout::kRam + kCodeBytes, 0);
        write32(base_, layout::machine::slotGeneration, 1);
        write32(base_, layout::machine::clockMode, 1);
        write32(base_, layout::machine::timebaseHz, 10000000);
        hart_ = std::make_unique<Hart>(base_, bytes_, 0, tiers);
        reset();
    }
    ~World() {
        hart_.reset();
        ::operator delete(base_, kAlignment);
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Puts a program in place and the hart at its start in M-mode, floating point on, pointers into the data.
    void load(const uint8_t* program, size_t size) {
        std::memset(base_ + layout::kRam, 0, kCodeBytes + kDataBytes);
        std::memcpy(base_ + layout::kRam, program, size < kCodeBytes ? size : kCodeBytes);
        reset();
    }

    Hart& hart() { return *hart_; }
    uint64_t get(size_t offset) const { return read64(base_ + layout::hartOffset(0), offset); }
    uint64_t x(uint32_t r) const { return get(layout::hart::x + 8 * r); }

    /// The state that tiers must agree on: registers, pc, counters, CSRs. Control words and exits are left out.
    bool sameState(const World& other) const {
        using L = layout::hart;
        const uint8_t* a = base_ + layout::hartOffset(0);
        const uint8_t* b = other.base_ + layout::hartOffset(0);
        return std::memcmp(a, b, L::attention) == 0 && std::memcmp(a + L::codeEpoch, b + L::codeEpoch, L::exitGpa - L::codeEpoch) == 0 &&
               std::memcmp(a + L::mtimecmp, b + L::mtimecmp, L::bytes - L::mtimecmp) == 0 &&
               std::memcmp(base_ + layout::kRam, other.base_ + layout::kRam, kCodeBytes + kDataBytes) == 0;
    }

private:
    void slot(uint32_t i, uint64_t gpa, uint64_t len, uint64_t offset, uint32_t flags) {
        using M = layout::machine;
        write64(base_, M::slotGpa + 8 * i, gpa);
        write64(base_, M::slotLen + 8 * i, len);
        write64(base_, M::slotOffset + 8 * i, offset);
        write32(base_, M::slotFlags + 4 * i, flags);
    }

    void reset() {
        using L = layout::hart;
        uint8_t* block = base_ + layout::hartOffset(0);
        std::memset(block, 0, L::bytes);
        for (uint32_t r = 1; r < 32; r++) write64(block, L::x + 8 * r, r % 3 ? kDataGpa + 4096 * r : r * 0x9e3779b97f4a7c15u);
        for (uint32_t r = 0; r < 32; r++) write64(block, L::f + 8 * r, 0x3ff0000000000000u + (uint64_t{r} << 47));
        write64(block, L::pc, kCodeGpa);
        write32(block, L::priv, 3);
        write64(block, L::mstatus, (uint64_t{0xa} << 32) | 0x6000);
        write64(block, L::mtvec, kCodeGpa + 64);
        write64(block, L::mtimecmp, ~uint64_t{0});
        write64(block, L::stimecmp, ~uint64_t{0});
        hart_->invalidate();
    }

    static constexpr std::align_val_t kAlignment{4096};

    size_t bytes_;
    uint8_t* base_;
    std::unique_ptr<Hart> hart_;
};

/// Runs a program on both tiers in steps and compares them after each; false: they differ. Device accesses are answered.
inline bool tiersAgree(World& interpreted, World& translated, const uint8_t* program, size_t size) {
    interpreted.load(program, size);
    translated.load(program, size);
    for (uint32_t step = 0; step < 8; step++) {
        const uint64_t budget = 1 + step * 97;
        const uint32_t a = interpreted.hart().run(budget);
        const uint32_t b = translated.hart().run(budget);
        if (a != b || !interpreted.sameState(translated)) return false;
        if (a == stop::kMmio) {
            if (step & 1) {
                interpreted.hart().refuseMmio();
                translated.hart().refuseMmio();
            } else {
                interpreted.hart().completeMmio(0x0123456789abcdef);
                translated.hart().completeMmio(0x0123456789abcdef);
            }
        }
    }
    return true;
}

}  // namespace nodevisor::test
