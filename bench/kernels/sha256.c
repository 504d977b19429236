/* SHA-256 (FIPS 180-4) of 16 MiB. */
#include "kernel.h"

enum { BYTES = 16 << 20 };

static uint32_t k[64];

static uint32_t rotr(uint32_t v, int n) { return v >> n | v << (32 - n); }

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes, by integer bisection. */
static void constants(void) {
    int count = 0;
    for (uint32_t p = 2; count < 64; p++) {
        int prime = 1;
        for (uint32_t d = 2; d * d <= p; d++) prime &= p % d != 0;
        if (!prime) continue;
        unsigned __int128 target = (unsigned __int128)p << 96;
        uint64_t root = 0;
        for (int bit = 35; bit >= 0; bit--) {
            uint64_t trial = root | (uint64_t)1 << bit;
            if ((unsigned __int128)trial * trial * trial <= target) root = trial;
        }
        k[count++] = (uint32_t)root;
    }
}

static void block(uint32_t h[8], const uint8_t *data) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)data[4 * i] << 24 | data[4 * i + 1] << 16 | data[4 * i + 2] << 8 | data[4 * i + 3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], hh = h[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = hh + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        hh = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += hh;
}

uint64_t work(void) {
    constants();
    uint8_t *data = malloc(BYTES);
    uint32_t seed = 7;
    for (int i = 0; i < BYTES; i++) data[i] = (uint8_t)next_random(&seed);
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int at = 0; at < BYTES; at += 64) block(h, data + at);
    return fold(FOLD_START, h, sizeof h);
}
