/* Primes below 8 Mi, one byte a number, several rounds: stores at growing strides. */
#include "kernel.h"

enum { N = 8 << 20, ROUNDS = 4 };

uint64_t work(void) {
    uint8_t *composite = malloc(N);
    uint64_t sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        memset(composite, 0, N);
        for (uint32_t i = 2; i * i < N; i++) {
            if (composite[i]) continue;
            for (uint32_t j = i * i; j < N; j += i) composite[j] = 1;
        }
        for (uint32_t i = 2; i < N; i++) sum += composite[i] ? 0 : i;
    }
    return sum;
}
