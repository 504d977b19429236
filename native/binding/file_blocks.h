// Reading a file and finding the zeroes in what was read, both on a thread of the pool.
#pragma once

#include <napi.h>

namespace nodevisor {

/// Adds to the module:
/// `readBlocks(fd, offset, blockBytes, into, runs)`: fills the Uint8Array `into` from byte `offset` of the file, and puts
/// the lengths in bytes of what is zero and what is not, by turns, zeroes first, into the Uint32Array `runs`; a block is
/// zero as a whole or not. A promise of how many lengths there are, when there is no more room the last one being of no
/// zeroes; or of an errno, negative, ENODATA for a file that ends before. Not on Windows. Wrong arguments throw a
/// JavaScript error.
void defineFileBlocks(Napi::Env env, Napi::Object exports);

}  // namespace nodevisor
