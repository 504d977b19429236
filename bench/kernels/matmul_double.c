/* Product of two 256 x 256 matrices of doubles. */
#include "kernel.h"

enum { N = 256, ROUNDS = 12 };
static double a[N][N], b[N][N], c[N][N];

uint64_t work(void) {
    uint32_t seed = 1;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = next_random(&seed) * 0x1p-32;
            b[i][j] = next_random(&seed) * 0x1p-32;
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        }
        a[round][round] += c[round][0] * 0x1p-20;
    }
    return fold(FOLD_START, c, sizeof c);
}
