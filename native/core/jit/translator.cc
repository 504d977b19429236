#include "translator.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <cpuid.h>
#endif

#include "../hart.h"
#include "run.h"

namespace nodevisor::jit {

namespace {

/// Room a run may take: emission stops being useful before it.
constexpr size_t kRunReserve = 256 << 10;

}  // namespace

bool hostSupported() {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    // LZCNT is ABM's in CPUID.80000001H:ECX[5], for which compilers have different names. Without it its encoding is BSR.
    unsigned a, b, c, d;
    if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || !(c & (1u << 5))) return false;
    return __builtin_cpu_supports("avx") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

Translator::Translator(Hart* hart, BlockCache* blocks, size_t codeBytes)
    : hart_(hart), blocks_(blocks), buffer_(codeBytes) {
    if (!buffer_.usable()) return;
    emitThunks();
    at_ = (thunkBytes_ + 63) & ~size_t{63};
}

namespace {

void remember(CodeBlock* block, uint64_t pc, uint32_t mode, uint32_t generation, uint32_t code) {
    if (block->codePc != pc || block->codeGeneration != generation) {
        block->codePc = pc;
        block->codeGeneration = generation;
        for (auto& c : block->code) c = 0;
    }
    block->code[mode] = code;
}

}  // namespace

const void* Translator::find(CodeBlock* block, uint64_t pc, uint32_t mode) const {
    if (block->codePc == pc && block->codeGeneration == generation_ && block->code[mode]) {
        return buffer_.exec() + block->code[mode];
    }
    // A block that was never translated is the frequent case.
    if (block->codeGeneration != generation_) return nullptr;
    const auto found = entries_.find({block->gpa(), pc, mode});
    if (found == entries_.end() || found->second.version != block->page->version) return nullptr;
    remember(block, pc, mode, generation_, found->second.code);
    return buffer_.exec() + found->second.code;
}

const void* Translator::translate(CodeBlock* block, uint64_t pc, uint32_t mode) {
    if (buffer_.bytes() - at_ < kRunReserve) clear();
    Run run(this, pc, mode);
    run.collect(block, blocks_);
    a_.start(buffer_.write() + at_, buffer_.exec() + at_, buffer_.write() + buffer_.bytes());
    const size_t links = links_.size();
    const uint8_t* entry;
    if (!run.emit(&entry)) {
        links_.resize(links);
        return nullptr;
    }
    at_ = static_cast<size_t>(a_.here() - buffer_.write());
    buffer_.settle(at_);
    const auto code = static_cast<uint32_t>(entry - buffer_.exec());
    entries_[{block->gpa(), pc, mode}] = {code, block->page->version};
    remember(block, pc, mode, generation_, code);
    return entry;
}

void Translator::link(uint32_t id, const void* code, uint64_t target, uint32_t mode, Context* ctx) {
    if (id >= links_.size()) return;
    const Link& link = links_[id];
    if (link.target != target || link.mode != mode) return;
    const uint8_t* to = buffer_.write() + (static_cast<const uint8_t*>(code) - buffer_.exec());
    if (link.guard) {
        const uint32_t generation = ctx->fetchGeneration[link.mode];
        std::memcpy(buffer_.write() + link.guard - 4, &generation, 4);
    }
    a_.start(nullptr, nullptr, nullptr);
    a_.patch(buffer_.write() + link.distance, to);
}

void Translator::clear() {
    generation_++;
    entries_.clear();
    links_.clear();
    recordArena_.clear();
    at_ = (thunkBytes_ + 63) & ~size_t{63};
    // Nothing may jump to what was there: links were inside it, and the jump caches go with the generation.
    hart_->dropTranslations();
}

}  // namespace nodevisor::jit
