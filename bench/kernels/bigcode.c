/* Six hundred functions called in a shuffled order: code that fits no small cache of translations. */
#include "kernel.h"

#define F(n)                                                                                 \
    __attribute__((noinline)) static uint64_t f##n(uint64_t a, uint64_t b) {                 \
        a += (n) * 0x9e3779b97f4a7c15u;                                                      \
        if (a & 1) b ^= a >> ((n) % 31 + 1);                                                 \
        else b += a * ((n) | 1);                                                             \
        for (uint64_t i = 0; i < (n) % 5; i++) a = (a << 7 | a >> 57) ^ (b + i);             \
        if ((a ^ b) & ((n) % 7 + 1)) a -= b; else a ^= b << 3;                               \
        return a * 3 + b;                                                                    \
    }
#define F10(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define F100(n) F10(n##0) F10(n##1) F10(n##2) F10(n##3) F10(n##4) F10(n##5) F10(n##6) F10(n##7) F10(n##8) F10(n##9)
F100(1) F100(2) F100(3) F100(4) F100(5) F100(6)

#define P(n) f##n,
#define P10(n) P(n##0) P(n##1) P(n##2) P(n##3) P(n##4) P(n##5) P(n##6) P(n##7) P(n##8) P(n##9)
#define P100(n) P10(n##0) P10(n##1) P10(n##2) P10(n##3) P10(n##4) P10(n##5) P10(n##6) P10(n##7) P10(n##8) P10(n##9)
static uint64_t (*const table[])(uint64_t, uint64_t) = {P100(1) P100(2) P100(3) P100(4) P100(5) P100(6)};

uint64_t work(void) {
    uint64_t a = 1, b = 2;
    uint32_t seed = 31;
    for (int n = 0; n < 12000000; n++) {
        uint64_t r = table[next_random(&seed) % (sizeof table / sizeof *table)](a, b);
        a = b;
        b = r;
    }
    return a ^ b;
}
