// What is to be translated, and how, before a byte of it is emitted. Nothing here depends on the host but how many
// registers it has for guest registers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../block_cache.h"
#include "../context.h"
#include "../decode.h"

namespace nodevisor::jit {

/// No host register.
constexpr uint8_t kNoHome = 0xff;

/// An integer register of the guest and the host register, by the emitter's number, that it lives in.
struct Home {
    uint8_t guest, host;
};

/// One guest instruction of the run.
struct Step {
    Decoded insn;
    /// Its guest virtual address.
    uint64_t pc;
    /// A jump that the run follows: nothing to emit but the link register.
    bool followed = false;
};

/// Accesses through one base register that is not written between them.
struct Group {
    uint8_t base;
    bool isStore, open;
    uint32_t members;
    /// The bytes that members access, from what the base register holds at the first of them.
    int32_t low, high;
    /// What was added to the base register since then.
    int32_t moved;
};
constexpr uint32_t kNoGroup = ~0u;

/// Accesses of a loop whose addresses are x[a] + x[b] + low … high and move on by a constant with every pass.
struct Stream {
    uint8_t a, b;
    bool isStore;
    uint32_t way;
    int32_t low, high, stride;
    uint32_t members;
    /// The host register that keeps the addend of its page, or kNoHome.
    uint8_t host;
};
constexpr uint32_t kNoStream = ~0u;

/// Passes through the first copy of a loop before a chunk is planned: loops that are over by then do without.
constexpr int32_t kWarmUp = 3;

/// A host register that in a loop is not x[out]'s but x[in]'s, or that of stream `in` - 32.
struct Swap {
    uint8_t host;
    uint32_t out, in;
};

/// Conditional branches.
inline bool isBranch(const Decoded& d) {
    switch (d.op) {
        case Op::beq_:
        case Op::bne_:
        case Op::blt_:
        case Op::bge_:
        case Op::bltu_:
        case Op::bgeu_: return true;
        default: return false;
    }
}
inline bool isJal(const Decoded& d) { return d.op == Op::jal_; }

/// A run of guest instructions inside one page: which they are, what they use, how their addresses are translated, and
/// if they are a loop, what lives in registers over it.
class Plan {
public:
    /// Of the run from `pc` on in `mode`, while Context::fpKey is `frm`.
    Plan(uint64_t pc, uint32_t mode, uint8_t frm) : pc(pc), mode(mode), frm(frm) {}

    /// Collects the instructions from `block` on.
    void collect(CodeBlock* block, BlockCache* blocks);
    /// Finds out everything below `fallTo`. `usual` are the homes that registers have on the way into every run.
    void analyse(std::span<const Home> usual);

    /// Uses floating-point registers or flags.
    bool usesFp() const;
    bool isSteady(uint32_t r) const { return (steady & (1u << r)) != 0; }
    /// Where the instruction after step i lies.
    uint64_t nextPc(uint32_t i) const { return steps[i].pc + steps[i].insn.length; }
    /// How many instructions the run does not execute if it is left before step i.
    uint32_t stepsAfter(uint32_t i) const { return static_cast<uint32_t>(steps.size()) - i; }
    /// Where the branch or jump that is step i goes.
    uint64_t targetOf(uint32_t i) const { return steps[i].pc + static_cast<uint64_t>(int64_t{steps[i].insn.imm}); }
    /// An access to sstatus that may be emitted: csrrs, csrrc, and of SIE alone csrrsi and csrrci, in S-mode.
    bool isStatusAccess(const Decoded& d) const;
    /// Serial to the interpreter, but runs go on behind it.
    bool goesOn(const Decoded& d) const { return isFlagsAccess(d) || isStatusAccess(d); }

    uint64_t pc;
    uint32_t mode;
    /// The rounding mode that floating point is emitted for: the run is left at once when Context::fpKey is another.
    uint8_t frm;
    std::vector<Step> steps;
    /// Where the guest goes on behind the last step.
    uint64_t fallTo = 0;

    /// Base registers for which the last page is worth keeping.
    uint32_t steady = 0;
    std::vector<Group> groups;
    /// By step.
    std::vector<uint32_t> groupOf;
    /// Jumps back to its own beginning.
    bool loops = false;
    /// Host registers of integer registers while the run runs, or kNoHome.
    uint8_t homes[32];
    /// What differs from the usual homes.
    std::vector<Swap> swaps;
    std::vector<Stream> streams;
    /// By step, if it is a loop.
    std::vector<uint32_t> streamOf;

private:
    static constexpr uint32_t kMaxSteps = 96;

    bool isLoop() const;
    // ---- plan_pages.cc
    void findSteady();
    /// Finds accesses through one base register that is not written between them: only the first of a group looks its
    /// page up, for the whole range of the group; the others use what it found. Nothing in a run takes translations back.
    /// Adding a constant to a steady base register does not end its group.
    void findGroups();
    uint32_t groupFor(const Decoded& d, bool isStore);
    // ---- plan_loops.cc
    void findStreams();
    uint32_t streamFor(uint32_t i, uint8_t a, uint8_t b, int32_t offset, int32_t stride);
    void chooseHomes(std::span<const Home> usual);
};

}  // namespace nodevisor::jit
