/* Copies and fills of many sizes and alignments. */
#include "kernel.h"

enum { BYTES = 1 << 20 };

uint64_t work(void) {
    uint8_t *a = malloc(BYTES + 64), *b = malloc(BYTES + 64);
    for (int i = 0; i < BYTES + 64; i++) a[i] = (uint8_t)(i * 7);
    for (int round = 0; round < 800; round++) {
        memcpy(b + round % 8, a + (round >> 3) % 8, BYTES - 16);
        memset(a + round % 16, round, 4096 * (round % 64));
        for (int n = 0; n < 2000; n++) memcpy(b + n * 64, a + n * 128 + n % 8, (size_t)(n % 200));
        __asm__ volatile("" ::: "memory");
    }
    return fold(FOLD_START, b, BYTES);
}
