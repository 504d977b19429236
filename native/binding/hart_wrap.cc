#include "hart_wrap.h"

namespace nodevisor {

Napi::Function HartWrap::define(Napi::Env env) {
    return DefineClass(env, "Hart",
                       {
                           InstanceMethod("run", &HartWrap::run),
                           InstanceMethod("completeMmio", &HartWrap::completeMmio),
                           InstanceMethod("refuseMmio", &HartWrap::refuseMmio),
                           InstanceMethod("setNow", &HartWrap::setNow),
                           InstanceMethod("invalidate", &HartWrap::invalidate),
                           InstanceMethod("close", &HartWrap::close),
                       });
}

HartWrap::HartWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<HartWrap>(info) {
    if (info.Length() < 4 || !info[0].IsTypedArray() || !info[1].IsNumber() || !info[2].IsBoolean() || !info[3].IsNumber()) {
        Napi::TypeError::New(info.Env(), "Hart: memory, id, translate, hotThreshold").ThrowAsJavaScriptException();
        return;
    }
    const double id = info[1].As<Napi::Number>().DoubleValue();
    if (!(id >= 0 && id < layout::kHartsMax)) {
        Napi::RangeError::New(info.Env(), "Hart: there is no such hart").ThrowAsJavaScriptException();
        return;
    }
    // The data pointer of a typed array over shared memory: napi_get_arraybuffer_info does not take a SharedArrayBuffer.
    void* data = nullptr;
    size_t length = 0;
    if (napi_get_typedarray_info(info.Env(), info[0], nullptr, &length, &data, nullptr, nullptr) != napi_ok) {
        Napi::TypeError::New(info.Env(), "Hart: not a typed array").ThrowAsJavaScriptException();
        return;
    }
    if (info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array || length < layout::kRam) {
        Napi::RangeError::New(info.Env(), "Hart: not the bytes of a machine's memory").ThrowAsJavaScriptException();
        return;
    }
    memory_ = Napi::Persistent(info[0].As<Napi::Object>());
    Tiers tiers;
    tiers.translate = info[2].As<Napi::Boolean>().Value();
    tiers.hotThreshold = info[3].As<Napi::Number>().Uint32Value();
    hart_ = std::make_unique<Hart>(static_cast<uint8_t*>(data), length, static_cast<uint32_t>(id), tiers);
}

namespace {

/// Whether an argument is a number; if not, an error is pending.
bool isNumber(const Napi::CallbackInfo& info, size_t index) {
    if (info[index].IsNumber()) return true;
    Napi::TypeError::New(info.Env(), "Hart: not a number").ThrowAsJavaScriptException();
    return false;
}

}  // namespace

Napi::Value HartWrap::run(const Napi::CallbackInfo& info) {
    if (!isNumber(info, 0)) return {};
    const int64_t budget = info[0].As<Napi::Number>().Int64Value();
    const uint32_t stop = hart_ && budget > 0 ? hart_->run(static_cast<uint64_t>(budget)) : 0;
    // The thread may have been terminated meanwhile: then there is nobody to give it to, and nothing that can be thrown.
    napi_value result = nullptr;
    napi_create_uint32(info.Env(), stop, &result);
    return {info.Env(), result};
}

void HartWrap::completeMmio(const Napi::CallbackInfo& info) {
    if (!isNumber(info, 0) || !isNumber(info, 1)) return;
    const uint64_t low = info[0].As<Napi::Number>().Uint32Value();
    const uint64_t high = info[1].As<Napi::Number>().Uint32Value();
    if (hart_) hart_->completeMmio(low | (high << 32));
}

void HartWrap::setNow(const Napi::CallbackInfo& info) {
    if (!isNumber(info, 0)) return;
    if (hart_) hart_->machine().setNow(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()));
}

void HartWrap::refuseMmio(const Napi::CallbackInfo&) {
    if (hart_) hart_->refuseMmio();
}

void HartWrap::invalidate(const Napi::CallbackInfo&) {
    if (hart_) hart_->invalidate();
}

void HartWrap::close(const Napi::CallbackInfo&) {
    hart_.reset();
    memory_.Reset();
}

}  // namespace nodevisor
