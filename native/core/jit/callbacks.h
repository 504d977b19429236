// What translated code calls in C++, through its emitter's thunks.
#pragma once

#include <cstdint>

#include "../context.h"

namespace nodevisor::jit {

/// What a load or store hands over besides its address: access size, whether a load sign-extends, and the way.
constexpr uint32_t kSizeMask = 15;
constexpr uint32_t kSigned = 16;
constexpr uint32_t kWayShift = 8;
inline constexpr uint32_t accessKind(uint32_t size, bool isSigned, uint32_t way) {
    return size | (isSigned ? kSigned : 0) | (way << kWayShift);
}

/// What a look-up ahead hands over: span in bits 15:0, store in bit 16, way above.
inline constexpr uint32_t fillKind(uint32_t span, bool isStore, uint32_t way) {
    return span | (isStore ? 1u << 16 : 0) | (way << 17);
}

/// A load whose page is not at hand; `how` is its accessKind. The value as the register gets it; void if Context::leave
/// is anything but kNext then.
uint64_t callLoad(Context* ctx, uint64_t va, uint32_t how);
/// A store whose page is not at hand; as callLoad.
void callStore(Context* ctx, uint64_t va, uint64_t value, uint32_t how);
/// Puts the page of the range at `va` into the first level; `how` is its fillKind. Not 0: it is there now.
uint32_t callFill(Context* ctx, uint64_t va, uint32_t how);
/// Runs one instruction in the interpreter; Context::pc is its address. Context::leave says whether it left.
void callHandler(Context* ctx, const Insn* insn);

}  // namespace nodevisor::jit
