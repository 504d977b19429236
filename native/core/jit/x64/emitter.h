// The emitter for x86-64: one guest instruction after the other to host instructions. jit/emitter.h states what it owes to
// the translator; the rest is its own.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "../progress.h"
#include "thunks.h"

namespace nodevisor::jit::x64 {

/// See HostEmitter in jit/emitter.h.
class Emitter {
public:
    static std::span<const Home> usualHomes() { return kIntHomes; }
    static void setJump(uint8_t* branch, const uint8_t* target, const uint8_t*) { Asm::setDistance(branch, target); }
    /// The comparison's immediate is four bytes, last in the instruction; `guard` is its end.
    static void setGuard(uint8_t* guard, uint32_t generation, const uint8_t*) { std::memcpy(guard - 4, &generation, 4); }
    /// Stores are seen by the fetches that follow them on all x86-64 hosts once control is transferred (Intel SDM vol. 3,
    /// 8.1.3), and the thread that writes code is the one that runs it.
    static void publish(const uint8_t*, size_t) {}

    Emitter(const Thunks& thunks, const Room& room, const Plan& plan, Progress& progress, const uint8_t* stateBlock)
        : thunks_(thunks), plan_(plan), progress_(progress), known_(progress.known), stateBlock_(stateBlock) {
        a_.start(room.write, room.exec, room.end);
    }

    // ---- places
    uint8_t* begin() { return a_.align(16), a_.here(); }
    uint8_t* here() const { return a_.here(); }
    const uint8_t* exec(const uint8_t* place) const { return a_.exec(place); }
    bool overflowed() const { return a_.overflowed(); }
    uint8_t* jump() { return a_.jmp(); }
    void jumpTo(const uint8_t* place) { a_.jmpTo(place); }
    void bind(uint8_t* branch) { a_.bind(branch); }
    void patch(uint8_t* branch, const uint8_t* place) { a_.patch(branch, place); }

    // ---- registers (values.cc, lower_loops.cc)
    void complete(uint32_t r);
    void completeAll();
    void putImm(uint32_t r, uint64_t v);
    void swapIn();
    void swapOut();

    // ---- budget, ways in and out (emitter.cc)
    uint8_t* spend(uint32_t steps);
    void refund(uint32_t steps);
    void refundRest();
    uint8_t* unlessRounding(uint8_t frm);
    void leave(Leave why, uint64_t pc);
    void leaveAt(uint64_t pc);
    LinkPlaces exitTo(uint64_t target, uint32_t id);
    void computedJump(const Decoded& d, uint64_t linkPc);
    uint8_t* callHandler(uint64_t pc, const Insn* record);

    // ---- loops (lower_loops.cc)
    void setWarmUp();
    uint8_t* planChunk(const uint8_t* first);

    // ---- instructions
    void beginCopy() { rcxGroup_ = kNoGroup; }
    void beginStep(uint32_t i) {
        // Every step may spoil rcx but one that just put a group's address there.
        if (rcxGroup_ != kNoGroup && rcxStep_ + 1 != i) rcxGroup_ = kNoGroup;
    }
    uint8_t* branch(uint32_t i);
    bool lower(uint32_t i);
    void emitStubs();
    void missedGroup(const GroupMiss& m);

private:
    /// An access whose look-up may fail: the stub that then does it in C++.
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
    /// A result that is a NaN, to be made the canonical one.
    struct NanFix {
        uint8_t* from;
        uint8_t* back;
        Xmm reg;
        bool isDouble;
    };

    // ---- integer registers (values.cc)
    Reg host(uint32_t r) const { return static_cast<Reg>(plan_.homes[r]); }
    bool homed(uint32_t r) const { return plan_.homes[r] != kNoHome; }
    bool narrow(uint32_t r) const { return known_.isNarrow(r); }
    bool lazy(uint32_t r) const { return known_.isLazy(r); }
    void setNarrow(uint32_t r) { known_.setNarrow(r, true); }
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
    void copy(uint32_t rd, uint32_t rs);
    /// op d, x[r], with x[r] as a memory operand if it has no home.
    void aluX(Alu op, bool w, Reg d, uint32_t r);
    /// Compares a and b, by their low halves where that tells the same.
    void compare(uint32_t a, uint32_t b);
    void testZero(uint32_t r);

    // ---- lower_int.cc, lower_bits.cc
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

    // ---- lower_memory.cc
    bool lowerMemory(uint32_t i);
    void load(uint32_t i, uint32_t size, bool isSigned);
    void store(uint32_t i, uint32_t size);
    void fpLoad(uint32_t i, bool isDouble);
    void fpStore(uint32_t i, bool isDouble);
    bool lowerAtomic(uint32_t i);
    void atomic(uint32_t i, uint32_t size, int kind);
    void finishAccess(SlowAccess* s);
    void slowAccess(const SlowAccess& s);

    // ---- lower_pages.cc
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

    // ---- lower_loops.cc
    Mem addendOf(uint32_t stream) const;
    Mem placeStream(uint32_t i);
    void planStream(uint32_t n, const uint8_t* retreat);

    // ---- lower_status.cc
    void lowerStatus(uint32_t i);
    void readStatus(uint32_t rd, Mem status, bool keep);

    // ---- lower_fp.cc
    bool lowerFp(uint32_t i);
    bool nativeFp(const Decoded& d) const;
    Xmm useF(uint32_t r, Xmm scratch);
    Xmm targetF(uint32_t r) const { return kHomes.f[r] != kNoXmm ? kHomes.f[r] : xmm0; }
    void putF(uint32_t r, Xmm s);
    void ensureBoxed(uint32_t i, uint32_t r);
    void ensureBoxed(uint32_t i, std::initializer_list<uint32_t> registers);
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

    const Thunks& thunks_;
    const Plan& plan_;
    Progress& progress_;
    Known& known_;
    const uint8_t* stateBlock_;
    Asm a_;
    std::vector<SlowAccess> slow_;
    std::vector<NanFix> nans_;
    /// The group whose host address is in rcx, if the step before left it there.
    uint32_t rcxGroup_ = kNoGroup;
    uint32_t rcxStep_ = 0;
};

}  // namespace nodevisor::jit::x64
