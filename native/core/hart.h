// One hart on one thread: the run loop, memory access, traps and CSRs. State that outlives run() is in the shared block.
#pragma once

#include <cstdint>
#include <memory>

#include "block_cache.h"
#include "context.h"
#include "machine.h"
#include "state.h"
#include "tlb_store.h"

namespace nodevisor {

namespace jit {
class Translator;
}

enum class Access : uint32_t { kFetch, kLoad, kStore };

/// What the page tables say of one address.
struct Translation {
    /// 0: translated; otherwise exception code + 1.
    uint32_t fault = 0;
    uint64_t gpa = 0;
    /// The page is global: valid in every address space.
    bool global = false;
    /// Stores may be cached: the leaf's D bit is set.
    bool dirty = false;
    /// The whole 4 KiB page has the same PMP permissions.
    bool cacheable = true;
    /// R, W, X, U, G, A, D of the leaf.
    uint8_t flags = 0;
    /// log2 of the size of the mapping.
    uint8_t shift = 12;
};

/// Where an access goes.
struct Resolved {
    uint64_t gpa;
    const Slot* slot;
    /// Host address, or nullptr: not RAM, or a store to read-only RAM.
    uint8_t* host;
    bool cacheable;
    bool dirty;
};

/// How a CSR instruction combines its operand with the register.
enum class CsrOp : uint32_t { kWrite, kSet, kClear };

/// Which tiers a hart may use.
struct Tiers {
    bool translate = true;
    /// Executions of a block before it is translated.
    uint32_t hotThreshold = 12;
    /// Bound on one hart's translated code; when it is reached, all of it goes and what runs is translated anew.
    size_t codeBytes = size_t{48} << 20;
};

class Hart {
public:
    Hart(uint8_t* base, uint64_t bytes, uint32_t id, Tiers tiers);
    ~Hart();
    Hart(const Hart&) = delete;
    Hart& operator=(const Hart&) = delete;

    /// Runs at most `budget` instructions; returns a Stop number (see src/cpu/engine.ts).
    uint32_t run(uint64_t budget);
    /// Finishes the load or store that stopped with Stop.Mmio; `value` is what a load got, zero-extended.
    void completeMmio(uint64_t value);
    /// Answers it with an access fault.
    void refuseMmio();
    /// State was changed from outside.
    void invalidate();

    // ---- memory (access.cc). False: ctx.leave says why; nothing was changed.
    /// `way`: the first-level table to fill (see wayOf).
    bool loadSlow(uint64_t va, uint32_t size, uint32_t way, uint64_t* out);
    bool storeSlow(uint64_t va, uint32_t size, uint32_t way, uint64_t value);
    /// Host pointer for an aligned atomic access of 4 or 8 bytes, or nullptr with the trap prepared.
    uint8_t* atomicPointer(uint64_t va, uint32_t size, uint32_t way, Access access, uint64_t* gpa = nullptr);
    /// Enters the page of va … va + span - 1 in the first level, for an access that is about to happen there. False:
    /// the range crosses pages, is not RAM, or may not be accessed so; nothing is raised.
    bool fillAhead(uint64_t va, uint32_t span, bool store, uint32_t way);
    bool cboZero(uint64_t va);
    /// CBO.CLEAN/FLUSH/INVAL: permission check only, there is no cache to manage.
    bool cboCheck(uint64_t va);
    bool loadReserved(uint64_t va, uint32_t size, uint32_t way, uint64_t* out);
    bool storeConditional(uint64_t va, uint32_t size, uint32_t way, uint64_t value, uint64_t* failed);

    // ---- address translation (mmu.cc)
    Translation translate(uint64_t va, Access access, uint32_t priv, bool sum, bool mxr);
    bool pmpAllows(uint64_t gpa, uint32_t size, Access access, uint32_t priv, bool* wholePage) const;
    void flushTlb();
    void flushFirstLevel();
    /// SFENCE.VMA of one page: in all address spaces, or (then sparing global mappings) in one. True: instructions may
    /// have been fetched from it.
    bool flushPage(uint64_t va, bool oneAsid, uint16_t asid);
    /// SFENCE.VMA of one address space.
    void flushAsid(uint16_t asid);
    /// satp was written.
    void switchAddressSpace(uint64_t before);
    /// Recomputes what depends on privilege, mstatus and satp.
    void updateMode();

