#include "block_cache.h"

#include <cstring>
#include <new>

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
    bytes = (bytes + 7) & ~size_t{7};
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
        entry->forgetBlocks();
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
    // Lines that follow each other in one go: most of a page, mostly.
    for (uint64_t lines = page->lines; lines && same;) {
        const auto first = static_cast<uint32_t>(__builtin_ctzll(lines));
        const uint64_t gaps = ~(lines >> first);
        const auto count = gaps ? static_cast<uint32_t>(__builtin_ctzll(gaps)) : 64;
        same = std::memcmp(page->copy + first * 64, page->host + first * 64, count * 64) == 0;
        lines = first + count < 64 ? lines >> (first + count) << (first + count) : 0;
    }
    if (!same) {
        page->forgetBlocks();
        page->lines = 0;
        page->version++;
    }
    return same;
}

void CodePage::forgetBlocks() {
    std::memset(starts, 0, sizeof starts);
    std::memset(before, 0, sizeof before);
    blocks.clear();
}

CodeBlock* BlockCache::block(CodePage* page, uint32_t offset) {
    const uint32_t word = offset / 128;
    const uint64_t bit = uint64_t{1} << (offset / 2 % 64);
    const uint32_t rank = page->before[word] + static_cast<uint32_t>(__builtin_popcountll(page->starts[word] & (bit - 1)));
    if (page->starts[word] & bit) return page->blocks[rank];
    CodeBlock* b = build(page, offset);
    if (b) {
        page->blocks.insert(page->blocks.begin() + rank, b);
        page->starts[word] |= bit;
        for (uint32_t w = word + 1; w < 32; w++) page->before[w]++;
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

    const size_t size = sizeof(CodeBlock) + sizeof(Insn) * (count + 1) + sizeof(Decoded) * count;
    auto* b = new (arena_.allocate(size)) CodeBlock{};
    b->page = page;
    b->offset = static_cast<uint16_t>(offset);
    b->count = static_cast<uint8_t>(count);
    b->serial = isSerial(decoded[0]);
    uint32_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        b->decoded()[i] = decoded[i];
        b->insns()[i] = record(decoded[i], from);
        from += decoded[i].length;
        b->slow += isFp(decoded[i]) && info(decoded[i]).memory == MemoryKind::none;
    }
    b->insns()[count] = sentinel(from);
    b->bytes = static_cast<uint8_t>(from);
    if (b->serial) b->slow++;
    return b;
}

CodeBlock* BlockCache::single(uint64_t gpa, uint32_t raw) {
    const Decoded d = decode(raw);
    CodeBlock& b = single_.block;
    b = CodeBlock{};
    b.offset = static_cast<uint16_t>(gpa & 0xfff);
    b.count = 1;
    b.bytes = d.length;
    b.serial = true;
    b.cold = true;
    single_.insns[0] = record(d, 0);
    single_.insns[1] = sentinel(d.length);
    single_.decoded = d;
    return &b;
}

void BlockCache::clear() {
    pages_.clear();
    arena_.clear();
}

}  // namespace nodevisor
