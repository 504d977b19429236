// The pieces of host code that a translator has once: the way into translated code, the way out, and the calls into C++.
#pragma once

#include "../room.h"
#include "registers.h"

namespace nodevisor::jit::x64 {

/// See HostThunks in jit/emitter.h. Places are in the writable view; all but `enter` are for the emitter, which finds in
/// thunks.cc what each takes in which register.
class Thunks {
public:
    /// Whether this host has what translated code uses (the x86-64-v3 level: AVX, FMA, BMI1/2, LZCNT, POPCNT).
    static bool supported();

    size_t emit(const Room& room);
    void enter(const void* code, Context* ctx) const { enter_(code, ctx); }

    uint8_t* exit = nullptr;
    uint8_t* exitNext = nullptr;
    uint8_t* load = nullptr;
    uint8_t* store = nullptr;
    uint8_t* fill = nullptr;
    uint8_t* call = nullptr;

private:
    void saveHomes();
    void loadHomes();
    void emitCall(const void* function);
    void emitEntry();
    void emitExit();
    void emitCallbacks();

    Asm a_;
    void (*enter_)(const void*, Context*) = nullptr;
};

}  // namespace nodevisor::jit::x64
