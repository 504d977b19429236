// Names and small arithmetic that several files need.
#pragma once

#include <cstdint>

#include "generated/causes.h"
#include "generated/csr_table.h"

namespace nodevisor {

// Masks of fields (Privileged spec 20240411) as the generated table has them, under shorter names.
namespace mstatus = csr_field::mstatus;
namespace menvcfg = csr_field::menvcfg;

/// Position of mstatus.MPP.
constexpr uint32_t kMppShift = 11;
static_assert(mstatus::MPP == uint64_t{3} << kMppShift);

/// Stop numbers of src/cpu/engine.ts.
namespace stop {
constexpr uint32_t kBudget = 0, kMmio = 1, kEcall = 2, kWfi = 3, kKicked = 4, kDebug = 5, kFault = 6;
}  // namespace stop

inline uint64_t sext32(uint64_t v) { return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(v))); }

/// Sign- or zero-extends the low `size` bytes of `v`.
inline uint64_t extend(uint64_t v, uint32_t size, bool isSigned) {
    const uint32_t shift = 64 - 8 * size;
    return isSigned ? static_cast<uint64_t>(static_cast<int64_t>(v << shift) >> shift) : (v << shift) >> shift;
}

}  // namespace nodevisor
