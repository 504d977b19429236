// The module: { Hart, translates }. State is per environment: every worker thread that loads it has its own.

#include <napi.h>

#include "../core/jit/translator.h"
#include "hart_wrap.h"

namespace {

class Addon : public Napi::Addon<Addon> {
public:
    Addon(Napi::Env env, Napi::Object exports) {
        exports.Set("Hart", nodevisor::HartWrap::define(env));
        // Whether this host has a second tier.
        exports.Set("translates", Napi::Boolean::New(env, nodevisor::jit::hostSupported()));
    }
};

}  // namespace

NODE_API_ADDON(Addon)
