// Named bits of CSRs and small arithmetic that several files need. Numbers and offsets of CSRs are generated; these are
// the fields inside them (Privileged spec 20240411).
#pragma once

#include <cstdint>

namespace nodevisor {

namespace mstatus {
constexpr uint64_t SIE = 1u << 1, MIE = 1u << 3, SPIE = 1u << 5, MPIE = 1u << 7, SPP = 1u << 8, MPP = 3u << 11,
                   FS = 3u << 13, XS = 3u << 15, MPRV = 1u << 17, SUM = 1u << 18, MXR = 1u << 19, TVM = 1u << 20,
                   TW = 1u << 21, TSR = 1u << 22, UXL = uint64_t{3} << 32, SXL = uint64_t{3} << 34,
                   SD = uint64_t{1} << 63;
constexpr uint32_t kMppShift = 11;
}  // namespace mstatus

namespace menvcfg {
constexpr uint64_t FIOM = 1, CBIE = 3u << 4, CBCFE = 1u << 6, CBZE = 1u << 7, ADUE = uint64_t{1} << 61,
                   PBMTE = uint64_t{1} << 62, STCE = uint64_t{1} << 63;
}  // namespace menvcfg

/// Exception codes (Privileged spec table 14).
namespace cause {
constexpr uint32_t INSTRUCTION_ADDRESS_MISALIGNED = 0, INSTRUCTION_ACCESS_FAULT = 1, ILLEGAL_INSTRUCTION = 2,
                   BREAKPOINT = 3, LOAD_ADDRESS_MISALIGNED = 4, LOAD_ACCESS_FAULT = 5, STORE_ADDRESS_MISALIGNED = 6,
                   STORE_ACCESS_FAULT = 7, ECALL_FROM_U = 8, ECALL_FROM_S = 9, ECALL_FROM_M = 11,
                   INSTRUCTION_PAGE_FAULT = 12, LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15;
}  // namespace cause

/// Stop numbers of src/cpu/engine.ts.
namespace stop {
constexpr uint32_t kBudget = 0, kMmio = 1, kEcall = 2, kWfi = 3, kKicked = 4, kDebug = 5, kFault = 6;
}  // namespace stop

namespace attention {
constexpr uint32_t kKick = 1, kInterrupt = 2, kFlushTlb = 4;
}  // namespace attention

namespace hartconfig {
constexpr uint32_t kSbiExit = 1, kEbreakExit = 2;
}  // namespace hartconfig

inline uint64_t sext32(uint64_t v) { return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(v))); }

/// Sign- or zero-extends the low `size` bytes of `v`.
inline uint64_t extend(uint64_t v, uint32_t size, bool isSigned) {
    const uint32_t shift = 64 - 8 * size;
    return isSigned ? static_cast<uint64_t>(static_cast<int64_t>(v << shift) >> shift) : (v << shift) >> shift;
}

}  // namespace nodevisor
