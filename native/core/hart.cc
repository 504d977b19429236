#include "hart.h"

#include <algorithm>
#include <cstring>

#include "bits.h"
#include "exec.h"
#include "jit/translator.h"

namespace nodevisor {

namespace {

using L = layout::hart;

/// Most instructions between two looks at other threads' requests and at the clock: less than 10 µs of most code. What
/// misses the host's caches or waits for another core's takes many times as long, and then gets shorter slices.
constexpr uint64_t kSlice = 8192;
constexpr uint64_t kSliceMin = 256;
/// How long a slice should take: within this it keeps its length.
constexpr uint64_t kSliceNsMin = 6000;
constexpr uint64_t kSliceNsMax = 15000;

/// What a translation counts for among slow operations: some microseconds.
constexpr uint32_t kSlowTranslation = 24;

}  // namespace

Hart::Hart(uint8_t* base, uint64_t bytes, uint32_t id, Tiers tiers)
    : ctx(), base_(base), block_(base + layout::hartOffset(id)), machine_(base, bytes), id_(id), tiers_(tiers) {
    ctx.hart = this;
    slice_ = kSlice;
    ctx.boxMask = 0xffffffff00000000u;
    for (uint32_t raised = 0; raised < 64; raised++) ctx.flagsOfHost[raised] = jit::FpStatus::flagsOf(raised);
    ctx.signDouble[0] = uint64_t{1} << 63;
    ctx.signSingle[0] = uint64_t{1} << 31;
    ctx.magnitudeDouble[0] = ~ctx.signDouble[0];
    ctx.magnitudeSingle[0] = ~ctx.signSingle[0];
    if (tiers.translate) jit_ = jit::Translator::create(this, &blocks_, tiers.codeBytes);
    for (uint32_t mode = 0; mode < kModeCount; mode++) {
        for (uint32_t way = 0; way < kTlbWays; way++) {
            touchedCount_[mode][0][way] = touchedCount_[mode][1][way] = kTlbSize;
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
    if (ctx.fpKey != kFpSlow) ctx.fpGuest = jit::FpStatus::withRounding(ctx.fpGuest, frm);
}

void Hart::mergeFlags() {
    const uint32_t raised = jit::FpStatus::raised(ctx.fpGuest);
    if (!raised) return;
    write32(block_, L::fcsr, read32(block_, L::fcsr) | ctx.flagsOfHost[raised & 63]);
    ctx.fpGuest = jit::FpStatus::withoutRaised(ctx.fpGuest);
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
    ctx.fpGuest = jit::FpStatus::kIdle;
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

void Hart::dispatch(const CodeBlock* block) {
#if defined(NODEVISOR_LOOP_DISPATCH)
    ctx.ip = block->insns();
    while (ctx.ip) ctx.ip->handler(ctx.ip, &ctx);
#else
    block->insns()->handler(block->insns(), &ctx);
#endif
}

/// Runs at most `limit` (> 0) instructions of a block; returns how many retired.
uint64_t Hart::runBlock(CodeBlock* block, uint64_t limit) {
    ctx.leave = Leave::kNext;
    Insn* cut = nullptr;
    Insn saved;
    if (limit < block->count) {
        // The record after the last one allowed becomes the end, as if the block stopped there.
        cut = &block->insns()[limit];
        saved = *cut;
        *cut = sentinel(uint32_t{saved.at} * 2);
    }
    dispatch(block);
    if (cut) *cut = saved;
    if (ctx.leave == Leave::kNext) return std::min<uint64_t>(limit, block->count);
    return leftWithin(block);
}

/// Runs blocks one after the other while the next one is at hand, at most `limit` instructions; how many retired.
uint64_t Hart::runChain(CodeBlock* block, uint64_t limit) {
    const BlockEntry* cache = blockCache_[fetchMode()];
    uint64_t left = limit;
    for (;;) {
        if (block->count > left) return limit - left + runBlock(block, left);
        ctx.leave = Leave::kNext;
        dispatch(block);
        if (ctx.leave != Leave::kNext) return limit - left + leftWithin(block);
        left -= block->count;
        const BlockEntry& next = cache[(ctx.pc >> 1) & (kBlockCacheSize - 1)];
        // Counters must be up to date for serial blocks: the caller sees to that.
        if (next.pc != ctx.pc || next.block->serial || left == 0 || ctx.slow >= kSlowMax) return limit - left;
        block = next.block;
        ctx.slow += block->slow;
    }
}

/// After a block that was left at Context::leaveIp: how many of its instructions retired.
uint64_t Hart::leftWithin(const CodeBlock* block) {
    const auto index = static_cast<uint64_t>(ctx.leaveIp - block->insns());
    if (ctx.leave == Leave::kTrap || ctx.leave == Leave::kExit) {
        ctx.pc += ctx.leaveIp->at * 2u;
        if (ctx.leave == Leave::kTrap && ctx.trapCause == cause::ILLEGAL_INSTRUCTION) {
            ctx.trapValue = block->decoded()[index].raw;
        }
        if (ctx.leave == Leave::kExit) noteExit(block->decoded()[index]);
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
    // These tell of the instruction's bits, which are not kept, and the page may be gone or hold others by now. None of
    // them has changed anything: the interpreter meets the same, or what is there instead.
    const bool isIllegal = ctx.leave == Leave::kTrap && ctx.trapCause == cause::ILLEGAL_INSTRUCTION;
    if (ctx.leave == Leave::kExit || isIllegal) ctx.leave = Leave::kInterpret;
    return retired;
}

const void* Hart::translationFor(CodeBlock* block) {
    if (!jit_ || mprvActive_ || block->cold) return nullptr;
    const void* code = jit_->find(block, ctx.pc, dataMode_);
    if (!code) {
        if (++block->heat < tiers_.hotThreshold) return nullptr;
        block->heat = 0;
        code = jit_->translate(block, ctx.pc, dataMode_);
        ctx.slow += kSlowTranslation;
        if (!code) return nullptr;
    }
    fetchUsed_[dataMode_] = true;
    ctx.jumpCache[dataMode_][(ctx.pc >> 1) & (kJumpCacheSize - 1)] = {ctx.pc, code};
    return code;
}

/// Makes slices longer or shorter, the last one having taken so many ticks of the guest's clock. One that stands still
/// while the hart runs leaves them as long as they may be.
void Hart::fitSlice(uint64_t ticks) {
    const uint64_t ns = machine_.nanoseconds(ticks);
    if (ns > kSliceNsMax) slice_ = std::max(slice_ / 2, kSliceMin);
    else if (ns < kSliceNsMin) slice_ = std::min(slice_ * 2, kSlice);
}

/// Runs until `left` is used up, the slice is over or something wants the outer loop's attention; true: run() returns.
bool Hart::runSlice(uint64_t* left, uint32_t* stop) {
    uint64_t slice = std::min(*left, slice_);
    *left -= slice;
    bool leaveSlice = false;
    ctx.slow = 0;
    while (slice > 0 && !leaveSlice && ctx.slow < kSlowMax) {
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
                ctx.slow++;
            } else {
                ctx.slow += block->slow;
                retired = jit_ ? runBlock(block, slice) : runChain(block, slice);
            }
        }
        interpretNext_ = false;
        uncounted_ += retired;
        sincePoll_ += retired;
        slice -= retired;
        switch (ctx.leave) {
            case Leave::kNext:
                break;
            case Leave::kBudget:
                // Too little for the translation, but only because of the slice: a new one will do.
                if (*left > 0 && slice < kSlice) {
                    leaveSlice = true;
                    break;
                }
                [[fallthrough]];
            case Leave::kInterpret:
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
        if (sincePoll_ >= slice_ / 2 || ctx.slow >= kSlowMax) {
            const uint64_t before = polledAt_;
            const bool whole = sincePoll_ >= slice_ / 2;
            pollTimers();
            if (whole) fitSlice(polledAt_ - before);
        }
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
