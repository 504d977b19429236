// The border between what translation decides and what a host's instructions are: what a host owes to the translator, and
// the one place where the host is chosen.
//
// Everything in native/core/jit itself is free of the host: which blocks a run has (Plan), which accesses share a look-up,
// what lives in registers over a loop, in which order code is emitted and what leaves it where (Run, Progress, Known), where
// it lies and what is linked to what (Translator). A host is one folder beside it: its assembler, its calling conventions
// and the classes that the concepts below state, in the namespace of its name. To add one, write that folder, name it at
// the end of this file, and list it in binding.gyp and native/CMakeLists.txt; nothing else changes. x64/ is the example.
//
// Hosts without one run the interpreter tier: then NODEVISOR_EMITTER is not defined. Defining NODEVISOR_TIER0 chooses that
// on any host.
//
// Code as all hosts' must be:
// - Registers. While translated code runs, some of the guest's registers live in host registers, the same ones (`usualHomes`)
//   wherever one run may go to another; the rest, and while C++ runs all, are in Context. Loops have homes of their own
//   (Plan::homes), which `swapIn` and `swapOut` put in place and take back. A home that is not among the callee-saved
//   registers must survive the thunks all the same.
// - Lateness. x[r] in a home that is `lazy` (see Known) is the low half of the register, whatever is above it; `complete`
//   extends it. The emitter keeps Known up to date with every instruction that it lowers.
// - Budget. A host register counts the slice's instructions down. A run takes all of its steps off at its beginning, and
//   a way out gives those back that were not executed.
// - Flags. What Run calls between a comparison and its branch is nothing: the two are emitted together. A branch to a stub
//   may be taken with flags in any state.
// - Places are addresses in the writable view of the code. A "branch" is what an emitting function returns when the target
//   is not known yet: whatever place the emitter wants back in `bind` and `patch`. Each is given a target exactly once, but
//   for those of links, which are patched again and again.
// - Room runs out while code is emitted: the emitter writes nothing past the end, and `overflowed` says so later.
#pragma once

#include <concepts>
#include <span>

#include "../context.h"
#include "progress.h"
#include "room.h"

