// Where code is emitted, and what of it is patched later.
#pragma once

#include <cstdint>

namespace nodevisor::jit {

/// Room for code: written from `write` up to `end`, both in the writable view, and executed from `exec` on.
struct Room {
    uint8_t* write;
    const uint8_t* exec;
    uint8_t* end;
};

/// What an exit to a constant address leaves to be patched when its target is translated (see Translator::link).
struct LinkPlaces {
    /// The branch to be turned to the target. Until then it goes on behind itself.
    uint8_t* jump;
    /// Where Context::fetchGeneration is compared with a constant, as the emitter's setGuard wants it; nullptr for exits
    /// inside the page, which need none.
    uint8_t* guard;
};

}  // namespace nodevisor::jit
