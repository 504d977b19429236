// The second tier: translates hot guest code to x86-64. One translator belongs to one hart and is used on its thread.
//
// The unit is a run of blocks inside one page, entered at its top only: conditional branches forward are side exits,
// jumps within the page are followed. Runs link to each other directly inside a page, through a guard on
// Context::fetchGeneration across pages, and through Context::jumpCache for computed jumps.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "../block_cache.h"
#include "../context.h"
#include "../decode.h"
#include "asm_x64.h"
#include "code_buffer.h"
#include "registers.h"

namespace nodevisor {
class Hart;
}

namespace nodevisor::jit {

/// Whether this host has what translated code uses (the x86-64-v3 level: AVX, FMA, BMI1/2, LZCNT, POPCNT).
bool hostSupported();

class Translator {
public:
    /// `codeBytes`: bound on translated code; when it is full everything is translated anew.
    Translator(Hart* hart, BlockCache* blocks, size_t codeBytes);

    bool usable() const { return buffer_.usable(); }
    /// The translation of `block` at `pc`, or nullptr.
    const void* find(CodeBlock* block, uint64_t pc, uint32_t mode) const;
    /// Translates from `block` on; nullptr if it cannot be.
    const void* translate(CodeBlock* block, uint64_t pc, uint32_t mode);
    /// Runs translated code until it leaves; Context::pc, leave and budget say where and why.
    void enter(const void* code, Context* ctx) const { enter_(code, ctx); }
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
        uint32_t distance;
        /// End of the guard's immediate (which is four bytes), or 0 for links inside a page.
        uint32_t guard;
        uint32_t mode;
    };

    void emitThunks();
    void saveHomes(bool fp);
    void loadHomes(bool fp);
    uint8_t* emitCall(const void* function);

    Hart* hart_;
    BlockCache* blocks_;
    CodeBuffer buffer_;
    Asm a_;
    size_t at_ = 0;
    size_t thunkBytes_ = 0;
    std::unordered_map<Key, Entry, KeyHash> entries_;
    /// Counts clear(): what blocks remember of older translations is void.
    uint32_t generation_ = 1;
    std::vector<Link> links_;
    /// Records that translated code hands to interpreter handlers; stable addresses.
    std::vector<Insn*> records_;
    Arena recordArena_;

    void (*enter_)(const void*, Context*) = nullptr;
    // Places in the thunks (writable view).
    uint8_t* exit_ = nullptr;
    uint8_t* exitNext_ = nullptr;
    uint8_t* loadThunk_ = nullptr;
    uint8_t* storeThunk_ = nullptr;
    uint8_t* fillThunk_ = nullptr;
    uint8_t* callThunk_ = nullptr;
};

}  // namespace nodevisor::jit
