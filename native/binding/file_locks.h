// Locks on single bytes of a file that belong to how it was opened: the system takes them back when that is closed,
// however the process ends, and other opens of the same file in the same process are others'.
#pragma once

#include <napi.h>

namespace nodevisor {

/// Adds to the module (fcntl(2), F_OFD_SETLK and F_OFD_GETLK; Linux):
/// `lockByte(fd, offset)`: takes a shared lock on a byte of a file that is open to be read; an errno, 0 for success.
/// `byteTaken(fd, offset)`: whether others have a lock on that byte; 1 yes, 0 no, or an errno, negative.
/// Wrong arguments throw a JavaScript error.
void defineFileLocks(Napi::Env env, Napi::Object exports);

}  // namespace nodevisor
