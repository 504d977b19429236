/* Fast Fourier transforms of 16 Ki complex doubles, there and back. The twiddle factors come from rotation, not from libm,
 * so that the checksum is the same everywhere. */
#include "kernel.h"

enum { N = 1 << 14 };
static double re[N], im[N];

static void fft(int inverse) {
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            double t = re[i]; re[i] = re[j]; re[j] = t;
            t = im[i]; im[i] = im[j]; im[j] = t;
        }
    }
    double c = -1, s = 0; /* cos and sin of pi, halved each stage by the half-angle formulas */
    for (int size = 2; size <= N; size <<= 1) {
        int half = size / 2;
        double wr = 1, wi = 0, sign = inverse ? 1 : -1;
        for (int k = 0; k < half; k++) {
            for (int i = k; i < N; i += size) {
                double tr = wr * re[i + half] - wi * im[i + half], ti = wr * im[i + half] + wi * re[i + half];
                re[i + half] = re[i] - tr; im[i + half] = im[i] - ti;
                re[i] += tr; im[i] += ti;
            }
            double t = wr * c - wi * s * sign;
            wi = wr * s * sign + wi * c;
            wr = t;
        }
        double next = __builtin_sqrt((1 + c) / 2);
        s = size == 2 ? 1 : s / (2 * next);
        c = next;
    }
}

uint64_t work(void) {
    uint32_t seed = 29;
    for (int i = 0; i < N; i++) re[i] = next_random(&seed) * 0x1p-32;
    for (int round = 0; round < 50; round++) {
        fft(0);
        fft(1);
        for (int i = 0; i < N; i++) { re[i] /= N; im[i] /= N; }
    }
    return fold(fold(FOLD_START, re, sizeof re), im, sizeof im);
}
