// The second tier: translates hot guest code to the host's. One translator belongs to one hart and is used on its thread.
//
// The unit is a run of blocks inside one page, entered at its top only: conditional branches forward are side exits,
// jumps within the page are followed. Runs link to each other directly inside a page, through a guard on
// Context::fetchGeneration across pages, and through Context::jumpCache for computed jumps.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../block_cache.h"
#include "../context.h"
#include "../decode.h"
#include "code_buffer.h"
#include "emitter.h"

namespace nodevisor {
class Hart;
}

namespace nodevisor::jit {

/// Whether there is an emitter for this host, and its processor has what translated code uses.
bool hostSupported();

#if defined(NODEVISOR_EMITTER)

class Translator {
public:
    /// A translator for `hart`; nullptr where the host cannot have one. `codeBytes`: bound on translated code; when it is
    /// full everything is translated anew.
    static std::unique_ptr<Translator> create(Hart* hart, BlockCache* blocks, size_t codeBytes);

    /// The translation of `block` at `pc`, or nullptr.
    const void* find(CodeBlock* block, uint64_t pc, uint32_t mode) const;
    /// Translates from `block` on; nullptr if it cannot be.
    const void* translate(CodeBlock* block, uint64_t pc, uint32_t mode);
    /// Runs translated code until it leaves; Context::pc, leave and budget say where and why.
    void enter(const void* code, Context* ctx) const { thunks_.enter(code, ctx); }
    /// The link that the last exit came through, now known to lead to `code`: patches it. `target` is its pc.
    void link(uint32_t id, const void* code, uint64_t target, uint32_t mode, Context* ctx);
    /// Forgets all translations.
    void clear();
    size_t used() const { return at_; }

private:
    friend class Run;

    struct Key {
        uint64_t gpa, pc;
        uint32_t mode;
        bool operator==(const Key& o) const { return gpa == o.gpa && pc == o.pc && mode == o.mode; }
    };
    struct KeyHash {
        size_t operator()(const Key& k) const {
            return static_cast<size_t>((k.gpa ^ (k.pc << 20) ^ (k.pc >> 12)) * 0x9e3779b97f4a7c15u + k.mode);
        }
    };
    struct Entry {
        /// Distance from the start of executable memory, where the thunks are: never 0.
        uint32_t code;
        uint32_t version;
    };
    /// An exit to a constant address, patched once its target is translated. Places are distances from the start of
    /// the buffer.
    struct Link {
        uint64_t target;
        uint32_t jump;
        /// 0 for links inside a page.
        uint32_t guard;
        uint32_t mode;
    };

    Translator(Hart* hart, BlockCache* blocks, size_t codeBytes) : hart_(hart), blocks_(blocks), buffer_(codeBytes) {}
    Room roomFrom(size_t at) const;

    Hart* hart_;
    BlockCache* blocks_;
    CodeBuffer buffer_;
    Thunks thunks_;
    size_t at_ = 0;
    size_t thunkBytes_ = 0;
    std::unordered_map<Key, Entry, KeyHash> entries_;
    /// Counts clear(): what blocks remember of older translations is void.
    uint32_t generation_ = 1;
    std::vector<Link> links_;
    /// Records that translated code hands to interpreter handlers; stable addresses.
    Arena recordArena_;
};

#else

/// Hosts without an emitter: there is never an object of this class.
class Translator {
public:
    Translator() = delete;
    static std::unique_ptr<Translator> create(Hart*, BlockCache*, size_t) { return nullptr; }
    const void* find(CodeBlock*, uint64_t, uint32_t) const { return nullptr; }
    const void* translate(CodeBlock*, uint64_t, uint32_t) { return nullptr; }
    void enter(const void*, Context*) const {}
    void link(uint32_t, const void*, uint64_t, uint32_t, Context*) {}
    void clear() {}
};

#endif

}  // namespace nodevisor::jit
