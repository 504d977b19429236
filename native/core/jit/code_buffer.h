// Memory for translated code: one piece of anonymous memory mapped twice, writable in one view and executable in the
// other, so that no page is ever both through one address.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nodevisor::jit {

class CodeBuffer {
public:
    explicit CodeBuffer(size_t bytes);
    ~CodeBuffer();
    CodeBuffer(const CodeBuffer&) = delete;
    CodeBuffer& operator=(const CodeBuffer&) = delete;

    /// False where the host does not allow executable memory: then there is no translator.
    bool usable() const { return write_ != nullptr; }
    uint8_t* write() const { return write_; }
    const uint8_t* exec() const { return exec_; }
    size_t bytes() const { return bytes_; }
    /// Code has been written up to `end`: every now and then lets the host take back what the writable view holds of
    /// it. Nothing is lost, the next write there maps its page again.
    void settle(size_t end);

private:
    uint8_t* write_ = nullptr;
    uint8_t* exec_ = nullptr;
    size_t bytes_;
    size_t settled_ = 0;
};

}  // namespace nodevisor::jit
