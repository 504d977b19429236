// Turns a plan into code: the order of things, what leaves the run where and in which state, and the account of the
// budget. What the host's instructions are is the emitter's.
#pragma once

#include <vector>

#include "emitter.h"
#include "progress.h"

namespace nodevisor::jit {

class Translator;

/// The emission of one run.
class Run {
public:
    /// Emits into `room` for `translator`, whose thunks, links and records the code uses.
    Run(Translator* translator, const Plan& plan, const Room& room);

    /// Emits code; false if it did not fit. The entry is the executable address.
    bool emit(const uint8_t** entry);
    /// The end of what was emitted, in the writable view.
    uint8_t* end() const { return e_.here(); }

private:
    void emitBody();
    void emitStep(uint32_t i);
    void branch(uint32_t i);
    /// Has step i executed by its handler and goes on.
    void callHandler(uint32_t i);
    void emitStubs();
    void emitWaysOut();
    /// What every way out of the run comes to: complete registers in their places, and the budget without what the run
    /// did not execute.
    void unwind(uint32_t unspent);
    void exitTo(uint64_t target, uint32_t unspent);
    void interpretAt(uint32_t i);

    // ---- loops
    void beforeBack();
    void back(uint8_t* branch);
    void emitSecond(const Known& known);
    void restart();

    Translator& t_;
    const Plan& plan_;
    Progress progress_;
    Emitter e_;
    Known& known_;
    /// The run ends in an instruction that left already (jump, interpret).
    bool ended_ = false;
    /// Where the run begins when it comes from itself.
    uint8_t* loop_ = nullptr;
    /// The first copy of a loop, and the planning of chunks, once they are there.
    uint8_t* first_ = nullptr;
    uint8_t* replan_ = nullptr;
    bool sound_ = true;
    /// Branches back in the first copy; in the second, branches to the first.
    std::vector<uint8_t*> backs_;
    std::vector<uint8_t*> restarts_;
};

}  // namespace nodevisor::jit
