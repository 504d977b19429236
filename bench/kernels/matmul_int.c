/* Product of two 256 x 256 matrices of 32-bit integers, the plain triple loop. */
#include "kernel.h"

enum { N = 256, ROUNDS = 40 };
static int32_t a[N][N], b[N][N], c[N][N];

uint64_t work(void) {
    uint32_t seed = 1;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (int32_t)next_random(&seed);
            b[i][j] = (int32_t)next_random(&seed);
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                uint32_t sum = 0;
                for (int k = 0; k < N; k++) sum += (uint32_t)a[i][k] * (uint32_t)b[k][j];
                c[i][j] = (int32_t)sum;
            }
        }
        a[round % N][round % N] ^= c[round % N][0];
    }
    return fold(FOLD_START, c, sizeof c);
}
