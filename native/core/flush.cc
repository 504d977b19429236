// Forgetting cached translations of data pages, and with them of code where need be: fences, address-space switches.

#include "hart.h"

namespace nodevisor {

namespace {

using L = layout::hart;

}  // namespace

void Hart::flushTlb() {
    flushFirstLevel();
    tlbStore_.flushAll();
    large_.clear();
    dropFetch();
}

void Hart::flushLastPages() {
    for (auto& mode : ctx.last) {
        for (auto& tags : mode.tag) {
            for (uint64_t& tag : tags) tag = kLastInvalid;
        }
    }
}

void Hart::flushFirstLevel() {
    flushLastPages();
    for (uint32_t mode = 0; mode < kModeCount; mode++) {
        for (uint32_t way = 0; way < kTlbWays; way++) {
            flushUnit(mode, false, way);
            flushUnit(mode, true, way);
        }
    }
}

void Hart::flushUnit(uint32_t mode, bool store, uint32_t way) {
    TlbEntry* entries = store ? ctx.tlb[mode].store[way] : ctx.tlb[mode].load[way];
    uint16_t& count = touchedCount_[mode][store][way];
    if (count < kTlbSize) {
        const uint16_t* touched = touched_[mode][store][way];
        for (uint32_t i = 0; i < count; i++) entries[touched[i]].tag = tlbInvalid(touched[i]);
    } else {
        for (uint32_t i = 0; i < kTlbSize; i++) entries[i].tag = tlbInvalid(i);
    }
    count = 0;
}

bool Hart::flushPage(uint64_t va, bool oneAsid, uint16_t asid) {
    if (large_.contains(va)) {
        flushTlb();
        return true;
    }
    const uint32_t i = (va >> 12) & (kTlbSize - 1);
    for (uint32_t mode = 0; mode < kModeCount; mode++) {
        for (uint32_t way = 0; way < kTlbWays; way++) {
            if (touchedCount_[mode][0][way]) ctx.tlb[mode].load[way][i].tag = tlbInvalid(i);
            if (touchedCount_[mode][1][way]) ctx.tlb[mode].store[way][i].tag = tlbInvalid(i);
        }
    }
    flushLastPages();
    tlbStore_.flushPage(va >> 12, oneAsid, asid);
    // Most fences are for data pages: translated code need not hear of them.
    const uint32_t bit = fetchedBit(va);
    bool fetched = false;
    for (uint32_t mode = 0; mode < kModeCount; mode++) {
        if (!(fetched_[mode][bit >> 6] & (uint64_t{1} << (bit & 63)))) continue;
        dropFetchMode(mode);
        fetched = true;
    }
    return fetched;
}

void Hart::noteLarge(uint64_t va, uint32_t shift) {
    if (large_.insert(va, shift)) return;
    flushTlb();
    large_.insert(va, shift);
}

void Hart::flushAsid(uint16_t asid) {
    flushFirstLevel();
    tlbStore_.flushAsid(asid);
    if (fetchedLocal_) dropFetch();
    else dropFetchMode(kModeU);
}

void Hart::switchAddressSpace(uint64_t before) {
    seenSatp_ = csr(L::satp);
    if ((before ^ seenSatp_) >> 60) return flushTlb();
    // Software that reuses an ASID for other tables owes a fence; one kind forgets it, and pays the fence's price here.
    if (((before ^ seenSatp_) >> 44) == 0) tlbStore_.flushAsid(static_cast<uint16_t>(seenSatp_ >> 44));
    // Global mappings stay in the second level, which knows ASIDs; the first level and user code do not.
    flushFirstLevel();
    if (!fetchedLocal_) {
        dropFetchMode(kModeU);
    } else {
        dropFetch();
        fetchedLocal_ = false;
    }
}

}  // namespace nodevisor
