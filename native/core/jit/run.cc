#include "emitter.h"

#if defined(NODEVISOR_EMITTER)

#include "../exec.h"
#include "../hart.h"
#include "run.h"
#include "translator.h"

namespace nodevisor::jit {

Run::Run(Translator* translator, const Plan& plan, const Room& room)
    : t_(*translator), plan_(plan), e_(t_.thunks_, room, plan, progress_, t_.hart_->block()), known_(progress_.known) {
    progress_.groupDone.assign(plan.groups.size(), false);
}

bool Run::emit(const uint8_t** entry) {
    *entry = e_.exec(e_.begin());
    uint8_t* slowFp = plan_.usesFp() ? e_.unlessRounding(plan_.frm) : nullptr;
    if (plan_.loops) e_.swapIn();
    if (!plan_.streams.empty()) e_.setWarmUp();
    loop_ = e_.here();
    emitBody();
    if (slowFp) {
        e_.bind(slowFp);
        e_.leave(Leave::kInterpret, plan_.pc);
    }
    return !e_.overflowed();
}

/// One copy of the run, from `loop_` on, with its stubs.
void Run::emitBody() {
    const Known before = known_;
    const auto all = static_cast<uint32_t>(plan_.steps.size());
    e_.beginCopy();
    uint8_t* spent = e_.spend(all);
    for (uint32_t i = 0; i < all && !ended_; i++) emitStep(i);
    if (!ended_ && plan_.loops && plan_.fallTo == plan_.pc) {
        beforeBack();
        back(e_.jump());
        ended_ = true;
    }
    const Known after = known_;
    if (!ended_) exitTo(plan_.fallTo, 0);
    emitStubs();
    emitWaysOut();
    // Not enough budget left for the whole run: the interpreter counts the rest off.
    e_.bind(spent);
    known_.lazy = before.lazy;
    if (progress_.inChunk(plan_)) {
        e_.refund(all);
        e_.refundRest();
        e_.jumpTo(replan_);
    } else {
        unwind(all);
        e_.leave(Leave::kBudget, plan_.pc);
    }
    if (plan_.loops && !progress_.second) emitSecond(after);
}

void Run::emitStep(uint32_t i) {
    e_.beginStep(i);
    const Decoded& d = plan_.steps[i].insn;
    if (plan_.steps[i].followed) {
        if (d.rd) e_.putImm(d.rd, plan_.nextPc(i));
        return;
    }
    if (isBranch(d)) return branch(i);
    if (isJal(d)) {
        if (d.rd) e_.putImm(d.rd, plan_.nextPc(i));
        exitTo(plan_.targetOf(i), 0);
        ended_ = true;
        return;
    }
    if (d.op == Op::jalr_) {
        unwind(0);
        e_.computedJump(d, plan_.nextPc(i));
        ended_ = true;
        return;
    }
    if (e_.lower(i)) return;
    if (isSerial(d) || endsBlock(d)) {
        interpretAt(i);
        ended_ = true;
        return;
    }
    callHandler(i);
}

void Run::branch(uint32_t i) {
    const uint64_t taken = plan_.targetOf(i);
    if (i + 1 == plan_.steps.size() && taken == plan_.pc) {
        beforeBack();
        return back(e_.branch(i));
    }
    uint8_t* from = e_.branch(i);
    progress_.exits.push_back({from, taken, plan_.stepsAfter(i + 1), known_.lazy});
}

void Run::callHandler(uint32_t i) {
    const Decoded& d = plan_.steps[i].insn;
    e_.completeAll();
    auto* record = static_cast<Insn*>(t_.recordArena_.allocate(2 * sizeof(Insn)));
    record[0] = nodevisor::record(d, 0);
    record[1] = sentinel(d.length);
    progress_.left(i, e_.callHandler(plan_.steps[i].pc, record));
    if (writesX(d)) known_.setNarrow(d.rd, false);
    if (writesF(d)) known_.setBoxed(d.rd, false);
}

/// What returns to the run, emitted behind it.
void Run::emitStubs() {
    e_.emitStubs();
    for (const auto& m : progress_.groupMisses) {
        known_.lazy = m.lazy;
        e_.missedGroup(m);
        interpretAt(m.step);
    }
    for (size_t n = 0; n < progress_.calls.size(); n++) {
        const SlowCall s = progress_.calls[n];
        e_.bind(s.from);
        known_.lazy = s.lazy;
        callHandler(s.step);
        e_.jumpTo(s.back);
    }
    progress_.groupMisses.clear();
    progress_.calls.clear();
}

void Run::emitWaysOut() {
    for (const auto& x : progress_.exits) {
        e_.bind(x.from);
        known_.lazy = x.lazy;
        exitTo(x.target, x.unspent);
    }
    for (const auto& l : progress_.interpreted) {
        e_.bind(l.from);
        known_.lazy = l.lazy;
        interpretAt(l.step);
    }
    for (const auto& l : progress_.interrupted) {
        e_.bind(l.from);
        known_.lazy = l.lazy;
        unwind(plan_.stepsAfter(l.step + 1));
        e_.leave(Leave::kResync, plan_.nextPc(l.step));
    }
    for (const auto& l : progress_.leaving) {
        e_.bind(l.from);
        known_.lazy = l.lazy;
        unwind(plan_.stepsAfter(l.step));
        e_.leaveAt(plan_.steps[l.step].pc);
    }
    progress_.exits.clear();
    progress_.interpreted.clear();
    progress_.interrupted.clear();
    progress_.leaving.clear();
}

void Run::unwind(uint32_t unspent) {
    e_.completeAll();
    e_.refund(unspent);
    if (progress_.inChunk(plan_)) e_.refundRest();
    e_.swapOut();
}

/// Goes to a constant address; `unspent` instructions of the run were not executed.
void Run::exitTo(uint64_t target, uint32_t unspent) {
    if (target == plan_.pc) {
        e_.completeAll();
        e_.refund(unspent);
        return progress_.second ? restart() : e_.jumpTo(loop_);
    }
    unwind(unspent);
    const auto distance = [this](const uint8_t* place) { return static_cast<uint32_t>(place - t_.buffer_.write()); };
    const LinkPlaces places = e_.exitTo(target, static_cast<uint32_t>(t_.links_.size()));
    t_.links_.push_back({target, distance(places.jump), places.guard ? distance(places.guard) : 0, plan_.mode});
}

/// Leaves before step i, which is for the interpreter.
void Run::interpretAt(uint32_t i) {
    unwind(plan_.stepsAfter(i));
    e_.leave(Leave::kInterpret, plan_.steps[i].pc);
}

/// The end of a pass that goes on with another: before the branch, if there is one.
void Run::beforeBack() {
    if (!progress_.second) return;
    const Known& again = progress_.again;
    for (uint32_t r = 1; r < 32; r++) {
        if (known_.isLazy(r) && !again.isLazy(r)) e_.complete(r);
    }
    // Knowing more at the beginning never means knowing less at the end; were it so, the first copy would take over.
    sound_ = (again.narrow & ~known_.narrow) == 0 && (again.boxed & ~known_.boxed) == 0;
    if (!sound_) e_.completeAll();
}

/// Where the branch back goes.
void Run::back(uint8_t* branch) {
    if (!progress_.second) backs_.push_back(branch);
    else if (sound_) e_.patch(branch, loop_);
    else restarts_.push_back(branch);
}

/// After the first copy: the chunks, and the second copy, which starts with what is `known` at the end of a pass.
void Run::emitSecond(const Known& known) {
    progress_.again = known;
    if (plan_.streams.empty() && known.lazy == 0 && known.boxed == 0) {
        for (uint8_t* b : backs_) e_.patch(b, loop_);
        return;
    }
    first_ = loop_;
    for (uint8_t* b : backs_) e_.bind(b);
    if (!plan_.streams.empty()) replan_ = e_.planChunk(first_);
    progress_.second = true;
    known_ = known;
    progress_.groupDone.assign(plan_.groups.size(), false);
    ended_ = false;
    loop_ = e_.here();
    emitBody();
    for (uint8_t* r : restarts_) {
        e_.bind(r);
        restart();
    }
}

/// To the first copy in the middle of a chunk, nothing being lazy.
void Run::restart() {
    if (!plan_.streams.empty()) {
        e_.refundRest();
        e_.setWarmUp();
    }
    e_.jumpTo(first_);
}

}  // namespace nodevisor::jit

#endif
