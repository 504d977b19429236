// The translation of one run of guest instructions.
#pragma once

#include <vector>

#include "translator.h"

namespace nodevisor::jit {

/// One guest instruction of the run.
struct Step {
    Decoded insn;
    /// Its guest virtual address.
    uint64_t pc;
    /// A jump that the run follows: nothing to emit but the link register.
    bool followed = false;
};

class Run {
public:
    Run(Translator* translator, uint64_t pc, uint32_t mode) : t_(*translator), a_(translator->a_), pc_(pc), mode_(mode) {}

    /// Collects the instructions from `block` on.
    void collect(CodeBlock* block, BlockCache* blocks);
    /// Emits code; false if it did not fit or there is nothing to translate. The entry is the executable address.
    bool emit(const uint8_t** entry);

private:
    static constexpr uint32_t kMaxSteps = 96;

    struct SlowAccess {
        uint32_t step;
        uint8_t* miss;
        uint8_t* back;
        /// Where to go on if the first level has the page (see lookUpLast), or nullptr.
        uint8_t* hit;
        Reg va;
        uint32_t size;
        bool isStore;
        bool isSigned;
        bool fp;
        uint32_t lazy;
    };
    // ---- run.cc
    void emitBody();
    void emitStep(uint32_t i);
    void emitStubs();
    uint32_t stepsAfter(uint32_t i) const { return static_cast<uint32_t>(steps_.size()) - i; }
    /// Where the instruction after step i lies.
    uint64_t nextPc(uint32_t i) const { return steps_[i].pc + steps_[i].insn.length; }
    void exitTo(uint64_t target, uint32_t unspent);
    void jumpTo(uint64_t target);
    void computedJump(uint64_t linkPc, const Decoded& d);
    void interpretAt(uint32_t i);
    /// What every way out of the run comes to: complete registers in their places, and the budget without what the run
    /// did not execute.
    void unwind(uint32_t unspent);
    void callHandler(uint32_t i);
    /// A leave at step i, not retired, with Context::leave already set; returns to be jumped to with not-equal.
    void leaveIfNotEqual(uint32_t i);

    // ---- integer registers (values.cc)
    // Results of 32-bit operations are sign-extended late: most are only used by other 32-bit operations. `narrow_` has the
    // registers whose value is known to be that of its low half sign-extended; of those, `lazy_` has the ones whose host
    // register holds the low half only. Every way out of the run completes them first; a stub takes the state it is
    // entered in along.
    Reg host(uint32_t r) const { return homes_.x[r]; }
    bool homed(uint32_t r) const { return homes_.x[r] != kNoReg; }
    bool narrow(uint32_t r) const { return r == 0 || (narrow_ & (1u << r)); }
    bool lazy(uint32_t r) const { return (lazy_ & (1u << r)) != 0; }
    void setNarrow(uint32_t r) { narrow_ |= 1u << r; }
    /// Extends x[r] if that is still to be done. No flags are changed.
    void complete(uint32_t r);
    void completeAll();
    /// x[r] in a host register: its home, or `scratch` loaded with it.
    Reg use(uint32_t r, Reg scratch);
    /// The same for who looks at the low half only.
    Reg useLow(uint32_t r, Reg scratch);
    /// Loads x[r] into `d`.
    void get(Reg d, uint32_t r);
    /// Loads the low half; what is above it does not matter.
    void getLow(Reg d, uint32_t r);
    void getLow(Reg d, uint32_t r, uint32_t bytes) { bytes == 8 ? get(d, r) : getLow(d, r); }
    /// Loads the low half zero-extended.
    void get32(Reg d, uint32_t r);
    /// Where to compute x[r]: its home or `scratch`; then `put`.
    Reg target(uint32_t r, Reg scratch) const { return homed(r) ? host(r) : scratch; }
    void put(uint32_t r, Reg s);
    /// x[r] becomes the low half of `s` sign-extended.
    void putLow(uint32_t r, Reg s);
    void putImm(uint32_t r, uint64_t v);
    void copy(uint32_t rd, uint32_t rs);
    /// op d, x[r], with x[r] as a memory operand if it has no home.
    void aluX(Alu op, bool w, Reg d, uint32_t r);
    /// Compares a and b, by their low halves where that tells the same.
    void compare(uint32_t a, uint32_t b);
    void testZero(uint32_t r);

