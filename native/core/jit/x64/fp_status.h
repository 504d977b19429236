// MXCSR, the floating-point state that translated code has besides its registers: the guest's rounding mode, and its flags
// as they gather.
#pragma once

#include <cstdint>

namespace nodevisor::jit::x64 {

/// See HostFpStatus in jit/emitter.h.
struct FpStatus {
    /// All exceptions masked, no flag, round to nearest.
    static constexpr uint32_t kIdle = 0x1f80;

    static constexpr uint32_t withRounding(uint32_t word, uint32_t frm) {
        // MXCSR.RC: nearest 0, down 1, up 2, zero 3. frm: RNE 0, RTZ 1, RDN 2, RUP 3.
        constexpr uint32_t kRounding[] = {0, 3, 1, 2};
        return raised(word) | kIdle | (kRounding[frm & 3] << 13);
    }
    static constexpr uint32_t raised(uint32_t word) { return word & 0x3f; }
    static constexpr uint32_t withoutRaised(uint32_t word) { return word & ~0x3fu; }
    static constexpr uint8_t flagsOf(uint32_t sse) {  // PE UE OE ZE DE IE
        uint32_t flags = 0;
        if (sse & 0x01) flags |= 0x10;  // NV
        if (sse & 0x04) flags |= 0x08;  // DZ
        if (sse & 0x08) flags |= 0x04;  // OF
        if (sse & 0x10) flags |= 0x02;  // UF
        if (sse & 0x20) flags |= 0x01;  // NX
        return static_cast<uint8_t>(flags);
    }
};

}  // namespace nodevisor::jit::x64
