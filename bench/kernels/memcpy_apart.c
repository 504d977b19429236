/* Copies between buffers exactly 16 MiB apart: addresses that collide in a direct-mapped translation cache. */
#include "kernel.h"

enum { APART = 16 << 20, BYTES = 8 << 20 };

uint64_t work(void) {
    uint8_t *raw = malloc(3 * APART);
    uint8_t *a = (uint8_t *)(((uintptr_t)raw + 4095) & ~(uintptr_t)4095), *b = a + APART;
    for (int i = 0; i < BYTES; i++) a[i] = (uint8_t)(i * 7);
    uint64_t sum = 0;
    for (int round = 0; round < 60; round++) {
        uint64_t *to = (uint64_t *)b;
        const uint64_t *from = (const uint64_t *)a;
        for (int i = 0; i < BYTES / 8; i++) {
            sum += to[i] ^ from[i];
            to[i] = from[i];
        }
        a[round * 4096] ^= (uint8_t)sum;
    }
    return fold(sum, b, BYTES / 16);
}
