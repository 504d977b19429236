// System calls on files that Node has none of: where a file has data, and holes for what is not needed any more.
#pragma once

#include <napi.h>

namespace nodevisor {

/// Adds to the module:
/// `seekData(fd, offset)` and `seekHole(fd, offset)`: where from `offset` on the file has data, or has none, in bytes;
/// −1: nowhere before its end, −2: this file system, or system, does not tell.
/// `punchHole(fd, offset, bytes)`: gives the range's place back, which then reads as zeroes; a promise of an errno, 0
/// for success. Wrong arguments throw a JavaScript error.
void defineFileHoles(Napi::Env env, Napi::Object exports);

}  // namespace nodevisor