    // ---- CSRs (csr.cc)
    /// Does what a CSR instruction does to register `number`, `old` being what it held; false: illegal instruction.
    bool accessCsr(uint32_t number, CsrOp op, uint64_t operand, bool reads, bool writes, uint64_t* old);
    /// The bits of another register that a view such as sstatus shows.
    static uint64_t viewMask(uint32_t number);
    /// Whether xenvcfg enables a cache-block instruction in the current mode (CMO 19.5).
    bool cboEnabled(uint64_t field) const;

    // ---- traps (trap.cc)
    void takeTrap(uint32_t cause, uint64_t tval);
    /// Takes the interrupt that is due, if any.
    bool takeInterrupt();
    /// mip, with the timers compared anew.
    uint64_t pendingInterrupts();
    /// Whether WFI would not wait: something is pending and enabled in mie, whatever mode and delegation say (3.3.3).
    bool wakes();
    /// WRS: waits a little while the reservation stands.
    void waitOnReservation();
    void mret();
    void sret();

    /// Prepares a trap of the current instruction for the handler to leave with.
    void raise(uint32_t cause, uint64_t tval) {
        ctx.leave = Leave::kTrap;
        ctx.trapCause = cause;
        ctx.trapValue = tval;
    }

    /// Whether mstatus.FS allows floating point; a write makes it Dirty.
    bool fpEnable(bool write);
    /// Moves the flags that the host gathered to fcsr.
    void mergeFlags();
    /// Decoded code is out of date: FENCE.I.
    void fenceI();

    uint64_t csr(size_t offset) const { return read64(block_, offset); }
    void setCsr(size_t offset, uint64_t v) { write64(block_, offset, v); }

    uint8_t* block() { return block_; }
    /// Hot code is translated: it was asked for, and the host allows it.
    bool translates() const { return jit_ != nullptr; }
    Machine& machine() { return machine_; }
    uint32_t priv() const { return priv_; }
    Mode dataMode() const { return dataMode_; }
    /// Data accesses have another privilege than fetches (mstatus.MPRV): only the interpreter runs then.
    bool mprvActive() const { return mprvActive_; }

    Context ctx;

private:
    friend class jit::Translator;

    struct FetchEntry {
        uint64_t page, gpa;
        const uint8_t* host;
        /// Its decoded code, verified, or nullptr: not asked for yet.
        CodePage* code;
    };
    struct BlockEntry {
        uint64_t pc;
        CodeBlock* block;
    };
    static constexpr uint32_t kFetchSize = 1024;
    static constexpr uint32_t kBlockCacheSize = 16384;
    static constexpr uint32_t kFetchedBits = 32768;

    bool csrAccessible(uint32_t number, bool write) const;
    uint64_t readCsr(uint32_t number);
    void writeCsr(uint32_t number, CsrOp op, uint64_t operand);
    void writeStored(uint32_t number, CsrOp op, uint64_t operand);
    void writeMip(CsrOp op, uint64_t value, uint64_t writable);
    bool pmpLocked(uint32_t entry) const;
    uint64_t pendingNow() const;
    void pollTimers();
    void flushLastPages();
    void flushUnit(uint32_t mode, bool store, uint32_t way);
    void noteLarge(uint64_t va, uint32_t shift);

    void loadRegisters();
    void storeRegisters();
    void count(uint64_t retired);
    /// Counts what ran since the last call.
    void countRetired() {
        if (uncounted_ == 0) return;
        count(uncounted_);
        uncounted_ = 0;
    }
    bool handleAttention(uint32_t* stop);
    bool runSlice(uint64_t* left, uint32_t* stop);
    void fitSlice(uint64_t ticks);
    uint32_t leaveStop(uint32_t stop);
    void enterTrap(uint32_t code, bool interrupt, uint64_t tval);

