#include "code_buffer.h"

#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

namespace nodevisor::jit {

CodeBuffer::CodeBuffer(size_t bytes) : bytes_(bytes) {
    const auto size = static_cast<uint64_t>(bytes);
    // Memory of the paging file; the section allows both, each view one of them.
    const HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_EXECUTE_READWRITE | SEC_COMMIT,
                                              static_cast<DWORD>(size >> 32), static_cast<DWORD>(size), nullptr);
    if (!section) return;
    void* w = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, bytes);
    void* x = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, bytes);
    if (w && x) {
        write_ = static_cast<uint8_t*>(w);
        exec_ = static_cast<uint8_t*>(x);
    } else {
        if (w) UnmapViewOfFile(w);
        if (x) UnmapViewOfFile(x);
    }
    // The views keep the section.
    CloseHandle(section);
}

CodeBuffer::~CodeBuffer() {
    if (!write_) return;
    UnmapViewOfFile(write_);
    UnmapViewOfFile(exec_);
}

void CodeBuffer::settle(size_t end) {
    constexpr size_t kStep = size_t{1} << 20;
    if (end < settled_) settled_ = 0;  // begun anew
    if (end - settled_ < kStep) return;
    settled_ = end;
    // Unlocking what is not locked fails, and takes the pages out of the working set: the section keeps their contents.
    VirtualUnlock(write_, end & ~size_t{0xffff});
}

}  // namespace nodevisor::jit

#endif
