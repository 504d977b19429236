#include "file_locks.h"

#include <cerrno>

#include "file_args.h"

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace nodevisor {

namespace {

#if defined(__linux__) && defined(F_OFD_SETLK)

struct flock oneByte(const Napi::CallbackInfo& info, short type) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = numberAt(info, 1);
    lock.l_len = 1;
    return lock;
}

int take(const Napi::CallbackInfo& info) {
    struct flock lock = oneByte(info, F_RDLCK);
    return fcntl(static_cast<int>(numberAt(info, 0)), F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

int look(const Napi::CallbackInfo& info) {
    // Any lock of another is in the way of this one.
    struct flock lock = oneByte(info, F_WRLCK);
    if (fcntl(static_cast<int>(numberAt(info, 0)), F_OFD_GETLK, &lock) != 0) return -errno;
    return lock.l_type == F_UNLCK ? 0 : 1;
}

#else

int take(const Napi::CallbackInfo&) { return ENOSYS; }
int look(const Napi::CallbackInfo&) { return -ENOSYS; }

#endif

Napi::Value lockByte(const Napi::CallbackInfo& info) {
    if (!onlyNumbers(info, 2)) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), take(info));
}

Napi::Value byteTaken(const Napi::CallbackInfo& info) {
    if (!onlyNumbers(info, 2)) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), look(info));
}

}  // namespace

void defineFileLocks(Napi::Env env, Napi::Object exports) {
    exports.Set("lockByte", Napi::Function::New(env, lockByte, "lockByte"));
    exports.Set("byteTaken", Napi::Function::New(env, byteTaken, "byteTaken"));
}

}  // namespace nodevisor