    uint32_t fetchMode() const { return priv_ == 1 ? kModeS : priv_; }
    void checkEpoch();
    CodeBlock* fetchBlock();
    CodeBlock* fetchSingle(uint64_t pc, uint64_t gpa, const uint8_t* host);
    bool fetchTranslate(uint64_t va, uint64_t* gpa, const uint8_t** host);
    bool translateCacheable(uint64_t pc);
    static uint32_t fetchedBit(uint64_t va) {
        return static_cast<uint32_t>((va >> 12) ^ (va >> 27) ^ (va >> 42)) % kFetchedBits;
    }
    void dropFetchMode(uint32_t mode);
    void dropTranslations();

    void dispatch(const CodeBlock* block);
    uint64_t runBlock(CodeBlock* block, uint64_t limit);
    uint64_t runChain(CodeBlock* block, uint64_t limit);
    uint64_t leftWithin(const CodeBlock* block);
    uint64_t runTranslated(const void* code, uint64_t limit);
    const void* translationFor(CodeBlock* block);
    void noteExit(const Decoded& d);
    bool prepareMmio(uint64_t va, uint64_t gpa, uint32_t size, uint32_t write, uint64_t value);
    bool resolve(uint64_t va, Access access, Resolved* out);
    bool storedPermits(const StoredPage& page, Access access, uint32_t priv, bool sum) const;
    bool checkPmp(const Resolved& r, uint32_t size, Access access, uint64_t va);
    void fillTlb(uint64_t va, const Resolved& r, bool store, uint32_t way);
    bool loadCrossing(uint64_t va, uint32_t size, uint64_t* out);
    bool storeCrossing(uint64_t va, uint32_t size, uint64_t value);
    bool resolvePart(uint64_t va, uint32_t size, Access access, Resolved* out);
    void markDirty(const Slot* slot, uint64_t offset);
    /// Forgets where instructions are fetched from.
    void dropFetch();
    uint32_t mpp() const { return (csr(layout::hart::mstatus) >> 11) & 3; }

    uint8_t* base_;
    uint8_t* block_;
    Machine machine_;
    uint32_t id_;
    Tiers tiers_;
    uint32_t priv_ = 3;
    Mode dataMode_ = kModeM;
    bool mprvActive_ = false;
    bool mxr_ = false;
    /// The next block is the interpreter's: translated code left before it.
    bool interpretNext_ = false;
    /// S-mode or M-mode code was fetched from a page that is not global.
    bool fetchedLocal_ = false;
    uint32_t pendingLink_ = 0;
    uint32_t seenEpoch_ = 0;
    /// What code pages must have been verified at to run: grows with the code epoch and with changes from outside.
    uint64_t codeStamp_ = 1;
    /// Retired instructions that the counters do not show yet.
    uint64_t uncounted_ = 0;
    /// Timer interrupts as of the last look at the clock, as mip bits, and instructions since.
    uint64_t timers_ = 0;
    uint64_t sincePoll_ = 0;
    /// mtime then.
    uint64_t polledAt_ = 0;
    /// Instructions of a slice at present.
    uint64_t slice_ = 0;
    uint64_t seenSatp_ = 0;
    FetchEntry fetchCache_[kModeCount][kFetchSize];
    BlockEntry blockCache_[kModeCount][kBlockCacheSize];
    /// Modes whose fetch caches hold anything.
    bool fetchUsed_[kModeCount] = {true, true, true, true};
    /// By mode of fetches, hashed sets of pages that instructions were fetched from since the mode's caches were dropped.
    /// Large, because a page that only seems to be among them costs all of the mode's caches.
    uint64_t fetched_[kModeCount][kFetchedBits / 64];
    /// Pages whose code the fetch caches lead to.
    std::vector<CodePage*> active_;
    /// First-level entries in use, so that flushing touches those alone.
    uint16_t touched_[kModeCount][2][kTlbWays][kTlbSize];
    /// How many those are, by mode, load or store, and way; kTlbSize: any may be in use.
    uint16_t touchedCount_[kModeCount][2][kTlbWays];
    LargePages large_;
    BlockCache blocks_;
    TlbStore tlbStore_;
    std::unique_ptr<jit::Translator> jit_;
};

}  // namespace nodevisor
