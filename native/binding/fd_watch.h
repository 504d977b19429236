// Waiting for file descriptors that Node has no stream for, in the event loop of the thread.
#pragma once

#include <napi.h>

namespace nodevisor {

/// Adds to the module `FdWatch`, where the system is Linux:
/// `new FdWatch(fd, callback)`: watches a descriptor that epoll takes, for nothing at first. `start(readable, writable)`:
/// from now on `callback(readable, writable, failed)` is called when it is what is waited for, again and again while it
/// stays so; both false: not at all. `failed`: the descriptor is no use any more, and nothing is called after it.
/// Returns 0 or an errno. `close()`: nothing is called any more, and the descriptor may be closed.
/// Wrong arguments throw a JavaScript error.
void defineFdWatch(Napi::Env env, Napi::Object exports);

}  // namespace nodevisor
