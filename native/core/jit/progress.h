// How far the emission of a run is: what is known of registers at the place that is being emitted, and the ways out of
// the straight path, whose code comes behind it. Shared by Run, which decides, and the emitter.
#pragma once

#include <cstdint>
#include <vector>

#include "known.h"
#include "plan.h"

namespace nodevisor::jit {

/// How an access to memory finds its page.
enum class Lookup : uint8_t {
    /// Its stream's addend was found when the chunk of passes was planned.
    kStream,
    /// It is the first of its group that runs: looks the group's whole range up.
    kGroup,
    /// Its group was looked up by a step before.
    kFound,
    /// Its base register is steady: compared with the page that the register last pointed into.
    kLast,
    /// Compared with the first level of the translation cache.
    kFirstLevel,
};

/// A group's look-up that failed: fill the first level and try again at `retry`, or leave before the step.
struct GroupMiss {
    uint32_t step;
    uint32_t group;
    uint8_t* from;
    /// Another branch to the same stub, or nullptr.
    uint8_t* from2;
    uint8_t* retry;
    uint32_t lazy;
};

/// A step, or its rare case, that the interpreter's handler executes; then the run goes on at `back`.
struct SlowCall {
    uint32_t step;
    uint8_t* from;
    uint8_t* back;
    uint32_t lazy;
};

/// A way out of the run at a step.
struct Leaving {
    uint32_t step;
    uint8_t* from;
    uint32_t lazy;
};

/// A way out to a constant address, with so many of the run's steps not executed.
struct Exit {
    uint8_t* from;
    uint64_t target;
    uint32_t unspent;
    uint32_t lazy;
};

/// Places are in the writable view; `from` is a branch that has no target yet (see emitter.h).
class Progress {
public:
    /// Leaves at the branch `from` before step i, with Context::leave set already.
    void left(uint32_t i, uint8_t* from) { leaving.push_back({i, from, known.lazy}); }
    /// Leaves before step i, which is for the interpreter.
    void interpret(uint32_t i, uint8_t* from) { interpreted.push_back({i, from, known.lazy}); }
    /// Leaves behind step i, for an interrupt that it may have let in.
    void letIn(uint32_t i, uint8_t* from) { interrupted.push_back({i, from, known.lazy}); }
    /// Has step i done by its handler instead, and goes on at `back`; `lazy` as the branch finds it.
    void call(uint32_t i, uint8_t* from, uint8_t* back, uint32_t lazy) { calls.push_back({i, from, back, lazy}); }

    /// How step i, a load or store, is to find its page.
    Lookup lookup(const Plan& plan, uint32_t i) {
        if (inChunk(plan) && plan.streamOf[i] != kNoStream) return Lookup::kStream;
        const uint32_t group = plan.groupOf[i];
        if (group == kNoGroup) return plan.isSteady(plan.steps[i].insn.rs1) ? Lookup::kLast : Lookup::kFirstLevel;
        if (groupDone[group]) return Lookup::kFound;
        groupDone[group] = true;
        return Lookup::kGroup;
    }
    /// In a loop's second copy, which runs in chunks of passes whose pages were looked up ahead.
    bool inChunk(const Plan& plan) const { return second && !plan.streams.empty(); }

    Known known;
    /// The second copy of a loop is being made, which begins with `again`.
    bool second = false;
    Known again;
    std::vector<bool> groupDone;

    std::vector<GroupMiss> groupMisses;
    std::vector<SlowCall> calls;
    std::vector<Exit> exits;
    std::vector<Leaving> interpreted;
    std::vector<Leaving> interrupted;
    std::vector<Leaving> leaving;
};

}  // namespace nodevisor::jit
