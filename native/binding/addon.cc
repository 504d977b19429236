// The module: { Hart, translates, and what fd_watch.h, file_blocks.h, file_holes.h,
// file_locks.h and tap.h say }. State is per environment: every worker thread that loads it has its own.

#include <napi.h>

#include "../core/jit/translator.h"
#include "fd_watch.h"
#include "file_blocks.h"
#include "file_holes.h"
#include "file_locks.h"
#include "hart_wrap.h"
#include "tap.h"

namespace {

class Addon : public Napi::Addon<Addon> {
public:
    Addon(Napi::Env env, Napi::Object exports) {
        exports.Set("Hart", nodevisor::HartWrap::define(env));
        nodevisor::defineFdWatch(env, exports);
        nodevisor::defineFileBlocks(env, exports);
        nodevisor::defineFileHoles(env, exports);
        nodevisor::defineFileLocks(env, exports);
        nodevisor::defineTap(env, exports);
        // Whether this host has a second tier.
        exports.Set("translates", Napi::Boolean::New(env, nodevisor::jit::hostSupported()));
    }
};

}  // namespace

NODE_API_ADDON(Addon)
