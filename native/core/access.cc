// Loads and stores that miss the translation cache: fills it, crosses pages, finds what is not RAM.

#include <cstring>

#include "bits.h"
#include "hart.h"

namespace nodevisor {

namespace {

using L = layout::hart;

constexpr uint64_t kPageMask = 0xfff;

uint64_t readHost(const uint8_t* at, uint32_t size) {
    // Aligned accesses must be single machine accesses (RVWMO: single-copy atomic); the compiler keeps them so.
    switch (size) {
        case 1: return *reinterpret_cast<const volatile uint8_t*>(at);
        case 2: {
            uint16_t v;
            __builtin_memcpy(&v, at, 2);
            return v;
        }
        case 4: {
            uint32_t v;
            __builtin_memcpy(&v, at, 4);
            return v;
        }
        default: {
            uint64_t v;
            __builtin_memcpy(&v, at, 8);
            return v;
        }
    }
}

void writeHost(uint8_t* at, uint32_t size, uint64_t value) {
    switch (size) {
        case 1: *reinterpret_cast<volatile uint8_t*>(at) = static_cast<uint8_t>(value); break;
        case 2: {
            const auto v = static_cast<uint16_t>(value);
            __builtin_memcpy(at, &v, 2);
            break;
        }
        case 4: {
            const auto v = static_cast<uint32_t>(value);
            __builtin_memcpy(at, &v, 4);
            break;
        }
        default: __builtin_memcpy(at, &value, 8); break;
    }
}

}  // namespace

void Hart::markDirty(const Slot* slot, uint64_t offset) {
    if (slot->dirty) slot->dirty[offset >> 17].fetch_or(1u << ((offset >> 12) & 31), std::memory_order_relaxed);
}

bool Hart::resolve(uint64_t va, Access access, Resolved* out) {
    ctx.slow++;
    const uint32_t priv = mprvActive_ ? mpp() : priv_;
    const bool bare = priv == 3 || (csr(L::satp) >> 60) == 0;
    const bool sum = csr(L::mstatus) & mstatus::SUM;
    uint64_t gpa;
    bool cacheable, dirty;
    const uint16_t asid = static_cast<uint16_t>(csr(L::satp) >> 44);
    const auto kind = static_cast<uint8_t>(1u << static_cast<uint32_t>(access));
    StoredPage* page = bare ? nullptr : tlbStore_.find(va >> 12, asid);
    if (page && storedPermits(*page, access, priv, sum)) {
        gpa = (page->gpaPage << 12) | (va & kPageMask);
        // The walk that found the page asked PMP about one kind of access only.
        if (!(page->allowed & kind) && !pmpAllows(gpa, 1, access, priv, nullptr)) {
            raise(access == Access::kLoad ? cause::LOAD_ACCESS_FAULT : cause::STORE_ACCESS_FAULT, va);
            return false;
        }
        page->allowed |= kind;
        cacheable = true;
        dirty = page->flags() & pte::D;
    } else {
        const Translation t = translate(va, access, priv, sum, mxr_);
        if (t.fault) {
            raise(t.fault - 1, va);
            return false;
        }
        gpa = t.gpa;
        cacheable = t.cacheable;
        dirty = t.dirty;
        if (!bare && cacheable) tlbStore_.insert(va >> 12, asid, gpa >> 12, t.flags, kind);
        if (t.shift != 12) noteLarge(va, t.shift);
    }
    out->gpa = gpa;
    out->slot = machine_.find(gpa);
    out->cacheable = cacheable;
    out->dirty = dirty;
    if (!out->slot || (access == Access::kStore && out->slot->readOnly)) {
        out->host = nullptr;
        return true;
    }
    out->host = out->slot->host + (gpa - out->slot->gpa);
    __builtin_prefetch(out->host);
    return true;
}

bool Hart::storedPermits(const StoredPage& page, Access access, uint32_t priv, bool sum) const {
    if (page.flags() & pte::U) {
        if (priv == 1 && (access == Access::kFetch || !sum)) return false;
    } else if (priv == 0) {
        return false;
    }
    switch (access) {
        case Access::kFetch: return page.flags() & pte::X;
        case Access::kLoad: return (page.flags() & pte::R) || (mxr_ && (page.flags() & pte::X));
        // A store to a page whose D bit is clear must walk, to set it or to fault.
        default: return (page.flags() & pte::W) && (page.flags() & pte::D);
    }
}

bool Hart::checkPmp(const Resolved& r, uint32_t size, Access access, uint64_t va) {
    if (r.cacheable) return true;
    const uint32_t priv = mprvActive_ ? mpp() : priv_;
    if (pmpAllows(r.gpa, size, access, priv, nullptr)) return true;
    raise(access == Access::kLoad ? cause::LOAD_ACCESS_FAULT : cause::STORE_ACCESS_FAULT, va);
    return false;
}

void Hart::fillTlb(uint64_t va, const Resolved& r, bool store, uint32_t way) {
    // Permissions that hold for part of a page only cannot be cached for all of it.
    if (!r.cacheable) return;
    const uint64_t page = va & ~kPageMask;
    Tlb& tlb = ctx.tlb[dataMode_];
    const auto index = static_cast<uint32_t>((va >> 12) & (kTlbSize - 1));
    TlbEntry& e = (store ? tlb.store : tlb.load)[way][index];
    if (e.tag == tlbInvalid(index)) {
        uint16_t& count = touchedCount_[dataMode_][store][way];
        if (count < kTlbSize) touched_[dataMode_][store][way][count++] = static_cast<uint16_t>(index);
    }
    e.tag = page;
    e.addend = reinterpret_cast<uint64_t>(r.host) - va;
}

bool Hart::loadSlow(uint64_t va, uint32_t size, uint32_t way, uint64_t* out) {
    if ((va & kPageMask) + size > 4096) return loadCrossing(va, size, out);
    Resolved r;
    if (!resolve(va, Access::kLoad, &r) || !checkPmp(r, size, Access::kLoad, va)) return false;
    if (!r.host) {
        if (va & (size - 1)) {
            raise(cause::LOAD_ACCESS_FAULT, va);
            return false;
        }
        return prepareMmio(va, r.gpa, size, 0, 0);
    }
    fillTlb(va, r, false, way);
    *out = readHost(r.host, size);
    return true;
}

/// One page's part of an access that crosses pages: must be RAM.
bool Hart::resolvePart(uint64_t va, uint32_t size, Access access, Resolved* out) {
    if (!resolve(va, access, out) || !checkPmp(*out, size, access, va)) return false;
    if (out->host) return true;
    raise(access == Access::kLoad ? cause::LOAD_ACCESS_FAULT : cause::STORE_ACCESS_FAULT, va);
    return false;
}

bool Hart::loadCrossing(uint64_t va, uint32_t size, uint64_t* out) {
    const uint32_t first = static_cast<uint32_t>(4096 - (va & kPageMask));
    Resolved a, b;
    if (!resolvePart(va, first, Access::kLoad, &a)) return false;
    if (!resolvePart(va + first, size - first, Access::kLoad, &b)) return false;
    uint8_t bytes[8] = {};
    std::memcpy(bytes, a.host, first);
    std::memcpy(bytes + first, b.host, size - first);
    std::memcpy(out, bytes, 8);
    return true;
}

bool Hart::storeSlow(uint64_t va, uint32_t size, uint32_t way, uint64_t value) {
    if ((va & kPageMask) + size > 4096) return storeCrossing(va, size, value);
    Resolved r;
    if (!resolve(va, Access::kStore, &r) || !checkPmp(r, size, Access::kStore, va)) return false;
    if (!r.host) {
        if (va & (size - 1)) {
            raise(cause::STORE_ACCESS_FAULT, va);
            return false;
        }
        return prepareMmio(va, r.gpa, size, 1, extend(value, size, false));
    }
    markDirty(r.slot, r.gpa - r.slot->gpa);
    fillTlb(va, r, true, way);
    writeHost(r.host, size, value);
    return true;
}

bool Hart::storeCrossing(uint64_t va, uint32_t size, uint64_t value) {
    const uint32_t first = static_cast<uint32_t>(4096 - (va & kPageMask));
    Resolved a, b;
    if (!resolvePart(va, first, Access::kStore, &a)) return false;
    if (!resolvePart(va + first, size - first, Access::kStore, &b)) return false;
    markDirty(a.slot, a.gpa - a.slot->gpa);
    markDirty(b.slot, b.gpa - b.slot->gpa);
    uint8_t bytes[8];
    std::memcpy(bytes, &value, 8);
    std::memcpy(a.host, bytes, first);
    std::memcpy(b.host, bytes + first, size - first);
    return true;
}

uint8_t* Hart::atomicPointer(uint64_t va, uint32_t size, uint32_t way, Access access, uint64_t* gpa) {
    const bool load = access == Access::kLoad;
    if (va & (size - 1)) {
        raise(load ? cause::LOAD_ADDRESS_MISALIGNED : cause::STORE_ADDRESS_MISALIGNED, va);
        return nullptr;
    }
    Resolved r;
    if (!resolve(va, access, &r) || !checkPmp(r, size, access, va)) return nullptr;
    if (!r.host) {
        raise(load ? cause::LOAD_ACCESS_FAULT : cause::STORE_ACCESS_FAULT, va);
        return nullptr;
    }
    if (!load) markDirty(r.slot, r.gpa - r.slot->gpa);
    fillTlb(va, r, !load, way);
    if (gpa) *gpa = r.gpa;
    return r.host;
}

bool Hart::loadReserved(uint64_t va, uint32_t size, uint32_t way, uint64_t* out) {
    uint64_t gpa;
    uint8_t* at = atomicPointer(va, size, way, Access::kLoad, &gpa);
    if (!at) return false;
    // SAFETY: aligned (checked above) and inside a slot.
    const uint64_t value = size == 4 ? reinterpret_cast<std::atomic<uint32_t>*>(at)->load()
                                     : reinterpret_cast<std::atomic<uint64_t>*>(at)->load();
    setCsr(L::lrGpa, gpa);
    setCsr(L::lrValue, value);
    write32(block_, L::lrValid, size);
    *out = value;
    return true;
}

bool Hart::storeConditional(uint64_t va, uint32_t size, uint32_t way, uint64_t value, uint64_t* failed) {
    uint64_t gpa;
    uint8_t* at = atomicPointer(va, size, way, Access::kStore, &gpa);
    if (!at) return false;
    const uint32_t valid = read32(block_, L::lrValid);
    write32(block_, L::lrValid, 0);
    *failed = 1;
    if (valid != size || gpa != csr(L::lrGpa)) return true;
    // The reservation is the value that LR saw: another hart that wrote the same value back goes unnoticed, which no
    // program written to the A extension's LR/SC rules can tell apart from having come first.
    if (size == 4) {
        auto expected = static_cast<uint32_t>(csr(L::lrValue));
        *failed = !reinterpret_cast<std::atomic<uint32_t>*>(at)->compare_exchange_strong(expected,
                                                                                        static_cast<uint32_t>(value));
    } else {
        uint64_t expected = csr(L::lrValue);
        *failed = !reinterpret_cast<std::atomic<uint64_t>*>(at)->compare_exchange_strong(expected, value);
    }
    return true;
}

bool Hart::fillAhead(uint64_t va, uint32_t span, bool store, uint32_t way) {
    if ((va & kPageMask) + span > 4096) return false;
    Resolved r;
    const bool found = resolve(va, store ? Access::kStore : Access::kLoad, &r) && r.host && r.cacheable;
    ctx.leave = Leave::kNext;
    if (!found) return false;
    if (store) markDirty(r.slot, r.gpa - r.slot->gpa);
    fillTlb(va, r, store, way);
    return true;
}

bool Hart::cboZero(uint64_t va) {
    const uint64_t line = va & ~uint64_t{63};
    Resolved r;
    if (!resolve(line, Access::kStore, &r) || !checkPmp(r, 64, Access::kStore, va)) {
        ctx.trapValue = va;
        return false;
    }
    if (!r.host) {
        raise(cause::STORE_ACCESS_FAULT, va);
        return false;
    }
    markDirty(r.slot, r.gpa - r.slot->gpa);
    std::memset(r.host, 0, 64);
    return true;
}

bool Hart::cboCheck(uint64_t va) {
    // Needs permission to load or to store, stores imply loads; what faults is reported as a store (CMO 19.2.5).
    Resolved r;
    if (resolve(va, Access::kLoad, &r) && checkPmp(r, 1, Access::kLoad, va)) return true;
    const bool isPageFault = ctx.trapCause == cause::LOAD_PAGE_FAULT;
    raise(isPageFault ? cause::STORE_PAGE_FAULT : cause::STORE_ACCESS_FAULT, va);
    return false;
}

bool Hart::prepareMmio(uint64_t va, uint64_t gpa, uint32_t size, uint32_t write, uint64_t value) {
    setCsr(L::exitGpa, gpa);
    setCsr(L::exitValue, value);
    setCsr(L::exitGva, va);
    write32(block_, L::exitSize, size);
    write32(block_, L::exitWrite, write);
    ctx.leave = Leave::kExit;
    ctx.stop = stop::kMmio;
    return false;
}

}  // namespace nodevisor
