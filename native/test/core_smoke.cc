// Runs the core without Node: a known program on both tiers, then pseudo-random ones, compared tier against tier, the
// second one with much and with little room for its code. Says on its first line whether there is a second one.

#include <cstdio>

#include "world.h"

using namespace nodevisor;
using namespace nodevisor::test;

namespace {

/// sum of 1 … 100 in a0 (li a0,0; li a1,100; 1: add a0,a0,a1; addi a1,a1,-1; bnez a1,1b; 2: j 2b).
constexpr uint32_t kSum[] = {0x00000513, 0x06400593, 0x00b50533, 0xfff58593, 0xfe059ce3, 0x0000006f};

int failures = 0;

void check(bool ok, const char* what) {
    if (ok) return;
    std::fprintf(stderr, "core_smoke: %s\n", what);
    failures++;
}

/// Bytes that are instructions more often than chance would have it.
void randomProgram(uint64_t seed, uint8_t* out, size_t size) {
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    const auto next = [&state] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    };
    for (size_t at = 0; at + 4 <= size; at += 4) {
        const InsnInfo& insn = kInsns[1 + next() % (kInsnCount - 1)];
        uint32_t raw = static_cast<uint32_t>(next());
        if (next() % 16) raw = (raw & ~insn.mask) | insn.match;
        std::memcpy(out + at, &raw, 4);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t programs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000;
    World interpreted({false, 0});
    World translated({true, 1});
    // So little room for translated code that it is given up every few programs.
    World cramped({true, 1, 320 << 10});
    std::printf("core_smoke: %s\n", translated.hart().translates() ? "both tiers" : "the interpreter tier alone");
    check(translated.hart().translates() == cramped.hart().translates(), "one of two worlds has no translator");
    for (World* world : {&interpreted, &translated, &cramped}) {
        world->load(reinterpret_cast<const uint8_t*>(kSum), sizeof kSum);
        check(world->hart().run(1000) == stop::kBudget, "the sum did not use its budget up");
        check(world->x(10) == 5050, "the sum is wrong");
        check(world->get(layout::hart::retired) == 1000, "instructions were miscounted");
    }
    uint8_t program[1024];
    for (uint64_t seed = 0; seed < programs; seed++) {
        randomProgram(seed, program, sizeof program);
        if (tiersAgree(interpreted, translated, program, sizeof program) &&
            tiersAgree(interpreted, cramped, program, sizeof program)) {
            continue;
        }
        std::fprintf(stderr, "core_smoke: the tiers differ on program %llu\n", static_cast<unsigned long long>(seed));
        failures++;
    }
    return failures ? 1 : 0;
}
