// Decoded blocks by guest physical address, and how they are kept true to memory: each page remembers the bytes its
// blocks were decoded from and compares them once after every change of the code epoch (fence.i).
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "context.h"
#include "decode.h"

namespace nodevisor {

struct CodePage;

/// One pre-decoded instruction as the threaded interpreter walks it. Sixteen bytes.
struct Insn {
    /// Executes it and goes on to ip[1], or returns with Context::leave set.
    void (*handler)(const Insn* ip, Context* ctx);
    uint8_t rd, rs1, rs2;
    /// Distance from the start of the block in half-words.
    uint8_t at;
    int32_t imm;
};
static_assert(sizeof(Insn) == 16);

/// A straight run of instructions inside one page. There are a hundred thousand in a guest that has booted, hence the
/// small fields. What it consists of lies behind it: `count` records and a sentinel, then the instructions as decoded.
struct CodeBlock {
    CodePage* page;
    /// Translations by mode for the virtual address `codePc`, valid while the translator is at `codeGeneration`: their
    /// distance from the start of executable memory, or 0.
    uint64_t codePc;
    uint32_t code[kModeCount];
    uint32_t codeGeneration;
    /// Executions, until it is translated.
    uint32_t heat;
    /// Where in the page it begins, in bytes.
    uint16_t offset;
    uint8_t count;
    uint8_t bytes;
    /// Instructions that take long in the interpreter (see Context::slow).
    uint8_t slow;
    /// Translation gave up on it.
    bool cold;
    /// One instruction that wants the counters up to date.
    bool serial;

    const Insn* insns() const { return reinterpret_cast<const Insn*>(this + 1); }
    Insn* insns() { return reinterpret_cast<Insn*>(this + 1); }
    /// The same instructions as decoded, for traps and the translator.
    const Decoded* decoded() const { return reinterpret_cast<const Decoded*>(insns() + count + 1); }
    Decoded* decoded() { return reinterpret_cast<Decoded*>(insns() + count + 1); }
    inline uint64_t gpa() const;
};
static_assert(sizeof(CodeBlock) % alignof(Insn) == 0 && alignof(CodeBlock) >= alignof(Insn));
static_assert(sizeof(Insn) % alignof(Decoded) == 0);

/// What is known of one page of guest code.
struct CodePage {
    uint64_t gpa;
    const uint8_t* host;
    /// What the page was last verified at.
    uint64_t stamp;
    /// The hart has it among the pages that it runs.
    bool active;
    /// Raised whenever the page's blocks were dropped: translations made before are void.
    uint32_t version;
    /// The 64-byte lines that blocks were decoded from, and their bytes then.
    uint64_t lines;
    uint8_t copy[4096];
    /// At which half-words blocks begin, as bits; how many begin before each word of those; and the blocks in that order.
    /// What runs again after its caches were dropped is found here, page after page: lists of blocks would miss the
    /// host's caches at every one.
    uint64_t starts[32];
    uint16_t before[32];
    std::vector<CodeBlock*> blocks;

    void forgetBlocks();
};

uint64_t CodeBlock::gpa() const { return page->gpa + offset; }

/// Bump allocator for blocks: they all go at once.
class Arena {
public:
    void* allocate(size_t bytes);
    void clear();
    size_t used() const { return chunks_.size() * kChunk; }

private:
    static constexpr size_t kChunk = 1 << 20;
    std::vector<std::unique_ptr<uint8_t[]>> chunks_;
    size_t at_ = kChunk;
};

class BlockCache {
public:
    /// Longest block in instructions: as bytes, what CodeBlock::bytes can hold.
    static constexpr uint32_t kMaxInsns = 48;

    /// The page at `gpa` (page-aligned, at `host`), verified at `stamp`. Dropped blocks bump page->version.
    CodePage* page(uint64_t gpa, const uint8_t* host, uint64_t stamp);
    /// Compares the page with memory and drops its blocks if it changed; true: it did not.
    static bool verify(CodePage* page, uint64_t stamp);
    /// The block at `offset` in `page`, decoding it if need be; nullptr if its first instruction crosses the page's end.
    CodeBlock* block(CodePage* page, uint32_t offset);
    /// A block of the one instruction `raw`, which crosses the end of a page; valid until the next call.
    CodeBlock* single(uint64_t gpa, uint32_t raw);
    /// Forgets everything.
    void clear();
    /// More is held than is reasonable for one guest: clear at the next opportunity.
    bool full() const { return arena_.used() > (size_t{96} << 20) || pages_.size() > 8192; }

private:
    CodeBlock* build(CodePage* page, uint32_t offset);
    void cover(CodePage* page, uint32_t offset, uint32_t bytes);

    std::unordered_map<uint64_t, std::unique_ptr<CodePage>> pages_;
    Arena arena_;
    struct {
        CodeBlock block;
        Insn insns[2];
        Decoded decoded;
    } single_{};
};

}  // namespace nodevisor
