// Runs that jump back to their own beginning. Such a loop has registers of its own: what it uses most lives in the host's,
// whatever lives there elsewhere; every way out puts things back. After some passes through the code that any run gets, it
// goes through a second copy that starts with what is known at the end of a pass, and whose accesses that step through
// memory look nothing up: how many passes stay inside their pages is reckoned ahead, for a chunk of passes at a time.

#include <algorithm>
#include <cstdlib>

#include "../exec.h"
#include "run.h"

namespace nodevisor::jit {

namespace {

/// Passes through the first copy before a chunk is planned: loops that are over by then do without.
constexpr int32_t kWarmUp = 3;
/// Strides beyond this change pages too often for planning to pay.
constexpr int32_t kStrideMax = 256;
/// Bytes that one pass of a stream may touch.
constexpr int32_t kSpanMax = 256;
/// Bound on constants in addresses, far from overflow.
constexpr int32_t kOffsetMax = 1 << 20;
/// What a register must be worth more than one that lives in its host register anyway.
constexpr uint32_t kStay = 2;

/// x[a] + x[b] + c, of what the registers held at the beginning of the pass; x0 for no register.
struct Linear {
    bool known;
    uint8_t a, b;
    int32_t c;
};

Linear plus(const Linear& v, int32_t c) {
    Linear sum{v.known, v.a, v.b, v.c + c};
    if (std::abs(sum.c) > kOffsetMax) sum.known = false;
    return sum;
}

Linear plus(const Linear& v, const Linear& w) {
    const uint8_t parts[] = {v.a, v.b, w.a, w.b};
    Linear sum{v.known && w.known, 0, 0, 0};
    for (uint8_t part : parts) {
        if (part == 0) continue;
        if (sum.b != 0) sum.known = false;
        sum.b = sum.a;
        sum.a = part;
    }
    return plus(plus(sum, v.c), w.c);
}

/// What the instruction leaves in its destination.
Linear resultOf(const Decoded& d, const Linear* values) {
    if (d.op == Op::addi_) return plus(values[d.rs1], d.imm);
    if (d.op == Op::add_) return plus(values[d.rs1], values[d.rs2]);
    return {};
}

}  // namespace

bool Run::isLoop() const {
    const Step& last = steps_.back();
    Cond c;
    if (isBranch(last.insn, &c)) return fallTo_ == pc_ || last.pc + static_cast<uint64_t>(int64_t{last.insn.imm}) == pc_;
    // A function that calls itself is no loop.
    if (last.followed) return fallTo_ == pc_ && last.insn.rd == 0;
    // A computed jump may lie right before the beginning, which does not make it fall through.
    return fallTo_ == pc_ && (goesOn(last.insn) || !(endsBlock(last.insn) || isSerial(last.insn)));
}

void Run::findStreams() {
    Linear values[32];
    for (uint8_t r = 0; r < 32; r++) values[r] = {true, r, 0, 0};
    std::vector<Linear> addresses(steps_.size(), Linear{});
    for (uint32_t i = 0; i < steps_.size(); i++) {
        const Decoded& d = steps_[i].insn;
        const MemoryKind kind = info(d).memory;
        if (kind == MemoryKind::load || kind == MemoryKind::store) addresses[i] = plus(values[d.rs1], d.imm);
        if (writesX(d) && d.rd != 0) values[d.rd] = steps_[i].followed ? Linear{} : resultOf(d, values);
    }
    streamOf_.assign(steps_.size(), kNoStream);
    for (uint32_t i = 0; i < steps_.size(); i++) {
        const Linear& at = addresses[i];
        if (!at.known || at.a == 0) continue;
        // What the registers of the address gain with every pass.
        const Linear& a = values[at.a];
        const Linear& b = values[at.b];
        if (!a.known || a.a != at.a || a.b != 0 || !b.known || b.a != at.b || b.b != 0) continue;
        const int32_t stride = a.c + b.c;
        if (std::abs(stride) <= kStrideMax) streamOf_[i] = streamFor(i, at.a, at.b, at.c, stride);
    }
}

/// The stream that step i's access belongs to, from x[a] + x[b] + offset on.
uint32_t Run::streamFor(uint32_t i, uint8_t a, uint8_t b, int32_t offset, int32_t stride) {
    const InsnInfo& insn = info(steps_[i].insn);
    const bool isStore = insn.memory == MemoryKind::store;
    const int32_t end = offset + insn.memoryBytes;
    for (uint32_t n = 0; n < streams_.size(); n++) {
        Stream& s = streams_[n];
        if (s.a != a || s.b != b || s.isStore != isStore) continue;
        const int32_t low = std::min(s.low, offset);
        const int32_t high = std::max(s.high, end);
        if (high - low > kSpanMax) continue;
        s.low = low;
        s.high = high;
        s.members++;
        return n;
    }
    if (streams_.size() == kStreams) return kNoStream;
    streams_.push_back({a, b, isStore, wayOf(steps_[i].insn.rs1), offset, end, stride, 1, kNoReg});
    return static_cast<uint32_t>(streams_.size() - 1);
}

/// Gives the host registers to the guest registers and pages that the loop uses most.
void Run::chooseHomes() {
    struct Candidate {
        uint32_t worth;
        /// A guest register, or 32 + a stream.
        uint32_t what;
    };
    uint32_t uses[32] = {};
    for (const Step& s : steps_) {
        if (has(s.insn, kReadsX1)) uses[s.insn.rs1]++;
        if (has(s.insn, kReadsX2)) uses[s.insn.rs2]++;
        if (writesX(s.insn)) uses[s.insn.rd]++;
    }
    std::vector<Candidate> candidates;
    for (uint32_t r = 1; r < 32; r++) {
        if (homed(r) && uses[r] > 0) candidates.push_back({uses[r] + kStay, r});
        else if (!homed(r) && uses[r] > 1) candidates.push_back({uses[r], r});
    }
    for (uint32_t n = 0; n < streams_.size(); n++) candidates.push_back({streams_[n].members, 32 + n});
    std::stable_sort(candidates.begin(), candidates.end(), [](const auto& x, const auto& y) { return x.worth > y.worth; });
    if (candidates.size() > std::size(kIntHomes)) candidates.resize(std::size(kIntHomes));

    std::vector<IntHome> free;
    for (const auto& h : kIntHomes) {
        const bool stays = std::any_of(candidates.begin(), candidates.end(), [&](const auto& c) { return c.what == h.guest; });
        if (!stays) free.push_back(h);
    }
    for (const Candidate& c : candidates) {
        if (c.what < 32 && kHomes.x[c.what] != kNoReg) continue;
        const IntHome h = free.back();
        free.pop_back();
        homes_.x[h.guest] = kNoReg;
        if (c.what < 32) homes_.x[c.what] = h.host;
        else streams_[c.what - 32].host = h.host;
        swaps_.push_back({h.host, h.guest, c.what});
    }
}

/// From the registers as all runs have them to the loop's own.
void Run::swapIn() {
    for (const Swap& s : swaps_) {
        a_.store(xMem(s.out), s.host);
        if (s.in < 32) a_.load(s.host, xMem(s.in));
        else if (second_) a_.load(s.host, addendOf(s.in - 32));
    }
}

/// And back. Changes no flags, as swapIn.
void Run::swapOut() {
    for (const Swap& s : swaps_) {
        if (s.in < 32) a_.store(xMem(s.in), s.host);
        a_.load(s.host, xMem(s.out));
    }
}

Mem Run::addendOf(uint32_t stream) const { return field(offsetof(Context, streamAddend) + 8 * stream); }

/// The operand of an access that belongs to a stream.
Mem Run::placeStream(uint32_t i) {
    const Decoded& d = steps_[i].insn;
    const uint32_t stream = streamOf_[i];
    Reg addend = streams_[stream].host;
    if (addend == kNoReg) {
        a_.load(rcx, addendOf(stream));
        addend = rcx;
    }
    return {use(d.rs1, rax), d.imm, addend, 1};
}

/// The end of a pass that goes on with another: before the branch, if there is one.
void Run::beforeBack() {
    if (!second_) return;
    for (uint32_t r = 1; r < 32; r++) {
        if (lazy(r) && !(again_.lazy & (1u << r))) complete(r);
    }
    // Knowing more at the beginning never means knowing less at the end; were it so, the first copy would take over.
    sound_ = (again_.narrow & ~narrow_) == 0 && (again_.boxed & ~boxed_) == 0;
    if (!sound_) completeAll();
}

/// Where the branch back goes.
void Run::back(uint8_t* distance) {
    if (!second_) backs_.push_back(distance);
    else if (sound_) a_.patch(distance, loop_);
    else restarts_.push_back(distance);
}

/// After the first copy: the chunks, and the second copy.
void Run::emitSecond(const Known& known) {
    again_ = known;
    if (streams_.empty() && known.lazy == 0 && known.boxed == 0) {
        for (uint8_t* b : backs_) a_.patch(b, loop_);
        return;
    }
    uint8_t* const first = loop_;
    for (uint8_t* b : backs_) a_.bind(b);
    if (!streams_.empty()) emitPlan();
    second_ = true;
    narrow_ = known.narrow;
    lazy_ = known.lazy;
    boxed_ = known.boxed;
    groupDone_.assign(groups_.size(), false);
    rcxGroup_ = kNoGroup;
    ended_ = false;
    loop_ = a_.here();
    first_ = first;
    emitBody();
    for (uint8_t* r : restarts_) {
        a_.bind(r);
        restart();
    }
}

/// To the first copy in the middle of a chunk, nothing being lazy.
void Run::restart() {
    if (!streams_.empty()) {
        a_.alu(kAdd, true, kBudgetReg, field(offsetof(Context, chunkRest)));
        a_.storeImm32(field(offsetof(Context, warmUp)), kWarmUp);
    }
    a_.jmpTo(first_);
}

void Run::enterLoop() {
    swapIn();
    if (!streams_.empty()) a_.storeImm32(field(offsetof(Context, warmUp)), kWarmUp);
}

/// Finds how many passes stay in the pages that the streams are in now, and makes their budget that of the chunk. Pages
/// that are not at hand are left to the first copy.
void Run::emitPlan() {
    const auto all = static_cast<int32_t>(steps_.size());
    const Mem rest = field(offsetof(Context, chunkRest));
    const Mem warmUp = field(offsetof(Context, warmUp));
    lazy_ = again_.lazy;
    a_.aluMemImm(kSub, false, warmUp, 1);
    uint8_t* ready = a_.jcc(kS);
    uint8_t* cold = a_.here();
    completeAll();
    a_.jmpTo(loop_);
    uint8_t* retreat = a_.here();
    a_.storeImm32(warmUp, kWarmUp);
    a_.jmpTo(cold);
    a_.bind(ready);
    plan_ = a_.here();
    a_.aluImm(kCmp, true, kBudgetReg, all);
    a_.jccTo(kB, retreat);
    bool bounded = false;
    for (uint32_t n = 0; n < streams_.size(); n++) {
        planStream(n, retreat);
        if (streams_[n].stride == 0) continue;
        if (bounded) {
            a_.load(rcx, rest);
            a_.alu(kCmp, true, rcx, rax);
            a_.cmov(kB, true, rax, rcx);
        }
        a_.store(rest, rax);
        bounded = true;
    }
    if (!bounded) return a_.storeImm(rest, 0);
    // The budget for as many passes and one, if there is as much.
    a_.load(rax, rest);
    a_.aluImm(kAdd, true, rax, 1);
    a_.movImmKeepFlags(rcx, static_cast<uint64_t>(all));
    a_.imul(true, rax, rcx);
    a_.alu(kCmp, true, rax, kBudgetReg);
    a_.cmov(kA, true, rax, kBudgetReg);
    a_.alu(kSub, true, kBudgetReg, rax);
    a_.store(rest, kBudgetReg);
    a_.mov(kBudgetReg, rax);
}

/// One stream's page for the chunk; in rax how many passes after the next one stay in it, unless all do.
void Run::planStream(uint32_t n, const uint8_t* retreat) {
    const Stream& s = streams_[n];
    const int32_t span = s.high - s.low;
    get(rax, s.a);
    if (s.b != 0) aluX(kAdd, true, rax, s.b);
    if (s.low != 0) a_.aluImm(kAdd, true, rax, s.low);
    a_.patch(comparePage(rax, span, s.isStore, s.way), retreat);
    a_.store(addendOf(n), rcx);
    if (s.host != kNoReg) a_.mov(s.host, rcx);
    if (s.stride == 0) return;
    const auto step = static_cast<uint32_t>(std::abs(s.stride));
    if (s.stride > 0) {
        a_.movImmKeepFlags(rax, static_cast<uint64_t>(4096 - span));
        a_.alu(kSub, false, rax, rdx);
    } else {
        a_.mov32(rax, rdx);
    }
    // Exact for what is divided here, which is below 4096.
    a_.movImmKeepFlags(rcx, ((1u << 24) + step - 1) / step);
    a_.imul(true, rax, rcx);
    a_.shiftImm(kShr, true, rax, 24);
}

}  // namespace nodevisor::jit
