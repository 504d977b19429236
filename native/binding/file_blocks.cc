#include "file_blocks.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "file_args.h"

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace nodevisor {

namespace {

/// So much is read before it is looked at: it is in the processor's caches then.
constexpr size_t PIECE = 256 * 1024;

/// Lengths of what is zero and what is not, by turns.
class Runs {
public:
    Runs(uint32_t* lengths, size_t room) : lengths_(lengths), room_(room) { lengths_[0] = 0; }

    void add(bool zero, size_t bytes) {
        const bool lastIsZero = count_ % 2 == 1;
        // Once the last place is taken everything goes there. It is one of no zeroes: the room is even.
        if (zero != lastIsZero && count_ < room_) lengths_[count_++] = 0;
        lengths_[count_ - 1] += static_cast<uint32_t>(bytes);
    }

    size_t count() const { return count_; }

private:
    uint32_t* lengths_;
    size_t room_;
    size_t count_ = 1;
};

bool isZero(const uint8_t* data, size_t bytes) {
    // Every byte is as the one before it.
    return data[0] == 0 && std::memcmp(data, data + 1, bytes - 1) == 0;
}

class ReadBlocks : public Napi::AsyncWorker {
public:
    ReadBlocks(Napi::Env env, int fd, int64_t offset, size_t block, Napi::Uint8Array into, Napi::Uint32Array runs)
        : Napi::AsyncWorker(env),
          deferred_(Napi::Promise::Deferred::New(env)),
          intoRef_(Napi::Persistent(into)),
          runsRef_(Napi::Persistent(runs)),
          into_(into.Data()),
          bytes_(into.ByteLength()),
          block_(block),
          runs_(runs.Data(), runs.ElementLength() & ~size_t{1}),
          offset_(offset),
          fd_(fd) {}

    Napi::Promise promise() const { return deferred_.Promise(); }

    void Execute() override {
        // A piece is made of whole blocks.
        const size_t most = std::max(block_, PIECE - PIECE % block_);
        for (size_t at = 0; at < bytes_;) {
            const size_t bytes = std::min(most, bytes_ - at);
            result_ = read(at, bytes);
            if (result_ < 0) return;
            for (size_t end = at + bytes; at < end;) {
                const size_t length = std::min(block_, end - at);
                runs_.add(isZero(into_ + at, length), length);
                at += length;
            }
        }
        result_ = static_cast<int>(runs_.count());
    }

    void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), result_)); }

private:
    int read(size_t at, size_t bytes) {
#if defined(_WIN32)
        return -ENOSYS;
#else
        for (size_t done = 0; done < bytes;) {
            const ssize_t count = pread(fd_, into_ + at + done, bytes - done, offset_ + static_cast<off_t>(at + done));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return -errno;
            if (count == 0) return -ENODATA;
            done += static_cast<size_t>(count);
        }
        return 0;
#endif
    }

    Napi::Promise::Deferred deferred_;
    // What is written to stays where it is until this has ended.
    Napi::Reference<Napi::Uint8Array> intoRef_;
    Napi::Reference<Napi::Uint32Array> runsRef_;
    uint8_t* into_;
    size_t bytes_;
    size_t block_;
    Runs runs_;
    int64_t offset_;
    [[maybe_unused]] int fd_;
    int result_ = 0;
};

bool isArray(const Napi::Value& value, napi_typedarray_type type) {
    return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

Napi::Value readBlocks(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const bool good = info.Length() == 5 && areNumbers(info, 3) && numberAt(info, 2) > 0 &&
                      isArray(info[3], napi_uint8_array) && isArray(info[4], napi_uint32_array) &&
                      info[3].As<Napi::Uint8Array>().ByteLength() <= UINT32_MAX &&
                      info[4].As<Napi::Uint32Array>().ElementLength() >= 2;
    if (!good) {
        Napi::TypeError::New(env, "a file descriptor, an offset and a block in bytes, then a Uint8Array and a Uint32Array")
            .ThrowAsJavaScriptException();
        return env.Undefined();
    }
    // It deletes itself when it has ended.
    auto* work = new ReadBlocks(env, static_cast<int>(numberAt(info, 0)), numberAt(info, 1),
                                static_cast<size_t>(numberAt(info, 2)), info[3].As<Napi::Uint8Array>(),
                                info[4].As<Napi::Uint32Array>());
    const Napi::Promise promise = work->promise();
    work->Queue();
    return promise;
}

}  // namespace

void defineFileBlocks(Napi::Env env, Napi::Object exports) {
    exports.Set("readBlocks", Napi::Function::New(env, readBlocks, "readBlocks"));
}

}  // namespace nodevisor
