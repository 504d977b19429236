/* An LZ77-style compressor with a hash of four bytes, and its decompressor. */
#include "kernel.h"

enum { BYTES = 2 << 20, HASH = 1 << 15 };

static uint32_t four(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }

static size_t compress(const uint8_t *in, size_t n, uint8_t *out) {
    static uint32_t table[HASH];
    memset(table, 0, sizeof table);
    size_t at = 0, o = 0, literal = 0;
    while (at + 8 < n) {
        uint32_t h = four(in + at) * 2654435761u >> 17, candidate = table[h];
        table[h] = (uint32_t)at;
        if (candidate < at && at - candidate < 65535 && four(in + candidate) == four(in + at)) {
            size_t length = 4;
            while (at + length < n - 4 && length < 255 && in[candidate + length] == in[at + length]) length++;
            size_t run = at - literal;
            while (run > 255) { out[o++] = 255; out[o++] = 0; memcpy(out + o, in + at - run, 255); o += 255; run -= 255; }
            out[o++] = (uint8_t)run;
            out[o++] = (uint8_t)length;
            memcpy(out + o, in + at - run, run);
            o += run;
            out[o++] = (uint8_t)(at - candidate);
            out[o++] = (uint8_t)((at - candidate) >> 8);
            at += length;
            literal = at;
        } else {
            at++;
        }
    }
    return o;
}

static size_t expand(const uint8_t *in, size_t n, uint8_t *out) {
    size_t i = 0, o = 0;
    while (i < n) {
        size_t run = in[i++], length = in[i++];
        memcpy(out + o, in + i, run);
        i += run;
        o += run;
        if (!length) continue;
        size_t distance = in[i] | (size_t)in[i + 1] << 8;
        i += 2;
        for (size_t k = 0; k < length; k++, o++) out[o] = out[o - distance];
    }
    return o;
}

uint64_t work(void) {
    uint8_t *in = malloc(BYTES), *packed = malloc(2 * BYTES), *out = malloc(2 * BYTES);
    uint32_t seed = 9;
    for (size_t i = 0; i < BYTES;) {
        size_t back = i > 5000 ? 1 + next_random(&seed) % 5000 : 0, n = 3 + next_random(&seed) % 20;
        for (size_t k = 0; k < n && i < BYTES; k++, i++) in[i] = back ? in[i - back] : (uint8_t)next_random(&seed);
        if (i < BYTES) in[i++] = (uint8_t)next_random(&seed);
    }
    uint64_t sum = FOLD_START;
    for (int round = 0; round < 8; round++) {
        size_t n = compress(in, BYTES, packed), m = expand(packed, n, out);
        if (memcmp(in, out, m)) return 0;
        sum = fold(sum, &n, sizeof n);
        in[round * 1000] ^= 1;
    }
    return fold(sum, out, 65536);
}
