// What is known of guest registers at one point of a run.
#pragma once

#include <cstdint>

namespace nodevisor::jit {

/// A bit for each register.
///
/// Results of 32-bit operations are sign-extended late: most are only used by other 32-bit operations. `narrow` has the
/// integer registers whose value is known to be that of its low half sign-extended; of those, `lazy` has the ones whose
/// host register holds the low half only. Every way out of the run completes them first; a stub takes the state it is
/// entered in along. `boxed` has the floating-point registers known to hold a NaN-boxed single.
struct Known {
    uint32_t narrow = 0, lazy = 0, boxed = 0;

    bool isNarrow(uint32_t r) const { return r == 0 || (narrow & (1u << r)); }
    bool isLazy(uint32_t r) const { return (lazy & (1u << r)) != 0; }
    bool isBoxed(uint32_t r) const { return (boxed & (1u << r)) != 0; }
    void setNarrow(uint32_t r, bool known) { narrow = known ? narrow | 1u << r : narrow & ~(1u << r); }
    void setLazy(uint32_t r, bool isLazy) { lazy = isLazy ? lazy | 1u << r : lazy & ~(1u << r); }
    void setBoxed(uint32_t r, bool known) { boxed = known ? boxed | 1u << r : boxed & ~(1u << r); }
};

}  // namespace nodevisor::jit