    // ---- lower_int.cc
    bool lowerInt(uint32_t i);
    void binary(const Decoded& d, Alu op, bool w, bool commutative);
    void immediate(const Decoded& d, Alu op);
    void addWord(const Decoded& d);
    void setIf(const Decoded& d, Cond c, bool immediate);
    void shift(const Decoded& d, Shift s, bool w);
    void shiftImmediate(const Decoded& d, Shift s, bool w);
    void rotate(const Decoded& d, bool right, bool w, bool immediate);
    void shiftAdd(const Decoded& d, uint8_t scale, bool uw);
    void multiply(const Decoded& d, bool w);
    void multiplyHigh(const Decoded& d, bool isSigned);
    void divide(const Decoded& d, bool w, bool isSigned, bool remainder);
    void minMax(const Decoded& d, Cond keepFirst);
    void bitOp(const Decoded& d, uint8_t digit, bool immediate);
    void conditionalZero(const Decoded& d, bool whenZero);
    void notSecond(const Decoded& d, Alu op);
    bool lowerBits(const Decoded& d);
    void branch(uint32_t i, Cond c);
    bool isBranch(const Decoded& d, Cond* c) const;

    // ---- lower_memory.cc
    bool lowerMemory(uint32_t i);
    void load(uint32_t i, uint32_t size, bool isSigned);
    void store(uint32_t i, uint32_t size);
    void fpLoad(uint32_t i, bool isDouble);
    void fpStore(uint32_t i, bool isDouble);
    bool lowerAtomic(uint32_t i);
    void atomic(uint32_t i, uint32_t size, int kind);
    void finishAccess(SlowAccess* s);

    // ---- pages.cc
    bool isSteady(uint32_t r) const { return (steady_ & (1u << r)) != 0; }
    void findSteady();
    /// Finds accesses through one base register that is not written between them: only the first of a group looks its
    /// page up, for the whole range of the group; the others use what it found. Nothing in a run takes translations back.
    /// Adding a constant to a steady base register does not end its group.
    void findGroups();
    uint32_t groupFor(const Decoded& d, bool isStore);
    /// Emits what step i needs to access memory, and returns the operand. `s->miss` is set if a slow path is wanted.
    Mem place(uint32_t i, SlowAccess* s);
    void lookUpGroup(uint32_t i, uint32_t group);
    void useGroup(uint32_t group);
    Mem lookUpLast(uint32_t i, SlowAccess* s);
    /// Emits the look-up for an access of step i; returns the register whose value plus rcx is the host address. On a
    /// miss control goes to a stub.
    Reg lookUp(uint32_t i, uint32_t size, bool isStore, uint8_t** miss, bool aligned = false);
    uint8_t* compareFirstLevel(Reg va, int32_t span, bool isStore, uint32_t base) {
        return comparePage(va, span, isStore, wayOf(base));
    }
    uint8_t* comparePage(Reg va, int32_t span, bool isStore, uint32_t way);
    void keepPage(Reg va, bool isStore, uint32_t base);
    Mem lastTag(bool isStore, uint32_t base) const;
    Mem lastAddend(bool isStore, uint32_t base) const;
    Reg addressOf(uint32_t base, int32_t low);
    void missedAccess(const SlowAccess& s);

    // ---- loops.cc
    bool isLoop() const;
    void findStreams();
    uint32_t streamFor(uint32_t i, uint8_t a, uint8_t b, int32_t offset, int32_t stride);
    void chooseHomes();
    void swapIn();
    void swapOut();
    Mem addendOf(uint32_t stream) const;
    Mem placeStream(uint32_t i);
    void enterLoop();
    void beforeBack();
    void back(uint8_t* distance);
    void restart();
    void emitPlan();
    void planStream(uint32_t n, const uint8_t* retreat);
    bool inChunk() const { return second_ && !streams_.empty(); }

    // ---- lower_status.cc
    bool isStatusAccess(const Decoded& d) const;
    void lowerStatus(uint32_t i);
    void readStatus(uint32_t rd, Mem status, bool keep);
    /// Serial to the interpreter, but runs go on behind it.
    bool goesOn(const Decoded& d) const { return isFlagsAccess(d) || isStatusAccess(d); }

