#include "fd_watch.h"

#if defined(__linux__)

#include <uv.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <memory>

namespace nodevisor {

namespace {

class FdWatch;

/// What libuv holds on to until it has closed it: it outlives the object, and may outlive its environment's code.
struct Handle {
    uv_poll_t poll;
    FdWatch* owner;
    napi_async_cleanup_hook_handle hook = nullptr;
};

void freeHandle(uv_handle_t* closed) {
    auto* handle = static_cast<Handle*>(closed->data);
    if (handle->hook != nullptr) napi_remove_async_cleanup_hook(handle->hook);
    delete handle;
}

class FdWatch : public Napi::ObjectWrap<FdWatch> {
public:
    static Napi::Function define(Napi::Env env) {
        return DefineClass(env, "FdWatch",
                           {InstanceMethod("start", &FdWatch::start), InstanceMethod("close", &FdWatch::close)});
    }

    explicit FdWatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FdWatch>(info) {
        const double fd = info.Length() == 2 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
        if (!(fd >= 0 && fd <= INT32_MAX && fd == std::floor(fd)) || !info[1].IsFunction()) {
            Napi::TypeError::New(info.Env(), "FdWatch: a file descriptor and a function").ThrowAsJavaScriptException();
            return;
        }
        uv_loop_t* loop = nullptr;
        if (napi_get_uv_event_loop(info.Env(), &loop) != napi_ok) {
            Napi::Error::New(info.Env(), "FdWatch: this thread has no event loop").ThrowAsJavaScriptException();
            return;
        }
        auto* handle = new Handle;
        const int status = uv_poll_init(loop, &handle->poll, static_cast<int>(fd));
        if (status != 0) {
            delete handle;
            Napi::Error::New(info.Env(), uv_strerror(status)).ThrowAsJavaScriptException();
            return;
        }
        handle->poll.data = handle;
        handle->owner = this;
        handle_ = handle;
        callback_ = Napi::Persistent(info[1].As<Napi::Function>());
        context_ = std::make_unique<Napi::AsyncContext>(info.Env(), "FdWatch");
        // Whoever waits need not hold on to what it waits with.
        Ref();
        // A thread may end with it open: libuv's handle goes before the loop does.
        napi_add_async_cleanup_hook(info.Env(), atExit, handle, &handle->hook);
    }

    ~FdWatch() override { drop(); }

private:
    Napi::Value start(const Napi::CallbackInfo& info) {
        if (info.Length() != 2 || !info[0].IsBoolean() || !info[1].IsBoolean()) {
            Napi::TypeError::New(info.Env(), "FdWatch: whether readable, whether writable").ThrowAsJavaScriptException();
            return info.Env().Undefined();
        }
        int status = UV_EBADF;
        if (handle_ != nullptr) {
            const int events =
                (info[0].As<Napi::Boolean>() ? UV_READABLE : 0) | (info[1].As<Napi::Boolean>() ? UV_WRITABLE : 0);
            status = events == 0 ? uv_poll_stop(&handle_->poll) : uv_poll_start(&handle_->poll, events, ready);
        }
        return Napi::Number::New(info.Env(), -status);
    }

    void close(const Napi::CallbackInfo&) {
        if (handle_ == nullptr) return;
        drop();
        callback_.Reset();
        Unref();
    }

    void drop() {
        if (handle_ == nullptr) return;
        handle_->owner = nullptr;
        uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll), freeHandle);
        handle_ = nullptr;
    }

    static void atExit(napi_async_cleanup_hook_handle hook, void* data) {
        auto* handle = static_cast<Handle*>(data);
        handle->hook = hook;
        if (handle->owner != nullptr) handle->owner->drop();
    }

    static void ready(uv_poll_t* poll, int status, int events) {
        auto* owner = static_cast<Handle*>(poll->data)->owner;
        if (owner != nullptr) owner->call(status, events);
    }

    void call(int status, int events) {
        const Napi::Env env = Env();
        const Napi::HandleScope scope(env);
        // It may close this, which is in use here until it has returned.
        [[maybe_unused]] const Napi::Object self = Value();
        const Napi::Function callback = callback_.Value();
        callback.MakeCallback(env.Global(),
                              {Napi::Boolean::New(env, (events & UV_READABLE) != 0),
                               Napi::Boolean::New(env, (events & UV_WRITABLE) != 0), Napi::Boolean::New(env, status < 0)},
                              *context_);
        // Nobody called that it could be thrown to.
        napi_value error = nullptr;
        bool thrown = false;
        if (napi_is_exception_pending(env, &thrown) == napi_ok && thrown &&
            napi_get_and_clear_last_exception(env, &error) == napi_ok) {
            napi_fatal_exception(env, error);
        }
    }

    Handle* handle_ = nullptr;
    Napi::FunctionReference callback_;
    std::unique_ptr<Napi::AsyncContext> context_;
};

}  // namespace

void defineFdWatch(Napi::Env env, Napi::Object exports) { exports.Set("FdWatch", FdWatch::define(env)); }

}  // namespace nodevisor

#else

namespace nodevisor {

void defineFdWatch(Napi::Env, Napi::Object) {}

}  // namespace nodevisor

#endif
