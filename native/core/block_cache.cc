#include "block_cache.h"

#include <cstring>

#include "exec.h"

namespace nodevisor {

namespace {

uint16_t half(const uint8_t* at) {
    uint16_t v;
    std::memcpy(&v, at, 2);
    return v;
}

}  // namespace

void* Arena::allocate(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (at_ + bytes > kChunk) {
        chunks_.emplace_back(new uint8_t[kChunk]);
        at_ = 0;
    }
    void* result = chunks_.back().get() + at_;
    at_ += bytes;
    return result;
}

void Arena::clear() {
    chunks_.clear();
    at_ = kChunk;
}

CodePage* BlockCache::page(uint64_t gpa, const uint8_t* host, uint64_t stamp) {
    auto& entry = pages_[gpa];
    if (!entry) {
        entry = std::make_unique<CodePage>();
        entry->gpa = gpa;
        entry->host = host;
        entry->stamp = stamp;
        entry->version = 0;
        entry->lines = 0;
        entry->active = false;
        std::memset(entry->at, 0, sizeof entry->at);
        return entry.get();
    }
    CodePage* page = entry.get();
    if (page->stamp == stamp && page->host == host) return page;
    page->host = host;
    verify(page, stamp);
    return page;
}

bool BlockCache::verify(CodePage* page, uint64_t stamp) {
    page->stamp = stamp;
    bool same = true;
    for (uint64_t lines = page->lines; lines && same; lines &= lines - 1) {
        const uint32_t at = static_cast<uint32_t>(__builtin_ctzll(lines)) * 64;
        same = std::memcmp(page->copy + at, page->host + at, 64) == 0;
    }
    if (!same) {
        page->blocks.clear();
        std::memset(page->at, 0, sizeof page->at);
        page->lines = 0;
        page->version++;
    }
    return same;
}

CodeBlock* BlockCache::block(CodePage* page, uint32_t offset) {
    uint16_t& at = page->at[offset / 2];
    if (at != 0) return page->blocks[at - 1u];
    CodeBlock* b = build(page, offset);
    if (b) {
        page->blocks.push_back(b);
        at = static_cast<uint16_t>(page->blocks.size());
    }
    return b;
}

void BlockCache::cover(CodePage* page, uint32_t offset, uint32_t bytes) {
    for (uint32_t line = offset / 64; line <= (offset + bytes - 1) / 64; line++) {
        if (page->lines & (uint64_t{1} << line)) continue;
        // Copied before it is decoded from, and decoded from the copy: another hart may be writing to it.
        std::memcpy(page->copy + line * 64, page->host + line * 64, 64);
        page->lines |= uint64_t{1} << line;
    }
}

CodeBlock* BlockCache::build(CodePage* page, uint32_t offset) {
    Decoded decoded[kMaxInsns];
    uint32_t count = 0;
    uint32_t at = offset;
    while (count < kMaxInsns && at < 4096) {
        cover(page, at, 2);
        const uint16_t low = half(page->copy + at);
        uint32_t raw = low;
        if ((low & 3) == 3) {
            if (at + 4 > 4096) break;
            cover(page, at, 4);
            raw |= static_cast<uint32_t>(half(page->copy + at + 2)) << 16;
        }
        const Decoded d = decode(raw);
        const bool serial = isSerial(d);
        if (serial && count > 0) break;  // counters must be exact there: a block of its own
        decoded[count++] = d;
        at += d.length;
        if (serial || endsBlock(d)) break;
    }
    if (count == 0) return nullptr;

    auto* insns = static_cast<Insn*>(arena_.allocate(sizeof(Insn) * (count + 1)));
    auto* copy = static_cast<Decoded*>(arena_.allocate(sizeof(Decoded) * count));
    auto* b = static_cast<CodeBlock*>(arena_.allocate(sizeof(CodeBlock)));
    uint32_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = decoded[i];
        insns[i] = record(decoded[i], from);
        from += decoded[i].length;
    }
    insns[count] = sentinel(from);
    *b = CodeBlock{};
    b->gpa = page->gpa + offset;
    b->page = page;
    b->count = count;
    b->bytes = from;
    b->serial = isSerial(decoded[0]);
    for (uint32_t i = 0; i < count; i++) b->slow += isFp(decoded[i]) && info(decoded[i]).memory == MemoryKind::none;
    if (b->serial) b->slow++;
    b->insns = insns;
    b->decoded = copy;
    return b;
}

CodeBlock* BlockCache::single(uint64_t gpa, uint32_t raw) {
    singleDecoded_ = decode(raw);
    singleInsns_[0] = record(singleDecoded_, 0);
    singleInsns_[1] = sentinel(singleDecoded_.length);
    single_ = CodeBlock{};
    single_.gpa = gpa;
    single_.count = 1;
    single_.bytes = singleDecoded_.length;
    single_.serial = true;
    single_.cold = true;
    single_.insns = singleInsns_;
    single_.decoded = &singleDecoded_;
    return &single_;
}

void BlockCache::clear() {
    pages_.clear();
    arena_.clear();
}

}  // namespace nodevisor
