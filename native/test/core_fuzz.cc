// libFuzzer: the input is a guest program; both tiers run it and must agree.

#include "world.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace nodevisor;
    static test::World interpreted({false, 0});
    static test::World translated({true, 1});
    if (!test::tiersAgree(interpreted, translated, data, size)) std::abort();
    return 0;
}
