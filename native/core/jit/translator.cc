#include "translator.h"

#if defined(NODEVISOR_EMITTER)

#include "../hart.h"
#include "run.h"

namespace nodevisor::jit {

namespace {

/// Room a run may take: emission stops being useful before it.
constexpr size_t kRunReserve = 256 << 10;

/// Where the first run begins.
size_t behind(size_t thunkBytes) { return (thunkBytes + 63) & ~size_t{63}; }

}  // namespace

bool hostSupported() { return Thunks::supported(); }

std::unique_ptr<Translator> Translator::create(Hart* hart, BlockCache* blocks, size_t codeBytes) {
    if (!hostSupported()) return nullptr;
    std::unique_ptr<Translator> t(new Translator(hart, blocks, codeBytes));
    if (!t->buffer_.usable()) return nullptr;
    t->thunkBytes_ = t->thunks_.emit(t->roomFrom(0));
    if (t->thunkBytes_ == 0) return nullptr;
    Emitter::publish(t->buffer_.exec(), t->thunkBytes_);
    t->at_ = behind(t->thunkBytes_);
    return t;
}

Room Translator::roomFrom(size_t at) const {
    return {buffer_.write() + at, buffer_.exec() + at, buffer_.write() + buffer_.bytes()};
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
    Plan plan(pc, mode, hart_->ctx.fpKey);
    plan.collect(block, blocks_);
    // Code that may not use floating point now would be compiled for a state it hardly ever runs in.
    if (plan.steps.empty() || (plan.frm == kFpSlow && plan.usesFp())) return nullptr;
    plan.analyse(Emitter::usualHomes());
    Run run(this, plan, roomFrom(at_));
    const size_t links = links_.size();
    const uint8_t* entry;
    if (!run.emit(&entry)) {
        links_.resize(links);
        return nullptr;
    }
    const size_t end = static_cast<size_t>(run.end() - buffer_.write());
    Emitter::publish(buffer_.exec() + at_, end - at_);
    at_ = end;
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
        Emitter::setGuard(buffer_.write() + link.guard, ctx->fetchGeneration[link.mode], buffer_.exec() + link.guard);
    }
    Emitter::setJump(buffer_.write() + link.jump, to, buffer_.exec() + link.jump);
}

void Translator::clear() {
    generation_++;
    entries_.clear();
    links_.clear();
    recordArena_.clear();
    at_ = behind(thunkBytes_);
    // Nothing may jump to what was there: links were inside it, and the jump caches go with the generation.
    hart_->dropTranslations();
}

}  // namespace nodevisor::jit

#else

namespace nodevisor::jit {

bool hostSupported() { return false; }

}  // namespace nodevisor::jit

#endif
