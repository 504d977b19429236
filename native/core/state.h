// Access to fields of the shared state blocks by the offsets that src/isa generates.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "generated/state_layout.h"

namespace nodevisor {

inline uint64_t read64(const uint8_t* base, size_t offset) {
    uint64_t v;
    std::memcpy(&v, base + offset, 8);
    return v;
}

inline void write64(uint8_t* base, size_t offset, uint64_t v) { std::memcpy(base + offset, &v, 8); }

inline uint32_t read32(const uint8_t* base, size_t offset) {
    uint32_t v;
    std::memcpy(&v, base + offset, 4);
    return v;
}

inline void write32(uint8_t* base, size_t offset, uint32_t v) { std::memcpy(base + offset, &v, 4); }

/// A word that other threads change too.
inline std::atomic<uint32_t>& atomic32(uint8_t* base, size_t offset) {
    // SAFETY: layout offsets are 4-byte aligned in a page-aligned block (asserted by the generated header), and
    // std::atomic<uint32_t> is lock-free with the representation of uint32_t on every host we build for.
    return *reinterpret_cast<std::atomic<uint32_t>*>(base + offset);
}

static_assert(sizeof(std::atomic<uint32_t>) == 4 && std::atomic<uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<uint64_t>) == 8 && std::atomic<uint64_t>::is_always_lock_free);

}  // namespace nodevisor