namespace nodevisor::jit {

/// The floating-point status of the host as a word of 32 bits, in Context::fpGuest while translated code does not run: the
/// rounding mode it runs with, and the exceptions that it raised. All functions are pure.
template <typename F>
concept HostFpStatus = requires(uint32_t word, uint32_t frm) {
    /// The word at the beginning: no exception raised or trapping, round to nearest.
    { F::kIdle } -> std::convertible_to<uint32_t>;
    /// `word` with the rounding mode `frm`: RNE 0, RTZ 1, RDN 2, RUP 3. Others never run translated.
    { F::withRounding(word, frm) } -> std::same_as<uint32_t>;
    /// Its exceptions, brought to bits 5:0; 0: none.
    { F::raised(word) } -> std::same_as<uint32_t>;
    /// `word` with none.
    { F::withoutRaised(word) } -> std::same_as<uint32_t>;
    /// What they are as fflags (Unprivileged spec 20.2); the argument is below 64. Context::flagsOfHost is made of it.
    { F::flagsOf(word) } -> std::same_as<uint8_t>;
};

/// The pieces of code that a translator has once, at the beginning of its memory.
template <typename T>
concept HostThunks = requires(T thunks, const T constant, const Room& room, const void* code, Context* ctx) {
    /// Whether the host's processor has all that the emitter uses.
    { T::supported() } -> std::same_as<bool>;
    /// Emits the way in, the way out, and for each function of callbacks.h what calls it: with the registers of their usual
    /// homes in the context for that time, the guest's floating-point status as it is, and the calling convention of the
    /// system. Returns their bytes, 0 if there is not enough room.
    { thunks.emit(room) } -> std::same_as<size_t>;
    /// Calls translated code: puts the guest's registers and floating-point status in place, and returns when the code has
    /// left, with everything back in `ctx` and the host's own registers and status as they were.
    { constant.enter(code, ctx) } -> std::same_as<void>;
};

/// The emitter proper: one object emits one run, into the room that its constructor gets. `progress` is shared with Run;
/// the state block holds what the context does not (its address is fixed).
template <typename E, typename Thunks>
concept HostEmitter =
    std::constructible_from<E, const Thunks&, const Room&, const Plan&, Progress&, const uint8_t*> &&
    requires(E e, const E constant, uint8_t* branch, const uint8_t* place, uint32_t n, uint64_t pc, const Decoded& d) {
        // ---- of all runs
        /// Where integer registers live at the entry of every run and at all ways out; `host` is a number of the emitter's.
        { E::usualHomes() } -> std::same_as<std::span<const Home>>;
        /// Turns the branch of a link that was emitted earlier to `place`, also a second time. The last argument is the
        /// executable address of the branch: the host must fetch it as it is now.
        { E::setJump(branch, place, place) } -> std::same_as<void>;
        /// Makes a link's guard compare with that generation; the last argument as before.
        { E::setGuard(branch, n, place) } -> std::same_as<void>;
        /// So many bytes of code from the executable address `place` on are new: makes the host fetch them as they are now.
        { E::publish(place, size_t{}) } -> std::same_as<void>;

        // ---- places
        /// Begins the run: its entry.
        { e.begin() } -> std::same_as<uint8_t*>;
        /// Where the next instruction will stand.
        { constant.here() } -> std::same_as<uint8_t*>;
        /// The executable address of a place.
        { constant.exec(place) } -> std::same_as<const uint8_t*>;
        { constant.overflowed() } -> std::same_as<bool>;
        /// An unconditional branch.
        { e.jump() } -> std::same_as<uint8_t*>;
        { e.jumpTo(place) } -> std::same_as<void>;
        /// Gives a branch the place where the next instruction will stand, or any other.
        { e.bind(branch) } -> std::same_as<void>;
        { e.patch(branch, place) } -> std::same_as<void>;

        // ---- registers
        /// Sign-extends x[n] in its home if it is lazy; all that are.
        { e.complete(n) } -> std::same_as<void>;
        { e.completeAll() } -> std::same_as<void>;
        /// x[n] becomes a constant.
        { e.putImm(n, pc) } -> std::same_as<void>;
        /// From the usual homes to Plan::homes, by Plan::swaps: what a register is taken from goes to the context, what it
        /// is given to comes from there, or in a second copy from the addend of the stream. And back.
        { e.swapIn() } -> std::same_as<void>;
        { e.swapOut() } -> std::same_as<void>;

        // ---- budget, ways in and out
        /// Takes n off the budget; the branch is taken if there were not as many, with the budget below zero.
        { e.spend(n) } -> std::same_as<uint8_t*>;
        /// Gives n back. Context::chunkRest, what a chunk of passes left out of the budget.
        { e.refund(n) } -> std::same_as<void>;
        { e.refundRest() } -> std::same_as<void>;
        /// The branch is taken unless Context::fpKey is that.
        { e.unlessRounding(uint8_t{}) } -> std::same_as<uint8_t*>;
        /// Leaves translated code at `pc` with that reason, or with what is in Context::leave already.
        { e.leave(Leave::kNext, pc) } -> std::same_as<void>;
        { e.leaveAt(pc) } -> std::same_as<void>;
        /// Goes to the run at `pc` by a link, the n-th of the translator. What it emits is, in order: for another page, a
        /// comparison of Context::fetchGeneration of the mode with the guard (0 at first, which no generation is), skipping
        /// the jump when they differ; the jump; for another page, Context::jumpCache; then n + 1 to Context::scratch[0] and
        /// leaving with kNext.
        { e.exitTo(pc, n) } -> std::same_as<LinkPlaces>;
        /// jalr: goes to x[rs1] + imm with bit 0 cleared, through Context::jumpCache or else leaving with kNext. Puts `pc`
        /// in x[rd] after x[rs1] was read.
        { e.computedJump(d, pc) } -> std::same_as<void>;
        /// Sets Context::pc and has the interpreter run the record (callHandler in callbacks.h), with everything in the
        /// usual homes. The branch is taken if Context::leave is not kNext afterwards.
        { e.callHandler(pc, static_cast<const Insn*>(nullptr)) } -> std::same_as<uint8_t*>;

        // ---- loops with streams
        /// Context::warmUp becomes kWarmUp.
        { e.setWarmUp() } -> std::same_as<void>;
        /// The end of a pass through the first copy, which is at `place`: counts warmUp down and goes back there while it is
        /// not below zero. Then looks up the page of each stream, keeping its addend; finds how many more passes stay in
        /// all of them; leaves budget for these and one, the rest in Context::chunkRest; and falls through to the second
        /// copy. If a page is missing in the first level, or the budget is less than a pass, sets warmUp again and goes
        /// back to the first copy. Entered in the state Progress::again. Returns where the look-ups begin: there the second
        /// copy comes when its chunk is over.
        { e.planChunk(place) } -> std::same_as<uint8_t*>;

        // ---- instructions
        /// A copy of the run begins; step n begins. For what the emitter remembers of the step before.
        { e.beginCopy() } -> std::same_as<void>;
        { e.beginStep(n) } -> std::same_as<void>;
        /// Step n, a conditional branch.
        { e.branch(n) } -> std::same_as<uint8_t*>;
        /// Step n, any other instruction but jumps; false, and nothing emitted: the interpreter's handler executes it.
        /// What may end the run at it is told to Progress, and so are rare cases that the handler does; how an access finds
        /// its page says Progress::lookup, to be asked once for each load and store.
        { e.lower(n) } -> std::same_as<bool>;
        /// The emitter's own stubs of the copy. What they leave by is told to Progress.
        { e.emitStubs() } -> std::same_as<void>;
        /// The stub of a look-up that the emitter told to Progress::groupMisses. Falls through if the page cannot be had.
        { e.missedGroup(GroupMiss{}) } -> std::same_as<void>;
    };

}  // namespace nodevisor::jit

#if defined(NODEVISOR_TIER0)
// The interpreter tier alone was asked for.
#elif defined(__x86_64__) || defined(_M_X64)
#define NODEVISOR_EMITTER
#include "x64/emitter.h"
#include "x64/fp_status.h"
namespace nodevisor::jit {
namespace host = x64;
}
#endif

namespace nodevisor::jit {

#if defined(NODEVISOR_EMITTER)

using FpStatus = host::FpStatus;
using Thunks = host::Thunks;
using Emitter = host::Emitter;
static_assert(HostThunks<Thunks>);
static_assert(HostEmitter<Emitter, Thunks>);

#else

/// The interpreter keeps its flags in fcsr.
struct FpStatus {
    static constexpr uint32_t kIdle = 0;
    static constexpr uint32_t withRounding(uint32_t word, uint32_t) { return word; }
    static constexpr uint32_t raised(uint32_t) { return 0; }
    static constexpr uint32_t withoutRaised(uint32_t word) { return word; }
    static constexpr uint8_t flagsOf(uint32_t) { return 0; }
};

#endif

static_assert(HostFpStatus<FpStatus>);

}  // namespace nodevisor::jit
