// JavaScript's handle on a hart.
#pragma once

#include <napi.h>

#include <memory>

#include "../core/hart.h"

namespace nodevisor {

/// `new Hart(memory, id, translate, hotThreshold)`: memory is a Uint8Array over all of the shared memory. Wrong
/// arguments throw a JavaScript error. One thread's alone, as all JavaScript objects are.
class HartWrap : public Napi::ObjectWrap<HartWrap> {
public:
    static Napi::Function define(Napi::Env env);
    explicit HartWrap(const Napi::CallbackInfo& info);

private:
    /// run(budget): a Stop number.
    Napi::Value run(const Napi::CallbackInfo& info);
    /// completeMmio(lo, hi)
    void completeMmio(const Napi::CallbackInfo& info);
    /// setNow(ns): see Machine::setNow.
    void setNow(const Napi::CallbackInfo& info);
    void refuseMmio(const Napi::CallbackInfo& info);
    void invalidate(const Napi::CallbackInfo& info);
    /// Frees what the hart holds outside the shared memory; nothing may be called after it but close itself.
    void close(const Napi::CallbackInfo& info);

    /// Keeps the memory alive.
    Napi::ObjectReference memory_;
    std::unique_ptr<Hart> hart_;
};

}  // namespace nodevisor
