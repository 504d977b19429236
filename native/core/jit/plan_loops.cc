// Runs that jump back to their own beginning. Such a loop has registers of its own: what it uses most lives in the host's,
// whatever lives there elsewhere; every way out puts things back. After some passes through the code that any run gets, it
// goes through a second copy that starts with what is known at the end of a pass, and whose accesses that step through
// memory look nothing up: how many passes stay inside their pages is reckoned ahead, for a chunk of passes at a time.

#include <algorithm>
#include <cstdlib>

#include "plan.h"

namespace nodevisor::jit {

namespace {

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

void Plan::findStreams() {
    Linear values[32];
    for (uint8_t r = 0; r < 32; r++) values[r] = {true, r, 0, 0};
    std::vector<Linear> addresses(steps.size(), Linear{});
    for (uint32_t i = 0; i < steps.size(); i++) {
        const Decoded& d = steps[i].insn;
        const MemoryKind kind = info(d).memory;
        if (kind == MemoryKind::load || kind == MemoryKind::store) addresses[i] = plus(values[d.rs1], d.imm);
        if (writesX(d) && d.rd != 0) values[d.rd] = steps[i].followed ? Linear{} : resultOf(d, values);
    }
    streamOf.assign(steps.size(), kNoStream);
    for (uint32_t i = 0; i < steps.size(); i++) {
        const Linear& at = addresses[i];
        if (!at.known || at.a == 0) continue;
        // What the registers of the address gain with every pass.
        const Linear& a = values[at.a];
        const Linear& b = values[at.b];
        if (!a.known || a.a != at.a || a.b != 0 || !b.known || b.a != at.b || b.b != 0) continue;
        const int32_t stride = a.c + b.c;
        if (std::abs(stride) <= kStrideMax) streamOf[i] = streamFor(i, at.a, at.b, at.c, stride);
    }
}

/// The stream that step i's access belongs to, from x[a] + x[b] + offset on.
uint32_t Plan::streamFor(uint32_t i, uint8_t a, uint8_t b, int32_t offset, int32_t stride) {
    const InsnInfo& insn = info(steps[i].insn);
    const bool isStore = insn.memory == MemoryKind::store;
    const int32_t end = offset + insn.memoryBytes;
    for (uint32_t n = 0; n < streams.size(); n++) {
        Stream& s = streams[n];
        if (s.a != a || s.b != b || s.isStore != isStore) continue;
        const int32_t low = std::min(s.low, offset);
        const int32_t high = std::max(s.high, end);
        if (high - low > kSpanMax) continue;
        s.low = low;
        s.high = high;
        s.members++;
        return n;
    }
    if (streams.size() == kStreams) return kNoStream;
    streams.push_back({a, b, isStore, wayOf(steps[i].insn.rs1), offset, end, stride, 1, kNoHome});
    return static_cast<uint32_t>(streams.size() - 1);
}

/// Gives the host registers to the guest registers and pages that the loop uses most.
void Plan::chooseHomes(std::span<const Home> usual) {
    struct Candidate {
        uint32_t worth;
        /// A guest register, or 32 + a stream.
        uint32_t what;
    };
    uint32_t uses[32] = {};
    for (const Step& s : steps) {
        if (has(s.insn, kReadsX1)) uses[s.insn.rs1]++;
        if (has(s.insn, kReadsX2)) uses[s.insn.rs2]++;
        if (writesX(s.insn)) uses[s.insn.rd]++;
    }
    std::vector<Candidate> candidates;
    for (uint32_t r = 1; r < 32; r++) {
        if (homes[r] != kNoHome && uses[r] > 0) candidates.push_back({uses[r] + kStay, r});
        else if (homes[r] == kNoHome && uses[r] > 1) candidates.push_back({uses[r], r});
    }
    for (uint32_t n = 0; n < streams.size(); n++) candidates.push_back({streams[n].members, 32 + n});
    std::stable_sort(candidates.begin(), candidates.end(), [](const auto& x, const auto& y) { return x.worth > y.worth; });
    if (candidates.size() > usual.size()) candidates.resize(usual.size());

    std::vector<Home> free;
    for (const auto& h : usual) {
        const bool stays = std::any_of(candidates.begin(), candidates.end(), [&](const auto& c) { return c.what == h.guest; });
        if (!stays) free.push_back(h);
    }
    for (const Candidate& c : candidates) {
        if (c.what < 32 && homes[c.what] != kNoHome) continue;
        const Home h = free.back();
        free.pop_back();
        homes[h.guest] = kNoHome;
        if (c.what < 32) homes[c.what] = h.host;
        else streams[c.what - 32].host = h.host;
        swaps.push_back({h.host, h.guest, c.what});
    }
}

}  // namespace nodevisor::jit
