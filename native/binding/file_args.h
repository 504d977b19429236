// Arguments of the calls on files: a descriptor, then whole numbers.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>

namespace nodevisor {

/// Whether the first `count` arguments are a file descriptor and numbers of bytes.
inline bool areNumbers(const Napi::CallbackInfo& info, size_t count) {
    constexpr double MAX_SAFE = 9007199254740991.0;
    bool good = info.Length() >= count;
    for (size_t i = 0; good && i < count; i++) {
        const double value = info[i].IsNumber() ? info[i].As<Napi::Number>().DoubleValue() : -1;
        good = value >= 0 && value <= (i == 0 ? INT32_MAX : MAX_SAFE) && value == std::floor(value);
    }
    return good;
}

/// Whether there are `count` arguments, all of that kind; else a TypeError is pending.
inline bool onlyNumbers(const Napi::CallbackInfo& info, size_t count) {
    const bool good = info.Length() == count && areNumbers(info, count);
    if (!good) Napi::TypeError::New(info.Env(), "a file descriptor, then offsets in bytes").ThrowAsJavaScriptException();
    return good;
}

/// An argument that was found to be a number.
inline int64_t numberAt(const Napi::CallbackInfo& info, size_t i) { return info[i].As<Napi::Number>().Int64Value(); }

}  // namespace nodevisor
