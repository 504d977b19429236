#include "machine.h"

#include <chrono>

#include "state.h"

namespace nodevisor {

namespace {

using MachineLayout = layout::machine;

constexpr uint32_t kSlotReadOnly = 1;
constexpr uint32_t kSlotLog = 2;

uint64_t hostNowNs() {
    // The same clock as libuv's hrtime on which the TypeScript side bases originNs.
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

}  // namespace

bool Machine::reloadSlots() {
    const uint32_t generation = atomic32(base_, MachineLayout::slotGeneration).load();
    if (generation == generation_) return false;
    generation_ = generation;
    slotCount_ = 0;
    for (uint32_t i = 0; i < kSlots; i++) {
        Slot s{};
        s.gpa = read64(base_, MachineLayout::slotGpa + 8 * i);
        s.len = read64(base_, MachineLayout::slotLen + 8 * i);
        const uint64_t offset = read64(base_, MachineLayout::slotOffset + 8 * i);
        const uint32_t flags = read32(base_, MachineLayout::slotFlags + 4 * i);
        const uint64_t dirty = read64(base_, MachineLayout::slotDirty + 8 * i);
        // The table is ours, but a wrong entry must not become a wild pointer.
        if (s.len == 0 || offset > bytes_ || s.len > bytes_ - offset) continue;
        if ((s.gpa | s.len | offset) & 0xfff) continue;
        s.host = base_ + offset;
        s.readOnly = (flags & kSlotReadOnly) != 0;
        const bool log = (flags & kSlotLog) != 0 && dirty != 0 && dirty % 4 == 0 && dirty <= bytes_ && s.len / 32768 <= bytes_ - dirty;
        s.dirty = log ? reinterpret_cast<std::atomic<uint32_t>*>(base_ + dirty) : nullptr;
        slots_[slotCount_++] = s;
    }
    return true;
}

uint64_t Machine::nanoseconds(uint64_t ticks) const {
    constexpr uint64_t kSecond = 1000000000;
    const uint32_t hz = read32(base_, MachineLayout::timebaseHz);
    return hz == 0 ? 0 : ticks >= hz ? kSecond : ticks * kSecond / hz;
}

bool Machine::clockIsHost() const { return read32(base_, MachineLayout::clockMode) == 0; }

uint64_t Machine::mtime() const {
    auto& seq = atomic32(base_, MachineLayout::clockSeq);
    for (;;) {
        const uint32_t before = seq.load(std::memory_order_acquire);
        if (before & 1) continue;
        const uint64_t base = read64(base_, MachineLayout::mtimeBase);
        const uint64_t origin = read64(base_, MachineLayout::originNs);
        const uint64_t virt = read64(base_, MachineLayout::virtualMtime);
        const uint32_t mode = read32(base_, MachineLayout::clockMode);
        const uint32_t running = read32(base_, MachineLayout::clockRunning);
        const uint32_t hz = read32(base_, MachineLayout::timebaseHz);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (seq.load(std::memory_order_relaxed) != before) continue;
        if (mode != 0) return base + virt;
        if (!running || hz == 0) return base;
        const uint64_t now = nowNs_ ? nowNs_ : hostNowNs();
        const uint64_t ns = now > origin ? now - origin : 0;
        return base + static_cast<uint64_t>(static_cast<unsigned __int128>(ns) * hz / 1000000000u);
    }
}

}  // namespace nodevisor
