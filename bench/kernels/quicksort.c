/* Sorts 2 Mi random integers. */
#include "kernel.h"

enum { N = 2 << 20 };

static void sort(int32_t *v, long lo, long hi) {
    while (lo < hi) {
        int32_t pivot = v[lo + (hi - lo) / 2];
        long i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i <= j) {
                int32_t t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (j - lo < hi - i) {
            sort(v, lo, j);
            lo = i;
        } else {
            sort(v, i, hi);
            hi = j;
        }
    }
}

uint64_t work(void) {
    int32_t *v = malloc(N * sizeof *v);
    uint32_t seed = 3;
    for (int i = 0; i < N; i++) v[i] = (int32_t)next_random(&seed);
    sort(v, 0, N - 1);
    return fold(FOLD_START, v, N * sizeof *v);
}
