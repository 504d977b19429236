#include "code_buffer.h"

#if !defined(_WIN32)

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace nodevisor::jit {

#if defined(__linux__)

CodeBuffer::CodeBuffer(size_t bytes) : bytes_(bytes) {
    const int fd = memfd_create("nodevisor-code", MFD_CLOEXEC);
    if (fd < 0) return;
    if (ftruncate(fd, static_cast<off_t>(bytes)) == 0) {
        void* w = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        void* x = mmap(nullptr, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
        if (w != MAP_FAILED && x != MAP_FAILED) {
            write_ = static_cast<uint8_t*>(w);
            exec_ = static_cast<uint8_t*>(x);
        } else {
            if (w != MAP_FAILED) munmap(w, bytes);
            if (x != MAP_FAILED) munmap(x, bytes);
        }
    }
    close(fd);
}

CodeBuffer::~CodeBuffer() {
    if (write_) {
        munmap(write_, bytes_);
        munmap(exec_, bytes_);
    }
}

void CodeBuffer::settle(size_t end) {
    constexpr size_t kStep = size_t{1} << 20;
    if (end < settled_) settled_ = 0;  // begun anew
    if (end - settled_ < kStep) return;
    settled_ = end;
    // All of it: links patch code anywhere. The memory is shared, so this drops the view's mappings, not its contents.
    madvise(write_, end & ~size_t{0xffff}, MADV_DONTNEED);
}

#else

// Other systems run the interpreter tier until they have a mapping of their own here.
CodeBuffer::CodeBuffer(size_t bytes) : bytes_(bytes) {}
CodeBuffer::~CodeBuffer() = default;
void CodeBuffer::settle(size_t) {}

#endif

}  // namespace nodevisor::jit

#endif
