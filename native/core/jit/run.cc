#include "run.h"

#include "../exec.h"
#include "../hart.h"

namespace nodevisor::jit {

namespace {

bool isJal(const Decoded& d) { return d.op == Op::jal_; }

}  // namespace

void Run::collect(CodeBlock* block, BlockCache* blocks) {
    CodePage* page = block->page;
    const uint64_t pageVa = pc_ & ~uint64_t{0xfff};
    uint64_t pc = pc_;
    std::vector<uint64_t> seen;
    while (block) {
        for (uint64_t s : seen) {
            if (s == pc) {
                fallTo_ = pc;
                return;
            }
        }
        seen.push_back(pc);
        for (uint32_t i = 0; i < block->count; i++) {
            steps_.push_back({block->decoded()[i], pc});
            pc += block->decoded()[i].length;
        }
        fallTo_ = pc;
        Step& last = steps_.back();
        Cond c;
        uint64_t next = pc;
        if (isJal(last.insn)) {
            next = last.pc + static_cast<uint64_t>(int64_t{last.insn.imm});
        } else if (isBranch(last.insn, &c)) {
            // A loop's closing branch: what follows it is another run.
            if (last.insn.imm < 0) return;
        } else if ((endsBlock(last.insn) || isSerial(last.insn)) && !goesOn(last.insn)) {
            return;
        }
        if ((next & ~uint64_t{0xfff}) != pageVa || (next & 1) || steps_.size() >= kMaxSteps) return;
        if (isJal(last.insn)) {
            last.followed = true;
            fallTo_ = next;
        }
        pc = next;
        block = blocks->block(page, static_cast<uint32_t>(pc & 0xfff));
        if (block && steps_.size() + block->count > kMaxSteps) return;
    }
}

bool Run::emit(const uint8_t** entry) {
    if (steps_.empty()) return false;
    frm_ = t_.hart_->ctx.fpKey;
    // Code that may not use floating point now would be compiled for a state it hardly ever runs in.
    if (frm_ == kFpSlow && usesFp()) return false;
    findSteady();
    findGroups();
    loops_ = isLoop();
    if (loops_) {
        findStreams();
        chooseHomes();
    }
    a_.align(16);
    head_ = a_.here();
    *entry = a_.exec(head_);
    uint8_t* slowFp = nullptr;
    if (usesFp()) {
        a_.cmpMem8Imm(field(offsetof(Context, fpKey)), frm_);
        slowFp = a_.jcc(kNE);
    }
    if (loops_) enterLoop();
    loop_ = a_.here();
    emitBody();
    if (slowFp) {
        a_.bind(slowFp);
        a_.storeImm32(field(offsetof(Context, leave)), static_cast<int32_t>(Leave::kInterpret));
        a_.movImmKeepFlags(rcx, pc_);
        a_.jmpTo(t_.exit_);
    }
    return !a_.overflowed();
}

/// One copy of the run, from `loop_` on, with its stubs.
void Run::emitBody() {
    const Known before{narrow_, lazy_, boxed_};
    const auto all = static_cast<int32_t>(steps_.size());
    a_.aluImm(kSub, true, kBudgetReg, all);
    uint8_t* spent = a_.jcc(kB);
    for (uint32_t i = 0; i < steps_.size() && !ended_; i++) emitStep(i);
    if (!ended_ && loops_ && fallTo_ == pc_) {
        beforeBack();
        back(a_.jmp());
        ended_ = true;
    }
    const Known after{narrow_, lazy_, boxed_};
    if (!ended_) exitTo(fallTo_, 0);
    emitStubs();
    // Not enough budget left for the whole run: the interpreter counts the rest off.
    a_.bind(spent);
    lazy_ = before.lazy;
    if (inChunk()) {
        a_.aluImm(kAdd, true, kBudgetReg, all);
        a_.alu(kAdd, true, kBudgetReg, field(offsetof(Context, chunkRest)));
        a_.jmpTo(plan_);
    } else {
        a_.storeImm32(field(offsetof(Context, leave)), static_cast<int32_t>(Leave::kBudget));
        unwind(static_cast<uint32_t>(all));
        a_.movImmKeepFlags(rcx, pc_);
        a_.jmpTo(t_.exit_);
    }
    if (loops_ && !second_) emitSecond(after);
}

void Run::emitStep(uint32_t i) {
    // Every step may spoil rcx but one that just put a group's address there.
    if (rcxGroup_ != kNoGroup && rcxStep_ + 1 != i) rcxGroup_ = kNoGroup;
    const Decoded& d = steps_[i].insn;
    if (steps_[i].followed) {
        if (d.rd) putImm(d.rd, nextPc(i));
        return;
    }
    Cond c;
    if (isBranch(d, &c)) return branch(i, c);
    if (isJal(d)) {
        if (d.rd) putImm(d.rd, nextPc(i));
        exitTo(steps_[i].pc + static_cast<uint64_t>(int64_t{d.imm}), 0);
        ended_ = true;
        return;
    }
    if (d.op == Op::jalr_) {
        computedJump(nextPc(i), d);
        ended_ = true;
        return;
    }
    if (isStatusAccess(d)) return lowerStatus(i);
    if (lowerInt(i) || lowerMemory(i) || lowerFp(i)) return;
    if (isSerial(d) || endsBlock(d)) {
        interpretAt(i);
        ended_ = true;
        return;
    }
    callHandler(i);
}

/// Goes to a constant address; `unspent` instructions of the run were not executed.
void Run::exitTo(uint64_t target, uint32_t unspent) {
    if (target == pc_) {
        completeAll();
        if (unspent) a_.aluImm(kAdd, true, kBudgetReg, static_cast<int32_t>(unspent));
        return second_ ? restart() : a_.jmpTo(loop_);
    }
    unwind(unspent);
    jumpTo(target);
}

void Run::unwind(uint32_t unspent) {
    completeAll();
    if (unspent) a_.aluImm(kAdd, true, kBudgetReg, static_cast<int32_t>(unspent));
    if (inChunk()) a_.alu(kAdd, true, kBudgetReg, field(offsetof(Context, chunkRest)));
    swapOut();
}

void Run::jumpTo(uint64_t target) {
    const bool samePage = ((target ^ pc_) & ~uint64_t{0xfff}) == 0;
    const auto place = [this](const uint8_t* at) { return static_cast<uint32_t>(at - t_.buffer_.write()); };
    Translator::Link link{target, 0, 0, mode_};
    uint8_t* guardJump = nullptr;
    if (!samePage) {
        a_.cmpMem32Patchable(field(offsetof(Context, fetchGeneration) + 4 * mode_), 0);
        link.guard = place(a_.here());
        guardJump = a_.jcc(kNE);
    }
    uint8_t* distance = a_.jmp();
    link.distance = place(distance);
    if (guardJump) a_.bind(guardJump);
    a_.bind(distance);
    const auto id = static_cast<uint32_t>(t_.links_.size());
    // Through the jump cache first when the guard fails, so that code shared by address spaces does not thrash the link.
    a_.movImmKeepFlags(rcx, target);
    if (!samePage) {
        const int32_t slot = static_cast<int32_t>(offsetof(Context, jumpCache)) - kBias +
                             static_cast<int32_t>(sizeof(JumpCacheEntry)) *
                                 static_cast<int32_t>(mode_ * kJumpCacheSize + ((target >> 1) & (kJumpCacheSize - 1)));
        a_.cmpMem(true, {kCtx, slot}, rcx);
        uint8_t* miss = a_.jcc(kNE);
        a_.jmpMem({kCtx, slot + 8});
        a_.bind(miss);
    }
    a_.storeImm32(field(offsetof(Context, scratch)), static_cast<int32_t>(id + 1));
    a_.jmpTo(t_.exitNext_);
    t_.links_.push_back(link);
}

void Run::computedJump(uint64_t linkPc, const Decoded& d) {
    unwind(0);
    get(rax, d.rs1);
    if (d.imm) a_.aluImm(kAdd, true, rax, d.imm);
    a_.aluImm(kAnd, true, rax, -2);
    if (d.rd) putImm(d.rd, linkPc);
    a_.rorx32(rcx, rax, 29);
    a_.aluImm(kAnd, false, rcx, static_cast<int32_t>((kJumpCacheSize - 1) * sizeof(JumpCacheEntry)));
    static_assert(sizeof(JumpCacheEntry) == 16);
    const int32_t table = static_cast<int32_t>(offsetof(Context, jumpCache)) - kBias +
                          static_cast<int32_t>(sizeof(JumpCacheEntry) * mode_ * kJumpCacheSize);
    a_.alu(kCmp, true, rax, {kCtx, table, rcx, 1});
    uint8_t* miss = a_.jcc(kNE);
    a_.jmpMem({kCtx, table + 8, rcx, 1});
    a_.bind(miss);
    a_.mov(rcx, rax);
    a_.jmpTo(t_.exitNext_);
}

/// Leaves before step i, which is for the interpreter.
void Run::interpretAt(uint32_t i) {
    unwind(stepsAfter(i));
    a_.movImmKeepFlags(rcx, steps_[i].pc);
    a_.storeImm32(field(offsetof(Context, leave)), static_cast<int32_t>(Leave::kInterpret));
    a_.jmpTo(t_.exit_);
}

/// Runs step i in the interpreter and goes on.
void Run::callHandler(uint32_t i) {
    const Decoded& d = steps_[i].insn;
    completeAll();
    auto* record = static_cast<Insn*>(t_.recordArena_.allocate(2 * sizeof(Insn)));
    record[0] = nodevisor::record(d, 0);
    record[1] = sentinel(d.length);
    a_.movImmKeepFlags(rcx, steps_[i].pc);
    a_.store(field(offsetof(Context, pc)), rcx);
    swapOut();
    a_.movImmKeepFlags(rax, reinterpret_cast<uint64_t>(record));
    a_.callTo(t_.callThunk_);
    swapIn();
    leaveIfNotEqual(i);
    if (writesX(d)) narrow_ &= ~(1u << d.rd);
    if (writesF(d)) setBoxed(d.rd, false);
}

void Run::leaveIfNotEqual(uint32_t i) { leaving_.push_back({i, a_.jcc(kNE), lazy_}); }

void Run::emitStubs() {
    for (const auto& s : slow_) {
        lazy_ = s.lazy;
        missedAccess(s);
        const Decoded& d = steps_[s.step].insn;
        const uint32_t how = s.size | (s.isSigned ? 16u : 0) | (wayOf(d.rs1) << 8);
        // The address of the instruction, for the trap that may come.
        if (s.isStore) {
            if (s.fp) {
                const Xmm v = useF(d.rs2, xmm0);
                a_.vmovq(rdx, v);
            } else {
                getLow(rdx, d.rs2, s.size);
            }
        }
        swapOut();
        a_.movImmKeepFlags(rcx, how);
        a_.callTo(s.isStore ? t_.storeThunk_ : t_.loadThunk_);
        swapIn();
        leaving_.push_back({s.step, a_.jcc(kNE), lazy_});
        if (!s.isStore) {
            if (s.fp) {
                if (s.size == 4) a_.alu(kOr, true, rax, field(offsetof(Context, boxMask)));
                if (kHomes.f[d.rd] != kNoXmm) a_.vmovq(kHomes.f[d.rd], rax);
                else a_.store(fMem(d.rd), rax);
            } else {
                put(d.rd, rax);
            }
        }
        a_.jmpTo(s.back);
    }
    for (const auto& m : groupMisses_) missedGroup(m);
    for (size_t n = 0; n < calls_.size(); n++) {
        const SlowCall s = calls_[n];
        a_.bind(s.from);
        lazy_ = s.lazy;
        callHandler(s.step);
        a_.jmpTo(s.back);
    }
    for (const auto& n : nans_) {
        a_.bind(n.from);
        a_.movImmKeepFlags(rax, n.isDouble ? 0x7ff8000000000000u : 0xffffffff7fc00000u);
        a_.vmovq(n.reg, rax);
        a_.jmpTo(n.back);
    }
    for (const auto& e : exits_) {
        a_.bind(e.from);
        lazy_ = e.lazy;
        exitTo(e.target, e.unspent);
    }
    for (const auto& l : unboxed_) {
        a_.bind(l.from);
        lazy_ = l.lazy;
        interpretAt(l.step);
    }
    for (const auto& l : letIn_) {
        a_.bind(l.from);
        lazy_ = l.lazy;
        unwind(stepsAfter(l.step + 1));
        a_.movImmKeepFlags(rcx, nextPc(l.step));
        a_.storeImm32(field(offsetof(Context, leave)), static_cast<int32_t>(Leave::kResync));
        a_.jmpTo(t_.exit_);
    }
    for (const auto& l : leaving_) {
        a_.bind(l.from);
        lazy_ = l.lazy;
        unwind(stepsAfter(l.step));
        a_.movImmKeepFlags(rcx, steps_[l.step].pc);
        a_.jmpTo(t_.exit_);
    }
    slow_.clear();
    groupMisses_.clear();
    calls_.clear();
    nans_.clear();
    exits_.clear();
    unboxed_.clear();
    letIn_.clear();
    leaving_.clear();
}

}  // namespace nodevisor::jit
