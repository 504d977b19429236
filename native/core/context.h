// What the engine keeps of one hart while it runs: plain data at fixed offsets, because translated code addresses it
// through one base register. Registers are copied from the shared state block at entry to run() and back at exit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nodevisor {

class Hart;

/// Address contexts of data accesses. Each has translation caches of its own, so that changing privilege costs no flush.
/// `kModeSum` is S-mode with mstatus.SUM set.
enum Mode : uint32_t { kModeU = 0, kModeS = 1, kModeSum = 2, kModeM = 3, kModeCount = 4 };

/// Entries of each direct-mapped translation cache.
constexpr uint32_t kTlbSize = 1024;

/// One cached translation, chosen by va: an access of `size` bytes at `va` hits if (va ^ tag) <= 4096 - size, which fails
/// for accesses that cross a page; then the bytes are at host address va + addend.
struct TlbEntry {
    uint64_t tag;
    uint64_t addend;
};

/// Tag of entry `index` that nothing hits: of a page that has another entry.
inline constexpr uint64_t tlbInvalid(uint32_t index) { return uint64_t{index ^ (kTlbSize / 2)} << 12; }

/// Tables for each kind of access. Which one an instruction uses follows from its base register: streams through memory
/// that collide in a direct-mapped table mostly have base registers of their own, and choosing costs no host instruction.
constexpr uint32_t kTlbWays = 4;
inline constexpr uint32_t wayOf(uint32_t baseRegister) { return baseRegister % kTlbWays; }

/// Translations for loads and stores of one mode. A store entry exists only for pages whose dirty bits (the page table's
/// and the dirty log's) are set already.
struct Tlb {
    TlbEntry load[kTlbWays][kTlbSize];
    TlbEntry store[kTlbWays][kTlbSize];
};

/// Translated code: the page that loads ([0]) and stores ([1]) through each base register last went to, as in TlbEntry.
/// What empties the first level empties this too. Hits need the page and a naturally aligned address.
struct LastPages {
    uint64_t tag[2][32];
    uint64_t addend[2][32];
};

/// Tag in LastPages that nothing hits: look-ups clear bit 11 of what they compare.
constexpr uint64_t kLastInvalid = 0x800;

/// Where translated code for the instruction at `pc` starts, in the current mode.
struct JumpCacheEntry {
    uint64_t pc;
    const void* code;
};

constexpr uint32_t kJumpCacheSize = 4096;

/// Groups of accesses that one run of translated code may have.
constexpr uint32_t kGroups = 24;

/// Streams of accesses that a loop of translated code may have.
constexpr uint32_t kStreams = 8;

/// Slow operations in a slice: a hundred or two nanoseconds each, so that requests of others and timers are looked at in time.
constexpr uint32_t kSlowMax = 192;

/// Context::fpKey when translated floating-point code may not run.
constexpr uint8_t kFpSlow = 0xff;

/// Why a handler or translated code came back.
enum class Leave : uint32_t {
    /// Went to the end of the block: go on at pc.
    kNext = 0,
    /// Trap of `trapCause`, `trapValue` at pc.
    kTrap,
    /// The exit fields of the state block are filled in; run() returns `stop`.
    kExit,
    /// State that translations depend on changed (privilege, satp, mstatus …): go on at pc after a look around.
    kResync,
    /// As kExit, but the instruction retired and pc is past it.
    kRetireExit,
    /// Translated code: the instruction at pc is for the interpreter.
    kInterpret,
    /// Translated code: the budget of the slice is used up at pc.
    kBudget,
};

/// Index in Context::x that instructions with rd = x0 write to.
constexpr uint32_t kSink = 32;

struct Insn;

struct Context {
    /// x[0] is 0 and never written; x[kSink] takes what is written to x0.
    uint64_t x[33];
    /// Floating-point registers, NaN-boxed.
    uint64_t f[32];
    /// Address of the block that runs; past its end, of the next instruction.
    uint64_t pc;
    /// Translated code counts down in a register; saved here when it leaves.
    int64_t budget;
    Leave leave;
    uint32_t trapCause;
    uint64_t trapValue;
    /// The instruction at which a handler left before the block's end.
    const Insn* leaveIp;
    /// Stop number that goes with Leave::kExit.
    uint32_t stop;
    /// frm when mstatus.FS is Dirty and frm is a mode the host has; otherwise kFpSlow.
    uint8_t fpKey;
    uint8_t pad0[3];
    /// By mode: changes whenever a cached translation of an instruction page may have become wrong. Links of translated
    /// code across pages compare it.
    uint32_t fetchGeneration[kModeCount];
    /// The host's floating-point status (see jit/emitter.h) for translated code, and while that runs, the one of C++.
    uint32_t fpGuest;
    uint32_t fpHost;
    /// Translations of the current data mode.
    Tlb* data;
    Hart* hart;
    /// Loop-dispatched builds: the next instruction.
    const Insn* ip;
    /// fflags by the exceptions in the host's status.
    uint8_t flagsOfHost[64];
    /// Constants that translated code takes from memory.
    uint64_t boxMask;
    uint64_t boxMaskHigh;
    uint64_t signDouble[2];
    uint64_t signSingle[2];
    uint64_t magnitudeDouble[2];
    uint64_t magnitudeSingle[2];
    /// Flags that the floating-point instruction raises: here rather than in a local variable of its handler, so that the
    /// handler can continue with a tail call.
    uint32_t raised;
    /// What took long since the slice began: misses of the translation cache, soft floating point, handlers called out of
    /// translated code. Beyond kSlowMax the slice ends early.
    uint32_t slow;
    /// Scratch for translated code's slow paths.
    uint64_t scratch[4];
    /// Translated code: host addresses that base registers of groups of accesses stand for (see Plan::findGroups).
    uint64_t groupBase[kGroups];
    LastPages last[kModeCount];
    Tlb tlb[kModeCount];
    JumpCacheEntry jumpCache[kModeCount][kJumpCacheSize];
    /// Translated loops (see jit/plan_loops.cc): from guest to host addresses for each stream, the budget beyond the chunk that
    /// runs, and passes to go before the first one.
    uint64_t streamAddend[kStreams];
    int64_t chunkRest;
    int32_t warmUp;
    /// Timer interrupts as mip bits, as of the last look at the clock.
    uint32_t timers;
};

}  // namespace nodevisor
