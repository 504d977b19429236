// From the pc to decoded code: caches of instruction pages and of blocks, and when they are to be forgotten.

#include <cstring>

#include "generated/causes.h"
#include "hart.h"
#include "jit/translator.h"

namespace nodevisor {

namespace {

using L = layout::hart;

}  // namespace

void Hart::dropFetch() {
    for (uint32_t mode = 0; mode < kModeCount; mode++) dropFetchMode(mode);
    for (CodePage* page : active_) page->active = false;
    active_.clear();
}

void Hart::dropFetchMode(uint32_t mode) {
    // S-mode code runs with SUM set and clear.
    if (mode == kModeS) dropFetchMode(kModeSum);
    if (!fetchUsed_[mode]) return;
    fetchUsed_[mode] = false;
    ctx.fetchGeneration[mode]++;
    for (auto& e : ctx.jumpCache[mode]) e.pc = 1;  // odd: no instruction is there
    for (auto& e : fetchCache_[mode]) e.page = 1;
    for (auto& e : blockCache_[mode]) e.pc = 1;
    std::memset(fetched_[mode], 0, sizeof fetched_[mode]);
}

void Hart::dropTranslations() { dropFetch(); }

void Hart::fenceI() {
    // The epoch makes every decoded page compare itself with memory before it runs again.
    atomic32(block_, L::codeEpoch).fetch_add(1);
}

bool Hart::fetchTranslate(uint64_t va, uint64_t* gpa, const uint8_t** host) {
    const uint64_t page = va & ~uint64_t{0xfff};
    FetchEntry& e = fetchCache_[fetchMode()][(va >> 12) & (kFetchSize - 1)];
    if (e.page == page) {
        *gpa = e.gpa | (va & 0xfff);
        *host = e.host + (va & 0xfff);
        return true;
    }
    const Translation t = translate(va, Access::kFetch, priv_, false, false);
    const Slot* slot = t.fault ? nullptr : machine_.find(t.gpa);
    if (!slot) {
        raise(t.fault ? t.fault - 1 : cause::INSTRUCTION_ACCESS_FAULT, va);
        return false;
    }
    *gpa = t.gpa;
    *host = slot->host + (t.gpa - slot->gpa);
    if (t.shift != 12) noteLarge(va, t.shift);
    const uint32_t bit = fetchedBit(va);
    fetched_[fetchMode()][bit >> 6] |= uint64_t{1} << (bit & 63);
    if (!t.global && priv_ != 0) fetchedLocal_ = true;
    fetchUsed_[fetchMode()] = true;
    if (t.cacheable) e = FetchEntry{page, t.gpa & ~uint64_t{0xfff}, *host - (va & 0xfff), nullptr};
    return true;
}

/// Another hart or FENCE.I wants decoded code compared with memory. A remote fence raises FLUSH_TLB with it.
void Hart::checkEpoch() {
    const uint32_t epoch = atomic32(block_, L::codeEpoch).load();
    if (epoch == seenEpoch_) return;
    seenEpoch_ = epoch;
    codeStamp_++;
    // Code hardly ever changed: comparing what runs at present is cheaper than finding all of it again.
    constexpr size_t kActiveMax = 512;
    if (active_.size() > kActiveMax) return dropFetch();
    bool same = true;
    for (CodePage* page : active_) same = BlockCache::verify(page, codeStamp_) && same;
    if (!same) dropFetch();
}

CodeBlock* Hart::fetchBlock() {
    const uint64_t pc = ctx.pc;
    BlockEntry& cached = blockCache_[fetchMode()][(pc >> 1) & (kBlockCacheSize - 1)];
    if (cached.pc == pc) return cached.block;
    if (blocks_.full()) {
        dropFetch();
        blocks_.clear();
        if (jit_) jit_->clear();
    }
    uint64_t gpa;
    const uint8_t* host;
    if (!fetchTranslate(pc, &gpa, &host)) return nullptr;
    if (!translateCacheable(pc)) return fetchSingle(pc, gpa, host);
    FetchEntry& entry = fetchCache_[fetchMode()][(pc >> 12) & (kFetchSize - 1)];
    if (!entry.code) {
        entry.code = blocks_.page(entry.gpa, entry.host, codeStamp_);
        if (!entry.code->active) active_.push_back(entry.code);
        entry.code->active = true;
    }
    CodeBlock* block = blocks_.block(entry.code, static_cast<uint32_t>(pc & 0xfff));
    if (!block) return fetchSingle(pc, gpa, host);
    cached = BlockEntry{pc, block};
    fetchUsed_[fetchMode()] = true;
    fetchUsed_[dataMode_] = true;
    return block;
}

/// The one instruction at pc, for those that cross a page or lie where permissions change within a page.
CodeBlock* Hart::fetchSingle(uint64_t pc, uint64_t gpa, const uint8_t* host) {
    uint16_t low, high = 0;
    if (!pmpAllows(gpa, 2, Access::kFetch, priv_, nullptr)) {
        raise(cause::INSTRUCTION_ACCESS_FAULT, pc);
        return nullptr;
    }
    std::memcpy(&low, host, 2);
    if ((low & 3) == 3) {
        uint64_t gpa2;
        const uint8_t* host2;
        if (!fetchTranslate(pc + 2, &gpa2, &host2)) return nullptr;
        if (!pmpAllows(gpa2, 2, Access::kFetch, priv_, nullptr)) {
            raise(cause::INSTRUCTION_ACCESS_FAULT, pc + 2);
            return nullptr;
        }
        std::memcpy(&high, host2, 2);
    }
    return blocks_.single(gpa, low | (uint32_t{high} << 16));
}

bool Hart::translateCacheable(uint64_t pc) {
    return fetchCache_[fetchMode()][(pc >> 12) & (kFetchSize - 1)].page == (pc & ~uint64_t{0xfff});
}

}  // namespace nodevisor
