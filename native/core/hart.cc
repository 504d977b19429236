#include "hart.h"

#include <algorithm>
#include <cstring>

#include "bits.h"
#include "exec.h"
#include "jit/translator.h"

namespace nodevisor {

namespace {

using L = layout::hart;

/// Instructions between two looks at other threads' requests and at the clock: some 20 µs.
constexpr uint64_t kSlice = 16384;

/// Bound on one hart's translated code.
constexpr size_t kCodeBytes = size_t{48} << 20;

}  // namespace

Hart::Hart(uint8_t* base, uint64_t bytes, uint32_t id, Tiers tiers)
    : ctx(), base_(base), block_(base + layout::hartOffset(id)), machine_(base, bytes), id_(id), tiers_(tiers) {
    ctx.hart = this;
    ctx.boxMask = 0xffffffff00000000u;
    for (uint32_t sse = 0; sse < 64; sse++) {
        uint32_t flags = 0;
        if (sse & 0x01) flags |= 0x10;  // NV
        if (sse & 0x04) flags |= 0x08;  // DZ
        if (sse & 0x08) flags |= 0x04;  // OF
        if (sse & 0x10) flags |= 0x02;  // UF
        if (sse & 0x20) flags |= 0x01;  // NX
        ctx.flagsOfMxcsr[sse] = static_cast<uint8_t>(flags);
    }
    ctx.signDouble[0] = uint64_t{1} << 63;
    ctx.signSingle[0] = uint64_t{1} << 31;
    ctx.magnitudeDouble[0] = ~ctx.signDouble[0];
    ctx.magnitudeSingle[0] = ~ctx.signSingle[0];
    if (tiers.translate && jit::hostSupported()) {
        jit_ = std::make_unique<jit::Translator>(this, &blocks_, kCodeBytes);
        if (!jit_->usable()) jit_.reset();
    }
    for (uint32_t mode = 0; mode < kModeCount; mode++) {
        for (uint32_t way = 0; way < kTlbWays; way++) {
            touched_[mode][0][way].count = touched_[mode][1][way].count = kTlbSize;
        }
    }
    invalidate();
}

Hart::~Hart() = default;

void Hart::invalidate() {
    machine_.reloadSlots();
    codeStamp_++;
    flushTlb();
}

void Hart::flushTlb() {
    flushFirstLevel();
    tlbStore_.flushAll();
    large_.clear();
    dropFetch();
}

void Hart::flushFirstLevel() {
    for (uint32_t mode = 0; mode < kModeCount; mode++) {
        for (uint32_t way = 0; way < kTlbWays; way++) {
            flushUnit(mode, false, way);
            flushUnit(mode, true, way);
        }
    }
}

void Hart::flushUnit(uint32_t mode, bool store, uint32_t way) {
    TlbEntry* entries = store ? ctx.tlb[mode].store[way] : ctx.tlb[mode].load[way];
    Touched& touched = touched_[mode][store][way];
    if (touched.count < kTlbSize) {
        for (uint32_t i = 0; i < touched.count; i++) entries[touched.index[i]].tag = kTlbInvalid;
    } else {
        for (uint32_t i = 0; i < kTlbSize; i++) entries[i].tag = kTlbInvalid;
    }
    touched.count = 0;
}

void Hart::flushPage(uint64_t va, bool oneAsid, uint16_t asid) {
    if (large_.contains(va)) return flushTlb();
    const uint32_t i = (va >> 12) & (kTlbSize - 1);
    for (auto& mode : ctx.tlb) {
        for (uint32_t way = 0; way < kTlbWays; way++) {
            mode.load[way][i].tag = kTlbInvalid;
            mode.store[way][i].tag = kTlbInvalid;
        }
    }
    tlbStore_.flushPage(va >> 12, oneAsid, asid);
    // Most fences are for data pages: translated code need not hear of them.
    const uint32_t bit = fetchedBit(va);
    for (uint32_t mode = 0; mode < kModeCount; mode++) {
        if (fetched_[mode][bit >> 6] & (uint64_t{1} << (bit & 63))) dropFetchMode(mode);
    }
}

void Hart::noteLarge(uint64_t va, uint32_t shift) {
    if (large_.insert(va, shift)) return;
    flushTlb();
    large_.insert(va, shift);
}

void Hart::dropFetch() {
    for (uint32_t mode = 0; mode < kModeCount; mode++) dropFetchMode(mode);
    std::memset(fetched_, 0, sizeof fetched_);
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
}

void Hart::dropTranslations() { dropFetch(); }

void Hart::flushAsid(uint16_t asid) {
    flushFirstLevel();
    tlbStore_.flushAsid(asid);
    if (fetchedLocal_) dropFetch();
    else dropFetchMode(kModeU);
}

void Hart::fenceI() {
    // The epoch makes every decoded page compare itself with memory before it runs again.
    atomic32(block_, L::codeEpoch).fetch_add(1);
}

bool Hart::fpEnable(bool write) {
    const uint64_t status = csr(L::mstatus);
    const uint64_t fs = status & mstatus::FS;
    if (fs == 0) return false;
    if (write && fs != mstatus::FS) {
        setCsr(L::mstatus, status | mstatus::FS);
        updateMode();
    }
    return true;
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

void Hart::updateMode() {
    const uint64_t status = csr(L::mstatus);
    const bool mxr = status & mstatus::MXR;
    if (mxr != mxr_) {
        mxr_ = mxr;
        flushFirstLevel();
    }
    mprvActive_ = priv_ == 3 && (status & mstatus::MPRV) && mpp() != 3;
    const uint32_t dataPriv = mprvActive_ ? mpp() : priv_;
    dataMode_ = dataPriv == 3 ? kModeM : dataPriv == 0 ? kModeU : (status & mstatus::SUM) ? kModeSum : kModeS;
    ctx.data = &ctx.tlb[dataMode_];
    const uint32_t fs = (status & mstatus::FS) >> 13;
    const uint32_t frm = (read32(block_, L::fcsr) >> 5) & 7;
    ctx.fpKey = fs == 3 && frm < 4 ? static_cast<uint8_t>(frm) : kFpSlow;
    if (ctx.fpKey != kFpSlow) {
        // MXCSR.RC: nearest 0, down 1, up 2, zero 3. frm: RNE 0, RTZ 1, RDN 2, RUP 3.
        static constexpr uint32_t kRounding[] = {0, 3, 1, 2};
        ctx.mxcsrGuest = (ctx.mxcsrGuest & 0x3f) | 0x1f80 | (kRounding[frm] << 13);
    }
}

void Hart::mergeFlags() {
    const uint32_t sse = ctx.mxcsrGuest & 0x3f;  // PE UE OE ZE DE IE
    if (!sse) return;
    write32(block_, L::fcsr, read32(block_, L::fcsr) | ctx.flagsOfMxcsr[sse]);
    ctx.mxcsrGuest &= ~0x3fu;
}

void Hart::loadRegisters() {
    std::memcpy(ctx.x, block_ + L::x, sizeof(uint64_t) * 32);
    std::memcpy(ctx.f, block_ + L::f, sizeof ctx.f);
    ctx.x[0] = 0;
    ctx.pc = csr(L::pc) & ~uint64_t{1};
    const uint32_t priv = read32(block_, L::priv);
    priv_ = priv == 0 || priv == 1 ? priv : 3;
    const uint64_t satp = csr(L::satp);
    if (satp != seenSatp_) {
        seenSatp_ = satp;
        flushTlb();
    }
    ctx.mxcsrGuest = 0x1f80;
    interpretNext_ = false;
    pendingLink_ = 0;
    pollTimers();
    updateMode();
}

void Hart::storeRegisters() {
    mergeFlags();
    std::memcpy(block_ + L::x, ctx.x, sizeof(uint64_t) * 32);
    std::memcpy(block_ + L::f, ctx.f, sizeof ctx.f);
    setCsr(L::pc, ctx.pc);
    write32(block_, L::priv, priv_);
}

/// Adds to minstret and mcycle what they are not inhibited from counting, and to the statistics.
void Hart::count(uint64_t retired) {
    const uint64_t inhibit = csr(L::mcountinhibit);
    if (!(inhibit & 1)) setCsr(L::cycles, csr(L::cycles) + retired);
    if (!(inhibit & 4)) setCsr(L::instret, csr(L::instret) + retired);
    setCsr(L::retired, csr(L::retired) + retired);
}

bool Hart::handleAttention(uint32_t* stop) {
    const uint32_t bits = atomic32(block_, L::attention).exchange(0);
    if (bits & attention::FLUSH_TLB) {
        if (machine_.reloadSlots()) codeStamp_++;
        flushTlb();
        checkEpoch();
    }
    if (bits & attention::INTERRUPT) pollTimers();
    if (bits & attention::KICK) {
        *stop = stop::kKicked;
        return true;
    }
    return false;
}

uint32_t Hart::leaveStop(uint32_t stop) {
    countRetired();
    storeRegisters();
    // Who waits for this (a remote fence) looks again within microseconds by itself.
    atomic32(block_, L::inGuest).store(0);
    return stop;
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

/// Runs at most `limit` (> 0) instructions of a block; returns how many retired.
uint64_t Hart::runBlock(CodeBlock* block, uint64_t limit) {
    ctx.leave = Leave::kNext;
    Insn* cut = nullptr;
    Insn saved;
    if (limit < block->count) {
        // The record after the last one allowed becomes the end, as if the block stopped there.
        cut = const_cast<Insn*>(&block->insns[limit]);
        saved = *cut;
        *cut = sentinel(uint32_t{saved.at} * 2);
    }
#if defined(NODEVISOR_LOOP_DISPATCH)
    ctx.ip = block->insns;
    while (ctx.ip) ctx.ip->handler(ctx.ip, &ctx);
#else
    block->insns->handler(block->insns, &ctx);
#endif
    if (cut) *cut = saved;
    if (ctx.leave == Leave::kNext) return std::min<uint64_t>(limit, block->count);
    const auto index = static_cast<uint64_t>(ctx.leaveIp - block->insns);
    if (ctx.leave == Leave::kTrap || ctx.leave == Leave::kExit) {
        ctx.pc += ctx.leaveIp->at * 2u;
        if (ctx.leave == Leave::kTrap && ctx.trapCause == cause::ILLEGAL_INSTRUCTION) {
            ctx.trapValue = block->decoded[index].raw;
        }
        if (ctx.leave == Leave::kExit) noteExit(block->decoded[index]);
        return index;
    }
    return index + 1;  // kResync, kRetireExit: it retired, and set pc
}

void Hart::noteExit(const Decoded& d) {
    write32(block_, L::exitInsn, expanded(d));
    write32(block_, L::exitLength, d.length);
}

/// Runs translated code from `code`; returns how many instructions retired.
uint64_t Hart::runTranslated(const void* code, uint64_t limit) {
    ctx.budget = static_cast<int64_t>(limit);
    ctx.leave = Leave::kNext;
    ctx.scratch[0] = 0;
    jit_->enter(code, &ctx);
    uint64_t retired = limit - static_cast<uint64_t>(ctx.budget);
    if (ctx.leave == Leave::kTrap || ctx.leave == Leave::kExit) fillInsnDetails();
    return retired;
}

/// A trap or exit out of translated code: looks the instruction at pc up again for what needs its bits.
void Hart::fillInsnDetails() {
    if (ctx.leave == Leave::kTrap && ctx.trapCause != cause::ILLEGAL_INSTRUCTION) return;
    const Leave leave = ctx.leave;
    const uint32_t trapCause = ctx.trapCause;
    const uint64_t trapValue = ctx.trapValue;
    CodeBlock* block = fetchBlock();
    ctx.leave = leave;
    ctx.trapCause = trapCause;
    ctx.trapValue = trapValue;
    if (!block) return;
    if (leave == Leave::kTrap) ctx.trapValue = block->decoded[0].raw;
    else noteExit(block->decoded[0]);
}

const void* Hart::translationFor(CodeBlock* block) {
    if (!jit_ || mprvActive_ || block->cold) return nullptr;
    const void* code = jit_->find(block, ctx.pc, dataMode_);
    if (!code) {
        if (++block->heat < tiers_.hotThreshold) return nullptr;
        block->heat = 0;
        code = jit_->translate(block, ctx.pc, dataMode_);
        if (!code) return nullptr;
    }
    fetchUsed_[dataMode_] = true;
    ctx.jumpCache[dataMode_][(ctx.pc >> 1) & (kJumpCacheSize - 1)] = {ctx.pc, code};
    return code;
}

/// Runs until `left` is used up, the slice is over or something wants the outer loop's attention; true: run() returns.
bool Hart::runSlice(uint64_t* left, uint32_t* stop) {
    uint64_t slice = std::min(*left, kSlice);
    *left -= slice;
    bool leaveSlice = false;
    while (slice > 0 && !leaveSlice) {
        CodeBlock* block = fetchBlock();
        uint64_t retired = 0;
        if (!block) {
            ctx.leave = Leave::kTrap;
        } else {
            if (block->serial) countRetired();
            const uint64_t pc = ctx.pc;
            const void* code = interpretNext_ ? nullptr : translationFor(block);
            if (code && pendingLink_ != 0) jit_->link(pendingLink_ - 1, code, pc, dataMode_, &ctx);
            pendingLink_ = 0;
            if (code) {
                retired = runTranslated(code, slice);
                pendingLink_ = ctx.leave == Leave::kNext ? static_cast<uint32_t>(ctx.scratch[0]) : 0;
            } else {
                retired = runBlock(block, slice);
            }
        }
        interpretNext_ = false;
        uncounted_ += retired;
        sincePoll_ += retired;
        slice -= retired;
        switch (ctx.leave) {
            case Leave::kNext:
                break;
            case Leave::kInterpret:
            case Leave::kBudget:
                interpretNext_ = true;
                break;
            case Leave::kResync:
                updateMode();
                checkEpoch();
                leaveSlice = true;
                break;
            case Leave::kTrap:
                takeTrap(ctx.trapCause, ctx.trapValue);
                // It used no instruction up, but a guest that only traps must still meet the end of its budget.
                if (slice > 0) slice--;
                leaveSlice = true;
                break;
            case Leave::kExit:
            case Leave::kRetireExit:
                *stop = ctx.stop;
                return true;
        }
    }
    *left += slice;
    // Serial instructions must find the counters complete even when the next one to run is in another slice.
    countRetired();
    return false;
}

uint32_t Hart::run(uint64_t budget) {
    if (machine_.reloadSlots()) {
        codeStamp_++;
        flushTlb();
    }
    loadRegisters();
    atomic32(block_, L::inGuest).store(1);
    checkEpoch();
    uint64_t left = budget;
    uint32_t stop = stop::kBudget;
    while (left > 0) {
        if (atomic32(block_, L::attention).load() != 0 && handleAttention(&stop)) break;
        if (takeInterrupt()) {
            left--;
            continue;
        }
        if (runSlice(&left, &stop)) break;
        if (sincePoll_ >= kSlice / 2) pollTimers();
    }
    return leaveStop(stop);
}

void Hart::completeMmio(uint64_t value) {
    const Decoded d = decode(read32(block_, L::exitInsn));
    if (info(d).memory == MemoryKind::load) {
        const uint32_t size = info(d).memoryBytes;
        if (writesF(d)) {
            write64(block_, L::f + 8 * d.rd, size == 8 ? value : value | 0xffffffff00000000u);
            setCsr(L::mstatus, csr(L::mstatus) | mstatus::FS);
        } else if (d.rd != 0) {
            write64(block_, L::x + 8 * d.rd, extend(value, size, has(d, kMemorySigned)));
        }
    }
    setCsr(L::pc, csr(L::pc) + read32(block_, L::exitLength));
    count(1);
}

void Hart::refuseMmio() {
    loadRegisters();
    takeTrap(read32(block_, L::exitWrite) == 0 ? cause::LOAD_ACCESS_FAULT : cause::STORE_ACCESS_FAULT, csr(L::exitGva));
    storeRegisters();
}

}  // namespace nodevisor