    // ---- lower_fp.cc
    bool lowerFp(uint32_t i);
    bool nativeFp(const Decoded& d) const;
    bool usesFp() const;
    Xmm useF(uint32_t r, Xmm scratch);
    Xmm targetF(uint32_t r) const { return kHomes.f[r] != kNoXmm ? kHomes.f[r] : xmm0; }
    void putF(uint32_t r, Xmm s);
    void ensureBoxed(uint32_t i, uint32_t r);
    void setBoxed(uint32_t r, bool boxed);
    void fpBinary(uint32_t i, uint8_t opcode, bool d);
    void fpSqrt(uint32_t i, bool d);
    void fpFma(uint32_t i, uint8_t opcode, bool d);
    void fpMinMax(uint32_t i, bool isMax, bool d);
    void fpCompare(uint32_t i, int kind, bool d);
    void fpFlags(uint32_t i);
    void fpSign(uint32_t i, int kind, bool d);
    void fpToInt(uint32_t i, bool d, bool w64);
    void fpFromInt(uint32_t i, bool d, bool w64, bool isUnsigned);
    void fpResult(uint32_t i, Xmm result, bool d);
    /// A slow path that runs step i in the interpreter and goes on behind it.
    void fpSlow(uint32_t i, uint8_t* from);

    struct Group {
        uint8_t base;
        bool isStore, open;
        uint32_t members;
        /// The bytes that members access, from what the base register holds at the first of them.
        int32_t low, high;
        /// What was added to the base register since then.
        int32_t moved;
    };
    static constexpr uint32_t kNoGroup = ~0u;
    /// A group's look-up that failed: fill the first level and try again at `retry`, or leave before the step.
    struct GroupMiss {
        uint32_t step;
        uint32_t group;
        uint8_t* from;
        uint8_t* from2;
        uint8_t* retry;
        uint32_t lazy;
    };
    void missedGroup(const GroupMiss& m);
    struct SlowCall {
        uint32_t step;
        uint8_t* from;
        uint8_t* back;
        uint32_t lazy;
    };
    struct Leaving {
        uint32_t step;
        uint8_t* from;
        uint32_t lazy;
    };
    struct Exit {
        uint8_t* from;
        uint64_t target;
        uint32_t unspent;
        uint32_t lazy;
    };
    struct NanFix {
        uint8_t* from;
        uint8_t* back;
        Xmm reg;
        bool isDouble;
    };

    /// Accesses of a loop whose addresses are x[a] + x[b] + low … high and move on by a constant with every pass.
    struct Stream {
        uint8_t a, b;
        bool isStore;
        uint32_t way;
        int32_t low, high, stride;
        uint32_t members;
        /// Keeps the addend of its page, if there is one left.
        Reg host;
    };
    static constexpr uint32_t kNoStream = ~0u;
    /// A host register that in a loop is not x[out]'s but x[in]'s, or that of stream `in` - 32.
    struct Swap {
        Reg host;
        uint32_t out, in;
    };
    /// What is known of registers at one point of the run.
    struct Known {
        uint32_t narrow, lazy, boxed;
    };
    void emitSecond(const Known& known);

    Translator& t_;
    Asm& a_;
    uint64_t pc_;
    uint32_t mode_;
    uint8_t frm_ = 0;
    std::vector<Step> steps_;
    uint64_t fallTo_ = 0;
    /// The run ends in an instruction that left already (jump, interpret).
    bool ended_ = false;
    uint32_t boxed_ = 0;
    uint32_t narrow_ = 0;
    uint32_t lazy_ = 0;
    uint8_t* head_ = nullptr;
    /// Where the run begins when it comes from itself.
    uint8_t* loop_ = nullptr;
    std::vector<SlowAccess> slow_;
    /// Base registers for which the last page is worth keeping.
    uint32_t steady_ = 0;
    std::vector<Group> groups_;
    /// By step.
    std::vector<uint32_t> groupOf_;
    std::vector<bool> groupDone_;
    std::vector<GroupMiss> groupMisses_;
    /// The group whose host address is in rcx, if the step before left it there.
    uint32_t rcxGroup_ = kNoGroup;
    uint32_t rcxStep_ = 0;
    HomeTable homes_ = kHomes;
    bool loops_ = false;
    std::vector<Swap> swaps_;
    std::vector<Stream> streams_;
    /// By step.
    std::vector<uint32_t> streamOf_;
    /// The second copy of a loop is being made, which begins with `again_`.
    bool second_ = false;
    bool sound_ = true;
    Known again_{};
    /// The first copy and the planning of chunks, once they are there.
    uint8_t* first_ = nullptr;
    uint8_t* plan_ = nullptr;
    /// Branches back in the first copy; in the second, branches to the first.
    std::vector<uint8_t*> backs_;
    std::vector<uint8_t*> restarts_;
    std::vector<SlowCall> calls_;
    std::vector<Leaving> leaving_;
    std::vector<Leaving> unboxed_;
    /// Leaves behind the step, for an interrupt.
    std::vector<Leaving> letIn_;
    std::vector<Exit> exits_;
    std::vector<NanFix> nans_;
};

}  // namespace nodevisor::jit
