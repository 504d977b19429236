#include "file_holes.h"

#include <cerrno>
#include <cstdint>

#include "file_args.h"

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace nodevisor {

namespace {

constexpr int UNKNOWN = -2;

Napi::Value seek(const Napi::CallbackInfo& info, [[maybe_unused]] bool data) {
    if (!onlyNumbers(info, 2)) return info.Env().Undefined();
#if defined(__linux__)
    const auto fd = static_cast<int>(numberAt(info, 0));
    const off_t at = lseek(fd, numberAt(info, 1), data ? SEEK_DATA : SEEK_HOLE);
    const double found = at >= 0 ? static_cast<double>(at) : errno == ENXIO ? -1 : UNKNOWN;
    return Napi::Number::New(info.Env(), found);
#else
    return Napi::Number::New(info.Env(), UNKNOWN);
#endif
}

Napi::Value seekData(const Napi::CallbackInfo& info) { return seek(info, true); }
Napi::Value seekHole(const Napi::CallbackInfo& info) { return seek(info, false); }

/// Giving much back takes a file system a while: it is done on a thread of the pool.
class Punch : public Napi::AsyncWorker {
public:
    Punch(Napi::Env env, int fd, int64_t offset, int64_t bytes)
        : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), fd_(fd), offset_(offset), bytes_(bytes) {}

    Napi::Promise promise() const { return deferred_.Promise(); }

    void Execute() override {
#if defined(__linux__)
        do {
            error_ = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset_, bytes_) == 0 ? 0 : errno;
        } while (error_ == EINTR);
#endif
    }

    void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), error_)); }

private:
    Napi::Promise::Deferred deferred_;
    [[maybe_unused]] int fd_;
    [[maybe_unused]] int64_t offset_;
    [[maybe_unused]] int64_t bytes_;
    int error_ = EOPNOTSUPP;
};

Napi::Value punchHole(const Napi::CallbackInfo& info) {
    if (!onlyNumbers(info, 3)) return info.Env().Undefined();
    // It deletes itself when it has ended.
    auto* punch = new Punch(info.Env(), static_cast<int>(numberAt(info, 0)), numberAt(info, 1), numberAt(info, 2));
    const Napi::Promise promise = punch->promise();
    punch->Queue();
    return promise;
}

}  // namespace

void defineFileHoles(Napi::Env env, Napi::Object exports) {
    exports.Set("seekData", Napi::Function::New(env, seekData, "seekData"));
    exports.Set("seekHole", Napi::Function::New(env, seekHole, "seekHole"));
    exports.Set("punchHole", Napi::Function::New(env, punchHole, "punchHole"));
}

}  // namespace nodevisor
